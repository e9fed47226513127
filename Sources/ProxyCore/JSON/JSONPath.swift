// Owns paths into a document: `$.items[*].id`.
// Called by the watching of logins, enrichment and claims.
// Never evaluates expressions: names, places and "all of them" are the whole language.

/// Why a text is no path.
public struct JSONPathError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The byte of the text, from 0.
    public let offset: Int
    /// What is wrong, and what to write.
    public let reason: String

    public var description: String { reason }
}

/// A path into a document: the part of RFC 9535 that names places (`$`, `.name`, `['name']`,
/// `[0]`, `[*]`, `.*`).
public struct JSONPath: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case member(String)
        case item(Int)
        case every
    }

    /// As it was written.
    public let text: String
    let steps: [Step]

    /// - Throws: where the text is no path, with what to write instead.
    public init(_ text: String) throws(JSONPathError) {
        self.text = text
        var steps: [Step] = []
        var reader = JSONPathReader(bytes: Array(text.utf8))
        guard reader.bytes.count <= Limits.jsonPath else {
            throw JSONPathError(
                offset: 0, reason: "a path has at most \(Limits.jsonPath) bytes")
        }
        guard reader.bytes.first == JSONByte.dollar else {
            throw JSONPathError(offset: 0, reason: "a path begins with '$', like \"$.user.id\"")
        }
        reader.offset = 1
        while let step = try reader.step() { steps.append(step) }
        self.steps = steps
    }

    /// Whether it is the whole document.
    public var isRoot: Bool { steps.isEmpty }

    /// Whether what it leads to stands in an array at once: no object has such a place.
    public var beginsWithIndex: Bool {
        if case .item = steps.first { true } else { false }
    }

    /// The names that it leads through; nil where it leads through an array.
    public var names: [String]? {
        var names: [String] = []
        for step in steps {
            guard case .member(let name) = step else { return nil }
            names.append(name)
        }
        return names
    }

    /// Whether the path can name several places.
    public var isPlural: Bool { steps.contains(.every) }

    /// The first value it names.
    public func first(in root: JSONNode) -> JSONNode? {
        guard isPlural else {
            var node = root
            for step in steps {
                guard let child = Self.child(of: node, step) else { return nil }
                node = child
            }
            return node
        }
        return all(in: root).first
    }

    /// Every value it names, in the order of the text: never more than the document has.
    public func all(in root: JSONNode) -> [JSONNode] {
        var nodes = [root]
        for step in steps {
            guard step == .every else {
                nodes = nodes.compactMap { Self.child(of: $0, step) }
                continue
            }
            nodes = nodes.flatMap { node -> [JSONNode] in
                switch node.kind {
                case .array(let items): return items
                case .object(let members): return members.map(\.value)
                case .null, .bool, .number, .string: return []
                }
            }
        }
        return nodes
    }

    private static func child(of node: JSONNode, _ step: Step) -> JSONNode? {
        switch step {
        case .member(let name): return node[name]
        case .item(let index):
            guard let items = node.array, index < items.count else { return nil }
            return items[index]
        case .every: return nil
        }
    }
}

/// Reads the steps of a path.
private struct JSONPathReader {
    let bytes: [UInt8]
    var offset = 0

    private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func fault(_ reason: String) -> JSONPathError {
        JSONPathError(offset: offset, reason: reason)
    }

    /// The next step; nil at the end.
    mutating func step() throws(JSONPathError) -> JSONPath.Step? {
        guard let byte = current else { return nil }
        switch byte {
        case JSONByte.point:
            offset += 1
            return try afterPoint()
        case JSONByte.leftBracket:
            offset += 1
            let step = try bracketed()
            guard current == JSONByte.rightBracket else { throw fault("a ']' is missing") }
            offset += 1
            return step
        default:
            throw fault("expected '.name' or '[…]': write an odd name as ['odd-name']")
        }
    }

    private mutating func afterPoint() throws(JSONPathError) -> JSONPath.Step {
        if current == JSONByte.asterisk {
            offset += 1
            return .every
        }
        let start = offset
        while let byte = current {
            let digit = JSONByte.isDigit(byte) && offset > start
            guard JSONByte.isLetter(byte) || byte == JSONByte.underscore || byte >= 0x80 || digit
            else { break }
            offset += 1
        }
        guard offset > start, let name = String(validating: bytes[start..<offset], as: UTF8.self)
        else { throw fault("a name is missing after '.', like \"$.user.id\"") }
        return .member(name)
    }

    private mutating func bracketed() throws(JSONPathError) -> JSONPath.Step {
        switch current {
        case JSONByte.asterisk:
            offset += 1
            return .every
        case JSONByte.apostrophe, JSONByte.quote:
            return .member(try quoted())
        default:
            let start = offset
            while let byte = current, JSONByte.isDigit(byte) { offset += 1 }
            let digits = bytes[start..<offset]
            // RFC 9535 §2.1: at most 2^53-1, no leading zeros. Nine digits are plenty.
            guard !digits.isEmpty, digits.count < 10,
                digits.count == 1 || digits.first != JSONByte.zero
            else { throw fault("within '[ ]' stands a number from 0, '*' or a quoted name") }
            return .item(digits.reduce(0) { $0 * 10 + Int($1 - JSONByte.zero) })
        }
    }

    private mutating func quoted() throws(JSONPathError) -> String {
        let quote = bytes[offset]
        offset += 1
        var name: [UInt8] = []
        while let byte = current, byte != quote {
            if byte == JSONByte.backslash {
                offset += 1
                guard let escaped = current, escaped == quote || escaped == JSONByte.backslash
                else { throw fault("'\\' stands before a quote or another '\\' only") }
            }
            name.append(bytes[offset])
            offset += 1
        }
        guard current == quote, let text = String(validating: name, as: UTF8.self) else {
            throw fault("the quoted name is not closed")
        }
        offset += 1
        return text
    }
}
