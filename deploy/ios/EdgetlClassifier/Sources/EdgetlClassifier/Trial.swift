import Foundation

/// How far predictions are from the golden ones, in steps of 1/256.
struct Deviation: Equatable, Sendable {
    let images: Int
    let maxSteps: Double
    let meanSteps: Double
    /// Images that are beyond the tolerance; 0 where it holds.
    let differing: Int
}

extension Deviation {
    /// - Parameters:
    ///   - found: probabilities [N][K].
    ///   - wanted: the golden ones [N][K].
    init(_ found: [[Double]], wanted: [[Double]], tolerance: Golden.Tolerance) {
        let steps = zip(found, wanted).map { zip($0, $1).map { abs($0 - $1) * 256 } }
        let all = Self.extent(steps.flatMap { $0 })
        let beyond = tolerance.holds(all) ? 0 : max(steps.filter { !tolerance.holds(Self.extent($0)) }.count, 1)
        self.init(images: steps.count, maxSteps: all.most, meanSteps: all.mean, differing: beyond)
    }

    /// NaN where one of them is.
    private static func extent(_ steps: [Double]) -> (most: Double, mean: Double) {
        (steps.contains(where: \.isNaN) ? .nan : steps.max() ?? .infinity, steps.reduce(0, +) / Double(steps.count))
    }
}

extension Golden.Tolerance {
    /// Written so that NaN fails.
    fileprivate func holds(_ steps: (most: Double, mean: Double)) -> Bool {
        steps.most <= maxSteps && steps.mean <= meanSteps
    }
}

/// What became of the model on one accelerator, or the CPU: how long a prediction takes and how far it is from the golden one, or the
/// reason why there is none. The rule and its words are those of the web, Android and Linux apps.
struct Trial: Sendable {
    let name: String
    var latencyMs = 0.0
    var deviation: Deviation?
    var reason = ""

    var passed: Bool { deviation?.differing == 0 }

    var text: String {
        guard let deviation else { return "\(name): not available (\(reason))" }
        guard passed else { return "\(name): refused, \(deviation.differing) of \(deviation.images) differ" }
        let beyond = deviation.maxSteps - 0.01  // golden predictions have six decimals
        let distance = beyond < 0 ? "identical" : "within \(Int(beyond.rounded(.up))) of 256 steps"
        return "\(name): \(String(format: "%.1f", latencyMs)) ms, \(distance)"
    }

    /// Those that give the golden predictions, the fastest first; of equal ones the first.
    static func ranked(_ trials: [Trial]) -> [Trial] {
        let passed = trials.enumerated().filter { $0.element.passed }
        return passed.sorted { ($0.element.latencyMs, $0.offset) < ($1.element.latencyMs, $1.offset) }.map(\.element)
    }
}
