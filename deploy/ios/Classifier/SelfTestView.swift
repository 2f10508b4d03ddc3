import EdgetlClassifier
import SwiftUI

/// What the self-test found, and what became of each accelerator.
struct SelfTestView: View {
    let model: ClassifierModel
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
        switch model.selfTest {
        case .passed(let report):
            List {
                Label("This device runs the validated model", systemImage: "checkmark.seal.fill")
                    .foregroundStyle(.green)
                LabeledContent("Golden images", value: report.images.formatted())
                LabeledContent("Furthest prediction", value: "\(report.maxSteps.formatted(.number.precision(.fractionLength(1)))) / 256")
                LabeledContent("Mean distance", value: "\(report.meanSteps.formatted(.number.precision(.fractionLength(2)))) / 256")
                LabeledContent("Decided otherwise", value: report.otherDecisions.formatted())
                LabeledContent("Furthest pixel", value: "\(report.resizeMaxLevels.formatted()) / 255")
                Section("Accelerators") {
                    ForEach(model.accelerators, id: \.self) { row in
                        Text(verbatim: row)
                    }
                    if model.isTiming {
                        ProgressView("Timing the accelerators")
                    } else {
                        Button("Time them again") {
                            Task { await model.timeAccelerators() }
                        }
                    }
                }
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
