import Foundation
import OnnxRuntimeBindings

/// An ONNX file in ONNX Runtime, on one of its execution providers for Apple (1.24: objectivec/include of github.com/microsoft/onnxruntime).
final class RuntimeModel: Model {
    static let runtime = "onnxruntime"
    /// What a provider does not take runs on the CPU without a word, so that Core ML is first asked for alone.
    static let accelerators = ["CPU", "XNNPACK and CPU", "Core ML", "Core ML and CPU"]
    private let environment: ORTEnv
    private let session: ORTSession
    private let contract: Contract
    private let input: Elements

    init(path: URL, contract: Contract, plan: Plan) throws {
        environment = try ORTEnv(loggingLevel: .warning)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(Int32(plan.threads))
        // In the simulator of an Intel Mac sums saturate otherwise.
        try options.addConfigEntry(withKey: "session.x64quantprecision", value: "1")
        try Self.provide(plan, in: options)
        session = try ORTSession(env: environment, modelPath: path.path, sessionOptions: options)
        self.contract = contract
        input = plan.precision.hasPrefix("int8") ? .uint8 : .float32
    }

    private static func provide(_ plan: Plan, in options: ORTSessionOptions) throws {
        switch plan.accelerator {
        case "XNNPACK and CPU":
            let own = ORTXnnpackExecutionProviderOptions()
            own.intra_op_num_threads = Int32(plan.threads)
            try options.appendXnnpackExecutionProvider(with: own)
        case "Core ML", "Core ML and CPU":
            guard ORTIsCoreMLExecutionProviderAvailable() else {
                throw ClassifierError("not in this package of ONNX Runtime")
            }
            if plan.accelerator == "Core ML" {
                try options.addConfigEntry(withKey: "session.disable_cpu_ep_fallback", value: "1")
            }
            try options.appendCoreMLExecutionProvider(withOptionsV2: ["ModelFormat": "MLProgram", "MLComputeUnits": "ALL"])
        default: break
        }
    }

    func run(_ pixels: [UInt8]) throws -> [Float] {
        let shape = [1, contract.imageHeight, contract.imageWidth, contract.channels].map { NSNumber(value: $0) }
        let kind: ORTTensorElementDataType = input == .uint8 ? .uInt8 : .float
        let image = try ORTValue(tensorData: NSMutableData(data: input.input(pixels)), elementType: kind, shape: shape)
        let predictions = try session.run(withInputs: [contract.input.name: image], outputNames: [contract.output.name], runOptions: nil)
        guard let prediction = predictions[contract.output.name] else {
            throw ClassifierError("The model has no output '\(contract.output.name)'.")
        }
        let output: Elements = try prediction.tensorTypeAndShapeInfo().elementType == .uInt8 ? .uint8 : .float32
        return try Data(referencing: prediction.tensorData()).withUnsafeBytes(output.probabilities)
    }
}
