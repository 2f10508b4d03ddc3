import EdgetlClassifier  // without @testable: its Bundle.module is another one
import XCTest

/// Replays the real images that the bundle has for tests. They are resources of the tests, so that no app has them, in no configuration.
final class RealImageTests: XCTestCase {
    func testThisDeviceGivesTheValidatedPredictionsOfRealImages() throws {
        guard let folder = Bundle.module.url(forResource: "images", withExtension: nil)?.appendingPathComponent("golden_test"),
            FileManager.default.fileExists(atPath: folder.path)
        else {
            throw XCTSkip("The bundle has no real images (--golden synthetic).")
        }
        let report = try EdgetlClassifier().selfTest(images: folder)
        XCTAssertGreaterThan(report.images, 0)
        XCTAssertLessThan(report.otherDecisions, report.images)
        XCTAssertEqual(report.resizeMaxLevels, 0, "the filter is Pillow's, to the bit")
    }
}
