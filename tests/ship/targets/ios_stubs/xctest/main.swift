// Runs the package's own tests where there is no Xcode to find them.
import Foundation
import XCTest

@testable import EdgetlClassifier

extension GoldenTests {
    static let allTests = [
        ("testThisDeviceGivesTheValidatedPredictions", testThisDeviceGivesTheValidatedPredictions),
        ("testTheBestClassesComeFirst", testTheBestClassesComeFirst),
        ("testEveryOrientationIsTurnedUpright", { test in { test.testEveryOrientationIsTurnedUpright() } }),
        ("testAImageOfTheModelsSizeStaysAsItIs", { test in { test.testAImageOfTheModelsSizeStaysAsItIs() } }),
    ]
}

XCTMain([testCase(GoldenTests.allTests)])
