// Owns the notation of a route: a method and a path with holes.
// Called by the config reader; compiled into a RouteTable.
// Never sees a request.

/// Why a pattern cannot be used; the reason says what to write instead.
public struct RoutePatternError: Error, Sendable, Equatable {
    public let reason: String
}

/// `GET /a/{id}/b/`, `* /static/**`: `{x}` is one segment that is not empty, `**` the rest, which
/// may be. A trailing slash never matters. `GET` answers to HEAD too, as everywhere.
public struct RoutePattern: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        /// Decoded bytes.
        case literal([UInt8])
        case hole(String)
        case rest
    }

    public let text: String
    /// nil: any.
    public let method: String?
    let segments: [Segment]

    public init(_ text: String) throws(RoutePatternError) {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2 else {
            throw RoutePatternError(reason: "write a method and a path: \"GET /a/{id}/\"")
        }
        self.text = text
        method = try Self.method(words[0])
        segments = try Self.segments(words[1])
    }

    /// The segment whose value a match reports: `{id}`, else the first hole.
    var parameter: Int? {
        segments.firstIndex(of: .hole("id"))
            ?? segments.firstIndex { segment in
                if case .hole = segment { true } else { false }
            }
    }

    /// Whether every request that `other` matches is matched by this one too.
    func covers(_ other: RoutePattern) -> Bool {
        guard method == nil || method == other.method || method == "GET" && other.method == "HEAD"
        else { return false }
        for (index, segment) in segments.enumerated() {
            if segment == .rest { return true }
            guard index < other.segments.count else { return false }
            switch (segment, other.segments[index]) {
            case (_, .rest): return false
            case (.hole, _): continue
            case (.literal(let mine), .literal(let theirs)) where mine == theirs: continue
            case (.literal, _), (.rest, _): return false
            }
        }
        return segments.count == other.segments.count
    }

    // MARK: Reading

    private static func method(_ word: Substring) throws(RoutePatternError) -> String? {
        if word == "*" { return nil }
        let name = String(word)
        guard name.rawSpan.isToken else {
            throw RoutePatternError(reason: "\"\(word)\" is no method; write GET, POST … or *")
        }
        guard name == name.uppercased() else {
            throw RoutePatternError(
                reason: "methods are upper case; write \(name.uppercased())")
        }
        return name
    }

    private static func segments(_ path: Substring) throws(RoutePatternError) -> [Segment] {
        guard path.utf8.first == 0x2f else {
            throw RoutePatternError(reason: "a path begins with /")
        }
        guard !path.utf8.contains(where: { $0 == 0x3f || $0 == 0x23 }) else {
            throw RoutePatternError(reason: "routes match the path alone; leave out ? and #")
        }
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if parts.last == "" { parts.removeLast() }
        var segments: [Segment] = []
        for part in parts {
            guard segments.last != .rest else {
                throw RoutePatternError(reason: "** stands at the end alone")
            }
            segments.append(try segment(part))
        }
        return segments
    }

    private static func segment(_ part: Substring) throws(RoutePatternError) -> Segment {
        if part == "**" { return .rest }
        if part == "" { throw RoutePatternError(reason: "two slashes in a row match nothing") }
        if part == "." || part == ".." {
            throw RoutePatternError(reason: "\"\(part)\" is resolved before matching")
        }
        if part.hasPrefix("{"), part.hasSuffix("}") {
            let name = String(part.dropFirst().dropLast())
            guard isName(name) else {
                throw RoutePatternError(reason: "\"\(part)\" has no name; write {id}")
            }
            return .hole(name)
        }
        guard !part.utf8.contains(where: { "{}*;\\".utf8.contains($0) }) else {
            throw RoutePatternError(
                reason: "\"\(part)\": a segment is plain text, {name} or **")
        }
        return .literal(try decoded(part))
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isDigit else { return false }
        return name.utf8.allSatisfy { byte in
            byte.isDigit || byte == 0x5f || byte.lowercasedASCII &- 97 < 26
        }
    }

    private static func decoded(_ part: Substring) throws(RoutePatternError) -> [UInt8] {
        let bytes = Array(part.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == 0x25 {
                guard index + 1 < bytes.count, let high = bytes[index].hexadecimal,
                    let low = bytes[index + 1].hexadecimal
                else { throw RoutePatternError(reason: "\"\(part)\": % without two digits") }
                byte = high << 4 | low
                index += 2
                guard byte >= 0x20, byte != 0x7f, byte != 0x2f, byte != 0x5c else {
                    throw RoutePatternError(
                        reason: "\"\(part)\": an escape that no route can match")
                }
            }
            result.append(byte)
        }
        return result
    }
}
