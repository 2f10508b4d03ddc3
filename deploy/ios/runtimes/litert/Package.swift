// swift-tools-version: 5.10

import PackageDescription

let package = Package(
    name: "EdgetlClassifier",
    platforms: [.iOS(.v17)],
    products: [.library(name: "EdgetlClassifier", targets: ["EdgetlClassifier"])],
    targets: [
        .target(
            name: "EdgetlClassifier",
            dependencies: ["TensorFlowLiteC"],
            resources: [.copy("Resources/model"), .copy("Resources/PrivacyInfo.xcprivacy")],
            linkerSettings: [.linkedLibrary("c++")]
        ),
        // get-runtime.sh puts it there.
        .binaryTarget(name: "TensorFlowLiteC", path: "Frameworks/TensorFlowLiteC.xcframework"),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"]),
    ]
)
