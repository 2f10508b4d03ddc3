import Foundation

/// What went wrong, in words for people.
public struct ClassifierError: LocalizedError, Equatable, Sendable {
    public let errorDescription: String?

    init(_ problem: String) {
        errorDescription = problem
    }
}

/// The model, and how an image becomes its input.
///
///     let classifier = try EdgetlClassifier()
///     let prediction = try classifier.classify(Pixels(data: photo))
///
/// It may be called from any thread, and works on the one that calls: use another than the main one.
public final class EdgetlClassifier: @unchecked Sendable {  // a lock guards the runtime, all else is constant
    /// A class with its probability.
    public struct ClassProbability: Identifiable, Equatable, Sendable {
        /// The number of the output.
        public let id: Int
        public let className: String
        public let probability: Double
    }

    /// The best classes, the best first, and how long they took, with cropping and resizing.
    public struct Prediction: Equatable, Sendable {
        /// Of several classes all that the image shows, or guesses where it shows none of them.
        public let best: [ClassProbability]
        /// The names of the classes that the image shows: none where the model is not sure.
        public let present: [String]
        /// Whether an image may show several classes, or none.
        public let several: Bool
        public let latencyMs: Double
    }

    /// What the model is called.
    public let name: String
    public let version: String
    public let contract: Contract
    let folder: URL
    let choice: Choice
    let manifest: Manifest
    private let model: RuntimeModel
    private let lock = NSLock()

    /// - Parameters:
    ///   - folder: with the model, manifest.json and the golden predictions; nil: the one in this package.
    ///   - threads: of the runtime.
    public init(folder: URL? = nil, threads: Int = 2) throws {
        guard let folder = folder ?? Bundle.module.url(forResource: "model", withExtension: nil) else {
            throw ClassifierError("The app was built without its model.")
        }
        self.folder = folder
        let decoder = JSONDecoder()
        choice = try decoder.decode(Choice.self, from: Data(contentsOf: folder.appendingPathComponent("app.json")))
        manifest = try decoder.decode(Manifest.self, from: Data(contentsOf: folder.appendingPathComponent("manifest.json")))
        guard choice.runtime == RuntimeModel.runtime, let facts = manifest.models[choice.model] else {
            throw ClassifierError("The model \(choice.model) is for \(choice.runtime), this app runs \(RuntimeModel.runtime).")
        }
        name = manifest.name
        version = manifest.version
        contract = manifest.contract
        let path = folder.appendingPathComponent(choice.model)
        model = try RuntimeModel(path: path, contract: contract, precision: facts.precision, threads: threads)
    }

    /// The best classes of an upright image of any size.
    public func classify(_ image: Pixels, top: Int = 3) throws -> Prediction {
        let begun = ContinuousClock.now
        let probabilities = try probabilities(pixels(image))
        let latency = ContinuousClock.now - begun
        let order = probabilities.indices.sorted { (-probabilities[$0], $0) < (-probabilities[$1], $1) }
        let reached = contract.reached(probabilities.map(Double.init))
        let shown = contract.several && !reached.isEmpty ? order.filter(reached.contains) : Array(order.prefix(top))
        let best = shown.map { ClassProbability(id: $0, className: contract.classNames[$0], probability: Double(probabilities[$0])) }
        let present = reached.map { contract.classNames[$0] }
        return Prediction(best: best, present: present, several: contract.several, latencyMs: latency / .milliseconds(1))
    }

    /// The part of an upright image that the model takes, at its size, by the filter that the model was trained with.
    public func pixels(_ image: Pixels) -> Pixels {
        Resampler.resized(image, to: contract.input)
    }

    /// One for each class, of an image at the model's size.
    public func probabilities(_ pixels: Pixels) throws -> [Float] {
        precondition(pixels.width == contract.imageWidth && pixels.height == contract.imageHeight, "the image is not of the model's size")
        let found = try lock.withLock { try model.run(contract.bytes(pixels)) }
        guard found.count == contract.classNames.count, found.allSatisfy(\.isFinite) else {
            throw ClassifierError("The model gives \(found.count) predictions, and \(contract.classNames.count) probabilities were expected.")
        }
        return found
    }
}
