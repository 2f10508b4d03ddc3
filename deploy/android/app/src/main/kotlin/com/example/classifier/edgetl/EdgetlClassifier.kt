package com.example.classifier.edgetl

import android.content.Context
import android.content.res.AssetManager
import android.graphics.Bitmap
import android.os.Build
import java.io.File
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** A class and how probable it is, 0 to 1. */
data class ClassProbability(val className: String, val probability: Float)

/**
 * The best classes, the best first; the names of those that the image shows, none where the model is not sure; and how long turning,
 * cropping, resizing and the model took together. Of a model that knows several classes at once, `best` are all that the image shows, or
 * guesses where it shows none of them. `accelerator` is where the model ran.
 */
data class Classification(val best: List<ClassProbability>, val present: List<String>, val latencyMs: Double, val accelerator: String)

/**
 * The model in the app's assets, and how an image becomes its input. At the first start it times the accelerators of the phone and
 * keeps the fastest that gives the golden predictions, which takes seconds; the CPU is tried with each number of `threads`. Safe to use
 * from several threads, one image at a time; not from the main one.
 */
class EdgetlClassifier(context: Context, threads: List<Int> = listOf(1, 2)) : AutoCloseable {
    private val bundle = Bundle(Assets(context.assets))
    private val golden by lazy { Golden(bundle) }
    private val proof = Accelerators(
        { golden },
        LiteRtModel.candidates(context, bundle.model, threads),
        File(context.noBackupFilesDir, "edgetl-accelerators.json"),
        key(context),
    )
    private var model: Model = proof.open()

    /** What became of each accelerator, such as "GPU: 2.1 ms, identical". */
    val accelerators: List<String> @Synchronized get() = proof.rows

    /** Whether the accelerators were timed by this object, and not at an earlier start. */
    val timed: Boolean @Synchronized get() = proof.fresh

    /** Width of the model's input over its height: the proportions of what is cropped from an image. */
    val aspectRatio: Float = bundle.input.width.toFloat() / bundle.input.height

    /** Whether nothing is cropped, and images are stretched to these proportions. */
    val stretches: Boolean = bundle.input.stretches

    /** Whether an image may show several classes, or none. */
    val several: Boolean = bundle.several

    /** An image is upright after a turn by `rotationDegrees` (0, 90, 180 or 270) clockwise. `smoothing`: of the stream that it is a frame of. */
    @Synchronized
    fun classify(image: Bitmap, rotationDegrees: Int = 0, top: Int = 3, smoothing: Smoothing? = null): Classification {
        val begun = System.nanoTime()
        val found = model.probabilities(pixels(image.turned(rotationDegrees)))
        val probabilities = smoothing?.mean(found) ?: found
        val latencyMs = (System.nanoTime() - begun) / 1e6
        val present = bundle.present(probabilities.doubles())
        val ranked = probabilities.indices.sortedByDescending { probabilities[it] }
        val all = several && present.isNotEmpty()
        val shown = if (all) ranked.filter { bundle.classNames[it] in present } else ranked.take(top)
        val best = shown.map { ClassProbability(bundle.classNames[it], probabilities[it]) }
        return Classification(best, present, latencyMs, proof.name)
    }

    /** Times the accelerators again, and goes on with the one that is kept now. */
    @Synchronized
    fun timeAccelerators() {
        model.close()
        model = proof.open(again = true)
    }

    /** Proves that this phone runs the validated model. Throws SelfTestException. */
    @Synchronized
    fun selfTest(): SelfTestReport = SelfTest.run(bundle, model)

    @Synchronized
    override fun close() = model.close()

    /** What the model takes of an image, at its size. */
    private fun pixels(image: Bitmap): ByteArray {
        val readable = if (image.config == Bitmap.Config.ARGB_8888) image else image.copy(Bitmap.Config.ARGB_8888, false)
        return Resampler.resized(readable.width, readable.height, bundle.input) { y, argb ->
            readable.getPixels(argb, 0, readable.width, 0, y, readable.width, 1)
        }
    }

    /** Of the model, the system and this app, which brings the runtime: after a change of any of them all are timed again. */
    private fun key(context: Context): String {
        val installed = context.packageManager.getPackageInfo(context.packageName, 0).lastUpdateTime
        return "${bundle.model} ${bundle.choice.getString("manifest_sha256")} ${Build.FINGERPRINT} $installed"
    }
}

internal const val FOLDER = "edgetl" // in the app's assets

/** A model's file without a copy, which needs it stored uncompressed: androidResources.noCompress in build.gradle. */
internal fun mapped(assets: AssetManager, name: String): ByteBuffer =
    assets.openFd("$FOLDER/$name").use { part ->
        FileInputStream(part.fileDescriptor).channel.map(FileChannel.MapMode.READ_ONLY, part.startOffset, part.declaredLength)
    }

private class Assets(private val assets: AssetManager) : Files {
    override fun names() = below("")

    override fun read(name: String) = assets.open("$FOLDER/$name").use { it.readBytes() }

    private fun below(name: String): List<String> {
        val inside = assets.list("$FOLDER/$name".trimEnd('/')).orEmpty()
        return if (inside.isEmpty()) listOf(name) else inside.flatMap { below("$name/$it".trimStart('/')) }
    }
}
