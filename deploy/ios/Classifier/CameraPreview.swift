import AVFoundation
import SwiftUI
import UIKit

/// What the camera sees, filling the view and upright, however the device is held.
struct CameraPreview: UIViewRepresentable {
    let camera: Camera

    func makeUIView(context: Context) -> PreviewView {
        let view = PreviewView()
        view.show(camera)
        return view
    }

    func updateUIView(_ view: PreviewView, context: Context) {}
}

final class PreviewView: UIView {
    private var coordinator: AVCaptureDevice.RotationCoordinator?
    private var rotation: NSKeyValueObservation?

    override class var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }

    func show(_ camera: Camera) {
        guard let preview = layer as? AVCaptureVideoPreviewLayer, let device = Camera.device else { return }
        preview.session = camera.session
        preview.videoGravity = .resizeAspectFill
        let coordinator = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: preview)
        rotation = coordinator.observe(\.videoRotationAngleForHorizonLevelPreview, options: [.initial, .new]) { [weak self] _, _ in
            Task { @MainActor [weak self] in self?.turn() }
        }
        self.coordinator = coordinator
    }

    private func turn() {
        guard let preview = layer as? AVCaptureVideoPreviewLayer, let coordinator else { return }
        preview.connection?.videoRotationAngle = coordinator.videoRotationAngleForHorizonLevelPreview
    }
}
