import Foundation
import OnnxRuntimeBindings

/// An ONNX file in ONNX Runtime, on the processor.
final class RuntimeModel: Model {
    static let runtime = "onnxruntime"
    private let environment: ORTEnv
    private let session: ORTSession
    private let contract: Contract
    private let input: Elements

    init(path: URL, contract: Contract, precision: String, threads: Int) throws {
        environment = try ORTEnv(loggingLevel: .warning)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(Int32(threads))
        // In the simulator of an Intel Mac sums saturate otherwise.
        try options.addConfigEntry(withKey: "session.x64quantprecision", value: "1")
        session = try ORTSession(env: environment, modelPath: path.path, sessionOptions: options)
        self.contract = contract
        input = precision.hasPrefix("int8") ? .uint8 : .float32
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
