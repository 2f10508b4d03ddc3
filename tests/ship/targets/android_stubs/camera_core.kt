package androidx.camera.core

import android.graphics.Bitmap

class CameraSelector private constructor() {
    companion object {
        @JvmField val DEFAULT_FRONT_CAMERA = CameraSelector()
    }
}

class ImageAnalysis private constructor() {
    fun interface Analyzer {
        fun analyze(image: ImageProxy)
    }

    companion object {
        const val STRATEGY_KEEP_ONLY_LATEST = 0
        const val OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2
    }
}

interface ImageProxy : AutoCloseable {
    val imageInfo: ImageInfo

    fun toBitmap(): Bitmap

    override fun close()
}

interface ImageInfo {
    val rotationDegrees: Int
}
