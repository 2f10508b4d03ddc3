// SHA-256 (FIPS 180-4) under the names of Apple's module: the self-test runs here, too.
import Foundation

public struct SHA256Digest: Sequence, Sendable {
    let bytes: [UInt8]
    public func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}

public enum SHA256 {
    private static let constants: [UInt32] = {
        let primes = (2...311).filter { number in !(2..<number).contains { number % $0 == 0 } }
        return primes.map { UInt32(truncatingIfNeeded: Int(cbrt(Double($0)).truncatingRemainder(dividingBy: 1) * 4_294_967_296)) }
    }()

    public static func hash(data: Data) -> SHA256Digest {
        var state: [UInt32] = [2, 3, 5, 7, 11, 13, 17, 19].map {
            UInt32(truncatingIfNeeded: Int(sqrt(Double($0)).truncatingRemainder(dividingBy: 1) * 4_294_967_296))
        }
        var message = [UInt8](data) + [0x80]
        message += [UInt8](repeating: 0, count: (120 - message.count % 64) % 64)
        message += (0..<8).map { UInt8(truncatingIfNeeded: (data.count * 8) >> (56 - 8 * $0)) }
        for block in stride(from: 0, to: message.count, by: 64) {
            round(&state, message[block..<block + 64])
        }
        return SHA256Digest(bytes: state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } })
    }

    private static func round(_ state: inout [UInt32], _ block: ArraySlice<UInt8>) {
        func turn(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { at in
            (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(block[at + $1]) }
        }
        for at in 16..<64 {
            let early = words[at - 15], late = words[at - 2]
            let first = turn(early, 7) ^ turn(early, 18) ^ early >> 3
            let second = turn(late, 17) ^ turn(late, 19) ^ late >> 10
            words.append(words[at - 16] &+ first &+ words[at - 7] &+ second)
        }
        var now = state
        for at in 0..<64 {
            let choice = now[4] & now[5] ^ ~now[4] & now[6]
            let most = now[0] & now[1] ^ now[0] & now[2] ^ now[1] & now[2]
            let one = now[7] &+ (turn(now[4], 6) ^ turn(now[4], 11) ^ turn(now[4], 25)) &+ choice &+ constants[at] &+ words[at]
            let two = (turn(now[0], 2) ^ turn(now[0], 13) ^ turn(now[0], 22)) &+ most
            now = [one &+ two, now[0], now[1], now[2], now[3] &+ one, now[4], now[5], now[6]]
        }
        state = zip(state, now).map { $0 &+ $1 }
    }
}
