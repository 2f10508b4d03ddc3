import EdgetlClassifier
import Foundation

/// A string of Localizable.xcstrings in the device's language, with what stands in its braces filled in.
func say(_ key: String, _ values: [String: String] = [:]) -> String {
    values.reduce(Bundle.main.localizedString(forKey: key, value: nil, table: nil)) { said, value in
        said.replacingOccurrences(of: "{\(value.key)}", with: value.value)
    }
}

/// How far the predictions are from those of the validation.
func verdict(_ report: SelfTestReport) -> String {
    let rounded = 0.01  // steps: golden predictions have six decimals
    let steps = max(Int((report.maxSteps - rounded).rounded(.up)), 0)
    let values = ["images": report.images.formatted(), "steps": steps.formatted()]
    let verdict = say(steps > 0 ? "passed_within" : "passed", values)
    guard report.otherDecisions > 0 else { return verdict }
    return say("decided_otherwise", ["verdict": verdict, "count": report.otherDecisions.formatted()])
}
