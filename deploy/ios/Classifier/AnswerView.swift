import EdgetlClassifier
import SwiftUI

/// The best classes with bars, and how long they took.
struct PredictionView: View {
    let prediction: EdgetlClassifier.Answer?

    var body: some View {
        VStack(alignment: .leading, spacing: 12) {
            if let prediction {
                ForEach(prediction.best) { guess in
                    GuessRow(guess: guess, isBest: guess.id == prediction.best.first?.id)
                }
                Text("\(prediction.latencyMs, format: .number.precision(.fractionLength(1))) ms")
                    .font(.footnote.monospacedDigit())
                    .foregroundStyle(.secondary)
                    .accessibilityLabel("Took \(prediction.latencyMs, format: .number.precision(.fractionLength(1))) milliseconds")
            } else {
                Text("Waiting for an image")
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
private struct GuessRow: View {
    let guess: EdgetlClassifier.Guess
    let isBest: Bool

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            HStack(alignment: .firstTextBaseline) {
                Text(verbatim: guess.label)
                    .fontWeight(isBest ? .semibold : .regular)
                    .lineLimit(2)
                Spacer(minLength: 12)
                Text(share)
                    .monospacedDigit()
            }
            ProgressView(value: min(max(guess.probability, 0), 1))
                .tint(isBest ? Color.accentColor : Color.secondary)
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(Text(verbatim: guess.label))
        .accessibilityValue(Text(share))
    }

    private var share: String {
        guess.probability.formatted(.percent.precision(.fractionLength(1)))
    }
}
