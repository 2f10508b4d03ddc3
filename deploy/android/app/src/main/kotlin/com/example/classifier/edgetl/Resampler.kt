package com.example.classifier.edgetl

import kotlin.math.abs

/** Rows of an image's pixels, each 0xAARRGGBB and not premultiplied. */
internal fun interface Rows {
    fun read(y: Int, argb: IntArray)
}

/**
 * An image's central square at the model's size, as Pillow makes it: a triangle filter whose support grows with the reduction, first
 * across and then down, in fixed point, with 8 bits a value between the two. The platform's own scaling is not antialiased.
 */
internal object Resampler {
    /** Raw RGB, size * size * 3 bytes, row by row; transparency is flattened onto white. */
    fun centralSquare(width: Int, height: Int, size: Int, rows: Rows): ByteArray {
        val side = minOf(width, height)
        val across = Filter(width, (width - side) / 2.0, side, size)
        val down = Filter(height, (height - side) / 2.0, side, size)
        val top = down.first[0]
        val bottom = down.first[size - 1] + down.weights[size - 1].size
        val argb = IntArray(width)
        val rgb = ByteArray(width * 3)
        val narrow = ByteArray((bottom - top) * size * 3)
        for (y in top until bottom) {
            rows.read(y, argb)
            flatten(argb, rgb)
            for (x in 0 until size) {
                across.sum(rgb, x, across.first[x] * 3, 3, narrow, ((y - top) * size + x) * 3)
            }
        }
        val square = ByteArray(size * size * 3)
        for (y in 0 until size) {
            for (x in 0 until size) {
                down.sum(narrow, y, ((down.first[y] - top) * size + x) * 3, size * 3, square, (y * size + x) * 3)
            }
        }
        return square
    }

    private fun flatten(argb: IntArray, rgb: ByteArray) {
        for (x in argb.indices) {
            val pixel = argb[x]
            val alpha = pixel ushr 24
            for (channel in 0..2) {
                val value = (pixel ushr (16 - 8 * channel)) and 0xFF
                rgb[x * 3 + channel] = ((value * alpha + 255 * (255 - alpha) + 127) / 255).toByte()
            }
        }
    }
}

/** For each of `size` outputs its first input of `length`, and the weights from there on, of a box at `start`, `side` inputs wide. */
private class Filter(length: Int, start: Double, side: Int, size: Int) {
    val first = IntArray(size)
    val weights: Array<IntArray>

    init {
        val scale = side.toDouble() / size
        val support = maxOf(scale, 1.0)
        weights = Array(size) { output ->
            val centre = start + (output + 0.5) * scale
            val begin = maxOf((centre - support + 0.5).toInt(), 0)
            val end = minOf((centre + support + 0.5).toInt(), length)
            first[output] = begin
            val shares = DoubleArray(end - begin) { maxOf(1.0 - abs((it + begin - centre + 0.5) / support), 0.0) }
            val sum = shares.sum()
            IntArray(shares.size) { (0.5 + shares[it] / sum * (1 shl BITS)).toInt() }
        }
    }

    /** One RGB pixel: inputs from `from` on, `step` bytes apart, weighted for an output, rounded half up. */
    fun sum(source: ByteArray, output: Int, from: Int, step: Int, target: ByteArray, to: Int) {
        val weight = weights[output]
        for (channel in 0..2) {
            var sum = 1 shl (BITS - 1)
            var index = from + channel
            for (one in weight) {
                sum += one * (source[index].toInt() and 0xFF)
                index += step
            }
            target[to + channel] = (sum shr BITS).coerceIn(0, 255).toByte()
        }
    }

    private companion object {
        const val BITS = 22 // 255 times a sum of weights of one fits into 31 bits
    }
}
