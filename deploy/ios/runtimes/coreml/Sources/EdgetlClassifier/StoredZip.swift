import Foundation

/// A zip file whose entries are stored: a Core ML package is a folder, and its zip is the file whose hash the manifest gives.
enum StoredZip {
    private static let damaged = ClassifierError("The Core ML package cannot be unpacked.")

    /// Write its files below a folder, which is made.
    static func unpack(_ archive: URL, to folder: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: archive))
        func number(at start: Int, bytes count: Int) throws -> Int {
            guard start + count <= bytes.count else { throw damaged }
            return (0..<count).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
        }
        var at = 0
        while try number(at: at, bytes: 4) == 0x0403_4b50 {  // a file's header; after the last one comes the list of all
            let size = try number(at: at + 18, bytes: 4), nameStart = at + 30
            let nameEnd = nameStart + (try number(at: at + 26, bytes: 2))
            let start = nameEnd + (try number(at: at + 28, bytes: 2))
            guard try number(at: at + 8, bytes: 2) == 0, start + size <= bytes.count,
                let name = String(bytes: bytes[nameStart..<nameEnd], encoding: .utf8),
                !name.hasPrefix("/"), !name.split(separator: "/").contains("..")
            else { throw damaged }
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes[start..<start + size]).write(to: file)
            at = start + size
        }
    }
}
