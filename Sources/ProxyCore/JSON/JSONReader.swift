// Owns reading a whole JSON text: documents, objects and arrays.
// Called by tokens, the API, the watching of logins and the configuration.
// Never guesses: a text is read whole or refused with the place and the reason.

/// Which grammar is read.
public enum JSONDialect: Sendable {
    /// RFC 8259, with everything it leaves open refused: duplicate names, invalid UTF-8, lone
    /// surrogate escapes, a byte order mark.
    case strict
    /// JSON5 (spec.json5.org): comments, trailing commas, unquoted names, single quotes and more.
    case json5
}

/// What becomes of a name that stands twice in one object.
public enum JSONDuplicates: Sendable {
    /// The text is refused: two readers of it may take different values (RFC 8259 §4).
    case refused
    /// Both members are kept in their order, for a caller that reports every one of them.
    case kept
}

/// Reads JSON texts. Linear in the length of the text; recursion is bounded by the depth.
public enum JSONReader {
    /// Reads one value and nothing behind it.
    ///
    /// - Parameter maximumDepth: containers within containers; at most
    ///   `Limits.jsonDepthCeiling`, whatever is asked, since reading recurses.
    /// - Throws: the first fault with its line and column.
    public static func read(
        _ bytes: RawSpan, dialect: JSONDialect = .strict,
        maximumDepth: Int = Limits.jsonDepth, duplicates: JSONDuplicates = .refused
    ) throws(JSONError) -> JSONNode {
        var scanner = JSONScanner(
            bytes, json5: dialect == .json5, keepsDuplicates: duplicates == .kept,
            depth: min(maximumDepth, Limits.jsonDepthCeiling))
        do throws(JSONFault) {
            return try scanner.document()
        } catch {
            let place = position(of: error.offset, in: bytes)
            throw JSONError(
                offset: error.offset, line: place.line, column: place.column,
                reason: error.reason)
        }
    }

    /// The line and column, both from 1, of a byte of a text. Columns count bytes; an offset
    /// beyond the text counts as its end.
    public static func position(
        of offset: Int, in bytes: RawSpan
    ) -> (line: Int, column: Int) {
        let end = min(max(offset, 0), bytes.byteCount)
        var line = 1
        var start = 0
        for index in 0..<end {
            let byte = bytes[at: index]
            guard byte == JSONByte.lineFeed || byte == JSONByte.carriageReturn else { continue }
            if byte == JSONByte.carriageReturn, index + 1 < bytes.byteCount,
                bytes[at: index + 1] == JSONByte.lineFeed
            {
                continue
            }
            line += 1
            start = index + 1
        }
        return (line, end - start + 1)
    }
}

/// A fault before its line is known.
struct JSONFault: Error {
    let offset: Int
    let reason: String
}

