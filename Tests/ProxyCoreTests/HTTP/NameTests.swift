// Owns the tests of the byte table, the wide scans and the recognition of names.
// Called by XCTest.
// Never trusts a table: each entry is derived again from the grammar.

import Support
import XCTest

@testable import ProxyCore

final class NameTests: XCTestCase {
    func testByteClassesAreTheGrammar() {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8
        let token = Set(letters).union("!#$%&'*+-.^_`|~".utf8)
        let host = Set(letters).union("-._~".utf8)
        for byte in UInt8.min...UInt8.max {
            let isVisible = byte > 0x20 && byte < 0x7f
            XCTAssertEqual(byte.isOf(.token), token.contains(byte))
            XCTAssertEqual(
                byte.isOf(.plainToken), token.contains(byte) && byte != 0x5f && byte != 0x2e)
            XCTAssertEqual(byte.isOf(.value), byte >= 0x20 && byte != 0x7f || byte == 9)
            XCTAssertEqual(byte.isOf(.target), isVisible && byte != 0x23)
            XCTAssertEqual(byte.isOf(.path), isVisible && byte != 0x23 && byte != 0x3f)
            XCTAssertEqual(byte.isOf(.host), host.contains(byte))
            XCTAssertEqual(byte.isOf(.plainPath), !"%\\;./".utf8.contains(byte))
            XCTAssertEqual(
                byte.hexadecimal.map { Int($0) },
                "0123456789abcdefABCDEF".utf8.contains(byte)
                    ? Int(String(Unicode.Scalar(byte)), radix: 16) : nil)
        }
    }

    /// Every byte at every place of runs of every length, against the guard page.
    func testWideScansFindWhatAByteLoopFinds() {
        let page = GuardPage(capacity: 64)
        for count in 0...40 {
            for place in 0..<max(count, 1) {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: 0x61, count: count)
                    // A high byte before the hit: carries must not reach over lanes.
                    if place > 0 { bytes[place - 1] = 0xff }
                    if place < count { bytes[place] = byte }
                    page.with(bytes) { span in
                        let control = bytes.firstIndex { $0 < 0x20 || $0 == 0x7f } ?? count
                        let path = bytes.firstIndex { !$0.isOf(.path) } ?? count
                        let colon = bytes.firstIndex(of: 0x3a) ?? count
                        if span.firstControl(from: 0, before: count) != control
                            || span.firstBehindPath(from: 0, before: count) != path
                            || span.firstNear(0x3a, from: 0, before: count) != colon
                        {
                            XCTFail("\(byte) at \(place) of \(count)")
                        }
                    }
                }
            }
        }
    }

    private static let names: [(KnownField, String)] = [
        (.host, "Host"), (.contentLength, "Content-Length"),
        (.transferEncoding, "Transfer-Encoding"), (.connection, "Connection"),
        (.proxyConnection, "Proxy-Connection"), (.keepAlive, "Keep-Alive"), (.te, "TE"),
        (.trailer, "Trailer"), (.upgrade, "Upgrade"), (.http2Settings, "HTTP2-Settings"),
        (.expect, "Expect"), (.maxForwards, "Max-Forwards"), (.via, "Via"),
        (.authorization, "Authorization"), (.cookie, "Cookie"), (.setCookie, "Set-Cookie"),
        (.wwwAuthenticate, "WWW-Authenticate"), (.forwarded, "Forwarded"),
        (.xForwardedFor, "X-Forwarded-For"), (.xForwardedProto, "X-Forwarded-Proto"),
        (.xForwardedHost, "X-Forwarded-Host"), (.xForwardedPort, "X-Forwarded-Port"),
        (.xForwardedPrefix, "X-Forwarded-Prefix"), (.xForwardedURI, "X-Forwarded-Uri"),
        (.xRealIP, "X-Real-IP"), (.secWebSocketKey, "Sec-WebSocket-Key"),
        (.secWebSocketVersion, "Sec-WebSocket-Version"),
        (.secWebSocketAccept, "Sec-WebSocket-Accept"),
        (.secWebSocketProtocol, "Sec-WebSocket-Protocol"),
        (.secWebSocketExtensions, "Sec-WebSocket-Extensions"), (.contentType, "Content-Type"),
        (.contentEncoding, "Content-Encoding"), (.contentDisposition, "Content-Disposition"),
        (.contentSecurityPolicy, "Content-Security-Policy"), (.accept, "Accept"),
        (.acceptEncoding, "Accept-Encoding"), (.acceptLanguage, "Accept-Language"),
        (.acceptRanges, "Accept-Ranges"), (.cacheControl, "Cache-Control"), (.age, "Age"),
        (.expires, "Expires"), (.pragma, "Pragma"), (.date, "Date"), (.server, "Server"),
        (.etag, "ETag"), (.lastModified, "Last-Modified"), (.ifNoneMatch, "If-None-Match"),
        (.ifModifiedSince, "If-Modified-Since"), (.ifMatch, "If-Match"), (.range, "Range"),
        (.vary, "Vary"), (.location, "Location"), (.origin, "Origin"), (.referer, "Referer"),
        (.userAgent, "User-Agent"), (.lastEventID, "Last-Event-ID"),
        (.retryAfter, "Retry-After"), (.xRequestedWith, "X-Requested-With"),
    ]

    func testEveryKnownNameIsRecognised() {
        XCTAssertEqual(
            Set(Self.names.map(\.0)).union([.other]), Set(KnownField.allCases))
        for (known, name) in Self.names {
            for spelling in [name, name.lowercased(), name.uppercased()] {
                XCTAssertEqual(KnownField(spelling.rawSpan), known, spelling)
            }
            XCTAssertEqual(KnownField((name + "x").rawSpan), .other)
        }
    }

    /// One byte changed makes another name, unless it is the same letter in the other case.
    func testNoOtherNameIsRecognised() {
        for (known, name) in Self.names {
            let bytes = Array(name.utf8)
            let page = GuardPage(capacity: bytes.count)
            for index in bytes.indices {
                var changed = bytes
                for byte in UInt8.min...UInt8.max {
                    changed[index] = byte
                    let isSame = byte.lowercasedASCII == bytes[index].lowercasedASCII
                    let found = page.with(changed) { KnownField($0) }
                    if isSame ? found != known : found == known {
                        XCTFail("\(name): \(byte) at \(index)")
                    }
                }
            }
        }
    }

    func testMethods() {
        for (name, method) in [
            ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put),
            ("DELETE", .delete), ("PATCH", .patch), ("OPTIONS", .options), ("TRACE", .trace),
            ("CONNECT", .connect), ("get", .other), ("GETS", .other), ("PROPFIND", .other),
        ] {
            XCTAssertEqual(Method(name.rawSpan), method, name)
        }
        XCTAssert(Method.get.isSafe && Method.put.isIdempotent)
        XCTAssertFalse(Method.post.isIdempotent || Method.other.isIdempotent)
        XCTAssertFalse(Method.delete.isSafe)
    }

    func testEveryReasonHasItsOwnText() {
        XCTAssertEqual(
            Set(RefusalReason.allCases.map(\.rawValue)).count, RefusalReason.allCases.count)
    }
}
