// What the app uses of Apple's module, for type-checking elsewhere.
import Foundation

public typealias CFString = String
public typealias CFData = Data
public typealias CFDictionary = NSDictionary

public final class CGColorSpace {
    public static let sRGB: CFString = "sRGB"
    public let model = CGColorSpaceModel.rgb
    public init?(name: CFString) {}
}
public enum CGColorSpaceModel: Int32, Sendable { case unknown = -1, monochrome, rgb, cmyk, lab, deviceN, indexed, pattern }
public func CGColorSpaceCreateDeviceRGB() -> CGColorSpace { fatalError() }

public enum CGImageAlphaInfo: UInt32, Sendable {
    case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast, noneSkipFirst, alphaOnly
}
public enum CGInterpolationQuality: Int32, Sendable { case `default`, none, low, medium, high }

public final class CGImage {
    public let width = 0
    public let height = 0
    public let colorSpace: CGColorSpace? = nil
    init() {}
}

public final class CGContext {
    public let data: UnsafeMutableRawPointer? = nil
    public let bitsPerPixel = 0
    public let bytesPerRow = 0
    public var interpolationQuality = CGInterpolationQuality.default
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: UInt32
    ) {}
    public func setFillColor(gray: CGFloat, alpha: CGFloat) {}
    public func fill(_ rect: CGRect) {}
    public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) {}
}
