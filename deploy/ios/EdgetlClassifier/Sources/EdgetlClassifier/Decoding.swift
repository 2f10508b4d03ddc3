import CoreGraphics
import CoreVideo
import Foundation
import ImageIO

extension Pixels {
    /// A photo in any format that the system reads, turned upright, on white.
    public init(data: Data) throws {
        guard let source = CGImageSourceCreateWithData(data as CFData, nil),
            let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
        else {
            throw ClassifierError("This image cannot be read.")
        }
        let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any]
        self = try Pixels(image: image).upright(properties?[kCGImagePropertyOrientation] as? Int ?? 1)
    }

    /// An image as it is stored, on white. Its values are not converted into another colour space: training did not either.
    public init(image: CGImage) throws {
        let own = image.colorSpace.flatMap { [.rgb, .monochrome].contains($0.model) ? $0 : nil } ?? CGColorSpaceCreateDeviceRGB()
        let sRGB = CGColorSpace(name: CGColorSpace.sRGB) ?? CGColorSpaceCreateDeviceRGB()
        // Some colour spaces are for reading only.
        guard let canvas = Self.canvas(for: image, in: own) ?? Self.canvas(for: image, in: sRGB), let drawn = canvas.data else {
            throw ClassifierError("This image cannot be drawn.")
        }
        let all = CGRect(x: 0, y: 0, width: image.width, height: image.height)
        canvas.setFillColor(gray: 1, alpha: 1)
        canvas.fill(all)
        canvas.interpolationQuality = .none
        canvas.draw(image, in: all)
        let stride = canvas.bitsPerPixel / 8
        self.init(
            rows: drawn, width: image.width, height: image.height, bytesPerRow: canvas.bytesPerRow, stride: stride,
            order: stride == 1 ? (0, 0, 0) : (0, 1, 2))
    }

    /// Of the image's size: a byte a pixel for grey, else four.
    private static func canvas(for image: CGImage, in space: CGColorSpace) -> CGContext? {
        let grey = space.model == .monochrome
        return CGContext(
            data: nil, width: image.width, height: image.height, bitsPerComponent: 8, bytesPerRow: image.width * (grey ? 1 : 4),
            space: space, bitmapInfo: (grey ? CGImageAlphaInfo.none : .noneSkipLast).rawValue)
    }

    /// A camera's frame in 32BGRA, upright.
    public init(frame: CVPixelBuffer) throws {
        guard CVPixelBufferGetPixelFormatType(frame) == kCVPixelFormatType_32BGRA,
            CVPixelBufferLockBaseAddress(frame, .readOnly) == kCVReturnSuccess
        else {
            throw ClassifierError("The camera gives images of another kind.")
        }
        defer { CVPixelBufferUnlockBaseAddress(frame, .readOnly) }
        guard let base = CVPixelBufferGetBaseAddress(frame) else {
            throw ClassifierError("The camera gives no pixels.")
        }
        self.init(
            rows: base, width: CVPixelBufferGetWidth(frame), height: CVPixelBufferGetHeight(frame),
            bytesPerRow: CVPixelBufferGetBytesPerRow(frame), stride: 4, order: (2, 1, 0))
    }

    /// - Parameters:
    ///   - stride: bytes from a pixel to the next.
    ///   - order: where red, green and blue are in a pixel.
    init(rows: UnsafeRawPointer, width: Int, height: Int, bytesPerRow: Int, stride: Int, order: (Int, Int, Int)) {
        let bytes = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
            var at = 0
            for row in 0..<height {
                var pixel = rows.advanced(by: row * bytesPerRow).assumingMemoryBound(to: UInt8.self)
                for _ in 0..<width {
                    target[at] = pixel[order.0]
                    target[at + 1] = pixel[order.1]
                    target[at + 2] = pixel[order.2]
                    at += 3
                    pixel += stride
                }
            }
            count = at
        }
        self.init(width: width, height: height, bytes: bytes)
    }
}
