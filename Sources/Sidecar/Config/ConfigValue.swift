// Owns reading one value of the configuration as what it should be.
// Called by the readers of the sections.
// Never stops at a fault: it is noted with what to write instead, and reading goes on.

import ProxyCore

/// One value with the path that findings name it by. Every reading function notes what is wrong
/// and then returns nil.
struct ConfigValue {
    let node: JSONNode
    let path: String
    let log: FindingLog

    var line: Int { log.line(of: node.offset) }

    func error(_ message: String) { log.error(path, at: node.offset, message) }
    func warning(_ message: String) { log.warning(path, at: node.offset, message) }

    /// Text between quotes, cut where it is long.
    static func quoted(_ text: String) -> String {
        text.count > 60 ? "\"\(text.prefix(60))…\"" : "\"\(text)\""
    }

    /// What stands there, in words.
    private var found: String {
        switch node.kind {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): "the number \(number.text.prefix(30))"
        case .string(let text): Self.quoted(text)
        case .array: "a list"
        case .object: "an object"
        }
    }

    func expected(_ what: String, write example: String) {
        error("expected \(what), found \(found): write \(example)")
    }

    func text(like example: String) -> String? {
        guard let text = node.string else {
            expected("a string", write: Self.quoted(example))
            return nil
        }
        guard !text.isEmpty else {
            error("is empty: write something like \(Self.quoted(example))")
            return nil
        }
        return text
    }

    func flag() -> Bool? {
        if let flag = node.bool { return flag }
        expected("true or false", write: "true or false, without quotes")
        return nil
    }

    func integer(in range: ClosedRange<Int>) -> Int? {
        guard case .number(let number) = node.kind else {
            let digits = node.string.flatMap { Int($0) }.map { "\($0), without quotes" }
            expected(
                "a number", write: digits ?? "a whole number from \(shown(range))")
            return nil
        }
        guard let value = number.integer.flatMap({ Int(exactly: $0) }), range.contains(value) else {
            error(
                "\(number.text.prefix(30)) is out of range: write a whole number from \(shown(range))"
            )
            return nil
        }
        return value
    }

    private func shown(_ range: ClosedRange<Int>) -> String {
        "\(range.lowerBound) to \(range.upperBound)"
    }

    /// - Parameter example: a duration that makes sense here, for the finding.
    func duration(
        in range: ClosedRange<Milliseconds>, like example: Milliseconds
    ) -> Milliseconds? {
        let example = DurationText.text(example)
        guard let text = node.string else {
            if let seconds = node.integer, seconds >= 0 {
                expected("a duration", write: "\"\(seconds)s\"")
            } else {
                expected("a duration", write: "one like \"\(example)\"")
            }
            return nil
        }
        guard let value = DurationText.parse(text) else {
            let units = "a whole number and ms, s, m, h or d"
            error("\(Self.quoted(text)) is no duration: write \(units), like \"\(example)\"")
            return nil
        }
        guard value >= range.lowerBound else {
            let least = DurationText.text(range.lowerBound)
            error("\(Self.quoted(text)) is too short: write \"\(least)\" or more")
            return nil
        }
        guard value <= range.upperBound else {
            let most = DurationText.text(range.upperBound)
            error("\(Self.quoted(text)) is too long: write \"\(most)\" or less")
            return nil
        }
        return value
    }

    func size(in range: ClosedRange<Int>, like example: Int) -> Int? {
        let example = SizeText.text(example)
        guard let text = node.string else {
            if let bytes = node.integer.flatMap({ Int(exactly: $0) }), bytes > 0 {
                expected("a size", write: "\"\(SizeText.text(bytes))\"")
            } else {
                expected("a size", write: "one like \"\(example)\"")
            }
            return nil
        }
        guard let value = SizeText.parse(text) else {
            let units = "a whole number and B, KiB, MiB or GiB"
            error("\(Self.quoted(text)) is no size: write \(units), like \"\(example)\"")
            return nil
        }
        guard range.contains(value) else {
            let least = SizeText.text(range.lowerBound)
            let most = SizeText.text(range.upperBound)
            error("\(Self.quoted(text)) is out of range: write \"\(least)\" to \"\(most)\"")
            return nil
        }
        return value
    }

    /// One of a few words.
    func choice(of options: [String]) -> String? {
        guard let text = node.string else {
            expected("a word", write: Self.list(options, "or"))
            return nil
        }
        if options.contains(text) { return text }
        if let meant = Nearest.match(text, among: options) {
            let known = Self.list(options, "and")
            error("unknown value \(found): did you mean \"\(meant)\"? Known are \(known)")
        } else {
            error("unknown value \(found): write \(Self.list(options, "or"))")
        }
        return nil
    }

    /// `"a", "b" or "c"`.
    private static func list(_ words: [String], _ last: String) -> String {
        let quoted = words.map(Self.quoted)
        guard let end = quoted.last, quoted.count > 1 else { return quoted.joined() }
        return quoted.dropLast().joined(separator: ", ") + " \(last) " + end
    }

    func choice<Word: RawRepresentable & CaseIterable>(_ type: Word.Type) -> Word?
    where Word.RawValue == String {
        choice(of: Word.allCases.map(\.rawValue)).flatMap { Word(rawValue: $0) }
    }

    /// The items of a list.
    func items(like example: String) -> [ConfigValue]? {
        guard let nodes = node.array else {
            expected("a list", write: "[\(example)]")
            return nil
        }
        return nodes.enumerated().map { index, node in
            ConfigValue(node: node, path: "\(path)[\(index)]", log: log)
        }
    }

    /// The strings of a list with their places.
    func texts(like example: String) -> [(text: String, value: ConfigValue)]? {
        items(like: Self.quoted(example))?.compactMap { item in
            item.text(like: example).map { ($0, item) }
        }
    }

    func section(like example: String) -> ConfigSection? {
        guard node.object != nil else {
            expected("an object", write: example)
            return nil
        }
        return ConfigSection(self)
    }

    func jsonPath(like example: String) -> JSONPath? {
        guard let text = text(like: example) else { return nil }
        do throws(JSONPathError) {
            return try JSONPath(text)
        } catch {
            self.error("\(Self.quoted(text)) is no path: \(error.reason)")
            return nil
        }
    }

    /// A path to one value.
    func singlePath(like example: String) -> JSONPath? {
        guard let path = jsonPath(like: example) else { return nil }
        guard !path.isPlural else {
            error("names several places: write one, like \"\(example)\"")
            return nil
        }
        return path
    }
}
