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
/// At the first start it times the accelerators of the device and keeps the fastest that gives the golden predictions, which takes seconds.
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
        /// Where the model ran.
        public let accelerator: String
    }

    /// What the model is called.
    public let name: String
    public let version: String
    public let contract: Contract
    let folder: URL
    let choice: Choice
    let manifest: Manifest
    private let proof: Accelerators<RuntimeModel>
    private var running: Accelerators<RuntimeModel>.Choice
    private let lock = NSLock()

    /// - Parameters:
    ///   - folder: with the model, manifest.json and the golden predictions; nil: the one in this package.
    ///   - threads: of the runtime.
    ///   - memory: the file that remembers the accelerator; nil: one in the app's caches.
    public init(folder: URL? = nil, threads: Int = 2, memory: URL? = nil) throws {
        guard let data = folder ?? Bundle.module.url(forResource: "model", withExtension: nil) else {
            throw ClassifierError("The app was built without its model.")
        }
        self.folder = data
        let decoder = JSONDecoder()
        choice = try decoder.decode(Choice.self, from: Data(contentsOf: data.appendingPathComponent("app.json")))
        manifest = try decoder.decode(Manifest.self, from: Data(contentsOf: data.appendingPathComponent("manifest.json")))
        guard choice.runtime == RuntimeModel.runtime, let facts = manifest.models[choice.model] else {
            throw ClassifierError("The model \(choice.model) is for \(choice.runtime), this app runs \(RuntimeModel.runtime).")
        }
        name = manifest.name
        version = manifest.version
        contract = manifest.contract
        let (contract, choice) = (contract, choice)  // not of self, which is not complete yet
        let path = data.appendingPathComponent(choice.model)
        proof = Accelerators(
            names: RuntimeModel.accelerators,
            open: { name in
                let plan = Plan(precision: facts.precision, threads: threads, accelerator: name)
                return try RuntimeModel(path: path, contract: contract, plan: plan)
            },
            measure: { try GoldenImages(images: data.appendingPathComponent("golden"), choice: choice, contract: contract).measured($0) },
            memory: memory ?? Self.memory,
            key: "\(choice.model) \(choice.manifestSha256) \(Self.system)")
        running = try proof.choose()
    }

    /// What became of each accelerator, such as "GPU and CPU: 2.1 ms, identical".
    public var accelerators: [String] { lock.withLock { running.rows } }

    /// Whether the accelerators were timed by this object, and not at an earlier start.
    public var timed: Bool { lock.withLock { running.isFresh } }

    /// Time the accelerators again, and go on with the one that is kept now.
    public func timeAccelerators() throws {
        try lock.withLock { running = try proof.choose(again: true) }
    }

    /// Not in a backup, which may come to another device.
    private static var memory: URL {
        let caches = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first ?? FileManager.default.temporaryDirectory
        try? FileManager.default.createDirectory(at: caches, withIntermediateDirectories: true)
        return caches.appendingPathComponent("edgetl-accelerators.json")
    }

    /// The system with its build, and the app's build, which brings the runtime: after a change of any of them all are timed again.
    private static var system: String {
        let build = Bundle.main.object(forInfoDictionaryKey: "CFBundleVersion") as? String ?? ""
        return "\(ProcessInfo.processInfo.operatingSystemVersionString) \(build)"
    }

    /// The best classes of an upright image of any size.
    public func classify(_ image: Pixels, top: Int = 3) throws -> Prediction {
        var alone = Smoothing()
        return try classify(image, top: top, smoothing: &alone)
    }

    /// The best classes of a frame of a stream, and of the average over its last frames.
    public func classify(_ frame: Pixels, top: Int = 3, smoothing: inout Smoothing) throws -> Prediction {
        let begun = ContinuousClock.now
        let (found, accelerator) = try predicted(pixels(frame))
        let probabilities = smoothing.mean(found)
        let latency = ContinuousClock.now - begun
        let order = probabilities.indices.sorted { (-probabilities[$0], $0) < (-probabilities[$1], $1) }
        let reached = contract.reached(probabilities.map(Double.init))
        let shown = contract.several && !reached.isEmpty ? order.filter(reached.contains) : Array(order.prefix(top))
        let best = shown.map { ClassProbability(id: $0, className: contract.classNames[$0], probability: Double(probabilities[$0])) }
        let present = reached.map { contract.classNames[$0] }
        return Prediction(
            best: best, present: present, several: contract.several, latencyMs: latency / .milliseconds(1), accelerator: accelerator)
    }

    /// The part of an upright image that the model takes, at its size, by the filter that the model was trained with.
    public func pixels(_ image: Pixels) -> Pixels {
        Resampler.resized(image, to: contract.input)
    }

    /// One for each class, of an image at the model's size.
    public func probabilities(_ pixels: Pixels) throws -> [Float] {
        try predicted(pixels).0
    }

    private func predicted(_ pixels: Pixels) throws -> ([Float], String) {
        precondition(pixels.width == contract.imageWidth && pixels.height == contract.imageHeight, "the image is not of the model's size")
        let (found, accelerator) = try lock.withLock { (try running.runtime.run(contract.bytes(pixels)), running.name) }
        guard found.count == contract.classNames.count, found.allSatisfy(\.isFinite) else {
            throw ClassifierError("The model gives \(found.count) predictions, and \(contract.classNames.count) probabilities were expected.")
        }
        return (found, accelerator)
    }
}
