import XCTest

@testable import EdgetlClassifier

/// Replays the golden images: this device runs the model that was validated, with the same inputs and class names.
final class GoldenTests: XCTestCase {
    func testThisDeviceGivesTheValidatedPredictions() throws {
        let report = try EdgetlClassifier().selfTest()
        XCTAssertGreaterThan(report.images, 0)
        XCTAssertLessThan(report.otherDecisions, report.images)
        XCTAssertEqual(report.resizeMaxLevels, 0, "the filter is Pillow's, to the bit")
    }

    func testTheAcceleratorsAreTimedOnceAndTheirRowsKept() throws {
        let memory = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: memory) }
        let first = try EdgetlClassifier(memory: memory), second = try EdgetlClassifier(memory: memory)
        XCTAssertEqual([first.timed, second.timed], [true, false])
        XCTAssertEqual(first.accelerators.count, RuntimeModel.accelerators.count)
        XCTAssertEqual(first.accelerators, second.accelerators)
        try second.timeAccelerators()
        XCTAssertTrue(second.timed)
        print(second.accelerators.joined(separator: "\n"))
    }

    func testTheBestClassesComeFirst() throws {
        let classifier = try EdgetlClassifier()
        let (width, height) = (classifier.contract.imageWidth, classifier.contract.imageHeight)
        let grey = Pixels(width: width + 3, height: height, bytes: [UInt8](repeating: 128, count: (width + 3) * height * 3))
        let prediction = try classifier.classify(grey, top: 2)
        XCTAssertEqual(prediction.best.count, 2)
        XCTAssertGreaterThanOrEqual(prediction.best[0].probability, prediction.best[1].probability)
        XCTAssertTrue(prediction.best.allSatisfy { classifier.contract.classNames[$0.id] == $0.className })
        XCTAssertGreaterThan(prediction.latencyMs, 0)
    }

    /// A letter F of 3 x 4 pixels as it is stored under each orientation, and as it has to come out.
    func testEveryOrientationIsTurnedUpright() {
        let stored: [(Int, [String])] = [
            (1, ["###", "#..", "##.", "#.."]), (2, ["###", "..#", ".##", "..#"]), (3, ["..#", ".##", "..#", "###"]),
            (4, ["#..", "##.", "#..", "###"]), (5, ["####", "#.#.", "#..."]), (6, ["#...", "#.#.", "####"]),
            (7, ["...#", ".#.#", "####"]), (8, ["####", ".#.#", "...#"]),
        ]
        for (orientation, rows) in stored {
            XCTAssertEqual(image(rows).upright(orientation), image(stored[0].1), "orientation \(orientation)")
        }
        XCTAssertEqual(image(stored[0].1).upright(0), image(stored[0].1))
    }

    func testAImageOfTheModelsSizeStaysAsItIs() {
        let square = Contract.Input(name: "image", height: 16, width: 16, channels: "RGB", crop: "center_square")
        let noise = Pixels(width: 16, height: 16, bytes: (0..<16 * 16 * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
        XCTAssertEqual(Resampler.resized(noise, to: square), noise)
    }

    func testSmoothingAveragesTheLastFrames() {
        var smoothing = Smoothing()
        XCTAssertEqual(smoothing.mean([0.25, 0.75]), [0.25, 0.75], "the first frame is alone")
        XCTAssertEqual(smoothing.mean([0.75, 0.25]), [0.5, 0.5])
        for _ in 1..<Smoothing.frames { _ = smoothing.mean([1, 0]) }
        XCTAssertEqual(smoothing.mean([1, 0]), [1, 0], "older frames are forgotten")
    }

    private func image(_ rows: [String]) -> Pixels {
        Pixels(width: rows[0].count, height: rows.count, bytes: rows.joined().flatMap { [UInt8](repeating: $0 == "#" ? 0 : 255, count: 3) })
    }
}
