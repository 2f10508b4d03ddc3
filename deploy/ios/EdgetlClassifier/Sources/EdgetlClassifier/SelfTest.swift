import CryptoKit
import Foundation

/// How far this device is from the validated predictions, in steps of 1/256, and from the golden image, in levels of 255.
public struct SelfTestReport: Equatable, Sendable {
    public let images: Int
    public let maxSteps: Double
    public let meanSteps: Double
    /// Images near a threshold that this device decides otherwise.
    public let otherDecisions: Int
    public let resizeMaxLevels: Int
}

extension EdgetlClassifier {
    /// Prove that files and predictions are the validated ones. Throws what is not.
    ///
    /// - Parameter images: another folder of golden images, such as `golden_test` of the package's tests; nil: those that every app has.
    public func selfTest(images: URL? = nil) throws -> SelfTestReport {
        let images = images ?? folder.appendingPathComponent("golden")
        try checkFiles(and: images)
        let known = try GoldenImages(images: images, choice: choice, contract: contract)
        let (golden, wanted) = (known.golden, known.wanted)
        guard let top1 = golden.top1ClassNames[choice.model], wanted.map({ contract.classNames[contract.mostProbable($0)!] }) == top1 else {
            throw ClassifierError("The class names are in another order than the model's outputs.")
        }
        let present = golden.presentClassNames?[choice.model] ?? top1.map { [$0] }
        guard wanted.map(contract.present) == present else {
            throw ClassifierError("The golden predictions are decided otherwise: these are not the thresholds of the validation.")
        }
        let found = try known.images.map { try probabilities($0).map(Double.init) }
        let deviation = known.deviation(found)
        guard deviation.differing == 0 else {
            throw ClassifierError("The predictions are up to \(Int(deviation.maxSteps)) steps of 1/256 off.")
        }
        let otherDecisions = zip(found, present).filter { contract.present($0) != $1 }.count
        let levels = try checkResize(of: known)
        return SelfTestReport(
            images: wanted.count, maxSteps: deviation.maxSteps, meanSteps: deviation.meanSteps, otherDecisions: otherDecisions,
            resizeMaxLevels: levels)
    }

    private func read(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(name), options: .mappedIfSafe)
    }

    private func checkFiles(and images: URL) throws {
        guard try sha256(read("manifest.json")) == choice.manifestSha256 else {
            throw ClassifierError("manifest.json was changed.")
        }
        let own = ["labels.txt", choice.model].map { ($0, folder.appendingPathComponent($0)) }
        let golden = GoldenImages.files.map { ("\(images.lastPathComponent)/\($0)", images.appendingPathComponent($0)) }
        for (name, file) in own + golden {
            let content = try Data(contentsOf: file, options: .mappedIfSafe)
            guard let facts = manifest.files[name], content.count == facts.sizeBytes, sha256(content) == facts.sha256 else {
                throw ClassifierError("\(name) was changed.")
            }
        }
        // Bytes, since Swift takes two spellings of an accent for equal.
        guard try read("labels.txt") == Data(contract.classNames.map { $0 + "\n" }.joined().utf8) else {
            throw ClassifierError("labels.txt has other class names than manifest.json.")
        }
    }

    private func checkResize(of known: GoldenImages) throws -> Int {
        let made = contract.bytes(pixels(mosaic(of: known.images, as: known.golden.mosaic))), wanted = known.resized
        let levels = zip(made, wanted).map { abs(Int($0) - Int($1)) }.max() ?? 255
        guard made.count == wanted.count, levels <= known.golden.mosaic.maxSteps else {
            throw ClassifierError("Cropping and resizing give other pixels, up to \(levels) levels off.")
        }
        return levels
    }

    /// The images in three rows, from the first again where they run out, cut below: what the bundle's format says.
    private func mosaic(of images: [Pixels], as mosaic: Golden.Mosaic) -> Pixels {
        let height = contract.imageHeight, row = contract.imageWidth * 3
        var bytes: [UInt8] = []
        for y in 0..<min(mosaic.height, 3 * height) {
            for column in 0..<mosaic.columns {
                let image = images[(y / height * mosaic.columns + column) % images.count]
                bytes += image.bytes[y % height * row..<(y % height + 1) * row]
            }
        }
        return Pixels(width: mosaic.columns * contract.imageWidth, height: bytes.count / (mosaic.columns * row), bytes: bytes)
    }

    private func sha256(_ content: Data) -> String {
        SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined()
    }
}
