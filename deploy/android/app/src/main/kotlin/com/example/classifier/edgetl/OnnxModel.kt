package com.example.classifier.edgetl

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An ONNX file on ONNX Runtime. */
internal class OnnxModel(file: ByteBuffer, threads: Int) : Model {
    private val environment = OrtEnvironment.getEnvironment()
    private val session: OrtSession
    private val name: String
    private val shape: LongArray
    private val type: OnnxJavaType

    init {
        OrtSession.SessionOptions().use { options ->
            options.setIntraOpNumThreads(threads)
            options.addConfigEntry("session.x64quantprecision", "1") // emulators: x86 without VNNI saturates sums otherwise
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
}
