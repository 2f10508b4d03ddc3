import EdgetlClassifier
import Foundation
import Observation
import UIKit

/// What the screen shows: a photo or the camera, and the model's prediction.
@MainActor
@Observable
final class ClassifierModel {
    enum SelfTest: Equatable {
        case running
        case passed(SelfTestReport)
        case failed(String)
    }

    private(set) var name = ""
    private(set) var prediction: EdgetlClassifier.Prediction?
    /// In words for people; nil while all is well.
    private(set) var problem: String?
    /// The photo that was chosen; nil: the camera's turn.
    private(set) var photo: UIImage?
    private(set) var isWatching = false
    private(set) var selfTest: SelfTest?
    /// What became of each accelerator.
    private(set) var accelerators: [String] = []
    /// Whether they were timed at this start, which is then shown.
    private(set) var isFirstStart = false
    private(set) var isTiming = false
    let camera = Camera()
    private var classifier: EdgetlClassifier?

    /// Classify a photo, or what the camera sees until the task is cancelled.
    /// - Parameter photo: reads the photo's file; nil: the camera.
    func show(photo: (() async throws -> Data?)?) async {
        prediction = nil
        problem = nil
        self.photo = nil
        do {
            let classifier = try await loaded()
            if let photo {
                try await classify(photo: photo(), with: classifier)
            } else {
                try await watch(with: classifier)
            }
        } catch {
            if !Task.isCancelled {
                problem = error.localizedDescription
            }
        }
    }

    /// Replay the golden images on this device.
    func runSelfTest() async {
        selfTest = .running
        do {
            let classifier = try await loaded()
            selfTest = .passed(try await Task.detached { try classifier.selfTest() }.value)
        } catch {
            selfTest = .failed(error.localizedDescription)
        }
    }

    /// Time the accelerators again.
    func timeAccelerators() async {
        isTiming = true
        defer { isTiming = false }
        do {
            let classifier = try await loaded()
            try await Task.detached { try classifier.timeAccelerators() }.value
            accelerators = classifier.accelerators
        } catch {
            selfTest = .failed(error.localizedDescription)
        }
    }

    func forgetSelfTest() {
        selfTest = nil
    }

    private func loaded() async throws -> EdgetlClassifier {
        if let classifier {
            return classifier
        }
        let loaded = try await Task.detached { try EdgetlClassifier() }.value
        classifier = loaded
        name = loaded.name
        accelerators = loaded.accelerators
        isFirstStart = loaded.timed
        return loaded
    }

    private func classify(photo data: Data?, with classifier: EdgetlClassifier) async throws {
        guard let data, let image = UIImage(data: data) else {
            throw Unavailable("This photo cannot be read.")
        }
        photo = image
        let found = try await Task.detached { try classifier.classify(Pixels(data: data)) }.value
        if !Task.isCancelled {
            prediction = found
        }
    }

    private func watch(with classifier: EdgetlClassifier) async throws {
        defer {
            isWatching = false
            camera.stop()
        }
        let predictions = try await camera.start { frame in try classifier.classify(Pixels(frame: frame)) }
        isWatching = true
        for try await found in predictions {
            prediction = found
        }
    }
}

/// Something that the app needs is not there.
struct Unavailable: LocalizedError {
    let errorDescription: String?

    init(_ problem: String) {
        errorDescription = problem
    }
}
