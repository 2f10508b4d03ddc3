package com.example.classifier.edgetl

import android.content.Context
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A TFLite file on an accelerator, by LiteRT's CompiledModel (2.2.0: litert/kotlin of github.com/google-ai-edge/LiteRT, tag v2.2.0). */
internal class LiteRtModel(private val compiled: CompiledModel, private val tensors: TfliteTensors) : Model {
    private val inputs = compiled.createInputBuffers()
    private val outputs = compiled.createOutputBuffers()

    override fun probabilities(pixels: ByteArray): FloatArray {
        if (tensors.takesFloats) {
            inputs[0].writeFloat(FloatArray(pixels.size) { (pixels[it].toInt() and 0xFF).toFloat() })
        } else {
            inputs[0].writeInt8(pixels) // bytes as they are: there is no name for uint8
        }
        compiled.run(inputs, outputs)
        if (tensors.givesFloats) return outputs[0].readFloat()
        val bytes = outputs[0].readInt8()
        return FloatArray(bytes.size) { (bytes[it].toInt() and 0xFF) / 256f }
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        compiled.close()
    }

    companion object {
        /** LiteRT compiles for the GPU alone, or refuses; beside an NPU it puts the CPU, for operators that this does not have. */
        fun candidates(context: Context, name: String, threads: List<Int>): List<Candidate> {
            val tensors by lazy { TfliteTensors(mapped(context.assets, name)) }
            // One for all models, as long as the process. An NPU needs its maker's libraries in the app.
            val environment by lazy { Environment.create(context, BuiltinNpuAcceleratorProvider(context)) }
            fun open(accelerator: Accelerator, count: Int): Model {
                check(accelerator == Accelerator.CPU || accelerator in environment.getAvailableAccelerators()) { "this phone has none for LiteRT" }
                val options = CompiledModel.Options(accelerator)
                if (accelerator != Accelerator.GPU) options.cpuOptions = CompiledModel.CpuOptions(numThreads = count)
                return LiteRtModel(CompiledModel.create(context.assets, "$FOLDER/$name", options, environment), tensors)
            }
            return Candidate.cpu(threads) { open(Accelerator.CPU, it) } +
                Candidate("GPU") { open(Accelerator.GPU, 1) } +
                Candidate("NPU and CPU") { open(Accelerator.NPU, threads.last()) }
        }
    }
}

/** Whether a TFLite file takes and gives float32 or uint8, read in its flatbuffer: LiteRT's Kotlin API has no name for uint8. */
internal class TfliteTensors(file: ByteBuffer) {
    private val bytes = file.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    private val graph = element(vector(follow(0), SUBGRAPHS), 0)
    val takesFloats = type(INPUTS) == FLOAT32
    val givesFloats = type(OUTPUTS) == FLOAT32

    private fun type(ends: Int): Int {
        val number = bytes.getInt(vector(graph, ends) + Int.SIZE_BYTES)
        val field = field(element(vector(graph, TENSORS), number), TYPE)
        return if (field == 0) FLOAT32 else bytes.get(field).toInt()
    }

    private fun follow(at: Int) = at + bytes.getInt(at)

    /** Where a table's field is; 0 where it has its default. */
    private fun field(table: Int, number: Int): Int {
        val fields = table - bytes.getInt(table)
        val entry = 2 * Short.SIZE_BYTES + Short.SIZE_BYTES * number
        val offset = if (entry < bytes.getShort(fields)) bytes.getShort(fields + entry).toInt() else 0
        return if (offset == 0) 0 else table + offset
    }

    private fun vector(table: Int, number: Int) = follow(field(table, number))

    private fun element(vector: Int, number: Int) = follow(vector + Int.SIZE_BYTES * (1 + number))

    private companion object {
        const val SUBGRAPHS = 2 // fields in the order of TFLite's schema
        const val TENSORS = 0
        const val INPUTS = 1
        const val OUTPUTS = 2
        const val TYPE = 1
        const val FLOAT32 = 0
    }
}
