#if EDGETL_WITHOUT_RUNTIME
#error("LiteRT is not here yet. Once, in the folder EdgetlClassifier: sh get-runtime.sh; then in Xcode: File, Packages, Reset Package Caches.")
#else
import Foundation
import TensorFlowLiteC
import TensorFlowLiteCCoreML
import TensorFlowLiteCMetal

/// A TFLite file in LiteRT: on XNNPACK's kernels, which also run what a delegate before them does not take. Delegates of TensorFlowLiteC
/// 2.17.0: coreml_delegate.h and metal_delegate.h.
final class RuntimeModel: Model {
    static let runtime = "litert"
    static let accelerators = ["CPU", "GPU and CPU", "Neural Engine and CPU"]
    private let model: OpaquePointer
    private let accelerator: Delegate?
    private let kernels: Delegate?
    private let interpreter: OpaquePointer

    init(path: URL, contract: Contract, plan: Plan) throws {
        accelerator = try Self.delegate(plan)
        guard let model = TfLiteModelCreateFromFile(path.path) else {
            throw ClassifierError("LiteRT cannot read \(path.lastPathComponent).")
        }
        let options = TfLiteInterpreterOptionsCreate()
        defer { TfLiteInterpreterOptionsDelete(options) }
        TfLiteInterpreterOptionsSetNumThreads(options, Int32(plan.threads))
        // By name, since the golden predictions are of these kernels and the plain ones round otherwise.
        var own = TfLiteXNNPackDelegateOptionsDefault()
        own.num_threads = Int32(plan.threads)
        kernels = Delegate(TfLiteXNNPackDelegateCreate(&own), delete: TfLiteXNNPackDelegateDelete)
        for delegate in [accelerator, kernels] {
            if let delegate { TfLiteInterpreterOptionsAddDelegate(options, delegate.pointer) }
        }
        guard let interpreter = TfLiteInterpreterCreate(model, options), TfLiteInterpreterAllocateTensors(interpreter) == kTfLiteOk else {
            throw ClassifierError("LiteRT cannot run \(path.lastPathComponent).")
        }
        self.model = model
        self.interpreter = interpreter
    }

    deinit {
        TfLiteInterpreterDelete(interpreter)  // its delegates go after it
        TfLiteModelDelete(model)
    }

    private static func delegate(_ plan: Plan) throws -> Delegate? {
        switch plan.accelerator {
        case "GPU and CPU":
            var options = TFLGpuDelegateOptionsDefault()
            return try available(Delegate(TFLGpuDelegateCreate(&options), delete: TFLGpuDelegateDelete))
        case "Neural Engine and CPU":
            guard plan.precision.hasPrefix("float") else {
                throw ClassifierError("LiteRT's Core ML delegate takes numbers, and no integers")
            }
            var options = TfLiteCoreMlDelegateOptions()
            options.enabled_devices = TfLiteCoreMlDelegateDevicesWithNeuralEngine
            options.min_nodes_per_partition = 2  // its default; 0 partitions are all
            return try available(Delegate(TfLiteCoreMlDelegateCreate(&options), delete: TfLiteCoreMlDelegateDelete))
        default: return nil
        }
    }

    private static func available(_ delegate: Delegate?) throws -> Delegate {
        guard let delegate else { throw ClassifierError("this device has none for LiteRT") }
        return delegate
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

/// A delegate of LiteRT, deleted with the last reference to it.
private final class Delegate {
    let pointer: UnsafeMutablePointer<TfLiteDelegate>
    private let delete: (UnsafeMutablePointer<TfLiteDelegate>?) -> Void

    init?(_ pointer: UnsafeMutablePointer<TfLiteDelegate>?, delete: @escaping (UnsafeMutablePointer<TfLiteDelegate>?) -> Void) {
        guard let pointer else { return nil }
        self.pointer = pointer
        self.delete = delete
    }

    deinit {
        delete(pointer)
    }
}
#endif
