// Owns reading Swift text apart: what is code, what is comment, what is string.
// Called by the rules that must not take a word in a comment for code.
// Never parses further than braces and words.

/// One Swift file, with its comments and the contents of its strings made blank.
///
/// Lines stay where they are, so that a finding in `code` names a line of the file. Code inside
/// an interpolation stays code.
struct SwiftText {
    let lines: [String]
    /// The same lines without comments and the contents of strings.
    let code: [String]

    init(_ text: String) {
        lines = Self.split(Array(text.utf8))
        var blanker = Blanker(Array(text.utf8))
        blanker.code(until: nil)
        code = Self.split(blanker.out)
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// Every word of the code with the number of its line, from 1.
    func words() -> [(word: Substring, line: Int)] {
        var found: [(Substring, Int)] = []
        for (index, line) in code.enumerated() {
            let parts = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            for part in parts where part.first?.isNumber == false {
                found.append((part, index + 1))
            }
        }
        return found
    }
}

/// Walks through Swift text and writes it again with everything blank that is no code.
private struct Blanker {
    private let text: [UInt8]
    private var at = 0
    private(set) var out: [UInt8] = []

    init(_ text: [UInt8]) { self.text = text }

    private func starts(_ mark: String, at place: Int? = nil) -> Bool {
        text[(place ?? at)...].starts(with: mark.utf8)
    }

    /// Takes `count` bytes, shown or made blank; line ends are always shown.
    private mutating func take(_ count: Int = 1, shown: Bool) {
        for byte in text[at..<min(at + count, text.count)] {
            out.append(shown || byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
        }
        at = min(at + count, text.count)
    }

    /// - Parameter close: the parenthesis that ends an interpolation; nil: to the end.
    mutating func code(until close: UInt8?) {
        var depth = 0
        while at < text.count {
            if starts("//") {
                while at < text.count, text[at] != UInt8(ascii: "\n") { take(shown: false) }
            } else if starts("/*") {
                comment()
            } else if let hashes = stringStart() {
                string(hashes)
            } else {
                if text[at] == UInt8(ascii: "(") { depth += 1 }
                if text[at] == UInt8(ascii: ")") { depth -= 1 }
                let isEnd = close != nil && text[at] == close && depth < 0
                take(shown: true)
                if isEnd { return }
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                take(2, shown: false)
            } else if starts("*/") {
                depth -= 1
                take(2, shown: false)
            } else {
                take(shown: false)
            }
        } while depth > 0 && at < text.count
    }

    /// The number of `#` before the quote of a string that starts here; nil: none starts.
    private func stringStart() -> Int? {
        var place = at
        while place < text.count, text[place] == UInt8(ascii: "#") { place += 1 }
        return place < text.count && text[place] == UInt8(ascii: "\"") ? place - at : nil
    }

    private mutating func string(_ hashes: Int) {
        take(hashes, shown: false)
        let quote = starts("\"\"\"") ? "\"\"\"" : "\""
        take(quote.utf8.count, shown: true)
        let pounds = String(repeating: "#", count: hashes)
        while at < text.count {
            if starts(quote + pounds) {
                take(quote.utf8.count, shown: true)
                return take(hashes, shown: false)
            }
            if starts("\\" + pounds + "(") {
                take(2 + hashes, shown: true)
                code(until: UInt8(ascii: ")"))
            } else if starts("\\" + pounds) {
                take(2 + hashes, shown: false)
            } else {
                take(shown: false)
            }
        }
    }
}