/// A place in a text that is being read. `~Escapable`: it borrows the text.
struct JSONScanner: ~Escapable {
    let bytes: RawSpan
    let json5: Bool
    let keepsDuplicates: Bool
    let depth: Int
    var offset = 0
    private var open = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, json5: Bool, keepsDuplicates: Bool = false, depth: Int) {
        self.bytes = bytes
        self.json5 = json5
        self.keepsDuplicates = keepsDuplicates
        self.depth = depth
    }

    /// The byte at the present place; nil at the end.
    var current: UInt8? { offset < bytes.byteCount ? bytes[at: offset] : nil }

    func byte(ahead count: Int) -> UInt8? {
        offset + count < bytes.byteCount ? bytes[at: offset + count] : nil
    }

    mutating func document() throws(JSONFault) -> JSONNode {
        try skipBlank()
        let node = try value()
        try skipBlank()
        guard offset == bytes.byteCount else {
            throw JSONFault(
                offset: offset, reason: "expected the end of the text, found \(found)")
        }
        return node
    }

    mutating func value() throws(JSONFault) -> JSONNode {
        let start = offset
        guard let byte = current else { throw fault("expected a value, found \(found)") }
        let kind: JSONNode.Kind
        switch byte {
        case JSONByte.leftBrace: kind = .object(try members())
        case JSONByte.leftBracket: kind = .array(try items())
        case JSONByte.quote: kind = .string(try string())
        case JSONByte.apostrophe where json5: kind = .string(try string())
        default: kind = try scalar(startingWith: byte)
        }
        return JSONNode(kind: kind, offset: start)
    }

    private mutating func enter() throws(JSONFault) {
        guard open < depth else { throw fault("nested deeper than \(depth) levels") }
        open += 1
        offset += 1
    }

    private mutating func items() throws(JSONFault) -> [JSONNode] {
        try enter()
        var items: [JSONNode] = []
        try skipBlank()
        while current != JSONByte.rightBracket {
            items.append(try value())
            guard try continues(until: JSONByte.rightBracket, "]") else { break }
        }
        open -= 1
        offset += 1
        return items
    }

    private mutating func members() throws(JSONFault) -> [JSONMember] {
        try enter()
        var members: [JSONMember] = []
        var names = SeenNames()
        try skipBlank()
        while current != JSONByte.rightBrace {
            let start = offset
            let key = try name()
            if !keepsDuplicates, let first = names.insert(key, at: members.count, among: members) {
                let line = JSONReader.position(of: members[first].keyOffset, in: bytes).line
                throw JSONFault(
                    offset: start,
                    reason: "the name \(excerpt(key)) stands twice, first in line \(line)")
            }
            try skipBlank()
            guard current == JSONByte.colon else {
                throw fault("expected ':' after the name \(excerpt(key)), found \(found)")
            }
            offset += 1
            try skipBlank()
            members.append(JSONMember(key: key, keyOffset: start, value: try value()))
            guard try continues(until: JSONByte.rightBrace, "}") else { break }
        }
        open -= 1
        offset += 1
        return members
    }

    /// After an element: true at the next one, false at the closing byte.
    private mutating func continues(
        until close: UInt8, _ shown: String
    ) throws(JSONFault) -> Bool {
        try skipBlank()
        if current == close { return false }
        guard current == JSONByte.comma else {
            throw fault("expected ',' or '\(shown)', found \(found)")
        }
        let comma = offset
        offset += 1
        try skipBlank()
        guard current == close else { return true }
        guard json5 else {
            throw JSONFault(offset: comma, reason: "a comma before '\(shown)' is not JSON")
        }
        return false
    }

    private mutating func name() throws(JSONFault) -> String {
        switch current {
        case JSONByte.quote: return try string()
        case JSONByte.apostrophe where json5: return try string()
        default:
            if json5 { return try identifier() }
            throw fault("expected a name in double quotes, found \(found)")
        }
    }

    func fault(_ reason: String) -> JSONFault { JSONFault(offset: offset, reason: reason) }

    /// The byte at the present place in words, for a reason.
    var found: String {
        guard let byte = current else { return "the end of the text" }
        if byte > JSONByte.space, byte < 0x7F {
            return "'\(Character(Unicode.Scalar(byte)))'"
        }
        return "the byte 0x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }

    /// A name for a reason, cut where it is long.
    func excerpt(_ name: String) -> String {
        name.count > 60 ? "\"\(name.prefix(60))…\"" : "\"\(name)\""
    }
}

/// The names of one object so far. Few are compared one by one; many go into a set, so that a
/// large object costs linear time (the set's hash is seeded per process).
private struct SeenNames {
    private static let few = 16
    private var places: [[UInt8]: Int] = [:]

    /// - Returns: the number of the member that has this name already.
    mutating func insert(_ name: String, at place: Int, among members: [JSONMember]) -> Int? {
        if place < Self.few {
            return members.firstIndex { $0.key.rawSpan.equals(name.rawSpan) }
        }
        if place == Self.few {
            for (index, member) in members.enumerated() {
                places[Array(member.key.utf8)] = index
            }
        }
        let bytes = Array(name.utf8)
        if let first = places[bytes] { return first }
        places[bytes] = place
        return nil
    }
}
