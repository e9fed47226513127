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
