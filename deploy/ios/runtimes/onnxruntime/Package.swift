// swift-tools-version: 5.10

import PackageDescription

let package = Package(
    name: "EdgetlClassifier",
    platforms: [.iOS(.v17)],
    products: [.library(name: "EdgetlClassifier", targets: ["EdgetlClassifier"])],
    dependencies: [
        .package(url: "https://github.com/microsoft/onnxruntime-swift-package-manager", exact: "1.24.2")
    ],
    targets: [
        .target(
            name: "EdgetlClassifier",
            dependencies: [.product(name: "onnxruntime", package: "onnxruntime-swift-package-manager")],
            resources: [.copy("Resources/model"), .copy("Resources/PrivacyInfo.xcprivacy")]
        ),
        .testTarget(name: "EdgetlClassifierTests", dependencies: ["EdgetlClassifier"], resources: [.copy("images")]),
    ]
)
