// What the app uses of Apple's module, for type-checking elsewhere.
import CoreVideo
import Foundation

public enum MLFeatureType: Int, Sendable { case invalid, int64, double, string, image, multiArray, dictionary, sequence }
public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }
public final class MLModelConfiguration {
    public var computeUnits = MLComputeUnits.all
    public init() {}
}
public final class MLFeatureDescription { public let type = MLFeatureType.dictionary }
public final class MLModelDescription { public let outputDescriptionsByName: [String: MLFeatureDescription] = [:] }
public final class MLFeatureValue {
    public let dictionaryValue: [AnyHashable: NSNumber] = [:]
    public init(pixelBuffer: CVPixelBuffer) {}
}
public protocol MLFeatureProvider { func featureValue(for name: String) -> MLFeatureValue? }
public final class MLDictionaryFeatureProvider: MLFeatureProvider {
    public init(dictionary: [String: Any]) throws {}
    public func featureValue(for name: String) -> MLFeatureValue? { nil }
}
public final class MLModel {
    public let modelDescription = MLModelDescription()
    public init(contentsOf url: URL, configuration: MLModelConfiguration) throws {}
    public static func compileModel(at url: URL) throws -> URL { url }
    public func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider { input }
}
