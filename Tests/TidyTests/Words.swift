// Owns the words that must not stand in this repository, and where others may.
// Called by WordTests.
// Never holds such a word itself in one piece: it is a file of the repository too.

/// Rules about words.
enum Words {
    /// Where pointers may be touched; by the beginning of the path.
    static let unsafePlaces = [
        "Sources/ProxyCore/Platform/", "Sources/ProxyCore/Bytes/",
        "Sources/ProxyCore/Crypto/", "Sources/Presence/Store/Database.swift",
        "Sources/Presence/Store/Statement.swift",
    ]

    static func unsafe(_ file: TreeFile) -> [Finding] {
        guard !unsafePlaces.contains(where: file.path.hasPrefix) else { return [] }
        return file.swift.words().filter { $0.word == "unsafe" }.map {
            Finding(file.path, $0.line, "\"unsafe\" outside the wrappers")
        }
    }

    /// What ends the process on data, or hides a fault.
    static func bluntness(_ file: TreeFile) -> [Finding] {
        var found: [Finding] = []
        for (index, line) in file.swift.code.enumerated() {
            for mark in ["try!", "as!", "fatalError()", "preconditionFailure()"]
            where contains(line, mark) {
                found.append(Finding(file.path, index + 1, "\"\(mark)\""))
            }
        }
        return found
    }

    static func foundation(_ file: TreeFile) -> [Finding] {
        file.swift.code.enumerated().filter { _, line in
            line.hasSuffix("import Foundation") || line.contains("import Foundation.")
        }.map { Finding(file.path, $0.offset + 1, "imports Foundation") }
    }

    /// Names that say nothing of what a type is.
    static func emptyNames(_ file: TreeFile) -> [Finding] {
        let endings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities"]
        return Declarations(file.swift).all.filter { name in
            name.first?.isUppercase == true && endings.contains(where: name.hasSuffix)
        }.map { Finding(file.path, 1, "\($0) says nothing of what it is") }
    }

    /// Notes to oneself, and paths that exist on one machine only.
    static let notes = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
    static let paths = ["/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/"]

    static func leftovers(_ file: TreeFile) -> [Finding] {
        var found: [Finding] = []
        for (index, line) in file.lines.enumerated() {
            for note in notes where contains(line, note) {
                found.append(Finding(file.path, index + 1, "\"\(note)\""))
            }
            for path in paths where contains(line, path) {
                found.append(Finding(file.path, index + 1, "a path of one machine: \(path)"))
            }
        }
        return found
    }

    /// As a word of its own: `\uXXXX` holds three of the letters and is none.
    private static func contains(_ line: String, _ mark: String) -> Bool {
        var rest = Substring(line)
        while let range = rest.range(of: mark) {
            let before = rest[..<range.lowerBound].last
            let after = rest[range.upperBound...].first
            let isOwn: (Character?) -> Bool = { $0.map { !$0.isLetter && $0 != "_" } ?? true }
            if mark.first?.isLetter != true || isOwn(before),
                mark.last?.isLetter != true || isOwn(after)
            {
                return true
            }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
