// Owns the names of request fields that only this side may give to the upstream.
// Called by the loop before it writes a head: to strip the client's, and to judge our own.
// Never costs anything where no name is reserved: the loop asks once whether any is.

/// Field names that are never taken from a client.
///
/// Compared as the loosest server compares: without case, and every character that is neither
/// letter nor digit is a dash. (CGI and WSGI make `_` of a dash, some make it of every other
/// character, and then `X_Auth-User` and `X!Auth!User` are `X-Auth-User`.)
public struct ReservedFields: Sendable {
    /// Each name behind one byte that says its length, in lower case.
    private let names: [UInt8]
    public let count: Int
    /// The lengths that occur, one bit each.
    private let lengths: UInt64

    /// What is no name that may be reserved is left out: the configuration has refused it.
    public init(_ names: [String] = []) {
        var all: [UInt8] = []
        var lengths: UInt64 = 0
        var count = 0
        for name in names where Self.mayReserve(name) && count < Limits.reservedFields {
            all.append(UInt8(name.utf8.count))
            all.append(contentsOf: name.utf8.map { Self.folded($0) })
            lengths |= 1 << UInt64(name.utf8.count)
            count += 1
        }
        self.names = all
        self.count = count
        self.lengths = lengths
    }

    public var isEmpty: Bool { count == 0 }

    /// Whether a name consists of letters, digits and dashes, is shorter than 64 bytes, and means
    /// nothing to this proxy: it judges messages by what it knows, and writes some of it itself.
    public static func mayReserve(_ name: String) -> Bool {
        let bytes = name.rawSpan
        guard bytes.byteCount > 0, bytes.byteCount < 64, KnownField(bytes) == .other else {
            return false
        }
        for index in 0..<bytes.byteCount {
            let byte = bytes[unchecked: index]
            guard byte == UInt8(ascii: "-") || folded(byte) != UInt8(ascii: "-") else {
                return false
            }
        }
        return true
    }

    public func contains(_ name: RawSpan) -> Bool { index(of: name) != nil }

    /// Whether these are whole lines, `Name: value` CRLF, of reserved names, each at most once,
    /// without a byte that a value cannot hold. A value that smuggles in a line of its own has
    /// brought a name that is not reserved, or one too many.
    public func admits(_ lines: RawSpan) -> Bool {
        var seen: UInt64 = 0
        var at = 0
        while at < lines.byteCount {
            guard let colon = lines.first(.colon, from: at),
                let end = lines.first(.carriageReturn, from: colon),
                end + 1 < lines.byteCount, lines[at: end + 1] == .lineFeed
            else { return false }
            let name = lines.extracting(at..<colon)
            guard name.isToken, let index = index(of: name), seen & 1 << UInt64(index) == 0,
                lines.extracting(colon + 1..<end).isFieldValue
            else { return false }
            seen |= 1 << UInt64(index)
            at = end + 2
        }
        return true
    }

    private func index(of name: RawSpan) -> Int? {
        let length = name.byteCount
        guard length < 64, lengths & 1 << UInt64(length) != 0 else { return nil }
        let names = names.span
        var at = 0
        for index in 0..<count {
            let start = at + 1
            at = start + Int(names[at])
            guard at - start == length else { continue }
            var same = 0
            while same < length, Self.folded(name[unchecked: same]) == names[start + same] {
                same += 1
            }
            if same == length { return index }
        }
        return nil
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        let letter = byte | 0x20
        if letter &- 97 < 26 { return letter }
        return byte.isDigit ? byte : UInt8(ascii: "-")
    }
}

extension FieldTable {
    /// Takes the reserved names out of what is sent on.
    mutating func drop(_ reserved: borrowing ReservedFields, _ bytes: RawSpan) {
        for index in 0..<count where reserved.contains(bytes[self[index].name]) { drop(index) }
    }
}
