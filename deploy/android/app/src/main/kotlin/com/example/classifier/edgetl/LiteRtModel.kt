package com.example.classifier.edgetl

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter

/** A TFLite file on LiteRT. */
internal class LiteRtModel(file: ByteBuffer, threads: Int) : Model {
    private val interpreter = Interpreter(file, Interpreter.Options().setNumThreads(threads))
    private val takesFloats = interpreter.getInputTensor(0).dataType() == DataType.FLOAT32
    private val givesBytes = interpreter.getOutputTensor(0).dataType() == DataType.UINT8
    private val input = direct(interpreter.getInputTensor(0).numBytes())
    private val output = direct(interpreter.getOutputTensor(0).numBytes())
    private val classes = interpreter.getOutputTensor(0).numElements()

    override fun probabilities(pixels: ByteArray): FloatArray {
        input.rewind()
        if (takesFloats) {
            for (pixel in pixels) input.putFloat((pixel.toInt() and 0xFF).toFloat())
        } else {
            input.put(pixels)
        }
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
        output.rewind()
        return FloatArray(classes) { if (givesBytes) (output.get().toInt() and 0xFF) / 256f else output.getFloat() }
    }

    override fun close() = interpreter.close()

    private fun direct(bytes: Int) = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
}
