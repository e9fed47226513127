// Owns regenerating heads: what goes on to the upstream and back to the client.
// Called by the exchange with a parsed head and its bytes.
// Never sends a byte on that the parser has not accepted, nor a framing that it did not decide.

/// What became of a body on its way, as far as its head must tell.
public enum BodyChange: Sendable, Equatable, BitwiseCopyable {
    case none
    /// It is not the one that the head speaks of: its ETag becomes a weak one, and what names its
    /// length, its bytes or parts of them is left out.
    case rewritten
    /// The same, and what was put in changes by itself: a date says nothing of it, and an ETag
    /// only with a mark behind it that does. Nil: it is not known what would be put in.
    case volatile(mark: UInt64?)
}

/// Writes heads.
public enum HeadWriter {
    /// The head that the upstream gets: origin-form, HTTP/1.1, Host first, every field that is
    /// not dropped in order, then our own.
    ///
    /// A client of HTTP/1.0 that names no host gets `Host: localhost`: 1.1 demands one.
    /// - Parameters:
    ///   - bytes: the span that `head` was parsed from.
    ///   - expectation: false leaves `Expect` out (the 100 has been sent from here).
    ///   - plain: the response is to come whole and without a content coding, whatever the client
    ///     would take.
    ///   - unconditional: the upstream must not decide whether the client's copy is still good.
    ///   - own: whole field lines of the application, which `ReservedFields` has admitted.
    public static func request(
        _ head: borrowing RequestHead, _ bytes: RawSpan, forwarded: ForwardedFields,
        expectation: Bool = true, plain: Bool = false, unconditional: Bool = false,
        own: RawSpan = RawSpan(), into out: inout ByteBuffer
    ) {
        out.reserve(head.length + 256)
        requestLine(head, bytes, into: &out)

        var skipped = forwarded.skipped(head) | framingFields
        if !expectation { skipped |= KnownField.expect.bit }
        if head.maxForwards != nil { skipped |= KnownField.maxForwards.bit }
        // An If-Range means nothing without its Range (RFC 9110 §13.1.5).
        if plain { skipped |= KnownField.acceptEncoding.bit | KnownField.range.bit }
        if unconditional {
            skipped |= KnownField.ifNoneMatch.bit | KnownField.ifModifiedSince.bit
        }
        if head.fields.count == 0 || head.fields[0].known != .host {
            skipped |= KnownField.host.bit
            out.append("Host: ")
            if let authority = head.authority {
                out.append(bytes[authority])
            } else {
                out.append("localhost")
            }
            out.append("\r\n")
        }

        var run = FieldRun()
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            if field.dropped || field.known.bit & skipped != 0 { continue }
            if field.known == .other, forwarded.withholds(bytes[field.name]) { continue }
            run.add(field, bytes, into: &out)
        }
        run.flush(bytes, into: &out)

