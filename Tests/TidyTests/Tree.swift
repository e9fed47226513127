// Owns finding the files of this repository, and the form of a finding.
// Called by every test of this target.
// Never reads what is built, installed or ignored.

import Foundation

/// Something against the rules of the house.
struct Finding: CustomStringConvertible, Equatable {
    let path: String
    let line: Int
    let what: String

    init(_ path: String, _ line: Int, _ what: String) {
        self.path = path
        self.line = line
        self.what = what
    }

    var description: String { "\(path):\(line): \(what)" }
}

/// One file of the repository.
struct TreeFile {
    /// From the root: `Sources/ProxyCore/Limits.swift`.
    let path: String
    let text: String
    let swift: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        swift = SwiftText(path.hasSuffix(".swift") ? text : "")
    }

    var lines: [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// `Sources/ProxyCore/HTTP/Method.swift`: `["Sources", "ProxyCore", "HTTP", "Method.swift"]`.
    var parts: [String] { path.split(separator: "/").map(String.init) }
}

/// The repository.
enum Tree {
    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let package = folder.appendingPathComponent("Package.swift").path
            if FileManager.default.fileExists(atPath: package) { break }
        }
        return folder
    }()

    /// Folders that hold nothing of ours: results of builds, installed packages, caches.
    private static let skipped: Set<String> = ["__pycache__", "node_modules"]

    /// Everything that people read or change, read once.
    private static let everything = Result { try all(in: nil) }

    static func all() throws -> [TreeFile] { try everything.get() }

    /// The text files under `folder`.
    static func files(_ folder: String) throws -> [TreeFile] {
        try all().filter { $0.path.hasPrefix(folder + "/") }
    }

    static func swift(_ folder: String) throws -> [TreeFile] {
        try files(folder).filter { $0.path.hasSuffix(".swift") }
    }

    /// - Parameter folder: nil for the root, where hidden folders but `.ci` are none of ours.
    private static func all(in folder: String?) throws -> [TreeFile] {
        var found: [TreeFile] = []
        let start = folder.map { root.appendingPathComponent($0) } ?? root
        for name in try FileManager.default.contentsOfDirectory(atPath: start.path).sorted() {
            let path = folder.map { "\($0)/\(name)" } ?? name
            let place = root.appendingPathComponent(path)
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder)
            if !isFolder.boolValue {
                let bytes = try Data(contentsOf: place)
                guard let text = String(bytes: bytes, encoding: .utf8) else { continue }
                found.append(TreeFile(path: path, text: text))
            } else if name == ".ci" || !(name.hasPrefix(".") || skipped.contains(name)) {
                found += try all(in: path)
            }
        }
        return found
    }
}
