package com.example.classifier.edgetl

import kotlin.math.abs

/** Rows of an image's pixels, each 0xAARRGGBB and not premultiplied. */
internal fun interface Rows {
    fun read(y: Int, argb: IntArray)
}

/**
 * What the model takes of an image, as Pillow makes it: a triangle filter whose support grows with the reduction, first across and then
 * down, in fixed point, with 8 bits a value between the two, and grey where the model takes it. The platform's own scaling is not antialiased.
 */
internal object Resampler {
    /** Raw pixels of the input, row by row; transparency is flattened onto white. */
    fun resized(width: Int, height: Int, input: Input, rows: Rows): ByteArray {
        val (wide, high) = input.part(width, height)
        val columns = input.width
        val across = Filter(width, (width - wide) / 2, wide, columns)
        val down = Filter(height, (height - high) / 2, high, input.height)
        val top = down.first[0]
        val bottom = down.first.last() + down.weights.last().size
        val argb = IntArray(width)
        val rgb = ByteArray(width * 3)
        val narrow = ByteArray((bottom - top) * columns * 3)
        for (y in top until bottom) {
            rows.read(y, argb)
            flatten(argb, rgb)
            for (x in 0 until columns) {
                across.sum(rgb, x, across.first[x] * 3, 3, narrow, ((y - top) * columns + x) * 3)
            }
        }
        val pixels = ByteArray(input.height * columns * 3)
        for (y in 0 until input.height) {
            for (x in 0 until columns) {
                down.sum(narrow, y, ((down.first[y] - top) * columns + x) * 3, columns * 3, pixels, (y * columns + x) * 3)
            }
        }
        return if (input.channels == 1) grey(pixels) else pixels
    }

    /** One byte of three, in Pillow's fixed point. */
    private fun grey(rgb: ByteArray) = ByteArray(rgb.size / 3) {
        val (red, green, blue) = List(3) { channel -> rgb[3 * it + channel].toInt() and 0xFF }
        ((19595 * red + 38470 * green + 7471 * blue + 0x8000) shr 16).toByte()
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
private class Filter(length: Int, start: Double, side: Double, size: Int) {
    val first = IntArray(size)
    val weights: Array<IntArray>

    init {
        val scale = side / size
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
