// What the app uses of Apple's module, for type-checking elsewhere.
import CoreGraphics
import Foundation

public final class CGImageSource {}
public let kCGImagePropertyOrientation: CFString = "Orientation"
public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? { nil }
public func CGImageSourceCreateImageAtIndex(_ source: CGImageSource, _ index: Int, _ options: CFDictionary?) -> CGImage? { nil }
public func CGImageSourceCopyPropertiesAtIndex(_ source: CGImageSource, _ index: Int, _ options: CFDictionary?) -> CFDictionary? { nil }
