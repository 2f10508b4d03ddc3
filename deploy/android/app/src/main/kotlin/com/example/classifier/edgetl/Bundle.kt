package com.example.classifier.edgetl

import org.json.JSONArray
import org.json.JSONObject

/** The files of the bundle, by name. */
internal interface Files {
    fun names(): List<String>

    fun read(name: String): ByteArray
}

/** The model's name, its input contract and its labels. */
internal class Bundle(val files: Files) {
    val choice = json("app.json")
    val manifest = json("manifest.json")
    val model: String = choice.getString("model")
    val size: Int = manifest.getJSONObject("contract").getInt("image_size")
    val labels: List<String> = manifest.getJSONObject("contract").getJSONArray("class_names").strings()

    fun json(name: String) = JSONObject(files.read(name).decodeToString())
}

/** Gives the probabilities of raw RGB pixels, size * size * 3 bytes. */
internal interface Model : AutoCloseable {
    fun probabilities(pixels: ByteArray): FloatArray
}

internal fun JSONArray.strings() = List(length()) { getString(it) }

internal fun JSONArray.doubles() = DoubleArray(length()) { getDouble(it) }
