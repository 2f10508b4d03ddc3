import Foundation

/// A runtime with the model in it. One file beside this one has it, as `RuntimeModel`: the one of the runtime that was chosen.
protocol Model {
    /// As app.json names it.
    static var runtime: String { get }

    /// Names of what can run it, the CPU first; not all of them are in every device.
    static var accelerators: [String] { get }

    /// Throws where the device does not have the accelerator, or it does not take the model.
    init(path: URL, contract: Contract, plan: Plan) throws

    /// Probabilities [K] of one image, raw uint8 [H, W, C].
    func run(_ pixels: [UInt8]) throws -> [Float]
}

/// How a file is to be run.
struct Plan {
    /// Of the file, as the manifest says it: `int8` takes bytes, `float32` and the like take numbers.
    let precision: String
    let threads: Int
    /// One of the runtime's.
    let accelerator: String
}

/// The two kinds of numbers that go into a model and come out of it.
enum Elements {
    case uint8
    case float32

    /// Pixels as the model takes them: int8 models as they are, the others as numbers 0..255. Normalization is inside of the models.
    func input(_ pixels: [UInt8]) -> Data {
        switch self {
        case .uint8: return Data(pixels)
        case .float32: return pixels.map(Float.init).withUnsafeBytes { Data($0) }
        }
    }

    /// Probabilities as the model gives them: uint8 in steps of 1/256, or numbers.
    func probabilities(_ prediction: UnsafeRawBufferPointer) -> [Float] {
        switch self {
        case .uint8: return prediction.map { Float($0) / 256 }
        case .float32: return (0..<prediction.count / 4).map { prediction.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }
}
