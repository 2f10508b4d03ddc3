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
                    PredictionView(model: model)
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
                Label(say("self_test"), systemImage: "checkmark.seal")
            }
            .accessibilityHint(say("self_test_about"))
        }
        ToolbarItemGroup(placement: .topBarTrailing) {
            if chosen != nil {
                Button {
                    chosen = nil
                } label: {
                    Label(say("camera"), systemImage: "camera")
                }
            }
            PhotosPicker(selection: $chosen, matching: .images) {
                Label(say("choose_image"), systemImage: "photo.on.rectangle")
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

/// The photo as it is classified, the camera with the part that is, or why there is neither.
struct PhotoView: View {
    let model: ClassifierModel
    let retry: () -> Void
    @Environment(\.openURL) private var openURL

    var body: some View {
        if let problem = model.problem {
            ContentUnavailableView {
                Label(say("no_image"), systemImage: "camera.metering.unknown")
            } description: {
                Text(verbatim: problem)
            } actions: {
                Button(say("try_again"), action: retry)
                if model.isDenied {
                    Button(say("open_settings")) {
                        if let settings = URL(string: UIApplication.openSettingsURLString) { openURL(settings) }
                    }
                }
            }
        } else if let photo = model.photo {
            Taken(aspectRatio: model.aspectRatio) { Image(uiImage: photo).resizable() }
                .accessibilityElement()
                .accessibilityLabel(say("chosen_image"))
        } else if model.isWatching {
            CameraPreview(camera: model.camera)
                .aspectRatio(model.frameRatio, contentMode: .fit)
                .overlay { Outline(aspectRatio: model.aspectRatio) }
                .accessibilityElement()
                .accessibilityLabel(say("camera_frame"))
        } else {
            ProgressView(say("loading"))
        }
    }
}

/// The part of an image that is classified: the largest of these proportions around its centre, or all of it.
private struct Taken<Content: View>: View {
    let aspectRatio: Double?
    @ViewBuilder let content: Content

    var body: some View {
        if let aspectRatio {
            Color.clear
                .aspectRatio(aspectRatio, contentMode: .fit)
                .overlay { content.scaledToFill() }
                .clipped()
        } else {
            content.scaledToFit()
        }
    }
}

/// The border of the part that is classified, over the complete frame; where that is all of it there is none.
private struct Outline: View {
    let aspectRatio: Double?

    var body: some View {
        if let aspectRatio {
            Rectangle()
                .strokeBorder(Color.white, lineWidth: 3)
                .aspectRatio(aspectRatio, contentMode: .fit)
                .shadow(radius: 2)
        }
    }
}
