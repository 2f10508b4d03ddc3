package com.example.classifier.edgetl

import com.example.classifier.framed
import java.io.File
import java.nio.ByteBuffer
import kotlin.system.exitProcess
import org.json.JSONArray
import org.json.JSONObject

/**
 * Runs on a desktop what the app has without Android: `FOLDER self-test STEPS`, or `FOLDER resize WIDTH HEIGHT INPUT < ARGB > PIXELS`, INPUT as
 * in contract.json, or `MODEL tensors`, or `TABLE rule`, or `FRAMES smooth`, or `- framed WIDTH HEIGHT RATIO beside|above`, or `FOLDER choose MEMORY KEY again|start NAME=WHAT...`: accelerators that do WHAT.
 */
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
    if (arguments[1] == "tensors") {
        val tensors = TfliteTensors(ByteBuffer.wrap(File(arguments[0]).readBytes()))
        return println("${tensors.takesFloats} ${tensors.givesFloats}")
    }
    if (arguments[1] == "smooth") return smooth(JSONArray(File(arguments[0]).readText()))
    if (arguments[1] == "framed") {
        val (width, height) = arguments.drop(2).take(2).map(String::toIntOrNull)
        return println(framed(width, height, arguments[4].toFloat(), arguments[5] == "beside"))
    }
    if (arguments[1] == "rule") return rule(JSONArray(File(arguments[0]).readText()))
    val bundle = Bundle(Folder(File(arguments[0])))
    if (arguments[1] == "choose") return choose(bundle, arguments.drop(2))
    try {
        println(SelfTest.run(bundle, Replay(bundle, arguments[2].toFloat())))
    } catch (error: SelfTestException) {
        println(error.message)
        exitProcess(7)
    }
}

/** Prints the average after each frame of probabilities. */
private fun smooth(frames: JSONArray) {
    val smoothing = Smoothing()
    repeat(frames.length()) { println(smoothing.mean(frames.getJSONArray(it).doubles().map(Double::toFloat).toFloatArray()).joinToString(" ")) }
}

/** Prints the rows and the name of the fastest, null where none passes, of each case in a table of what was measured. */
private fun rule(table: JSONArray) {
    for (number in 0 until table.length()) {
        val measured = table.getJSONObject(number).getJSONArray("measured")
        val trials = List(measured.length()) { measured.getJSONObject(it) }.map { one ->
            val deviation = Deviation(one.optInt("images"), one.optDouble("max_steps"), 0.0, one.optInt("differ")).takeUnless { one.has("missing") }
            Trial(one.getString("name"), one.optDouble("ms"), deviation, one.optString("missing"))
        }
        println(JSONArray(trials.map(Trial::text)).put(Trial.ranked(trials).firstOrNull()?.name ?: JSONObject.NULL))
    }
}

/** Prints what became of each accelerator, then the one that was kept, and whether they were tried. */
private fun choose(bundle: Bundle, arguments: List<String>) {
    val candidates = arguments.drop(3).map { it.split("=") }.map { (name, what) -> Candidate(name) { accelerator(bundle, what) } }
    val choice = Accelerators({ Golden(bundle) }, candidates, File(arguments[0]), arguments[1])
    choice.open(again = arguments[2] == "again").close()
    choice.rows.forEach(::println)
    println("${choice.name} ${choice.fresh}")
}

/** `missing`, `library`: cannot be opened; `end`: ends the app; `STEPS,MS,IMAGES`: a prediction takes MS and the first IMAGES are upside down. */
private fun accelerator(bundle: Bundle, what: String): Model {
    if (what == "missing") throw IllegalStateException("no such chip\nat line 9")
    if (what == "library") throw UnsatisfiedLinkError("libGpu.so")
    if (what == "end") exitProcess(9)
    val (steps, ms, images) = what.split(",")
    return Replay(bundle, steps.toFloat(), ms.toLong(), images.toInt())
}

private class Folder(private val root: File) : Files {
    override fun names() = root.walk().filter(File::isFile).map { it.relativeTo(root).invariantSeparatorsPath }.toList()

    override fun read(name: String) = File(root, name).readBytes()
}

/** Gives the golden predictions for golden images alone: each value some steps of 1/256 off, those of the `wrong` first images upside down. */
private class Replay(private val bundle: Bundle, private val steps: Float, private val ms: Long = 0, private val wrong: Int = 0) : Model {
    private val known = Golden.all(bundle).flatMap { set ->
        val size = set.pixels.size / set.wanted.size
        set.wanted.mapIndexed { at, row -> set.pixels.copyOfRange(at * size, (at + 1) * size) to row }
    }

    override fun probabilities(pixels: ByteArray): FloatArray {
        val image = known.indexOfFirst { it.first.contentEquals(pixels) }
        Thread.sleep(ms)
        val found = known[image].second.map { it.toFloat() + steps / 256 }
        return found.map { if (image < wrong) 1 - it else it }.toFloatArray()
    }

    override fun close() = Unit
}
