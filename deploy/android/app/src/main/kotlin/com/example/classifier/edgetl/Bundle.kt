package com.example.classifier.edgetl

import org.json.JSONArray
import org.json.JSONObject

/** The files of the bundle, by name. */
internal interface Files {
    fun names(): List<String>

    fun read(name: String): ByteArray
}

/** The model's name, its input contract, its class names, and from which probability on each counts as present. */
internal class Bundle(val files: Files) {
    val choice = json("app.json")
    val manifest = json("manifest.json")
    val model: String = choice.getString("model")
    private val contract = manifest.getJSONObject("contract")
    val input = Input(contract.getJSONObject("input"))
    private val output = contract.getJSONObject("output")
    val classNames: List<String> = output.getJSONArray("class_names").strings()

    /** Whether an image may show several classes, or none. */
    val several = output.getString("task") == "multi-label"

    /** The larger of the rejection's threshold and the class's own; half, less half a step, of several classes without thresholds. */
    private val presentFrom: DoubleArray = run {
        val least = output.optJSONObject("rejection")?.getDouble("threshold") ?: 0.0
        val own = output.optJSONObject("thresholds")?.getJSONArray("per_class")?.doubles()
        DoubleArray(classNames.size) { maxOf(least, own?.get(it) ?: if (several) EVEN else 0.0) }
    }

    /**
     * The names of the classes that an image shows: of several all that reach their thresholds, else its most probable one where it does, or
     * none.
     */
    fun present(probabilities: DoubleArray): List<String> {
        if (several) return classNames.filterIndexed { index, _ -> probabilities[index] >= presentFrom[index] }
        val best = probabilities.indices.maxBy { probabilities[it] }
        return if (probabilities[best] >= presentFrom[best]) listOf(classNames[best]) else emptyList()
    }

    fun json(name: String) = JSONObject(files.read(name).decodeToString())

    private companion object {
        const val EVEN = 0.5 - 1.0 / 512
    }
}

/** What the model takes: its size in pixels, one channel or three, and whether images are cropped or stretched to its proportions. */
internal class Input(val height: Int, val width: Int, val channels: Int, val stretches: Boolean) {
    constructor(json: JSONObject) : this(
        json.getInt("height"),
        json.getInt("width"),
        if (json.getString("channels") == "gray") 1 else 3,
        json.getString("crop") == "none",
    )

    val bytes: Int get() = height * width * channels

    /** Width and height of the part of an image that is taken, around its centre. */
    fun part(width: Int, height: Int): Pair<Double, Double> {
        val (wide, high) = width.toDouble() to height.toDouble()
        if (stretches) return wide to high
        return minOf(wide, high * this.width / this.height) to minOf(high, wide * this.height / this.width)
    }
}

/** Gives the probabilities of raw pixels, height * width * channels bytes. */
internal interface Model : AutoCloseable {
    fun probabilities(pixels: ByteArray): FloatArray
}

internal fun JSONArray.strings() = List(length()) { getString(it) }

internal fun FloatArray.doubles() = DoubleArray(size) { this[it].toDouble() }

internal fun JSONArray.doubles() = DoubleArray(length()) { getDouble(it) }
