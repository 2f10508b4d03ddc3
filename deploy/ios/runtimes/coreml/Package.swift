// swift-tools-version: 5.10

import PackageDescription

let package = Package(
    name: "EdgetlClassifier",
    platforms: [.iOS(.v17)],
    products: [.library(name: "EdgetlClassifier", targets: ["EdgetlClassifier"])],
    targets: [
        .target(
            name: "EdgetlClassifier",
            resources: [.copy("Resources/model"), .copy("Resources/PrivacyInfo.xcprivacy")]
        ),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"], resources: [.copy("images")]),
    ]
)