        if let hops = head.maxForwards {
            out.append("Max-Forwards: ")
            out.append(decimal: UInt64(hops > 0 ? hops - 1 : 0))
            out.append("\r\n")
        }
        if plain { out.append("Accept-Encoding: identity\r\n") }
        framing(head.framing, into: &out)
        forwarded.write(head, bytes, into: &out)
        // Behind everything that was taken out of the client's: no Connection field nominates it.
        if own.byteCount > 0 { out.append(own) }
        via(head.version, into: &out)
        if head.webSocketUpgrade == .valid {
            out.append("Connection: upgrade\r\nUpgrade: websocket\r\n")
        } else if head.acceptsTrailers {
            out.append("TE: trailers\r\nConnection: TE\r\n")
        }
        out.append("\r\n")
    }

    private static func requestLine(
        _ head: borrowing RequestHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        if head.path.start == head.target.start {
            // Method, one space and target stand so in the input.
            out.append(
                bytes[HeadRange(start: head.methodName.start, end: head.target.end)])
        } else {
            out.append(bytes[head.methodName])
            out.append(.space)
            // RFC 9112 §3.2.4: OPTIONS of the server as a whole.
            let isBare = head.path.isEmpty && head.query == nil
            out.append(isBare && head.method == .options ? "*" : head.path.isEmpty ? "/" : "")
            out.append(bytes[HeadRange(start: head.path.start, end: head.target.end)])
        }
        out.append(" HTTP/1.1\r\n")
    }

    /// The head that the client gets.
    /// - Parameters:
    ///   - version: the client's.
    ///   - framing: how the body will be sent; `.none` keeps the Content-Length that the response
    ///     to HEAD or a 304 announces.
    ///   - keepAlive: whether the connection stays open.
    public static func response(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, downstream version: HTTPVersion,
        framing: BodyFraming, keepAlive: Bool, change: BodyChange = .none,
        into out: inout ByteBuffer
    ) {
        out.reserve(head.length + 128)
        statusLine(head, bytes, into: &out)
        if change == .none {
            fields(head, bytes, into: &out)
        } else {
            changedFields(head, bytes, change, into: &out)
        }
        if framing == .none, change == .none, let length = head.declaredLength {
            self.framing(.length(length), into: &out)
        } else {
            self.framing(framing, into: &out)
        }
        via(head.version, into: &out)
        if head.status == 101 {
            if head.switchesToWebSocket {
                out.append("Connection: upgrade\r\nUpgrade: websocket\r\n")
            }
        } else {
            connection(version, keepAlive: keepAlive, into: &out)
        }
        out.append("\r\n")
    }

    /// 304 in the place of a 200 whose changed body the client has already: the fields of that head,
    /// but for those that speak of a body (RFC 9110 §15.4.5).
    static func notModified(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, mark: UInt64,
        downstream version: HTTPVersion, keepAlive: Bool, into out: inout ByteBuffer
    ) {
        out.append("HTTP/1.1 304 Not Modified\r\n")
        changedFields(
            head, bytes, .volatile(mark: mark), without: KnownField.contentType.bit, into: &out)
        via(head.version, into: &out)
        connection(version, keepAlive: keepAlive, into: &out)
        out.append("\r\n")
    }

    /// An interim (1xx) response, for clients of HTTP/1.1 alone.
    public static func interim(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        out.reserve(head.length + 64)
        statusLine(head, bytes, into: &out)
        fields(head, bytes, into: &out)
        via(head.version, into: &out)
        out.append("\r\n")
    }

    /// `HTTP/1.1 100 Continue`, from here.
    public static func continueInterim(into out: inout ByteBuffer) {
        out.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    // MARK: Pieces

    @inline(__always)
    private static var framingFields: UInt64 {
        KnownField.contentLength.bit | KnownField.transferEncoding.bit
    }

    private static func statusLine(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        out.append("HTTP/1.1 ")
        out.append(decimal: UInt64(head.status))
        out.append(.space)
        out.append(bytes[head.reason])
        out.append("\r\n")
    }

    private static func fields(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, into out: inout ByteBuffer
    ) {
        var run = FieldRun()
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            if field.dropped || field.known.bit & framingFields != 0 { continue }
            run.add(field, bytes, into: &out)
        }
        run.flush(bytes, into: &out)
    }

    /// Fields of a response whose body was changed on its way (RFC 9110 §7.7).
    ///
    /// A strong ETag would promise the same bytes (§8.8.1). Ranges are those of other bytes, and
    /// digests (RFC 9530, RFC 3230, RFC 1864) would not match.
    @inline(never)
    private static func changedFields(
        _ head: borrowing ResponseHead, _ bytes: RawSpan, _ change: BodyChange,
        without further: UInt64 = 0, into out: inout ByteBuffer
    ) {
        var skipped = framingFields | KnownField.acceptRanges.bit | further
        if case .volatile = change { skipped |= KnownField.lastModified.bit }
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            if field.dropped || field.known.bit & skipped != 0 { continue }
            if field.known == .other, isDigest(bytes[field.name]) { continue }
            let value = bytes[field.value]
            if field.known == .etag, case .volatile(let mark) = change {
                if let mark { markedTag(bytes[field.name], value, mark, into: &out) }
                continue
            }
            out.append(bytes[field.name])
            out.append(": ")
            if field.known == .etag, !EntityTag.isWeak(value) { out.append("W/") }
            out.append(value)
            out.append("\r\n")
        }
    }

    private static func markedTag(
        _ name: RawSpan, _ value: RawSpan, _ mark: UInt64, into out: inout ByteBuffer
    ) {
        guard EntityTag.opaque(value) != nil else { return }
        out.append(name)
        out.append(": W/\"")
        _ = EntityTag.append(value, mark: mark, to: &out)
        out.append("\"\r\n")
    }

    private static func isDigest(_ name: RawSpan) -> Bool {
        name.equalsFolded("content-digest") || name.equalsFolded("repr-digest")
            || name.equalsFolded("digest") || name.equalsFolded("content-md5")
    }

    /// One framing field, or none.
    public static func framing(_ framing: BodyFraming, into out: inout ByteBuffer) {
        switch framing {
        case .none, .untilClose: break
        case .length(let count):
            out.append("Content-Length: ")
            out.append(decimal: count)
            out.append("\r\n")
        case .chunked: out.append("Transfer-Encoding: chunked\r\n")
        }
    }

    /// The protocol in which the message came, and our name (RFC 9110 §7.6.3).
    private static func via(_ received: HTTPVersion, into out: inout ByteBuffer) {
        switch received {
        case .http11: out.append("Via: 1.1 presence-sidecar\r\n")
        case .http10: out.append("Via: 1.0 presence-sidecar\r\n")
        }
    }

    /// Only what is not the protocol's default (RFC 9112 §9.3).
    static func connection(
        _ version: HTTPVersion, keepAlive: Bool, into out: inout ByteBuffer
    ) {
        if !keepAlive {
            out.append("Connection: close\r\n")
        } else if version == .http10 {
            out.append("Connection: keep-alive\r\n")
        }
    }
}

/// Neighbouring fields that were written as we write them, `Name: value` CRLF with one space,
/// leave in one copy. (Each of their bytes has been parsed: the copy is what writing them piece
/// by piece would give.)
private struct FieldRun {
    private var start: UInt32 = 0
    /// Behind the last value: its CRLF follows.
    private var end: UInt32 = 0

    @inline(__always)
    mutating func add(_ field: Field, _ bytes: RawSpan, into out: inout ByteBuffer) {
        let isCanonical =
            field.value.start == field.name.end + 2
            && bytes[at: Int(field.name.end) + 1] == .space
        if isCanonical, end != 0, field.name.start == end + 2 {
            end = field.value.end
            return
        }
        flush(bytes, into: &out)
        if isCanonical {
            start = field.name.start
            end = field.value.end
        } else {
            out.append(bytes[field.name])
            out.append(": ")
            out.append(bytes[field.value])
            out.append("\r\n")
        }
    }

    @inline(__always)
    mutating func flush(_ bytes: RawSpan, into out: inout ByteBuffer) {
        guard end != 0 else { return }
        out.append(bytes[HeadRange(start: start, end: end)])
        out.append("\r\n")
        end = 0
    }
}
