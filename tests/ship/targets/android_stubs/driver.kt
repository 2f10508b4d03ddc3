package com.example.classifier.edgetl

import java.io.File
import kotlin.system.exitProcess
import org.json.JSONObject

/** Runs on a desktop what the app has without Android: `FOLDER self-test STEPS`, or `FOLDER resize WIDTH HEIGHT INPUT < ARGB > PIXELS`, INPUT as in contract.json. */
fun main(arguments: Array<String>) {
    if (arguments[1] == "resize") {
        val (width, height) = arguments.drop(2).take(2).map(String::toInt)
        val argb = System.`in`.readBytes()
        System.out.write(
            Resampler.resized(width, height, Input(JSONObject(arguments[4]))) { y, row ->
                for (x in row.indices) row[x] = (0..3).fold(0) { sum, byte -> (sum shl 8) or (argb[(y * width + x) * 4 + byte].toInt() and 0xFF) }
            },
        )
        System.out.flush()
        return
    }
    val bundle = Bundle(Folder(File(arguments[0])))
    try {
        println(SelfTest(bundle, Replay(bundle, arguments[2].toFloat())).run())
    } catch (error: SelfTestException) {
        println(error.message)
        exitProcess(7)
    }
}

private class Folder(private val root: File) : Files {
    override fun names() = root.walk().filter(File::isFile).map { it.relativeTo(root).invariantSeparatorsPath }.toList()

    override fun read(name: String) = File(root, name).readBytes()
}

/** Gives the golden predictions, each value some steps of 1/256 off, for golden images alone. */
private class Replay(private val bundle: Bundle, private val steps: Float) : Model {
    private val pixels = bundle.files.read("golden/pixels.bin")

    override fun probabilities(pixels: ByteArray): FloatArray {
        val image = (0 until this.pixels.size / pixels.size).first {
            this.pixels.copyOfRange(it * pixels.size, (it + 1) * pixels.size).contentEquals(pixels)
        }
        val predictions = bundle.json("golden/golden.json").getJSONObject("predictions").getJSONArray(bundle.model)
        return predictions.getJSONArray(image).doubles().map { it.toFloat() + steps / 256 }.toFloatArray()
    }

    override fun close() = Unit
}
