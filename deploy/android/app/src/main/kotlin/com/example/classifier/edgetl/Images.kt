package com.example.classifier.edgetl

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.net.Uri
import androidx.exifinterface.media.ExifInterface
import java.io.IOException

private const val MOST_PIXELS = 32_000_000L // 128 MB of memory; a larger image is halved while it is decoded

/** Decodes an image and turns it upright by its EXIF data. Throws IOException, or SecurityException where reading is not allowed. */
fun readImage(resolver: ContentResolver, uri: Uri): Bitmap {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    open(resolver, uri).use { BitmapFactory.decodeStream(it, null, bounds) }
    val options = BitmapFactory.Options()
    options.inSampleSize = 1
    while (bounds.outWidth.toLong() * bounds.outHeight > MOST_PIXELS * options.inSampleSize * options.inSampleSize) {
        options.inSampleSize *= 2
    }
    val image = open(resolver, uri).use { BitmapFactory.decodeStream(it, null, options) } ?: throw IOException("$uri is not an image")
    val exif = open(resolver, uri).use { ExifInterface(it) }
    val turned = Matrix()
    if (exif.isFlipped) turned.setScale(-1f, 1f)
    turned.postRotate(exif.rotationDegrees.toFloat())
    return image.transformed(turned)
}

internal fun Bitmap.turned(degrees: Int): Bitmap = transformed(Matrix().apply { setRotate(degrees.toFloat()) })

/** Quarter turns and mirrors move pixels and change none. */
private fun Bitmap.transformed(matrix: Matrix): Bitmap =
    if (matrix.isIdentity) this else Bitmap.createBitmap(this, 0, 0, width, height, matrix, false)

private fun open(resolver: ContentResolver, uri: Uri) = resolver.openInputStream(uri) ?: throw IOException("$uri cannot be opened")
