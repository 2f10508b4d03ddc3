package com.example.classifier.edgetl

import org.json.JSONArray
import org.json.JSONObject

/** The files of the bundle, by name. */
internal interface Files {
    fun names(): List<String>

    fun read(name: String): ByteArray
}

/** The model's name, its input contract and its class names. */
internal class Bundle(val files: Files) {
    val choice = json("app.json")
    val manifest = json("manifest.json")
    val model: String = choice.getString("model")
    private val contract = manifest.getJSONObject("contract")
    val size: Int = contract.getJSONObject("input").getInt("height") // the width too
    val classNames: List<String> = contract.getJSONObject("output").getJSONArray("class_names").strings()

    fun json(name: String) = JSONObject(files.read(name).decodeToString())
}

/** Gives the probabilities of raw RGB pixels, size * size * 3 bytes. */
internal interface Model : AutoCloseable {
    fun probabilities(pixels: ByteArray): FloatArray
}

internal fun JSONArray.strings() = List(length()) { getString(it) }

internal fun JSONArray.doubles() = DoubleArray(length()) { getDouble(it) }
