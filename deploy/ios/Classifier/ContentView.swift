import Foundation
import PhotosUI
import SwiftUI

/// The image, and below it what the model says.
struct ContentView: View {
    @State private var model = ClassifierModel()
    @State private var chosen: PhotosPickerItem?
    @State private var attempt = 0

    var body: some View {
        NavigationStack {
            PhotoView(model: model) { attempt += 1 }
                .frame(maxWidth: .infinity, maxHeight: .infinity)
                .safeAreaInset(edge: .bottom) {
                    PredictionView(prediction: model.prediction, accelerators: model.isFirstStart ? model.accelerators : [])
                }
                .navigationTitle(Text(verbatim: model.name))
                .navigationBarTitleDisplayMode(.inline)
                .toolbar { tools }
        }
        .task(id: Shown(photo: chosen, attempt: attempt)) {
            let item = chosen
            await model.show(photo: item.map { item in { try await item.loadTransferable(type: Data.self) } })
        }
        .sheet(isPresented: testing) { SelfTestView(model: model) }
    }

    @ToolbarContentBuilder
    private var tools: some ToolbarContent {
        ToolbarItem(placement: .topBarLeading) {
            Button {
                Task { await model.runSelfTest() }
            } label: {
                Label("Self-test", systemImage: "checkmark.seal")
            }
            .accessibilityHint("Proves that this device runs the validated model")
        }
        ToolbarItemGroup(placement: .topBarTrailing) {
            if chosen != nil {
                Button {
                    chosen = nil
                } label: {
                    Label("Camera", systemImage: "camera")
                }
            }
            PhotosPicker(selection: $chosen, matching: .images) {
                Label("Choose a photo", systemImage: "photo.on.rectangle")
            }
        }
    }

    private var testing: Binding<Bool> {
        Binding(get: { model.selfTest != nil }, set: { shown in if !shown { model.forgetSelfTest() } })
    }

    /// A change of it begins again.
    private struct Shown: Equatable {
        let photo: PhotosPickerItem?
        let attempt: Int
    }
}

/// The photo, the camera, or why there is neither.
struct PhotoView: View {
    let model: ClassifierModel
    let retry: () -> Void
    @Environment(\.openURL) private var openURL

    var body: some View {
        if let problem = model.problem {
            ContentUnavailableView {
                Label("No image to classify", systemImage: "camera.metering.unknown")
            } description: {
                Text(verbatim: problem)
            } actions: {
                Button("Try again", action: retry)
                Button("Settings") {
                    if let settings = URL(string: UIApplication.openSettingsURLString) { openURL(settings) }
                }
            }
        } else if let photo = model.photo {
            Image(uiImage: photo)
                .resizable()
                .scaledToFit()
                .accessibilityLabel("The chosen photo")
        } else if model.isWatching {
            CameraPreview(camera: model.camera)
                .ignoresSafeArea()
                .accessibilityElement()
                .accessibilityLabel("What the camera sees")
        } else {
            ProgressView("Loading the model. The first start times the accelerators of this device, too.")
        }
    }
}
