// swift-tools-version: 5.9
// As long as the runtime is not there: the package resolves, and building it says what to do. get-runtime.sh adds a manifest that has it.

import PackageDescription

let package = Package(
    name: "EdgetlClassifier",
    platforms: [.iOS(.v17)],
    products: [.library(name: "EdgetlClassifier", targets: ["EdgetlClassifier"])],
    targets: [
        .target(
            name: "EdgetlClassifier",
            resources: [.copy("Resources/model"), .copy("Resources/PrivacyInfo.xcprivacy")],
            swiftSettings: [.define("EDGETL_WITHOUT_RUNTIME")]
        ),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"], resources: [.copy("images")]),
    ]
)
