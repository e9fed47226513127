// Owns reading and writing the query of a target.
// Called by credentials, pagination and the endpoints.
// Never guesses: a broken escape makes the whole query unreadable.

import ProxyCore

/// The decoded parameters of a query, in their order.
///
/// `application/x-www-form-urlencoded` as browsers send it: `+` is a space, `%xx` a byte, the
/// whole UTF-8.
struct QueryParameters: Sendable {
    /// More are refused: nobody asks for so many.
    static let limit = 64

    private(set) var pairs: [(name: String, value: String)] = []

    init() {}

    /// - Parameter query: what stands after the `?`.
    /// - Throws: 400 where an escape is broken or a value is not UTF-8.
    init(_ query: RawSpan) throws(Problem) {
        var start = 0
        while start < query.byteCount {
            let end = query.first(0x26, from: start) ?? query.byteCount
            if end > start {
                guard pairs.count < Self.limit else {
                    throw .badRequest("More than \(Self.limit) query parameters.")
                }
                let equals = query.first(0x3D, from: start).flatMap { $0 < end ? $0 : nil }
                let name = try Self.decoded(query, start, equals ?? end)
                let value = try equals.map { place throws(Problem) in
                    try Self.decoded(query, place + 1, end)
                }
                pairs.append((name, value ?? ""))
            }
            start = end + 1
        }
    }

    /// The last value given, as Django reads it.
    subscript(_ name: String) -> String? {
        pairs.last { $0.name == name }?.value
    }

    /// Takes out all parameters of these names.
    mutating func drop(_ names: [String]) {
        pairs.removeAll { pair in names.contains { $0.rawSpan.equals(pair.name.rawSpan) } }
    }

    private static func decoded(
        _ bytes: RawSpan, _ start: Int, _ end: Int
    ) throws(Problem) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(end - start)
        guard PercentCoding.decode(bytes, start, end, plusIsSpace: true, { out.append($0) }),
            let text = out.rawSpan.text()
        else { throw .badRequest("The query has a broken percent escape or is not UTF-8.") }
        return text
    }
}

/// Percent-encoding, RFC 3986 §2.1.
enum PercentCoding {
    /// Gives the decoded bytes to `emit`, one by one.
    /// - Returns: false at a broken escape.
    static func decode(
        _ bytes: RawSpan, _ start: Int, _ end: Int, plusIsSpace: Bool, _ emit: (UInt8) -> Void
    ) -> Bool {
        var index = start
        while index < end {
            let byte = bytes[at: index]
            if byte == 0x25 {
                guard index + 2 < end, let high = nibble(bytes[at: index + 1]),
                    let low = nibble(bytes[at: index + 2])
                else { return false }
                emit(high << 4 | low)
                index += 3
            } else {
                emit(byte == 0x2B && plusIsSpace ? 0x20 : byte)
                index += 1
            }
        }
        return true
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// Appends `text` with everything but unreserved characters escaped (RFC 3986 §2.3).
    static func encode(_ text: String, into out: inout String) {
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                out.append("%")
                out.append(hexadecimal(byte >> 4))
                out.append(hexadecimal(byte & 15))
            }
        }
    }

    private static func hexadecimal(_ nibble: UInt8) -> Character {
        Character(Unicode.Scalar(nibble < 10 ? 48 + nibble : 55 + nibble))
    }
}
