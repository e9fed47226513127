// Owns finding the token of a request.
// Called by identification, for every request.
// Never judges a token, never copies one that stands in the head as it is.

import ProxyCore

/// Where the token of a request stands.
enum Credential: Equatable, BitwiseCopyable {
    case none
    /// Two places that name a token and do not agree: nobody can say which one the application
    /// looks at, so that the request is anonymous.
    case conflict
    /// A run of the head's bytes.
    case head(HeadRange)
    /// A run of the scratch buffer: the token stood percent-encoded in the query.
    case scratch(HeadRange)
}

/// Reads the places that may name a token.
enum Credentials {
    /// The only place that counts for requests: `Authorization: Bearer` (RFC 6750 §2.1).
    static func ofRequest(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Credential {
        guard let field = request.fields.first(.authorization) else { return .none }
        guard request.fields.count(of: .authorization) == 1 else { return .conflict }
        // A field that the Connection field names is not seen by the upstream.
        guard !field.dropped else { return .none }
        return bearer(bytes, field.value)
    }

    /// For presence sockets also `?token=` and `Sec-WebSocket-Protocol: bearer, TOKEN`, since a
    /// browser's WebSocket can set no field. An address with a token in it is kept by histories
    /// and logs on the way, so that nothing else takes one.
    static func ofSocket(
        _ request: borrowing RequestHead, _ bytes: RawSpan, scratch: inout ByteBuffer
    ) -> Credential {
        scratch.removeAll()
        var found = ofRequest(request, bytes)
        if request.fields.has(.secWebSocketProtocol) {
            found = agreed(found, ofProtocol(request, bytes), bytes, scratch)
        }
        if let query = request.query {
            found = ofQuery(bytes, query, found, &scratch)
        }
        return found
    }

    /// The subprotocol to choose where the token came by it (RFC 6455 §4.2.2).
    static let subprotocolFields: [(name: StaticString, value: String)] = [
        (name: "Sec-WebSocket-Protocol", value: "bearer")
    ]

    static func offersSubprotocol(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Bool {
        ofProtocol(request, bytes) != .none
    }

    /// The scheme is case-insensitive (RFC 9110 §11.1), one or more spaces follow.
    @inline(__always)
    private static func bearer(_ bytes: RawSpan, _ value: HeadRange) -> Credential {
        let start = Int(value.start)
        let end = Int(value.end)
        guard start >= 0, end <= bytes.byteCount, end - start > 7, isBearer(bytes, start) else {
            return .none
        }
        var token = start + 7
        while token < end, bytes[at: token] == 0x20 { token += 1 }
        return token < end ? .head(HeadRange(token, end)) : .none
    }

    /// Seven bytes lie behind `start`. A letter with bit 5 set is its lower case, and no other
    /// byte becomes one of these letters by it.
    @inline(__always)
    private static func isBearer(_ bytes: RawSpan, _ start: Int) -> Bool {
        bytes[unchecked: start] | 0x20 == 0x62 && bytes[unchecked: start &+ 1] | 0x20 == 0x65
            && bytes[unchecked: start &+ 2] | 0x20 == 0x61
            && bytes[unchecked: start &+ 3] | 0x20 == 0x72
            && bytes[unchecked: start &+ 4] | 0x20 == 0x65
            && bytes[unchecked: start &+ 5] | 0x20 == 0x72
            && bytes[unchecked: start &+ 6] == 0x20
    }

    private static func ofProtocol(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) -> Credential {
        guard let field = request.fields.first(.secWebSocketProtocol) else { return .none }
        guard request.fields.count(of: .secWebSocketProtocol) == 1 else { return .conflict }
        var start = Int(field.value.start)
        let end = Int(field.value.end)
        var isToken = false
        while start < end {
            let comma = bytes.first(0x2C, from: start).flatMap { $0 < end ? $0 : nil } ?? end
            let item = trimmed(bytes, start, comma)
            if isToken { return item.isEmpty ? .none : .head(item) }
            isToken = bytes[item].equalsFolded("bearer")
            start = comma + 1
        }
        return .none
    }

    private static func trimmed(_ bytes: RawSpan, _ start: Int, _ end: Int) -> HeadRange {
        var first = start
        var last = end
        while first < last, isBlank(bytes[at: first]) { first += 1 }
        while last > first, isBlank(bytes[at: last - 1]) { last -= 1 }
        return HeadRange(first, last)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Adds the `token` parameters of the query to what was found before.
    private static func ofQuery(
        _ bytes: RawSpan, _ query: HeadRange, _ before: Credential, _ scratch: inout ByteBuffer
    ) -> Credential {
        var found = before
        var start = Int(query.start)
        let end = Int(query.end)
        while start < end {
            let stop = bytes.first(0x26, from: start).flatMap { $0 < end ? $0 : nil } ?? end
            if stop - start > 6, bytes.extracting(start..<(start + 6)).equals("token=") {
                guard stop - start - 6 <= Limits.tokenBytes * 3 else { return .conflict }
                let place = scratch.count
                guard
                    PercentCoding.decode(
                        bytes, start + 6, stop, plusIsSpace: true, { scratch.append($0) })
                else { return .conflict }
                let value = Credential.scratch(HeadRange(place, scratch.count))
                found = agreed(found, value, bytes, scratch)
            }
            start = stop + 1
        }
        return found
    }

    private static func agreed(
        _ one: Credential, _ other: Credential, _ bytes: RawSpan,
        _ scratch: borrowing ByteBuffer
    ) -> Credential {
        switch (one, other) {
        case (.none, _): return other
        case (_, .none): return one
        case (.conflict, _), (_, .conflict): return .conflict
        case (.head(let a), .head(let b)):
            return bytes[a].equals(bytes[b]) ? one : .conflict
        case (.head(let a), .scratch(let b)), (.scratch(let b), .head(let a)):
            return bytes[a].equals(scratch.bytes[b]) ? .head(a) : .conflict
        case (.scratch(let a), .scratch(let b)):
            return scratch.bytes[a].equals(scratch.bytes[b]) ? one : .conflict
        }
    }
}
