// Resizes raw RGB by the app's own code: INPUT WIDTH HEIGHT CONTRACT OUTPUT, again and again.
import Foundation

let words = CommandLine.arguments.dropFirst()
for at in stride(from: words.startIndex, to: words.endIndex, by: 5) {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words[at])))
    let image = Pixels(width: Int(words[at + 1])!, height: Int(words[at + 2])!, bytes: bytes)
    let contract = try JSONDecoder().decode(Contract.self, from: Data(words[at + 3].utf8))
    try Data(contract.bytes(Resampler.resized(image, to: contract.input))).write(to: URL(fileURLWithPath: words[at + 4]))
}
