import Foundation

/// An image as the model takes it: raw uint8 RGB, height x width x 3, row after row.
public struct Pixels: Equatable, Sendable {
    public let width: Int
    public let height: Int
    public let bytes: [UInt8]

    public init(width: Int, height: Int, bytes: [UInt8]) {
        precondition(width > 0 && height > 0 && bytes.count == width * height * 3, "\(bytes.count) bytes are no \(width) x \(height) RGB")
        self.width = width
        self.height = height
        self.bytes = bytes
    }

    /// Turned upright: 1 to 8 as EXIF (tag 0x0112) counts them, anything else is upright already.
    public func upright(_ orientation: Int) -> Pixels {
        guard (2...8).contains(orientation) else { return self }
        let right = width - 1, bottom = height - 1
        // Where a row of the upright image begins in the stored one, and how to go on in it: x, y, step in x, step in y.
        let path: (Int) -> (Int, Int, Int, Int) = { row in
            switch orientation {
            case 2: return (right, row, -1, 0)
            case 3: return (right, bottom - row, -1, 0)
            case 4: return (0, bottom - row, 1, 0)
            case 5: return (row, 0, 0, 1)
            case 6: return (row, bottom, 0, -1)
            case 7: return (right - row, bottom, 0, -1)
            default: return (right - row, 0, 0, 1)
            }
        }
        let (columns, rows) = orientation > 4 ? (height, width) : (width, height)
        let turned = [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
            bytes.withUnsafeBufferPointer { source in
                var at = 0
                for row in 0..<rows {
                    let (x, y, stepX, stepY) = path(row)
                    var from = (y * width + x) * 3
                    let step = (stepY * width + stepX) * 3
                    for _ in 0..<columns {
                        target[at] = source[from]
                        target[at + 1] = source[from + 1]
                        target[at + 2] = source[from + 2]
                        at += 3
                        from += step
                    }
                }
            }
            count = bytes.count
        }
        return Pixels(width: columns, height: rows, bytes: turned)
    }
}
