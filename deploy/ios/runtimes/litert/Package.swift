// swift-tools-version: 5.10

import PackageDescription

let package = Package(
    name: "EdgetlClassifier",
    platforms: [.iOS(.v17)],
    products: [.library(name: "EdgetlClassifier", targets: ["EdgetlClassifier"])],
    targets: [
        .target(
            name: "EdgetlClassifier",
            dependencies: ["TensorFlowLiteC", "TensorFlowLiteCCoreML", "TensorFlowLiteCMetal"],
            resources: [.copy("Resources/model"), .copy("Resources/PrivacyInfo.xcprivacy")],
            linkerSettings: [.linkedLibrary("c++"), .linkedFramework("CoreML"), .linkedFramework("Metal")]
        ),
        // get-runtime.sh puts them there.
        .binaryTarget(name: "TensorFlowLiteC", path: "Frameworks/TensorFlowLiteC.xcframework"),
        .binaryTarget(name: "TensorFlowLiteCCoreML", path: "Frameworks/TensorFlowLiteCCoreML.xcframework"),
        .binaryTarget(name: "TensorFlowLiteCMetal", path: "Frameworks/TensorFlowLiteCMetal.xcframework"),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"]),
    ]
)
