package com.example.classifier.edgetl

import java.util.Locale
import kotlin.math.abs
import kotlin.math.ceil

/** How far predictions may be from the golden ones, in steps of 1/256: at most, and on average. */
data class Tolerance(val maxSteps: Double, val meanSteps: Double) {
    /** Written so that NaN fails. */
    fun holds(largest: Double, mean: Double) = largest <= maxSteps && mean <= meanSteps
}

/** How far predictions are from the golden ones, in steps of 1/256; `differing` images are beyond the tolerance, 0 where it holds. */
data class Deviation(val images: Int, val maxSteps: Double, val meanSteps: Double, val differing: Int) {
    companion object {
        fun of(found: List<DoubleArray>, wanted: List<DoubleArray>, tolerance: Tolerance): Deviation {
            val steps = found.zip(wanted) { one, other -> DoubleArray(other.size) { abs(one[it] - other[it]) * 256 } }
            val all = steps.flatMap(DoubleArray::asList)
            val (largest, mean) = all.max() to all.average()
            val beyond = if (tolerance.holds(largest, mean)) 0 else steps.count { !tolerance.holds(it.max(), it.average()) }.coerceAtLeast(1)
            return Deviation(steps.size, largest, mean, beyond)
        }
    }
}

/**
 * What became of the model on one accelerator, or the CPU: how long a prediction takes and how far it is from the golden ones, or the
 * reason why there is none. The rule and its words are those of the web, iOS and Linux apps.
 */
data class Trial(val name: String, val latencyMs: Double = 0.0, val deviation: Deviation? = null, val reason: String = "") {
    val passed: Boolean get() = deviation?.differing == 0

    val text: String
        get() = when {
            deviation == null -> "$name: not available ($reason)"
            !passed -> "$name: refused, ${deviation.differing} of ${deviation.images} differ"
            deviation.maxSteps < ROUNDED_STEPS -> "%s: %.1f ms, identical".format(Locale.ROOT, name, latencyMs)
            else -> "%s: %.1f ms, within %d of 256 steps".format(Locale.ROOT, name, latencyMs, ceil(deviation.maxSteps - ROUNDED_STEPS).toInt())
        }

    companion object {
        private const val ROUNDED_STEPS = 0.01 // golden predictions have six decimals

        /** Those that give the golden predictions, the fastest first; of equal ones the first. */
        fun ranked(trials: List<Trial>): List<Trial> = trials.filter(Trial::passed).sortedBy(Trial::latencyMs)
    }
}
