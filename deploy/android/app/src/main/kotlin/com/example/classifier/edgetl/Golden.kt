package com.example.classifier.edgetl

import org.json.JSONArray

/** The golden images of a folder, and what the validated model predicts for them. */
internal class Golden(private val bundle: Bundle, folder: String = EVERY_BUILD) {
    private val json = bundle.json("$folder/golden.json")
    private val imageBytes = bundle.input.bytes
    private val tolerance = json.getJSONObject("tolerance").let { Tolerance(it.getDouble("max_steps"), it.getDouble("mean_steps")) }
    val pixels = bundle.files.read("$folder/pixels.bin")
    val resized = bundle.files.read("$folder/resized.bin")
    val mosaic = json.getJSONObject("mosaic")
    val wanted = json.getJSONObject("predictions").getJSONArray(bundle.model).list { getJSONArray(it).doubles() }
    val top1 = json.getJSONObject("top1_class_names").getJSONArray(bundle.model).strings()

    /** The names of the classes that each image shows. */
    val decided = json.optJSONObject("present_class_names")?.optJSONArray(bundle.model)?.list { getJSONArray(it).strings() }
        ?: top1.map(::listOf) // a bundle of an older edgetl, without thresholds

    /** What a model gives for the golden images. Throws SelfTestException. */
    fun predictions(model: Model): List<DoubleArray> = wanted.indices.map { image ->
        val found = model.probabilities(image(image))
        if (found.size != bundle.classNames.size) {
            throw SelfTestException("the model gives ${found.size} probabilities for ${bundle.classNames.size} classes")
        }
        found.doubles()
    }

    fun deviation(found: List<DoubleArray>) = Deviation.of(found, wanted, tolerance)

    /** Median of one prediction, without resizing. */
    fun latencyMs(model: Model): Double = List(RUNS) { run ->
        val image = image(run % wanted.size)
        val begun = System.nanoTime()
        model.probabilities(image)
        (System.nanoTime() - begun) / 1e6
    }.sorted()[RUNS / 2]

    private fun image(number: Int) = pixels.copyOfRange(number * imageBytes, (number + 1) * imageBytes)

    private fun <T> JSONArray.list(read: JSONArray.(Int) -> T) = List(length()) { read(it) }

    companion object {
        const val EVERY_BUILD = "golden"
        private const val DEBUG = "golden_test" // real images, which no release has
        private const val RUNS = 15 // after the golden images have warmed it up

        fun all(bundle: Bundle) = listOf(EVERY_BUILD, DEBUG).filter { "$it/golden.json" in bundle.files.names() }.map { Golden(bundle, it) }
    }
}
