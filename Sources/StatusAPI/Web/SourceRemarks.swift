// Owns leaving out of a file for browsers what only its readers need.
// Called by WebFiles when the service is made.
// Never touches a line that holds anything else.

/// Remarks in scripts, style sheets and pages: for whoever reads the tree, not for the wire.
enum SourceRemarks {
    private static let blocks = [
        (opening: "/*", closing: "*/"), (opening: "<!--", closing: "-->"),
    ]

    /// The text without the lines that are remarks from their first word to their last.
    ///
    /// What follows on code in its line stays, and so does a line that only looks like the
    /// beginning of a remark: one whose end is not at the end of a line.
    static func removed(from text: [UInt8]) -> [UInt8] {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var kept: [ArraySlice<UInt8>] = []
        var next = 0
        while next < lines.count {
            if let end = endOfRemark(at: next, in: lines) {
                next = end
            } else {
                kept.append(lines[next])
                next += 1
            }
        }
        return Array(kept.joined(separator: [UInt8(ascii: "\n")]))
    }

    /// The line behind a remark that begins with this one; nil: none does.
    private static func endOfRemark(at first: Int, in lines: [ArraySlice<UInt8>]) -> Int? {
        let line = words(of: lines[first])
        if line.starts(with: "//".utf8) { return first + 1 }
        guard let block = blocks.first(where: { line.starts(with: $0.opening.utf8) }) else {
            return nil
        }
        for number in first..<lines.count {
            let line = words(of: lines[number])
            guard let place = place(of: block.closing, in: line) else { continue }
            return place + block.closing.utf8.count == line.endIndex ? number + 1 : nil
        }
        return nil
    }

    /// Without the blank around it.
    private static func words(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blank: Set<UInt8> = [0x20, 0x09, 0x0D]
        var line = line.drop { blank.contains($0) }
        while let last = line.last, blank.contains(last) { line.removeLast() }
        return line
    }

    private static func place(of word: String, in line: ArraySlice<UInt8>) -> Int? {
        line.indices.first { line[$0...].starts(with: word.utf8) }
    }
}
