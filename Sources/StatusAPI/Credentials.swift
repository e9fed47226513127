// Owns finding the credential of a request among the places where one may stand.
// Called by admission, for every request.
// Never judges a credential, never copies one that stands in the head as it is.

import ProxyCore

/// Where a credential was shown.
struct Shown: Equatable, BitwiseCopyable {
    /// A run of the head's bytes, or of the scratch buffer.
    var token: HeadRange
    /// The word before it in its field, as sent; empty: there was none.
    var scheme = HeadRange.empty
    /// The number of the place among those configured; `Credentials.subprotocol`.
    var place: UInt8
    /// It stood percent-encoded in the query: the scratch buffer holds it.
    var isDecoded = false
    /// It is a cookie's value that stood in double quotes: `token` is what stands between them.
    var isQuoted = false
}

/// What a request shows.
enum Credential: Equatable, BitwiseCopyable {
    case none
    /// Two places that name a token and do not agree, one place twice, or a cookie that servers
    /// read in different ways: nobody can say which one the application looks at, so that the
    /// request is anonymous.
    case conflict
    case shown(Shown)
}

/// Reads the places that may name a token, as they were configured.
///
/// Names are prepared once. Where `Authorization` is the only one that counts for requests, a
/// look at it is all there is.
struct Credentials {
    /// The place of a token that came as a WebSocket subprotocol.
    static let subprotocol: UInt8 = .max

    let places: [TokenPlace]
    private let heads: [HeadPlace]
    private let queries: [(name: [UInt8], place: UInt8)]
    /// The number of `header:Authorization` where no other place of a head counts.
    private let usual: UInt8?

    /// - Parameter places: the first 255 of them.
    init(_ places: [TokenPlace]) {
        let places = Array(places.prefix(Int(Self.subprotocol)))
        self.places = places
        heads = places.indices.compactMap { HeadPlace(places[$0], UInt8($0)) }
        queries = places.indices.compactMap { number in
            guard case .query(let name) = places[number] else { return nil }
            return (Array(name.utf8) + [0x3D], UInt8(number))
        }
        usual = heads.count == 1 && heads[0].isUsual ? heads[0].place : nil
    }

    /// The names of parameters that hold tokens: no link of ours repeats them.
    var queryNames: [String] {
        places.compactMap { if case .query(let name) = $0 { name } else { nil } }
    }

    /// Whether a browser has sent it of itself, for whichever site's script was asking.
    func isCookie(_ shown: Shown) -> Bool {
        guard shown.place < places.count, case .cookie = places[Int(shown.place)] else {
            return false
        }
        return true
    }

    /// Where it stood, in the words of the configuration. A subprotocol is as little a place of
    /// the application's as a query.
    func place(of shown: Shown) -> TokenPlace {
        shown.place < places.count ? places[Int(shown.place)] : .query("")
    }

