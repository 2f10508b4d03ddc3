// What SwiftPM makes for a package with resources: here the folder above `model` is named by the test.
import Foundation

extension Bundle {
    static var module: Bundle { Bundle(path: ProcessInfo.processInfo.environment["RESOURCES"] ?? "")! }
}
