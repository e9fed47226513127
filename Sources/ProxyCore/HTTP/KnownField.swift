// Owns the field names that this proxy or its applications look at.
// Called by the field parser for every field line.
// Never compares as text: names are bytes, and only ASCII letters fold.

/// A field name recognised while parsing, so that nobody compares names twice.
public enum KnownField: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Any name not listed here.
    case other
    // Framing and routing.
    case host, contentLength, transferEncoding
    // Of one connection only (RFC 9110 §7.6.1).
    case connection, proxyConnection, keepAlive, te, trailer, upgrade, http2Settings
    case expect, maxForwards, via
    case authorization, cookie, setCookie, wwwAuthenticate
    case forwarded, xForwardedFor, xForwardedProto, xForwardedHost, xForwardedPort
    case xForwardedPrefix, xForwardedURI, xRealIP
    case secWebSocketKey, secWebSocketVersion, secWebSocketAccept, secWebSocketProtocol
    case secWebSocketExtensions
    case contentType, contentEncoding, contentDisposition, contentSecurityPolicy
    case accept, acceptEncoding, acceptLanguage, acceptRanges, cacheControl, age, expires, pragma
    case date, server, etag, lastModified, ifNoneMatch, ifModifiedSince, ifMatch, range, vary
    case location, origin, referer, userAgent, lastEventID, retryAfter, xRequestedWith

    /// Its place in a 64-bit set.
    var bit: UInt64 {
        @inline(__always) get { 1 &<< UInt64(rawValue) }
    }
}

extension KnownField {
    /// Recognises the name in `bytes[start..<end]`: its length first, then whole words of it.
    @inline(__always)
    init(_ bytes: RawSpan, _ start: Int, _ end: Int) {
        self = Self.recognise(bytes, start, end &- start)
    }

    /// Recognises a name by itself.
    public init(_ name: RawSpan) { self = Self.recognise(name, 0, name.byteCount) }

    // Tables by hand: one comparison of a word or two a candidate, no hashing.
    @inline(__always)
    private static func recognise(_ bytes: RawSpan, _ at: Int, _ count: Int) -> KnownField {
        count <= 12 ? short(bytes, at, count) : long(bytes, at, count)
    }

    @inline(__always)
    private static func short(_ bytes: RawSpan, _ at: Int, _ count: Int) -> KnownField {
        switch count {
        case 2:
            if bytes.isFolded("te", at: at) { return .te }
        case 3:
            if bytes.isFolded("via", at: at) { return .via }
            if bytes.isFolded("age", at: at) { return .age }
        case 4:
            if bytes.isFolded("host", at: at) { return .host }
            if bytes.isFolded("date", at: at) { return .date }
            if bytes.isFolded("etag", at: at) { return .etag }
            if bytes.isFolded("vary", at: at) { return .vary }
        case 5:
            if bytes.isFolded("range", at: at) { return .range }
        case 6:
            if bytes.isFolded("expect", at: at) { return .expect }
            if bytes.isFolded("cookie", at: at) { return .cookie }
            if bytes.isFolded("accept", at: at) { return .accept }
            if bytes.isFolded("pragma", at: at) { return .pragma }
            if bytes.isFolded("server", at: at) { return .server }
            if bytes.isFolded("origin", at: at) { return .origin }
        case 7:
            if bytes.isFolded("trailer", at: at) { return .trailer }
            if bytes.isFolded("upgrade", at: at) { return .upgrade }
            if bytes.isFolded("expires", at: at) { return .expires }
            if bytes.isFolded("referer", at: at) { return .referer }
        case 8:
            if bytes.isFolded("if-match", at: at) { return .ifMatch }
            if bytes.isFolded("location", at: at) { return .location }
        case 9:
            if bytes.isFolded("forwarded", at: at) { return .forwarded }
            if bytes.isFolded("x-real-ip", at: at) { return .xRealIP }
        case 10:
            if bytes.isFolded("connection", at: at) { return .connection }
            if bytes.isFolded("keep-alive", at: at) { return .keepAlive }
            if bytes.isFolded("set-cookie", at: at) { return .setCookie }
            if bytes.isFolded("user-agent", at: at) { return .userAgent }
        case 11:
            if bytes.isFolded("retry-after", at: at) { return .retryAfter }
        case 12:
            if bytes.isFolded("max-forwards", at: at) { return .maxForwards }
            if bytes.isFolded("content-type", at: at) { return .contentType }
        default:
            break
        }
        return .other
    }

    @inline(__always)
    private static func long(_ bytes: RawSpan, _ at: Int, _ count: Int) -> KnownField {
        switch count {
        case 13:
            if bytes.isFolded("authorization", at: at) { return .authorization }
            if bytes.isFolded("accept-ranges", at: at) { return .acceptRanges }
            if bytes.isFolded("cache-control", at: at) { return .cacheControl }
            if bytes.isFolded("last-modified", at: at) { return .lastModified }
            if bytes.isFolded("if-none-match", at: at) { return .ifNoneMatch }
            if bytes.isFolded("last-event-id", at: at) { return .lastEventID }
        case 14:
            if bytes.isFolded("content-length", at: at) { return .contentLength }
            if bytes.isFolded("http2-settings", at: at) { return .http2Settings }
        case 15:
            if bytes.isFolded("x-forwarded-for", at: at) { return .xForwardedFor }
            if bytes.isFolded("x-forwarded-uri", at: at) { return .xForwardedURI }
            if bytes.isFolded("accept-encoding", at: at) { return .acceptEncoding }
            if bytes.isFolded("accept-language", at: at) { return .acceptLanguage }
        case 16:
            if bytes.isFolded("proxy-connection", at: at) { return .proxyConnection }
            if bytes.isFolded("www-authenticate", at: at) { return .wwwAuthenticate }
            if bytes.isFolded("x-forwarded-host", at: at) { return .xForwardedHost }
            if bytes.isFolded("x-forwarded-port", at: at) { return .xForwardedPort }
            if bytes.isFolded("content-encoding", at: at) { return .contentEncoding }
            if bytes.isFolded("x-requested-with", at: at) { return .xRequestedWith }
        case 17:
            if bytes.isFolded("transfer-encoding", at: at) { return .transferEncoding }
            if bytes.isFolded("x-forwarded-proto", at: at) { return .xForwardedProto }
            if bytes.isFolded("sec-websocket-key", at: at) { return .secWebSocketKey }
            if bytes.isFolded("if-modified-since", at: at) { return .ifModifiedSince }
        case 18:
            if bytes.isFolded("x-forwarded-prefix", at: at) { return .xForwardedPrefix }
        case 19:
            if bytes.isFolded("content-disposition", at: at) { return .contentDisposition }
        case 20:
            if bytes.isFolded("sec-websocket-accept", at: at) { return .secWebSocketAccept }
        case 21:
            if bytes.isFolded("sec-websocket-version", at: at) { return .secWebSocketVersion }
        case 22:
            if bytes.isFolded("sec-websocket-protocol", at: at) { return .secWebSocketProtocol }
        case 23:
            if bytes.isFolded("content-security-policy", at: at) { return .contentSecurityPolicy }
        case 24:
            if bytes.isFolded("sec-websocket-extensions", at: at) { return .secWebSocketExtensions }
        default:
            break
        }
        return .other
    }
}
