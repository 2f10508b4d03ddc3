import Foundation

/// The golden images, and what the validated model predicts for them.
struct GoldenImages {
    /// In their folder.
    static let files = ["golden.json", "pixels.bin", "resized.bin"]

    let golden: Golden
    /// Probabilities [N][K].
    let wanted: [[Double]]
    /// Of each image, at the model's size.
    let images: [Pixels]
    /// What the contract takes of the mosaic of all images.
    let resized: Data
    private let contract: Contract

    /// - Parameter images: the folder.
    init(images folder: URL, choice: Choice, contract: Contract) throws {
        let (document, pixels, resized) = (Self.files[0], Self.files[1], Self.files[2])
        golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: folder.appendingPathComponent(document)))
        guard golden.shape.count == 4, golden.shape[0] > 0, Array(golden.shape[1...]) == [contract.imageHeight, contract.imageWidth, contract.channels],
            let wanted = golden.predictions[choice.model], wanted.count == golden.shape[0],
            wanted.allSatisfy({ $0.count == contract.classNames.count })
        else {
            throw ClassifierError("The golden predictions are of another model.")
        }
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(pixels), options: .mappedIfSafe))
        let length = contract.imageHeight * contract.imageWidth * contract.channels
        guard bytes.count == wanted.count * length else {
            throw ClassifierError("The golden images are of another size than golden.json says.")
        }
        images = wanted.indices.map { contract.pixels(Array(bytes[$0 * length..<($0 + 1) * length])) }
        self.resized = try Data(contentsOf: folder.appendingPathComponent(resized), options: .mappedIfSafe)
        self.wanted = wanted
        self.contract = contract
    }

    func deviation(_ found: [[Double]]) -> Deviation {
        Deviation(found, wanted: wanted, tolerance: golden.tolerance)
    }

    /// How far a model is from the golden predictions, and where that passes, the median time of one prediction, without resizing.
    func measured(_ model: some Model) throws -> (latencyMs: Double, deviation: Deviation) {
        let inputs = images.map(contract.bytes)
        let found = try inputs.map { try model.run($0).map(Double.init) }
        guard found.allSatisfy({ $0.count == contract.classNames.count }) else {
            throw ClassifierError("it gives another number of predictions than there are classes")
        }
        let deviation = deviation(found)
        guard deviation.differing == 0 else { return (0, deviation) }
        let runs = 15  // after the golden images have warmed it up
        let times = try (0..<runs).map { run in
            let begun = ContinuousClock.now
            _ = try model.run(inputs[run % inputs.count])
            return (ContinuousClock.now - begun) / .milliseconds(1)
        }
        return (times.sorted()[runs / 2], deviation)
    }
}
