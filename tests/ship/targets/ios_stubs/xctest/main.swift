// Runs the package's own tests where there is no Xcode to find them.
import Foundation
import XCTest

@testable import EdgetlClassifier

/// Every app's rule, in the table that $TABLE names.
final class RuleTests: XCTestCase {
    struct Measured: Decodable {
        let name: String
        let ms: Double?
        let max_steps: Double?
        let differ: Int?
        let images: Int?
        let missing: String?
    }

    struct Case: Decodable {
        let measured: [Measured]
        let name: String?
        let rows: [String]
    }

    static let allTests = [
        ("testTheRowsAndTheChoiceAreThoseOfEveryApp", testTheRowsAndTheChoiceAreThoseOfEveryApp),
        ("testNaNDiffers", { test in { test.testNaNDiffers() } }),
    ]

    func testTheRowsAndTheChoiceAreThoseOfEveryApp() throws {
        let table = URL(fileURLWithPath: ProcessInfo.processInfo.environment["TABLE"] ?? "")
        for one in try JSONDecoder().decode([Case].self, from: Data(contentsOf: table)) {
            let trials = one.measured.map { found in
                let deviation = found.missing == nil
                    ? Deviation(images: found.images!, maxSteps: found.max_steps!, meanSteps: 0, differing: found.differ!) : nil
                return Trial(name: found.name, latencyMs: found.ms ?? 0, deviation: deviation, reason: found.missing ?? "")
            }
            XCTAssertEqual(trials.map(\.text), one.rows)
            XCTAssertEqual(Trial.ranked(trials).first?.name, one.name)
        }
    }

    func testNaNDiffers() {
        let tolerance = Golden.Tolerance(maxSteps: 24, meanSteps: 4)
        XCTAssertEqual(Deviation([[.nan, 1], [0, 1]], wanted: [[0, 1], [0, 1]], tolerance: tolerance).differing, 1)
        XCTAssertEqual(Deviation([[0.05, 0.95], [0, 1]], wanted: [[0, 1], [0, 1]], tolerance: tolerance).differing, 1, "13 steps on average")
        XCTAssertEqual(Deviation([[0.01, 0.99], [0, 1]], wanted: [[0, 1], [0, 1]], tolerance: tolerance).differing, 0)
    }
}

extension GoldenTests {
    static let allTests = [
        ("testTheAcceleratorsAreTimedOnceAndTheirRowsKept", testTheAcceleratorsAreTimedOnceAndTheirRowsKept),
        ("testThisDeviceGivesTheValidatedPredictions", testThisDeviceGivesTheValidatedPredictions),
        ("testTheBestClassesComeFirst", testTheBestClassesComeFirst),
        ("testEveryOrientationIsTurnedUpright", { test in { test.testEveryOrientationIsTurnedUpright() } }),
        ("testSmoothingAveragesTheLastFrames", { test in { test.testSmoothingAveragesTheLastFrames() } }),
        ("testAImageOfTheModelsSizeStaysAsItIs", { test in { test.testAImageOfTheModelsSizeStaysAsItIs() } }),
    ]
}

extension RealImageTests {
    static let allTests = [
        ("testThisDeviceGivesTheValidatedPredictionsOfRealImages", testThisDeviceGivesTheValidatedPredictionsOfRealImages)
    ]
}

XCTMain([testCase(GoldenTests.allTests), testCase(RealImageTests.allTests), testCase(RuleTests.allTests)])
