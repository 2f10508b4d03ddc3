package ai.onnxruntime

import ai.onnxruntime.providers.NNAPIFlags
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.util.EnumSet

enum class OnnxJavaType { FLOAT, UINT8 }

enum class OrtProvider { CPU, NNAPI, QNN, XNNPACK }

interface ValueInfo

class TensorInfo : ValueInfo {
    @JvmField val type: OnnxJavaType = TODO()
    val shape: LongArray = TODO()
}

class NodeInfo {
    val info: ValueInfo = TODO()
}

interface OnnxValue : AutoCloseable {
    override fun close()
}

class OnnxTensor : OnnxValue {
    val info: TensorInfo = TODO()
    val byteBuffer: ByteBuffer = TODO()
    val floatBuffer: FloatBuffer = TODO()

    override fun close() = Unit

    companion object {
        @JvmStatic
        fun createTensor(env: OrtEnvironment, data: ByteBuffer, shape: LongArray, type: OnnxJavaType): OnnxTensor = TODO()
    }
}

class OrtEnvironment private constructor() : AutoCloseable {
    fun createSession(modelBuffer: ByteBuffer, options: OrtSession.SessionOptions): OrtSession = TODO()

    override fun close() = Unit

    companion object {
        @JvmStatic fun getEnvironment(): OrtEnvironment = TODO()

        @JvmStatic fun getAvailableProviders(): EnumSet<OrtProvider> = TODO()
    }
}

class OrtSession private constructor() : AutoCloseable {
    val inputNames: Set<String> = TODO()
    val inputInfo: Map<String, NodeInfo> = TODO()

    fun run(inputs: Map<String, OnnxTensor>): Result = TODO()

    override fun close() = Unit

    class SessionOptions : AutoCloseable {
        fun setIntraOpNumThreads(numThreads: Int) = Unit

        fun addConfigEntry(configKey: String, configValue: String) = Unit

        fun addNnapi(flags: EnumSet<NNAPIFlags>) = Unit

        fun addXnnpack(providerOptions: Map<String, String>) = Unit

        fun addQnn(providerOptions: Map<String, String>) = Unit

        override fun close() = Unit
    }

    class Result : AutoCloseable {
        fun get(index: Int): OnnxValue = TODO()

        override fun close() = Unit
    }
}
