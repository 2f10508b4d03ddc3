import EdgetlClassifier
import SwiftUI

/// The classes that the image shows with bars, or guesses below "Not sure" where none reaches its threshold, and how long they took.
struct PredictionView: View {
    let model: ClassifierModel

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            if let prediction = model.prediction {
                let isSure = !prediction.present.isEmpty
                if !isSure {
                    Text(verbatim: say(prediction.several ? "none_of_the_classes" : "not_sure")).fontWeight(.semibold)
                    Text(verbatim: say(prediction.several ? "nearest" : "best_guesses"))
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
                ForEach(prediction.best) { row in
                    ClassRow(row: row, isBest: isSure && (prediction.several || row.id == prediction.best.first?.id))
                        .font(isSure ? .body : .footnote)
                }
                Text(verbatim: latency(of: prediction))
                    .font(.footnote.monospacedDigit())
                    .foregroundStyle(.secondary)
            } else {
                Text(verbatim: say("waiting"))
                    .foregroundStyle(.secondary)
            }
            if model.isWatching {
                Toggle(say("smooth", ["frames": Smoothing.frames.formatted()]), isOn: Binding(get: { model.isSmooth }, set: { model.isSmooth = $0 }))
                    .font(.footnote)
            }
            // At the first start what became of each is shown.
            ForEach(model.isFirstStart ? model.accelerators : [], id: \.self) { row in
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

    private func latency(of prediction: EdgetlClassifier.Prediction) -> String {
        let ms = prediction.latencyMs.formatted(.number.precision(.fractionLength(1)))
        return say("latency", ["ms": ms, "accelerator": prediction.accelerator])
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
