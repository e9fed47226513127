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
    @inlinable var bit: UInt64 { 1 << UInt64(rawValue) }
}

extension KnownField {
    /// Recognises the name in `bytes[start..<end]`: its length first, then whole words of it.
    @inline(__always)
    init(_ bytes: RawSpan, _ start: Int, _ end: Int) {
        self = Self.recognise(bytes.extracting(start..<end))
    }

    /// Recognises a name by itself.
    init(_ name: RawSpan) { self = Self.recognise(name) }

    // A table by hand: one comparison of a word or two a candidate, no hashing.
    @inline(__always)
    private static func recognise(_ name: RawSpan) -> KnownField {
        switch name.byteCount {
        case 2:
            if name.isFolded("te") { return .te }
        case 3:
            if name.isFolded("via") { return .via }
            if name.isFolded("age") { return .age }
        case 4:
            if name.isFolded("host") { return .host }
            if name.isFolded("date") { return .date }
            if name.isFolded("etag") { return .etag }
            if name.isFolded("vary") { return .vary }
        case 5:
            if name.isFolded("range") { return .range }
        case 6:
            if name.isFolded("expect") { return .expect }
            if name.isFolded("cookie") { return .cookie }
            if name.isFolded("accept") { return .accept }
            if name.isFolded("pragma") { return .pragma }
            if name.isFolded("server") { return .server }
            if name.isFolded("origin") { return .origin }
        case 7:
            if name.isFolded("trailer") { return .trailer }
            if name.isFolded("upgrade") { return .upgrade }
            if name.isFolded("expires") { return .expires }
            if name.isFolded("referer") { return .referer }
        case 8:
            if name.isFolded("if-match") { return .ifMatch }
            if name.isFolded("location") { return .location }
        case 9:
            if name.isFolded("forwarded") { return .forwarded }
            if name.isFolded("x-real-ip") { return .xRealIP }
        case 10:
            if name.isFolded("connection") { return .connection }
            if name.isFolded("keep-alive") { return .keepAlive }
            if name.isFolded("set-cookie") { return .setCookie }
            if name.isFolded("user-agent") { return .userAgent }
        case 11:
            if name.isFolded("retry-after") { return .retryAfter }
        case 12:
            if name.isFolded("max-forwards") { return .maxForwards }
            if name.isFolded("content-type") { return .contentType }
        case 13:
            if name.isFolded("authorization") { return .authorization }
            if name.isFolded("accept-ranges") { return .acceptRanges }
            if name.isFolded("cache-control") { return .cacheControl }
            if name.isFolded("last-modified") { return .lastModified }
            if name.isFolded("if-none-match") { return .ifNoneMatch }
            if name.isFolded("last-event-id") { return .lastEventID }
        case 14:
            if name.isFolded("content-length") { return .contentLength }
            if name.isFolded("http2-settings") { return .http2Settings }
        case 15:
            if name.isFolded("x-forwarded-for") { return .xForwardedFor }
            if name.isFolded("x-forwarded-uri") { return .xForwardedURI }
            if name.isFolded("accept-encoding") { return .acceptEncoding }
            if name.isFolded("accept-language") { return .acceptLanguage }
        case 16:
            if name.isFolded("proxy-connection") { return .proxyConnection }
            if name.isFolded("www-authenticate") { return .wwwAuthenticate }
            if name.isFolded("x-forwarded-host") { return .xForwardedHost }
            if name.isFolded("x-forwarded-port") { return .xForwardedPort }
            if name.isFolded("content-encoding") { return .contentEncoding }
            if name.isFolded("x-requested-with") { return .xRequestedWith }
        case 17:
            if name.isFolded("transfer-encoding") { return .transferEncoding }
            if name.isFolded("x-forwarded-proto") { return .xForwardedProto }
            if name.isFolded("sec-websocket-key") { return .secWebSocketKey }
            if name.isFolded("if-modified-since") { return .ifModifiedSince }
        case 18:
            if name.isFolded("x-forwarded-prefix") { return .xForwardedPrefix }
        case 19:
            if name.isFolded("content-disposition") { return .contentDisposition }
        case 20:
            if name.isFolded("sec-websocket-accept") { return .secWebSocketAccept }
        case 21:
            if name.isFolded("sec-websocket-version") { return .secWebSocketVersion }
        case 22:
            if name.isFolded("sec-websocket-protocol") { return .secWebSocketProtocol }
        case 23:
            if name.isFolded("content-security-policy") { return .contentSecurityPolicy }
        case 24:
            if name.isFolded("sec-websocket-extensions") { return .secWebSocketExtensions }
        default:
            break
        }
        return .other
    }
}
