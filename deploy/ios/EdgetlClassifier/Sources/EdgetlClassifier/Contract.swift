import Foundation

/// How an image becomes the input, and what the outputs mean.
public struct Contract: Decodable, Sendable {
    struct Input: Decodable {
        let name: String
        let height: Int
        let width: Int
        let channels: String
        let crop: String
    }

    struct Output: Decodable {
        struct Thresholds: Decodable {
            let perClass: [Double]

            enum CodingKeys: String, CodingKey {
                case perClass = "per_class"
            }
        }

        struct Rejection: Decodable {
            let threshold: Double
        }

        let name: String
        let task: String
        let classNames: [String]
        let thresholds: Thresholds?
        let rejection: Rejection?

        enum CodingKeys: String, CodingKey {
            case name, task, thresholds, rejection
            case classNames = "class_names"
        }
    }

    let input: Input
    let output: Output

    /// Height of the input, in pixels.
    public var imageHeight: Int { input.height }
    /// Width of the input, in pixels.
    public var imageWidth: Int { input.width }
    /// Numbers that a pixel has in the input: 3, or 1 of a model that takes grey images.
    public var channels: Int { input.channels == "gray" ? 1 : 3 }
    /// Width over height of the part that is taken from an image, around its centre; nil where all of it is.
    public var aspectRatio: Double? { input.crop == "none" ? nil : Double(input.width) / Double(input.height) }
    /// In the order of the outputs.
    public var classNames: [String] { output.classNames }

    /// Whether an image may show several classes, or none.
    public var several: Bool { output.task == "multi-label" }

    /// The names of the classes that an image shows, of probabilities [K].
    public func present(_ probabilities: [Double]) -> [String] {
        reached(probabilities).map { classNames[$0] }
    }

    /// The numbers of the classes that an image shows: of several all that reach their thresholds, else its most probable one where it does,
    /// or none.
    func reached(_ probabilities: [Double]) -> [Int] {
        let candidates = several ? Array(probabilities.indices) : mostProbable(probabilities).map { [$0] } ?? []
        return candidates.filter { probabilities[$0] >= threshold($0) }
    }

    /// The larger of the rejection's and the class's own; half, less half a step, of several classes without thresholds.
    private func threshold(_ index: Int) -> Double {
        let unless: Double = several ? 0.5 - 1.0 / 512 : 0
        return max(output.rejection?.threshold ?? 0, output.thresholds?.perClass[index] ?? unless)
    }

    /// The first of equal ones.
    func mostProbable(_ probabilities: [Double]) -> Int? {
        probabilities.indices.max { (probabilities[$0], -$0) < (probabilities[$1], -$1) }
    }
}

extension Contract.Input {
    /// Width and height of the part of an image that is taken, around its centre: all of it, or the largest with the input's proportions.
    func part(of image: Pixels) -> (width: Double, height: Double) {
        let wide = Double(image.width), high = Double(image.height)
        guard crop != "none" else { return (wide, high) }
        return (min(wide, high * Double(width) / Double(height)), min(high, wide * Double(height) / Double(width)))
    }
}

extension Contract {
    /// What the model takes of an image at its size: red, green and blue, or grey as Pillow makes it.
    func bytes(_ pixels: Pixels) -> [UInt8] {
        guard channels == 1 else { return pixels.bytes }
        var grey: [UInt8] = []
        for at in stride(from: 0, to: pixels.bytes.count, by: 3) {
            let red: Int = 19595 * Int(pixels.bytes[at])
            let green: Int = 38470 * Int(pixels.bytes[at + 1])
            let blue: Int = 7471 * Int(pixels.bytes[at + 2])
            grey.append(UInt8((red + green + blue + 0x8000) >> 16))
        }
        return grey
    }

    /// An image of the model's size from bytes as it takes them; grey stands for all three colours.
    func pixels(_ bytes: [UInt8]) -> Pixels {
        let colours: [UInt8] = channels == 1 ? bytes.flatMap { [UInt8](repeating: $0, count: 3) } : bytes
        return Pixels(width: imageWidth, height: imageHeight, bytes: colours)
    }
}

/// manifest.json: what the model is, and the hashes of the files around it.
struct Manifest: Decodable {
    struct File: Decodable {
        let sha256: String
        let sizeBytes: Int

        enum CodingKeys: String, CodingKey {
            case sha256
            case sizeBytes = "size_bytes"
        }
    }

    struct Facts: Decodable {
        let precision: String
    }

    let name: String
    let version: String
    let contract: Contract
    let models: [String: Facts]
    let files: [String: File]
}

/// app.json: which of the bundle's models this app runs.
struct Choice: Decodable {
    let model: String
    let runtime: String
    let manifestSha256: String

    enum CodingKeys: String, CodingKey {
        case model, runtime
        case manifestSha256 = "manifest_sha256"
    }
}

/// golden/golden.json: each model's predictions of the golden images when it was validated.
struct Golden: Decodable {
    struct Tolerance: Decodable {
        let maxSteps: Double
        let meanSteps: Double

        enum CodingKeys: String, CodingKey {
            case maxSteps = "max_steps"
            case meanSteps = "mean_steps"
        }
    }

    struct Mosaic: Decodable {
        let columns: Int
        let height: Int
        let maxSteps: Int

        enum CodingKeys: String, CodingKey {
            case columns, height
            case maxSteps = "max_steps"
        }
    }

    let shape: [Int]
    let predictions: [String: [[Double]]]
    let top1ClassNames: [String: [String]]
    /// A bundle of an older edgetl has none, and no thresholds.
    let presentClassNames: [String: [[String]]]?
    let tolerance: Tolerance
    let mosaic: Mosaic

    enum CodingKeys: String, CodingKey {
        case shape, predictions, tolerance, mosaic
        case top1ClassNames = "top1_class_names"
        case presentClassNames = "present_class_names"
    }
}
