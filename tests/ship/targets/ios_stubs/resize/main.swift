// Resizes raw RGB by the app's own code: INPUT WIDTH HEIGHT SIZE OUTPUT, again and again.
import Foundation

let words = CommandLine.arguments.dropFirst()
for at in stride(from: words.startIndex, to: words.endIndex, by: 5) {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words[at])))
    let image = Pixels(width: Int(words[at + 1])!, height: Int(words[at + 2])!, bytes: bytes)
    try Data(Resampler.centralSquare(of: image, size: Int(words[at + 3])!).bytes).write(to: URL(fileURLWithPath: words[at + 4]))
}
