import AVFoundation
import EdgetlClassifier
import Foundation

/// The back camera. Frames come upright; those that come while one is being classified are dropped.
final class Camera: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, @unchecked Sendable {  // all that changes does so on `queue`
    /// What the newest frame shows, and the frame's width over its height.
    struct Seen: Sendable {
        let prediction: EdgetlClassifier.Prediction
        let aspectRatio: Double
    }

    typealias Predictions = AsyncThrowingStream<Seen, any Error>
    typealias Classify = @Sendable (Pixels, inout Smoothing) throws -> EdgetlClassifier.Prediction

    let session = AVCaptureSession()
    private let output = AVCaptureVideoDataOutput()
    private let queue = DispatchQueue(label: "camera", qos: .userInitiated)
    private var classify: Classify?
    private var smoothing = Smoothing()
    private var isSmooth = false
    private var predictions: Predictions.Continuation?
    private var coordinator: AVCaptureDevice.RotationCoordinator?
    private var rotation: NSKeyValueObservation?

    static var device: AVCaptureDevice? {
        AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back) ?? AVCaptureDevice.default(for: .video)
    }

    /// Begin, asking for permission the first time; gives the predictions to the newest frames. Throws where there is no camera or permission.
    func start(_ classify: @escaping Classify) async throws -> Predictions {
        guard Self.device != nil else {
            throw Unavailable(say("camera_missing"))
        }
        guard await AVCaptureDevice.requestAccess(for: .video) else {
            throw Unavailable(say("camera_denied"), settingsHelp: true)
        }
        let (stream, continuation) = Predictions.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withCheckedThrowingContinuation { (begun: CheckedContinuation<Void, any Error>) in
            queue.async {
                self.classify = classify
                self.predictions = continuation
                self.smoothing = Smoothing()
                begun.resume(with: Result { try self.run() })
            }
        }
        return stream
    }

    /// Average over the last frames from now on, or show each frame by itself.
    func smooth(_ isOn: Bool) {
        queue.async { self.isSmooth = isOn }
    }

    func stop() {
        queue.async {
            self.session.stopRunning()
            self.predictions?.finish()
            self.predictions = nil
            self.classify = nil
        }
    }

    private func run() throws {
        if session.inputs.isEmpty {
            try configure()
        }
        session.startRunning()
    }

    private func configure() throws {
        guard let device = Self.device else { return }
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        let input = try AVCaptureDeviceInput(device: device)
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)
        guard session.canSetSessionPreset(.vga640x480), session.canAddInput(input), session.canAddOutput(output) else {
            throw Unavailable(say("camera_busy"))
        }
        session.sessionPreset = .vga640x480  // several times a model's input: a larger image only takes longer to resize
        session.addInput(input)
        session.addOutput(output)
        let coordinator = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: nil)
        rotation = coordinator.observe(\.videoRotationAngleForHorizonLevelCapture, options: [.initial, .new]) { [weak self] turned, _ in
            self?.output.connection(with: .video)?.videoRotationAngle = turned.videoRotationAngleForHorizonLevelCapture
        }
        self.coordinator = coordinator
    }

    func captureOutput(_ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection) {
        guard let frame = CMSampleBufferGetImageBuffer(sampleBuffer), let classify else { return }
        do {
            let pixels = try Pixels(frame: frame)
            if !isSmooth {
                smoothing = Smoothing()
            }
            let prediction = try classify(pixels, &smoothing)
            predictions?.yield(Seen(prediction: prediction, aspectRatio: Double(pixels.width) / Double(pixels.height)))
        } catch {
            predictions?.finish(throwing: error)
        }
    }
}
