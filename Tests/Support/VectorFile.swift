// Owns a file of vectors for the end-to-end tests, which a table in Swift fills.
// Called by the test that keeps such a file in step with its table.
// Never writes it, unless UPDATE_VECTORS=1 asks for that.

import Foundation

public struct VectorFile {
    private let path: String

    /// - Parameter name: in Tests/EndToEnd/vectors.
    public init(_ name: String) {
        let tests = #filePath.components(separatedBy: "/").dropLast(2).joined(separator: "/")
        path = tests + "/EndToEnd/vectors/" + name
    }

    /// Whether it holds exactly what the table says.
    public func holds(_ text: String) throws -> Bool {
        if ProcessInfo.processInfo.environment["UPDATE_VECTORS"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        return try String(contentsOfFile: path, encoding: .utf8) == text
    }

    /// For whoever has changed the table.
    public var remedy: String {
        "\(path) is not what the table says; run this test with UPDATE_VECTORS=1"
    }
}
