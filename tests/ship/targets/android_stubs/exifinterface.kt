package androidx.exifinterface.media

class ExifInterface(inputStream: java.io.InputStream) {
    val isFlipped: Boolean = TODO()
    val rotationDegrees: Int = TODO()
}
