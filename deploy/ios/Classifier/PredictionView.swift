import EdgetlClassifier
import SwiftUI

/// The classes that the image shows with bars, or guesses below "Not sure" where none reaches its threshold, and how long they took.
struct PredictionView: View {
    let prediction: EdgetlClassifier.Prediction?
    /// What became of each, to be shown at the first start.
    let accelerators: [String]

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            if let prediction {
                let isSure = !prediction.present.isEmpty
                if !isSure {
                    Text(prediction.several ? "None of the classes" : "Not sure").fontWeight(.semibold)
                    Text(prediction.several ? "Nearest to it:" : "Perhaps none of what it knows. Best guesses:")
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
                ForEach(prediction.best) { row in
                    ClassRow(row: row, isBest: isSure && (prediction.several || row.id == prediction.best.first?.id))
                        .font(isSure ? .body : .footnote)
                }
                Text("\(prediction.latencyMs, format: .number.precision(.fractionLength(1))) ms, \(prediction.accelerator)")
                    .font(.footnote.monospacedDigit())
                    .foregroundStyle(.secondary)
                    .accessibilityLabel("Took \(prediction.latencyMs, format: .number.precision(.fractionLength(1))) milliseconds, \(prediction.accelerator)")
            } else {
                Text("Waiting for an image")
                    .foregroundStyle(.secondary)
            }
            ForEach(accelerators, id: \.self) { row in
                Text(verbatim: row)
                    .font(.footnote)
                    .foregroundStyle(.secondary)
            }
        }
        .padding()
        .frame(maxWidth: 600, alignment: .leading)
        .frame(maxWidth: .infinity)
        .background(.regularMaterial)
    }
}

/// A class, its probability in words and as a bar.
private struct ClassRow: View {
    let row: EdgetlClassifier.ClassProbability
    let isBest: Bool

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            HStack(alignment: .firstTextBaseline) {
                Text(verbatim: row.className)
                    .fontWeight(isBest ? .semibold : .regular)
                    .lineLimit(2)
                Spacer(minLength: 12)
                Text(share)
                    .monospacedDigit()
            }
            ProgressView(value: min(max(row.probability, 0), 1))
                .tint(isBest ? Color.accentColor : Color.secondary)
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(Text(verbatim: row.className))
        .accessibilityValue(Text(share))
    }

    private var share: String {
        row.probability.formatted(.percent.precision(.fractionLength(1)))
    }
}
