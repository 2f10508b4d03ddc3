import Foundation

/// Pillow's antialiased bilinear filter, to the bit: the images that the model was trained on went through it.
///
/// A triangle that widens with the reduction, in fixed point of 22 bits; first along the rows, then down the columns, 8 bits between.
enum Resampler {
    private static let precisionBits: Int32 = 22
    private static let half: Int32 = 1 << (precisionBits - 1)

    /// What an input takes of an image, at its size, in colour. An odd margin leaves half a pixel on either side.
    static func resized(_ image: Pixels, to input: Contract.Input) -> Pixels {
        let (wide, high) = input.part(of: image)
        let across = Taps(length: image.width, start: (Double(image.width) - wide) / 2, extent: wide, count: input.width)
        let down = Taps(length: image.height, start: (Double(image.height) - high) / 2, extent: high, count: input.height)
        let narrow = horizontal(image.bytes, width: image.width, height: image.height, taps: across)
        return Pixels(width: input.width, height: input.height, bytes: vertical(narrow, width: input.width, taps: down))
    }

    private static func horizontal(_ bytes: [UInt8], width: Int, height: Int, taps: Taps) -> [UInt8] {
        let size = taps.first.count
        return [UInt8](unsafeUninitializedCapacity: size * height * 3) { target, count in
            bytes.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for row in 0..<height {
                        for x in 0..<size {
                            var from = (row * width + taps.first[x]) * 3
                            var red = half, green = half, blue = half
                            for tap in x * taps.most..<x * taps.most + taps.used[x] {
                                let weight = weights[tap]
                                red &+= Int32(source[from]) &* weight
                                green &+= Int32(source[from + 1]) &* weight
                                blue &+= Int32(source[from + 2]) &* weight
                                from += 3
                            }
                            let at = (row * size + x) * 3
                            target[at] = level(red)
                            target[at + 1] = level(green)
                            target[at + 2] = level(blue)
                        }
                    }
                }
            }
            count = size * height * 3
        }
    }

    private static func vertical(_ bytes: [UInt8], width: Int, taps: Taps) -> [UInt8] {
        let stride = width * 3, size = taps.first.count
        return [UInt8](unsafeUninitializedCapacity: stride * size) { target, count in
            bytes.withUnsafeBufferPointer { source in
                taps.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<size {
                        for column in 0..<stride {
                            var sum = half
                            var from = taps.first[y] * stride + column
                            for tap in y * taps.most..<y * taps.most + taps.used[y] {
                                sum &+= Int32(source[from]) &* weights[tap]
                                from += stride
                            }
                            target[y * stride + column] = level(sum)
                        }
                    }
                }
            }
            count = stride * size
        }
    }

    @inline(__always)
    private static func level(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum >> precisionBits)
    }

    /// Which pixels of a line make each new one, and by how much: `used[i]` weights from `i * most` on, for pixels from `first[i]` on.
    private struct Taps {
        let most: Int
        private(set) var first: [Int] = []
        private(set) var used: [Int] = []
        private(set) var weights: [Int32]

        /// - Parameters:
        ///   - length: of the complete line, in pixels.
        ///   - start, extent: of the part that is resized.
        ///   - count: of the new pixels.
        init(length: Int, start: Double, extent: Double, count: Int) {
            let scale = extent / Double(count)
            let support = max(scale, 1)
            most = Int(support.rounded(.up)) * 2 + 1
            weights = [Int32](repeating: 0, count: most * count)
            for index in 0..<count {
                let centre = start + (Double(index) + 0.5) * scale
                let low = max(Int(centre - support + 0.5), 0)
                let high = min(Int(centre + support + 0.5), length)
                let shares = (low..<high).map { max(1 - abs((Double($0) - centre + 0.5) / support), 0) }
                let sum = shares.reduce(0, +)
                first.append(low)
                used.append(shares.count)
                for (tap, share) in shares.enumerated() {
                    weights[index * most + tap] = Int32(share / sum * Double(1 << precisionBits) + 0.5)
                }
            }
        }
    }
}
