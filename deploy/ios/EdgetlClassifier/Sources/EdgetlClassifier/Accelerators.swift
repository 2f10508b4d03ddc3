import Foundation

/// Keeps the fastest accelerator that gives the golden predictions. The first is the CPU: it runs where none passes, and the self-test
/// then says so.
struct Accelerators<Runtime> {
    /// Their names, the CPU first.
    let names: [String]
    /// The model on one of them. Throws where that is not possible.
    let open: (String) throws -> Runtime
    /// Runs the golden images: how long one takes, and how far the predictions are. The time of what is refused does not count.
    let measure: (Runtime) throws -> (latencyMs: Double, deviation: Deviation)
    /// The file that holds what was chosen, for the same model, system and app (`key`).
    let memory: URL
    let key: String

    /// What runs, and why.
    struct Choice {
        let runtime: Runtime
        let name: String
        let rows: [String]
        /// Whether they were timed for it, and not at an earlier start.
        let isFresh: Bool
    }

    /// The choice of an earlier start, unless all are to be timed `again`.
    func choose(again: Bool = false) throws -> Choice {
        let before = remembered()
        if !again, let name = before.chosen, names.contains(name), let runtime = try? open(name) {
            return Choice(runtime: runtime, name: name, rows: before.rows, isFresh: false)
        }
        let unfinished = again ? [] : before.unfinished
        let trials = names.map { tried($0, unfinished: unfinished) }
        let rows = trials.map(\.text)
        let (runtime, name) = try fastest(trials)
        remember(Kept(key: key, chosen: name, rows: rows, unfinished: unfinished))
        return Choice(runtime: runtime, name: name, rows: rows, isFresh: true)
    }

    private func fastest(_ trials: [Trial]) throws -> (Runtime, String) {
        for trial in Trial.ranked(trials) {
            if let runtime = try? open(trial.name) {
                return (runtime, trial.name)
            }
        }
        return (try open(names[0]), names[0])
    }

    private func tried(_ name: String, unfinished: [String]) -> Trial {
        guard !unfinished.contains(name) else { return Trial(name: name, reason: "the app ended while it was tried") }
        // A driver may take the app down with it.
        remember(Kept(key: key, chosen: nil, rows: [], unfinished: unfinished + [name]))
        defer { remember(Kept(key: key, chosen: nil, rows: [], unfinished: unfinished)) }
        do {
            let (latencyMs, deviation) = try measure(open(name))
            return Trial(name: name, latencyMs: latencyMs, deviation: deviation)
        } catch {
            let reason = error.localizedDescription.split(separator: "\n").first ?? "it does not say why"
            return Trial(name: name, reason: String(reason.prefix(120)))
        }
    }

    private func remembered() -> Kept {
        let kept = (try? Data(contentsOf: memory)).flatMap { try? JSONDecoder().decode(Kept.self, from: $0) }
        return kept.flatMap { $0.key == key ? $0 : nil } ?? Kept(key: key, chosen: nil, rows: [], unfinished: [])
    }

    /// Without room for it all are timed again at the next start.
    private func remember(_ kept: Kept) {
        try? JSONEncoder().encode(kept).write(to: memory, options: .atomic)
    }
}

/// `unfinished`: those in whose trial the app ended.
private struct Kept: Codable {
    let key: String
    let chosen: String?
    let rows: [String]
    let unfinished: [String]
}
