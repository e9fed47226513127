// Owns the fields that end at this connection: which they are, and what Connection asks for.
// Called by the head parsers once the fields are read.
// Never lets a Connection option take away a field that the server must judge by.

/// What the Connection fields of a message say.
struct ConnectionOptions: OptionSet {
    let rawValue: UInt8
    static var close: ConnectionOptions { ConnectionOptions(rawValue: 1) }
    static var keepAlive: ConnectionOptions { ConnectionOptions(rawValue: 2) }
    static var upgrade: ConnectionOptions { ConnectionOptions(rawValue: 4) }

    /// What these options and the protocol's default make of the connection (RFC 9112 §9.3).
    @inline(__always)
    func persists(_ version: HTTPVersion) -> Bool {
        if contains(.close) { return false }
        return version == .http11 || contains(.keepAlive)
    }
}

/// Fields of one connection only (RFC 9110 §7.6.1).
enum HopByHop {
    /// Never sent on. Framing fields are written anew; `TE: trailers` too.
    @inline(__always)
    static var always: UInt64 {
        KnownField.connection.bit | KnownField.proxyConnection.bit | KnownField.keepAlive.bit
            | KnownField.te.bit | KnownField.trailer.bit | KnownField.upgrade.bit
            | KnownField.http2Settings.bit
    }

    /// Reads every Connection field and drops the fields that they nominate.
    /// - Parameter strict: of a request, which must not nominate what it is judged by.
    @inline(__always)
    static func connection(
        _ bytes: RawSpan, in fields: inout FieldTable, strict: Bool
    ) throws(HeadStop) -> ConnectionOptions {
        guard let first = fields.first(.connection) else { return [] }
        if !fields.isRepeated(.connection) {
            let value = bytes[first.value]
            if value.matches("keep-alive") { return .keepAlive }
            if value.matches("close") { return .close }
        }
        return try allConnections(bytes, in: &fields, strict: strict)
    }

    @inline(never)
    private static func allConnections(
        _ bytes: RawSpan, in fields: inout FieldTable, strict: Bool
    ) throws(HeadStop) -> ConnectionOptions {
        var options: ConnectionOptions = []
        var seen = 0
        for index in 0..<fields.count where fields[index].known == .connection {
            var list = ListReader(fields[index].value)
            while let item = list.next(in: bytes) {
                seen += 1
                guard seen <= Limits.connectionOptions else {
                    throw .malformed(.connectionOptions)
                }
                let name = bytes[item]
                guard name.isToken else {
                    if strict { throw .malformed(.connectionMalformed) }
                    continue
                }
                if name.matches("close") {
                    options.insert(.close)
                } else if name.matches("keep-alive") {
                    options.insert(.keepAlive)
                } else if name.matches("upgrade") {
                    options.insert(.upgrade)
                } else {
                    try drop(name, bytes, in: &fields, strict: strict)
                }
            }
        }
        return options
    }

    private static func drop(
        _ name: RawSpan, _ bytes: RawSpan, in fields: inout FieldTable, strict: Bool
    ) throws(HeadStop) {
        guard !strict || !isEssential(name) else { throw .malformed(.connectionNominates) }
        for index in 0..<fields.count where bytes[fields[index].name].equalsFolded(name) {
            fields.drop(index)
        }
    }

    /// The fields that framing, routing and identity rest on; `_` counts as `-`, for it does to
    /// some servers.
    private static func isEssential(_ name: RawSpan) -> Bool {
        name.equalsFoldedDashes("host") || name.equalsFoldedDashes("content-length")
            || name.equalsFoldedDashes("transfer-encoding")
            || name.equalsFoldedDashes("authorization") || name.equalsFoldedDashes("cookie")
    }
}

/// Walks over the members of a comma-separated list (RFC 9110 §5.6.1); empty ones are skipped.
struct ListReader {
    private var at: UInt32
    private let end: UInt32

    @inline(__always)
    init(_ value: HeadRange) {
        at = value.start
        end = value.end
    }

    /// The next member without the blanks around it. A comma inside a quoted string separates
    /// too: no field that is read here has one.
    mutating func next(in bytes: RawSpan) -> HeadRange? {
        while at < end {
            let comma = bytes.firstNear(.comma, from: Int(at), before: Int(end))
            let member = bytes.trimmed(HeadRange(Int(at), comma))
            at = UInt32(truncatingIfNeeded: comma) + 1
            if !member.isEmpty { return member }
        }
        return nil
    }
}

extension RawSpan {
    /// Whether these are token characters, at least one (RFC 9110 §5.6.2).
    var isToken: Bool {
        guard byteCount > 0 else { return false }
        for index in 0..<byteCount where !self[unchecked: index].isOf(.token) { return false }
        return true
    }

    /// Whether these bytes can be the value of a field that we insert.
    var isFieldValue: Bool {
        for index in 0..<byteCount where !self[unchecked: index].isOf(.value) { return false }
        return true
    }

    fileprivate func equalsFoldedDashes(_ literal: StaticString) -> Bool {
        let want = literal.bytes
        guard byteCount == want.byteCount else { return false }
        for index in 0..<byteCount {
            let byte = self[unchecked: index] == 0x5f ? 0x2d : self[unchecked: index]
            guard byte.lowercasedASCII == want[unchecked: index] else { return false }
        }
        return true
    }
}
