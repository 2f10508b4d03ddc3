package com.example.classifier.edgetl

/** Steadies what a camera shows, and delays it: an average of the probabilities over the last frames of one stream. */
class Smoothing {
    private val frames = ArrayDeque<FloatArray>()

    /** The mean of the probabilities and of those of the frames before; of these alone at the first. */
    internal fun mean(probabilities: FloatArray): FloatArray {
        frames.addLast(probabilities)
        if (frames.size > FRAMES) frames.removeFirst()
        return FloatArray(probabilities.size) { index -> (frames.sumOf { it[index].toDouble() } / frames.size).toFloat() }
    }

    companion object {
        const val FRAMES = 8 // less than a second of most cameras
    }
}
