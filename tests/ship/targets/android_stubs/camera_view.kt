package androidx.camera.view

import android.content.Context
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.lifecycle.LifecycleOwner
import java.util.concurrent.Executor

abstract class CameraController {
    var cameraSelector: CameraSelector = TODO()

    fun setEnabledUseCases(enabledUseCases: Int) = Unit

    fun setImageAnalysisBackpressureStrategy(strategy: Int) = Unit

    fun setImageAnalysisOutputImageFormat(imageAnalysisOutputImageFormat: Int) = Unit

    fun setImageAnalysisAnalyzer(executor: Executor, analyzer: ImageAnalysis.Analyzer) = Unit

    fun clearImageAnalysisAnalyzer() = Unit

    companion object {
        const val IMAGE_ANALYSIS = 2
    }
}

class LifecycleCameraController(context: Context) : CameraController() {
    fun bindToLifecycle(lifecycleOwner: LifecycleOwner) = Unit

    fun unbind() = Unit
}

class PreviewView(context: Context) : android.widget.FrameLayout(context) {
    enum class ScaleType { FILL_CENTER, FIT_CENTER }

    var controller: CameraController? = null
    var scaleType = ScaleType.FILL_CENTER
}
