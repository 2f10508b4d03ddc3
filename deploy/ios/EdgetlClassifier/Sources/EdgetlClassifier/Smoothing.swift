/// Steadies what a camera shows, and delays it: an average of the probabilities over the last frames. One for each stream, used by one
/// thread at a time.
public struct Smoothing: Sendable {
    /// How many frames are averaged: less than a second of most cameras.
    public static let frames = 8
    private var last: [[Float]] = []

    public init() {}

    /// The mean of the probabilities and of those of the frames before; of these alone at the first.
    mutating func mean(_ probabilities: [Float]) -> [Float] {
        last = (last + [probabilities]).suffix(Self.frames)
        return probabilities.indices.map { index in
            Float(last.reduce(0.0) { sum, frame in sum + Double(frame[index]) } / Double(last.count))
        }
    }
}
