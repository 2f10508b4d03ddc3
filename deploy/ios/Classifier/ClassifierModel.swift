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
    /// Whether the system's settings help against the problem.
    private(set) var isDenied = false
    /// Width over height of the part of an image that is classified; nil where all of it is.
    private(set) var aspectRatio: Double?
    /// Width over height of what the camera sees.
    private(set) var frameRatio = 3.0 / 4
    /// Whether what the camera sees is averaged over its last frames.
    var isSmooth = false {
        didSet { camera.smooth(isSmooth) }
    }
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
                isDenied = (error as? Unavailable)?.settingsHelp == true
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
        aspectRatio = loaded.contract.aspectRatio
        accelerators = loaded.accelerators
        isFirstStart = loaded.timed
        return loaded
    }

    private func classify(photo data: Data?, with classifier: EdgetlClassifier) async throws {
        guard let data, let image = UIImage(data: data) else {
            throw Unavailable(say("unreadable"))
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
        let predictions = try await camera.start { frame, smoothing in try classifier.classify(frame, smoothing: &smoothing) }
        isWatching = true
        for try await found in predictions {
            prediction = found.prediction
            frameRatio = found.aspectRatio
        }
    }
}

/// Something that the app needs is not there.
struct Unavailable: LocalizedError {
    let errorDescription: String?
    /// Whether a change in the system's settings would bring it.
    let settingsHelp: Bool

    init(_ problem: String, settingsHelp: Bool = false) {
        errorDescription = problem
        self.settingsHelp = settingsHelp
    }
}
