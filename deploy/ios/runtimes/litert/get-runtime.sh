#!/bin/sh
# Puts LiteRT's C library for iOS and its delegates for Core ML and Metal into Frameworks/. Once, on any machine with curl; 77 MB.
# 2.17.0 is the newest that Google publishes for iOS: the Swift package of LiteRT 2.2 names a binary that its repository does not have
# (github.com/google-ai-edge/LiteRT/issues/8521, open in August 2026), and there is no other (issue 7470).
# It is published as a .tar.gz for CocoaPods only, and a Swift package can name the address of a .zip only.
set -eu
cd "$(dirname "$0")"

version=2.17.0
address=https://dl.google.com/tflite-release/ios/prod/tensorflow/lite/release/ios/release/32/20240729-115310/TensorFlowLiteC/$version/0c10b3543e01f547/TensorFlowLiteC-$version.tar.gz
sha256=9667b476015f136e5b332ce040e12822c4ac6d5c58947882ddc809cdff0fb99e
names="TensorFlowLiteC TensorFlowLiteCCoreML TensorFlowLiteCMetal"
# Swift takes this manifest, which has the frameworks, for Package.swift, which resolves without them.
use() {
    cp Package.with-runtime.swift Package@swift-5.10.swift
}
here() {
    for name in $names; do
        [ -f "Frameworks/$name.xcframework/Info.plist" ] || return 1
    done
}

if here; then
    use
    echo "Frameworks/ has them already"
    exit 0
fi
mkdir -p Frameworks
work=$(mktemp -d Frameworks/.partial-XXXXXX)
trap 'rm -rf "$work"' EXIT
curl --fail --location --silent --show-error --proto '=https' --output "$work/archive.tar.gz" "$address"
echo "$sha256  $work/archive.tar.gz" | shasum -a 256 -c - > /dev/null || {
    echo "$address is not the archive that was pinned: nothing was unpacked" >&2
    exit 1
}
tar -xzf "$work/archive.tar.gz" -C "$work"
for name in $names; do
    rm -rf "Frameworks/$name.xcframework"
    mv "$(find "$work" -type d -name "$name.xcframework" | head -n 1)" "Frameworks/$name.xcframework"
done
use
echo "Frameworks/: $names $version"
