package org.tensorflow.lite

import java.nio.ByteBuffer

enum class DataType { FLOAT32, UINT8 }

interface Tensor {
    fun dataType(): DataType

    fun numBytes(): Int

    fun numElements(): Int
}

class Interpreter(byteBuffer: ByteBuffer, options: Options) : AutoCloseable {
    class Options {
        fun setNumThreads(numThreads: Int): Options = this
    }

    fun getInputTensor(inputIndex: Int): Tensor = TODO()

    fun getOutputTensor(outputIndex: Int): Tensor = TODO()

    fun run(input: Any, output: Any) = Unit

    override fun close() = Unit
}
