import Foundation

/// How an image becomes the input, and what the outputs mean.
public struct Contract: Decodable, Sendable {
    struct Input: Decodable {
        let name: String
        let height: Int  // the width too
    }

    struct Output: Decodable {
        let name: String
        let classNames: [String]

        enum CodingKeys: String, CodingKey {
            case name
            case classNames = "class_names"
        }
    }

    let input: Input
    let output: Output

    /// Height and width of the input, in pixels.
    public var imageSize: Int { input.height }
    /// In the order of the outputs.
    public var classNames: [String] { output.classNames }
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
    let tolerance: Tolerance
    let mosaic: Mosaic

    enum CodingKeys: String, CodingKey {
        case shape, predictions, tolerance, mosaic
        case top1ClassNames = "top1_class_names"
    }
}
