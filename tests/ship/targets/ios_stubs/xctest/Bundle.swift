// What SwiftPM makes for tests with resources: here the folder above `images` is named by the test.
import Foundation

extension Bundle {
    static var module: Bundle { Bundle(path: ProcessInfo.processInfo.environment["TEST_RESOURCES"] ?? "")! }
}
