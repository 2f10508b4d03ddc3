import EdgetlClassifier
import SwiftUI

/// What the self-test found.
struct SelfTestView: View {
    let state: ClassifierModel.SelfTest?
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            found
                .navigationTitle("Self-test")
                .navigationBarTitleDisplayMode(.inline)
                .toolbar {
                    ToolbarItem(placement: .confirmationAction) {
                        Button("Done") { dismiss() }
                    }
                }
        }
        .presentationDetents([.medium, .large])
    }

    @ViewBuilder
    private var found: some View {
        switch state {
        case .passed(let report):
            List {
                Label("This device runs the validated model", systemImage: "checkmark.seal.fill")
                    .foregroundStyle(.green)
                LabeledContent("Golden images", value: report.images.formatted())
                LabeledContent("Furthest prediction", value: "\(report.maxSteps.formatted(.number.precision(.fractionLength(1)))) / 256")
                LabeledContent("Mean distance", value: "\(report.meanSteps.formatted(.number.precision(.fractionLength(2)))) / 256")
                LabeledContent("Decided otherwise", value: report.otherDecisions.formatted())
                LabeledContent("Furthest pixel", value: "\(report.resizeMaxLevels.formatted()) / 255")
            }
        case .failed(let problem):
            ContentUnavailableView {
                Label("The self-test failed", systemImage: "xmark.seal.fill")
            } description: {
                Text(verbatim: problem)
            }
        case .running, nil:
            ProgressView("Replaying the golden images")
        }
    }
}
