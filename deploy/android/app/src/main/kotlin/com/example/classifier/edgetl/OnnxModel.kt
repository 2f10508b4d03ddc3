package com.example.classifier.edgetl

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtProvider
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import ai.onnxruntime.providers.NNAPIFlags
import android.content.Context
import android.system.Os
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.EnumSet

/** An ONNX file on ONNX Runtime; `provide` asks for the execution provider that goes before the CPU's. */
internal class OnnxModel(file: ByteBuffer, threads: Int, provide: (OrtSession.SessionOptions) -> Unit) : Model {
    private val environment = OrtEnvironment.getEnvironment()
    private val session: OrtSession
    private val name: String
    private val shape: LongArray
    private val type: OnnxJavaType

    init {
        OrtSession.SessionOptions().use { options ->
            options.setIntraOpNumThreads(threads)
            options.addConfigEntry("session.x64quantprecision", "1") // emulators: x86 without VNNI saturates sums otherwise
            provide(options)
            session = environment.createSession(file, options)
        }
        name = session.inputNames.first()
        val info = session.inputInfo.getValue(name).info as TensorInfo
        shape = info.shape.also { it[0] = 1 } // one image, also where the batch is free
        type = info.type
    }

    override fun probabilities(pixels: ByteArray): FloatArray {
        val takesFloats = type == OnnxJavaType.FLOAT
        val input = ByteBuffer.allocateDirect(pixels.size * if (takesFloats) Float.SIZE_BYTES else 1).order(ByteOrder.nativeOrder())
        if (takesFloats) {
            for (pixel in pixels) input.putFloat((pixel.toInt() and 0xFF).toFloat())
        } else {
            input.put(pixels)
        }
        input.rewind()
        OnnxTensor.createTensor(environment, input, shape, type).use { tensor ->
            session.run(mapOf(name to tensor)).use { result ->
                val prediction = result.get(0) as OnnxTensor
                if (prediction.info.type == OnnxJavaType.UINT8) {
                    val bytes = prediction.byteBuffer
                    return FloatArray(bytes.remaining()) { (bytes.get().toInt() and 0xFF) / 256f }
                }
                val floats = prediction.floatBuffer
                return FloatArray(floats.remaining()) { floats.get() }
            }
        }
    }

    override fun close() = session.close() // the environment is the process's

    companion object {
        init {
            Os.setenv("ORT_DISABLE_TELEMETRY", "1", true) // from 1.29 on ONNX Runtime reports to its maker unless this precedes its loading
        }

        /**
         * The execution providers that phones have (1.30: java/src/main/java/ai/onnxruntime of github.com/microsoft/onnxruntime). What one
         * does not take runs on the CPU without a word, so that it is first asked for alone. QNN is in Qualcomm's package only.
         */
        fun candidates(context: Context, name: String, threads: List<Int>): List<Candidate> {
            val file by lazy { mapped(context.assets, name) }
            fun candidate(title: String, provider: OrtProvider, add: (OrtSession.SessionOptions) -> Unit) = Candidate(title) {
                check(provider in OrtEnvironment.getAvailableProviders()) { "not in this package of ONNX Runtime" }
                OnnxModel(file, threads.last(), add)
            }
            val nnapi = EnumSet.of(NNAPIFlags.CPU_DISABLED) // not by its own reference code
            val qnn = mapOf("backend_path" to "libQnnHtp.so")
            return Candidate.cpu(threads) { count -> OnnxModel(file, count) {} } + listOf(
                candidate("XNNPACK and CPU", OrtProvider.XNNPACK) { it.addXnnpack(mapOf("intra_op_num_threads" to "${threads.last()}")) },
                candidate("NNAPI", OrtProvider.NNAPI) { it.alone().addNnapi(nnapi) },
                candidate("NNAPI and CPU", OrtProvider.NNAPI) { it.addNnapi(nnapi) },
                candidate("QNN", OrtProvider.QNN) { it.alone().addQnn(qnn) },
                candidate("QNN and CPU", OrtProvider.QNN) { it.addQnn(qnn) },
            )
        }

        private fun OrtSession.SessionOptions.alone() = apply { addConfigEntry("session.disable_cpu_ep_fallback", "1") }
    }
}
