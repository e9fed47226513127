// Owns the shape of a JSON document that has been read: values with the places they stood at.
// Called by whoever reads JSON: tokens, the API, the configuration.
// Never parses, never writes.

/// Why a text is no JSON document, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The byte at which the fault was certain, from 0.
    public let offset: Int
    /// From 1. LF, CR and CRLF each end a line.
    public let line: Int
    /// From 1, counted in bytes.
    public let column: Int
    /// What is wrong, in plain words. It may quote a member name, never a value.
    public let reason: String

    public var description: String { "\(line):\(column): \(reason)" }
}

/// One value of a document.
public struct JSONNode: Sendable {
    public enum Kind: Sendable {
        case null
        case bool(Bool)
        case number(JSONNumber)
        case string(String)
        case array([JSONNode])
        case object([JSONMember])
    }

    public let kind: Kind
    /// The offset of the value's first byte in the text.
    public let offset: Int

    public init(kind: Kind, offset: Int = 0) {
        self.kind = kind
        self.offset = offset
    }

    /// The value of a member of this object; nil where this is no object or has no such member.
    /// Names are compared byte by byte (RFC 8259 §8.3): `String.==` would find `"K"` in a member
    /// named U+212A, which is canonically equivalent to it.
    public subscript(key: String) -> JSONNode? {
        guard case .object(let members) = kind else { return nil }
        // Most names differ in length already, which a string knows without being looked at.
        let length = key.utf8.count
        let place = members.firstIndex {
            $0.key.utf8.count == length && $0.key.rawSpan.equals(key.rawSpan)
        }
        return place.map { members[$0].value }
    }

    public var string: String? {
        if case .string(let text) = kind { return text }
        return nil
    }

    /// Of a number written as a whole one; see ``JSONNumber/integer``.
    public var integer: Int64? {
        if case .number(let number) = kind { return number.integer }
        return nil
    }

    public var double: Double? {
        if case .number(let number) = kind { return number.double }
        return nil
    }

    public var bool: Bool? {
        if case .bool(let flag) = kind { return flag }
        return nil
    }

    public var array: [JSONNode]? {
        if case .array(let items) = kind { return items }
        return nil
    }

    /// The members in the order of the text.
    public var object: [JSONMember]? {
        if case .object(let members) = kind { return members }
        return nil
    }

    public var isNull: Bool {
        if case .null = kind { return true }
        return false
    }
}

/// One name and value of an object.
public struct JSONMember: Sendable {
    public let key: String
    /// The offset of the name's first byte (its quote, where it has one).
    public let keyOffset: Int
    public let value: JSONNode

    public init(key: String, keyOffset: Int = 0, value: JSONNode) {
        self.key = key
        self.keyOffset = keyOffset
        self.value = value
    }
}

/// A number as it was written: what it means is decided where it is used, so that a 64-bit user
/// id never passes through a floating-point number.
public struct JSONNumber: Sendable, Equatable {
    public let text: String

    public init(text: String) { self.text = text }

    /// The value where the number is written as a whole one (`1`, `-5`, in JSON5 `+5`, `0x1f`;
    /// not `1.0`, `1e3`) and fits.
    public var integer: Int64? {
        guard let hexadecimal else { return Int64(text) }
        return Int64(hexadecimal, radix: 16)
    }

    /// The nearest double; nil where it is not finite (`1e400`, `Infinity`, `NaN`).
    public var double: Double? {
        let value: Double?
        if let hexadecimal {
            // Digits and sign again, as a hexadecimal float that the standard library reads.
            let negative = hexadecimal.utf8.first == JSONByte.minus
            let digits = negative ? hexadecimal.dropFirst() : hexadecimal[...]
            value = Double("0x\(digits)p0").map { negative ? -$0 : $0 }
        } else {
            value = Double(text)
        }
        guard let value, value.isFinite else { return nil }
        return value
    }

    /// The digits behind `0x` with a leading minus kept, or nil for a decimal number.
    private var hexadecimal: String? {
        let bytes = text.utf8
        var rest = bytes[...]
        let negative = rest.first == JSONByte.minus
        if negative || rest.first == JSONByte.plus { rest = rest.dropFirst() }
        guard rest.first == JSONByte.zero, let mark = rest.dropFirst().first, mark | 0x20 == 0x78
        else { return nil }
        return (negative ? "-" : "") + String(Substring(rest.dropFirst(2)))
    }
}
