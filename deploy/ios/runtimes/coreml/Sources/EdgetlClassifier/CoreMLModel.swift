import CoreML
import CoreVideo
import Foundation

/// A Core ML package: takes the image as an image, gives a dictionary of probabilities by class name.
final class RuntimeModel: Model {
    static let runtime = "coreml"
    /// Core ML always has the CPU for what the others do not take.
    private static let units: KeyValuePairs<String, MLComputeUnits> = [
        "CPU": .cpuOnly, "GPU and CPU": .cpuAndGPU, "Neural Engine and CPU": .cpuAndNeuralEngine, "Neural Engine, GPU and CPU": .all,
    ]
    static var accelerators: [String] { units.map(\.key) }
    private let model: MLModel
    private let contract: Contract
    private let output: String

    init(path: URL, contract: Contract, plan: Plan) throws {
        // Compiled on the device, so that the file in the app is the one whose hash the manifest gives.
        let files = FileManager.default, unpacked = files.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? files.removeItem(at: unpacked) }
        try StoredZip.unpack(path, to: unpacked)
        let package = unpacked.appendingPathComponent(path.deletingPathExtension().lastPathComponent)
        let compiled = try MLModel.compileModel(at: package)
        defer { try? files.removeItem(at: compiled) }
        let configuration = MLModelConfiguration()
        configuration.computeUnits = Self.units.first { $0.key == plan.accelerator }?.value ?? .cpuOnly
        model = try MLModel(contentsOf: compiled, configuration: configuration)
        let outputs = model.modelDescription.outputDescriptionsByName
        guard let output = outputs.first(where: { $0.value.type == .dictionary })?.key else {
            throw ClassifierError("The model gives no probabilities by class name.")
        }
        self.output = output
        self.contract = contract
    }

    func run(_ pixels: [UInt8]) throws -> [Float] {
        let image = MLFeatureValue(pixelBuffer: try frame(pixels))
        let features = try MLDictionaryFeatureProvider(dictionary: [contract.input.name: image])
        guard let shares = try model.prediction(from: features).featureValue(for: output)?.dictionaryValue else {
            throw ClassifierError("The model gives no probabilities by class name.")
        }
        return try contract.classNames.map { name in
            guard let share = shares[name] else { throw ClassifierError("The model does not know the class '\(name)'.") }
            return share.floatValue
        }
    }

    /// In 32BGRA, or a byte a pixel of a model that takes grey images.
    private func frame(_ pixels: [UInt8]) throws -> CVPixelBuffer {
        let (width, height, grey) = (contract.imageWidth, contract.imageHeight, contract.channels == 1)
        let kind = grey ? kCVPixelFormatType_OneComponent8 : kCVPixelFormatType_32BGRA
        var made: CVPixelBuffer?
        let status = CVPixelBufferCreate(kCFAllocatorDefault, width, height, kind, nil, &made)
        guard status == kCVReturnSuccess, let frame = made, CVPixelBufferLockBaseAddress(frame, []) == kCVReturnSuccess else {
            throw ClassifierError("There is no memory for an image.")
        }
        defer { CVPixelBufferUnlockBaseAddress(frame, []) }
        guard let base = CVPixelBufferGetBaseAddress(frame)?.assumingMemoryBound(to: UInt8.self) else {
            throw ClassifierError("There is no memory for an image.")
        }
        let bytesPerRow = CVPixelBufferGetBytesPerRow(frame)
        for row in 0..<height {
            for column in 0..<width {
                if grey {
                    base[row * bytesPerRow + column] = pixels[row * width + column]
                    continue
                }
                let from = (row * width + column) * 3, to = row * bytesPerRow + column * 4
                base[to] = pixels[from + 2]
                base[to + 1] = pixels[from + 1]
                base[to + 2] = pixels[from]
                base[to + 3] = 255
            }
        }
        return frame
    }
}
