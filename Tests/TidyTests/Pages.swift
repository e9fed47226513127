// Owns the rules about one page: its length, its first lines, the length of its functions.
// Called by PageTests.
// Never looks at two files at once.

/// Rules that a file keeps by itself.
enum Pages {
    /// 400 are wanted; beyond this a page holds two nouns.
    static let longestFile = 450
    /// A screen.
    static let longestFunction = 60

    static func length(_ file: TreeFile) -> [Finding] {
        let count = file.lines.count
        guard count > longestFile else { return [] }
        return [Finding(file.path, count, "\(count) lines; at most \(longestFile)")]
    }

    /// What it owns, who calls it, what it never does; each at its place, some over two lines.
    static func opening(_ file: TreeFile) -> [Finding] {
        let wanted = [["Owns"], ["Called", "Sourced"], ["Never"]]
        let comment = file.lines.prefix { $0.hasPrefix("// ") }.map { $0.dropFirst(3) }
        var found: [Finding] = []
        guard comment.count == 3 else {
            return [Finding(file.path, 1, "opens with \(comment.count) lines of comment, not 3")]
        }
        for (index, words) in wanted.enumerated() {
            let first = comment[index].prefix { $0.isLetter }
            if !words.contains(String(first)) {
                found.append(
                    Finding(file.path, index + 1, "begins with \"\(first)\", not \(words[0])"))
            }
        }
        return found
    }

    static func functions(_ file: TreeFile) -> [Finding] {
        bodies(file.swift).filter { $0.length > longestFunction }.map {
            Finding(
                file.path, $0.line, "\($0.name) has \($0.length) lines; at most \(longestFunction)")
        }
    }

    /// Every function and initialiser that has a body.
    static func bodies(_ text: SwiftText) -> [(name: String, line: Int, length: Int)] {
        var found: [(String, Int, Int)] = []
        for (index, line) in text.code.enumerated() {
            guard let name = declared(line) else { continue }
            guard let end = lastLine(of: text.code, from: index) else { continue }
            found.append((name, index + 1, end - index + 1))
        }
        return found
    }

    /// The name of the function that a line declares.
    private static func declared(_ line: String) -> String? {
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        if let place = words.firstIndex(of: "func") {
            return place + 1 < words.count ? String(words[place + 1]) : "func"
        }
        // `self.init(` and `.init(` are calls.
        guard let range = line.range(of: "init"), words.contains("init") else { return nil }
        let before = line[..<range.lowerBound]
        let after = line[range.upperBound...].first
        return before.last == "." || !(after == "(" || after == "?" || after == "<") ? nil : "init"
    }

    /// The line of the brace that closes the body; nil where there is no body.
    private static func lastLine(of code: [String], from start: Int) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<code.count {
            for character in code[index] {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{": braces += 1
                case "}":
                    braces -= 1
                    if braces == 0, parentheses == 0 { return index }
                    // The end of a protocol, whose requirements have no bodies.
                    if braces < 0 { return nil }
                default: break
                }
            }
            // A requirement of a protocol ends with its line.
            if index > start, braces == 0, parentheses == 0, code[index].contains("func ") {
                return nil
            }
        }
        return nil
    }
}
