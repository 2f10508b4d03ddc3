// swift-tools-version: 5.10
// get-runtime.sh makes Package@swift-5.10.swift of this, which Swift then takes for Package.swift.

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
        .binaryTarget(name: "TensorFlowLiteC", path: "Frameworks/TensorFlowLiteC.xcframework"),
        .binaryTarget(name: "TensorFlowLiteCCoreML", path: "Frameworks/TensorFlowLiteCCoreML.xcframework"),
        .binaryTarget(name: "TensorFlowLiteCMetal", path: "Frameworks/TensorFlowLiteCMetal.xcframework"),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"], resources: [.copy("images")]),
    ]
)
