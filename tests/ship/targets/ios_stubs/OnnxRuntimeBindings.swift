// ONNX Runtime's Objective-C interface as Swift sees it (1.24), with a runtime that knows the golden images by heart: see replay.c.
import Foundation

public enum ORTLoggingLevel: Int32, Sendable { case verbose, info, warning, error, fatal }
public enum ORTTensorElementDataType: Int32, Sendable { case undefined, float, int8, uInt8, int32, uInt32, int64, uInt64, string }
public final class ORTEnv { public init(loggingLevel: ORTLoggingLevel) throws {} }
public final class ORTRunOptions { public init() throws {} }
public func ORTIsCoreMLExecutionProviderAvailable() -> Bool { true }
public final class ORTXnnpackExecutionProviderOptions {
    public var intra_op_num_threads: Int32 = 0
    public init() {}
}
/// What the stub refuses, as the runtime does where a provider does not take all of a model.
struct Refused: LocalizedError { let errorDescription: String? = "This session contains graph nodes that are assigned to the default CPU EP" }
public final class ORTSessionOptions {
    fileprivate var isAlone = false
    fileprivate var isOnCoreML = false
    public init() throws {}
    public func setIntraOpNumThreads(_ intraOpNumThreads: Int32) throws {}
    public func addConfigEntry(withKey key: String, value: String) throws { isAlone = isAlone || key == "session.disable_cpu_ep_fallback" }
    public func appendXnnpackExecutionProvider(with options: ORTXnnpackExecutionProviderOptions) throws {}
    public func appendCoreMLExecutionProvider(withOptionsV2 options: [String: String]) throws { isOnCoreML = true }
}
public final class ORTTensorTypeAndShapeInfo {
    public let elementType: ORTTensorElementDataType
    public let shape: [NSNumber]
    init(elementType: ORTTensorElementDataType, shape: [NSNumber]) {
        self.elementType = elementType
        self.shape = shape
    }
}
public final class ORTValue {
    private let data: NSMutableData
    private let info: ORTTensorTypeAndShapeInfo
    public init(tensorData: NSMutableData, elementType: ORTTensorElementDataType, shape: [NSNumber]) throws {
        data = tensorData
        info = ORTTensorTypeAndShapeInfo(elementType: elementType, shape: shape)
    }
    public func tensorData() throws -> NSMutableData { data }
    public func tensorTypeAndShapeInfo() throws -> ORTTensorTypeAndShapeInfo { info }
}
public final class ORTSession {
    private let known: Data
    private let lengths: [Int]
    /// How many of the images Core ML, when it is simulated to be broken, predicts upside down.
    private let wrong: Int
    public init(env: ORTEnv, modelPath: String, sessionOptions: ORTSessionOptions?) throws {
        if sessionOptions?.isAlone == true { throw Refused() }
        wrong = sessionOptions?.isOnCoreML == true ? Int(ProcessInfo.processInfo.environment["WRONG"] ?? "") ?? 0 : 0
        _ = try Data(contentsOf: URL(fileURLWithPath: modelPath))
        let replay = try Data(contentsOf: URL(fileURLWithPath: ProcessInfo.processInfo.environment["REPLAY"] ?? ""))
        lengths = replay.prefix(8).withUnsafeBytes { bytes in [0, 4].map { Int(bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self)) } }
        known = replay.dropFirst(8)
    }
    public func run(
        withInputs inputs: [String: ORTValue], outputNames: Set<String>, runOptions: ORTRunOptions?
    ) throws -> [String: ORTValue] {
        guard let input = inputs["image"], outputNames == ["probabilities"] else { return [:] }
        let image = try Data(referencing: input.tensorData())
        guard try input.tensorTypeAndShapeInfo().elementType == .uInt8, image.count == lengths[0] else { return [:] }
        var prediction = Data(count: lengths[1])
        for at in stride(from: known.startIndex, to: known.endIndex, by: lengths[0] + lengths[1]) {
            let end = at + lengths[0]
            guard known[at..<end] == image else { continue }
            let found = known[end..<end + lengths[1]]
            prediction = (at - known.startIndex) / (lengths[0] + lengths[1]) < wrong ? Data(found.map { 255 - $0 }) : Data(found)
        }
        let shape = [1, lengths[1]].map { NSNumber(value: $0) }
        return ["probabilities": try ORTValue(tensorData: NSMutableData(data: prediction), elementType: .uInt8, shape: shape)]
    }
}
