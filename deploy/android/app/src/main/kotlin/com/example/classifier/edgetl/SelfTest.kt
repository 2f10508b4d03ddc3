package com.example.classifier.edgetl

import java.security.MessageDigest
import kotlin.math.abs
import org.json.JSONObject

/** The model, its inputs or its class names are not what was validated. */
class SelfTestException(message: String) : Exception(message)

/**
 * How far this phone is from the golden predictions: in steps of 1/256, in images near a threshold that it decides otherwise, and of the
 * resized mosaic in levels of 255.
 */
data class SelfTestReport(
    val images: Int,
    val maxSteps: Double,
    val meanSteps: Double,
    val otherDecisions: Int,
    val resizeMaxLevels: Int,
) {
    internal fun with(other: SelfTestReport) = SelfTestReport(
        images + other.images,
        maxOf(maxSteps, other.maxSteps),
        maxOf(meanSteps, other.meanSteps),
        otherDecisions + other.otherDecisions,
        maxOf(resizeMaxLevels, other.resizeMaxLevels),
    )
}

/** Proves that files and predictions are the validated ones. */
internal class SelfTest(private val bundle: Bundle, private val golden: Golden) {
    private val pixels = golden.pixels
    private val imageBytes = bundle.input.bytes

    companion object {
        /** On all golden images that this build has. Throws SelfTestException. */
        fun run(bundle: Bundle, model: Model) = Golden.all(bundle).map { SelfTest(bundle, it).run(model) }.reduce(SelfTestReport::with)
    }

    private fun run(model: Model): SelfTestReport {
        checkFiles()
        val wanted = golden.wanted
        if (wanted.isEmpty() || pixels.size != wanted.size * imageBytes || wanted.any { it.size != bundle.classNames.size }) {
            throw SelfTestException("there are ${wanted.size} golden predictions and ${pixels.size} bytes of golden images")
        }
        if (wanted.map { row -> bundle.classNames.getOrNull(row.indices.maxBy { row[it] }) } != golden.top1) {
            throw SelfTestException("the class names are in another order than the model's outputs")
        }
        if (wanted.map(bundle::present) != golden.decided) {
            throw SelfTestException("the golden predictions are decided otherwise: these are not the thresholds of the validation")
        }
        val found = golden.predictions(model)
        val deviation = golden.deviation(found)
        val (largest, mean) = deviation.maxSteps to deviation.meanSteps
        if (deviation.differing > 0) {
            throw SelfTestException("the predictions are up to %.0f steps of 1/256 off, %.1f on average".format(largest, mean))
        }
        val otherDecisions = found.indices.count { bundle.present(found[it]) != golden.decided[it] }
        return SelfTestReport(wanted.size, largest, mean, otherDecisions, resizeMaxLevels())
    }

    private fun checkFiles() {
        val facts = bundle.manifest.getJSONObject("files")
        for (name in bundle.files.names().filter { it != "app.json" }) {
            val content = bundle.files.read(name)
            val wanted = if (name == "manifest.json") bundle.choice.getString("manifest_sha256") else facts.sha256(name)
            if (wanted != sha256(content)) {
                throw SelfTestException("$name was changed")
            }
        }
        if (bundle.files.read("labels.txt").decodeToString() != bundle.classNames.joinToString("") { "$it\n" }) {
            throw SelfTestException("labels.txt has other class names than manifest.json")
        }
    }

    private fun JSONObject.sha256(name: String) = optJSONObject(name)?.getString("sha256")

    private fun sha256(content: ByteArray) = MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }

    /** Crops and resizes the golden images in three rows, from the first again where they run out, cut below to a height. */
    private fun resizeMaxLevels(): Int {
        val mosaic = golden.mosaic
        val (columns, height) = mosaic.getInt("columns") to mosaic.getInt("height")
        val (input, count) = bundle.input to pixels.size / imageBytes
        val last = input.channels - 1 // of one channel, which then stands for red, green and blue
        val made = Resampler.resized(columns * input.width, height, input) { y, argb ->
            for (x in argb.indices) {
                val image = (y / input.height * columns + x / input.width) % count
                val at = image * imageBytes + (y % input.height * input.width + x % input.width) * input.channels
                argb[x] = (0xFF shl 24) or (byte(at) shl 16) or (byte(at + minOf(1, last)) shl 8) or byte(at + last)
            }
        }
        val resized = golden.resized
        val levels = made.indices.maxOf { abs((made[it].toInt() and 0xFF) - (resized[it].toInt() and 0xFF)) }
        if (levels > mosaic.getInt("max_steps")) {
            throw SelfTestException("cropping and resizing give other pixels, up to $levels levels off")
        }
        return levels
    }

    private fun byte(at: Int) = pixels[at].toInt() and 0xFF
}
