import Foundation
import TensorFlowLiteC

/// A TFLite file in LiteRT, on XNNPACK's kernels.
final class RuntimeModel: Model {
    static let runtime = "litert"
    private let model: OpaquePointer
    private let delegate: UnsafeMutablePointer<TfLiteDelegate>?
    private let interpreter: OpaquePointer

    init(path: URL, contract: Contract, precision: String, threads: Int) throws {
        guard let model = TfLiteModelCreateFromFile(path.path) else {
            throw ClassifierError("LiteRT cannot read \(path.lastPathComponent).")
        }
        let options = TfLiteInterpreterOptionsCreate()
        defer { TfLiteInterpreterOptionsDelete(options) }
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(threads))
        // By name, since the golden predictions are of these kernels and the plain ones round otherwise.
        var kernels = TfLiteXNNPackDelegateOptionsDefault()
        kernels.num_threads = Int32(threads)
        let delegate = TfLiteXNNPackDelegateCreate(&kernels)
        TfLiteInterpreterOptionsAddDelegate(options, delegate)
        guard let interpreter = TfLiteInterpreterCreate(model, options), TfLiteInterpreterAllocateTensors(interpreter) == kTfLiteOk else {
            throw ClassifierError("LiteRT cannot run \(path.lastPathComponent).")
        }
        self.model = model
        self.delegate = delegate
        self.interpreter = interpreter
    }

    deinit {
        TfLiteInterpreterDelete(interpreter)
        TfLiteXNNPackDelegateDelete(delegate)
        TfLiteModelDelete(model)
    }

    func run(_ pixels: [UInt8]) throws -> [Float] {
        let input = TfLiteInterpreterGetInputTensor(interpreter, 0)
        let data = try elements(TfLiteTensorType(input)).input(pixels)
        let copied = data.withUnsafeBytes { TfLiteTensorCopyFromBuffer(input, $0.baseAddress, $0.count) }
        guard copied == kTfLiteOk, TfLiteInterpreterInvoke(interpreter) == kTfLiteOk,
            let output = TfLiteInterpreterGetOutputTensor(interpreter, 0), let prediction = TfLiteTensorData(output)
        else {
            throw ClassifierError("LiteRT cannot run the model on this image.")
        }
        let bytes = UnsafeRawBufferPointer(start: prediction, count: TfLiteTensorByteSize(output))
        return try elements(TfLiteTensorType(output)).probabilities(bytes)
    }

    private func elements(_ type: TfLiteType) throws -> Elements {
        switch type {
        case kTfLiteUInt8: return .uint8
        case kTfLiteFloat32: return .float32
        default: throw ClassifierError("The model takes or gives numbers of another kind than uint8 and float32.")
        }
    }
}
