import EdgetlClassifier
import SwiftUI

/// What the self-test found, and what became of each accelerator.
struct SelfTestView: View {
    let model: ClassifierModel
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            found
                .navigationTitle(say("self_test"))
                .navigationBarTitleDisplayMode(.inline)
                .toolbar {
                    ToolbarItem(placement: .confirmationAction) {
                        Button(say("done")) { dismiss() }
                    }
                }
        }
        .presentationDetents([.medium, .large])
    }

    @ViewBuilder
    private var found: some View {
        switch model.selfTest {
        case .passed(let report):
            List {
                Label(verdict(report), systemImage: "checkmark.seal.fill")
                    .foregroundStyle(.green)
                LabeledContent(say("golden_images"), value: report.images.formatted())
                LabeledContent(say("furthest_prediction"), value: "\(report.maxSteps.formatted(.number.precision(.fractionLength(1)))) / 256")
                LabeledContent(say("mean_distance"), value: "\(report.meanSteps.formatted(.number.precision(.fractionLength(2)))) / 256")
                LabeledContent(say("furthest_pixel"), value: "\(report.resizeMaxLevels.formatted()) / 255")
                Section(say("accelerators")) {
                    ForEach(model.accelerators, id: \.self) { row in
                        Text(verbatim: row)
                    }
                    if model.isTiming {
                        ProgressView(say("timing"))
                    } else {
                        Button(say("time_again")) {
                            Task { await model.timeAccelerators() }
                        }
                    }
                }
            }
        case .failed(let problem):
            ContentUnavailableView {
                Label(say("self_test"), systemImage: "xmark.seal.fill")
            } description: {
                Text(verbatim: say("failed", ["reason": problem]))
            }
        case .running, nil:
            ProgressView(say("running"))
        }
    }
}
