// Owns what is said about a configuration: one finding, and the list of them with their lines.
// Called by everything that reads a configuration.
// Never prints, never shows a secret.

import ProxyCore

/// One thing to say about a configuration.
struct ConfigFinding: Sendable, Equatable {
    enum Severity: Sendable, Equatable { case error, warning }

    var severity: Severity
    /// From 1.
    var line: Int
    /// Only of a syntax error, where there is no key to name.
    var column: Int?
    /// `routes[2].match`; empty for the text as a whole.
    var path: String
    /// What is wrong, and what to write.
    var message: String

    /// `FILE:LINE: key.path: what is wrong, and what to write`; one line, whatever stood in the
    /// file: control characters of it are shown as `?`.
    func text(file: String) -> String {
        var text = "\(file):\(line):"
        if let column { text += "\(column):" }
        if !path.isEmpty { text += " \(path):" }
        if severity == .warning { text += " warning:" }
        text += " " + message
        return text.inOneLine
    }
}

extension String {
    /// Without anything that breaks a line or steers a terminal: `?` stands in its place.
    var inOneLine: String {
        var line = ""
        for scalar in unicodeScalars {
            let hidden = scalar.properties.generalCategory
            let breaks = [.control, .format, .lineSeparator, .paragraphSeparator].contains(hidden)
            line.unicodeScalars.append(breaks ? "?" : scalar)
        }
        return line
    }
}

/// The findings of one reading, and the lines of the text that they are about.
final class FindingLog {
    /// Findings kept: a file with more faults is the wrong file.
    static let limit = 500

    private let starts: [Int]
    private var found: [(offset: Int, finding: ConfigFinding)] = []
    private(set) var hasErrors = false
    /// Every object that has been looked into.
    private(set) var sections: [ConfigSection] = []

    init(_ text: RawSpan) {
        var starts = [0]
        for index in 0..<text.byteCount {
            let byte = text[at: index]
            let next = index + 1 < text.byteCount ? text[at: index + 1] : 0
            if byte == 0x0A || (byte == 0x0D && next != 0x0A) { starts.append(index + 1) }
        }
        self.starts = starts
    }

    /// The line, from 1, of a byte of the text.
    func line(of offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    func opened(_ section: ConfigSection) { sections.append(section) }

    func error(_ path: String, at offset: Int, _ message: String) {
        hasErrors = true
        add(.error, path, offset, message)
    }

    func warning(_ path: String, at offset: Int, _ message: String) {
        add(.warning, path, offset, message)
    }

    private func add(
        _ severity: ConfigFinding.Severity, _ path: String, _ offset: Int, _ message: String
    ) {
        guard found.count < Self.limit else { return }
        let finding = ConfigFinding(
            severity: severity, line: line(of: offset), path: path, message: message)
        found.append((offset, finding))
    }

    /// All findings in the order of the text; of one place, in the order they were made.
    func sorted() -> [ConfigFinding] {
        found.enumerated()
            .sorted { ($0.element.offset, $0.offset) < ($1.element.offset, $1.offset) }
            .map(\.element.finding)
    }
}