    /// The places of every request: fields and cookies.
    @inline(__always)
    func ofRequest(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Credential {
        guard let usual else { return ofHead(request, bytes) }
        guard let field = request.fields.first(.authorization) else { return .none }
        guard request.fields.count(of: .authorization) == 1 else { return .conflict }
        // A field that the Connection field names is not seen by the upstream.
        guard !field.dropped else { return .none }
        let start = Int(field.value.start)
        let end = Int(field.value.end)
        guard start >= 0, end <= bytes.byteCount, end - start > 7, isBearer(bytes, start) else {
            return SchemeChoice.usual.credential(bytes, field.value, usual)
        }
        var token = start + 7
        while token < end, bytes[at: token] == 0x20 { token += 1 }
        guard token < end else { return .none }
        return .shown(
            Shown(
                token: HeadRange(token, end), scheme: HeadRange(start, start + 6), place: usual))
    }

    /// Seven bytes lie behind `start`. A letter with bit 5 set is its lower case, and no other
    /// byte becomes one of these letters by it.
    @inline(__always)
    private func isBearer(_ bytes: RawSpan, _ start: Int) -> Bool {
        bytes[unchecked: start] | 0x20 == 0x62 && bytes[unchecked: start &+ 1] | 0x20 == 0x65
            && bytes[unchecked: start &+ 2] | 0x20 == 0x61
            && bytes[unchecked: start &+ 3] | 0x20 == 0x72
            && bytes[unchecked: start &+ 4] | 0x20 == 0x65
            && bytes[unchecked: start &+ 5] | 0x20 == 0x72
            && bytes[unchecked: start &+ 6] == 0x20
    }

    @inline(never)
    private func ofHead(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Credential {
        var found = Credential.none
        for place in heads {
            let one = place.credential(request, bytes)
            switch (found, one) {
            case (.conflict, _), (_, .none): continue
            case (.none, _): found = one
            case (_, .conflict): found = .conflict
            case (.shown(let a), .shown(let b)):
                guard bytes[a.token].equals(bytes[b.token]) else {
                    found = .conflict
                    continue
                }
                found = .shown(preferred(a, b))
            }
        }
        return found
    }

    /// Of two places that agree the one that no browser fills by itself: another site's script
    /// could not have written it.
    private func preferred(_ a: Shown, _ b: Shown) -> Shown { isCookie(a) ? b : a }

    // MARK: Sockets

    /// For presence sockets also the configured parameters of the query and
    /// `Sec-WebSocket-Protocol: bearer, TOKEN`, since a browser's WebSocket can set no field. An
    /// address with a token in it is kept by histories and logs on the way, so that nothing else
    /// takes one.
    func ofSocket(
        _ request: borrowing RequestHead, _ bytes: RawSpan, scratch: inout ByteBuffer
    ) -> Credential {
        scratch.removeAll()
        var found = ofRequest(request, bytes)
        if request.fields.has(.secWebSocketProtocol) {
            found = agreed(found, Self.ofProtocol(request, bytes), bytes, scratch)
        }
        if let query = request.query {
            for (name, place) in queries {
                found = ofQuery(bytes, query, name, place, found, &scratch)
            }
        }
        return found
    }

    /// The subprotocol to choose where the token came by it (RFC 6455 §4.2.2), as it was offered:
    /// browsers compare it with its case (RFC 6455 §4.1).
    static func offeredSubprotocol(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) -> HeadRange? {
        guard request.fields.count(of: .secWebSocketProtocol) == 1 else { return nil }
        return protocolPair(request, bytes)?.name
    }

    static func subprotocolFields(_ name: String) -> [(name: StaticString, value: String)] {
        let field: StaticString = "Sec-WebSocket-Protocol"
        return [(name: field, value: name)]
    }

    private static func ofProtocol(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) -> Credential {
        guard request.fields.has(.secWebSocketProtocol) else { return .none }
        guard request.fields.count(of: .secWebSocketProtocol) == 1 else { return .conflict }
        guard let pair = protocolPair(request, bytes) else { return .none }
        return .shown(Shown(token: pair.token, place: subprotocol))
    }

    /// `bearer` in any case, and what is offered next.
    private static func protocolPair(
        _ request: borrowing RequestHead, _ bytes: RawSpan
    ) -> (name: HeadRange, token: HeadRange)? {
        guard let field = request.fields.first(.secWebSocketProtocol) else { return nil }
        var start = Int(field.value.start)
        let end = Int(field.value.end)
        var name: HeadRange?
        while start < end {
            let comma = bytes.first(0x2C, from: start).flatMap { $0 < end ? $0 : nil } ?? end
            let item = bytes.withoutBlanks(start, comma)
            if let name { return item.isEmpty ? nil : (name, item) }
            if bytes[item].equalsFolded("bearer") { name = item }
            start = comma + 1
        }
        return nil
    }

    /// Adds the parameters of this name (with its `=`) to what was found before.
    private func ofQuery(
        _ bytes: RawSpan, _ query: HeadRange, _ name: [UInt8], _ place: UInt8,
        _ before: Credential, _ scratch: inout ByteBuffer
    ) -> Credential {
        var found = before
        var start = Int(query.start)
        let end = Int(query.end)
        while start < end {
            let stop = bytes.first(0x26, from: start).flatMap { $0 < end ? $0 : nil } ?? end
            let value = start + name.count
            if stop > value, bytes.extracting(start..<value).equals(name.rawSpan) {
                guard stop - value <= Limits.tokenBytes * 3 else { return .conflict }
                let kept = scratch.count
                guard
                    PercentCoding.decode(
                        bytes, value, stop, plusIsSpace: true, { scratch.append($0) })
                else { return .conflict }
                let range = HeadRange(kept, scratch.count)
                let shown = Credential.shown(Shown(token: range, place: place, isDecoded: true))
                found = agreed(found, shown, bytes, scratch)
            }
            start = stop + 1
        }
        return found
    }

    private func agreed(
        _ one: Credential, _ other: Credential, _ bytes: RawSpan,
        _ scratch: borrowing ByteBuffer
    ) -> Credential {
        switch (one, other) {
        case (.none, _): return other
        case (_, .none): return one
        case (.conflict, _), (_, .conflict): return .conflict
        case (.shown(let a), .shown(let b)):
            let left = a.isDecoded ? scratch.bytes[a.token] : bytes[a.token]
            let right = b.isDecoded ? scratch.bytes[b.token] : bytes[b.token]
            return left.equals(right) ? .shown(preferred(a, b)) : .conflict
        }
    }
}
