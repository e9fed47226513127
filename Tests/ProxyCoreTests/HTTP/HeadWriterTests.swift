// Owns the tests of written heads: requirements 4, 20, 26, 27, 34, 36, 37, 43, 45, 51, 55.
// Called by XCTest.
// Never checks by parts: a head is compared whole.

import Support
import XCTest

@testable import ProxyCore

final class HeadWriterTests: XCTestCase {
    private let peer = ClientAddress.parse("203.0.113.7")!

    private func written(
        _ input: String, trusted: Bool = false, secure: Bool = false,
        peer: ClientAddress? = nil, expectation: Bool = true,
        own: String = ""
    ) -> [String] {
        let bytes = latin1(input)
        var head = RequestHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: trusted), .complete)
        var out = ByteBuffer()
        HeadWriter.request(
            head, bytes.rawSpan,
            forwarded: ForwardedFields(
                peer: peer ?? self.peer, trusted: trusted, secure: secure),
            expectation: expectation, own: own.rawSpan, into: &out)
        return lines(out)
    }

    private func lines(_ out: borrowing ByteBuffer) -> [String] {
        let text = String(String.UnicodeScalarView(out.array().map { Unicode.Scalar($0) }))
        XCTAssert(text.hasSuffix("\r\n\r\n"), text)
        let lines = text.components(separatedBy: "\r\n").dropLast(2)
        XCTAssertFalse(lines.contains { $0.isEmpty || $0.contains("\r") || $0.contains("\n") })
        return Array(lines)
    }

    private let own = [
        "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: http", "X-Forwarded-Host: a",
        "Via: 1.1 presence-sidecar",
    ]

    func testPlainRequest() {
        XCTAssertEqual(
            written(get("User-Agent: u", "Accept:  */* ", "X:y", "Z:", "Cookie: c\td")),
            [
                "GET / HTTP/1.1", "Host: a", "User-Agent: u", "Accept: */*", "X: y", "Z: ",
                "Cookie: c\td",
            ] + own)
    }

    func testHostComesFirst() {
        XCTAssertEqual(
            written("GET /p?q HTTP/1.1\r\nA: 1\r\nHost: a\r\nB: 2\r\n\r\n"),
            ["GET /p?q HTTP/1.1", "Host: a", "A: 1", "B: 2"] + own)
        XCTAssertEqual(
            written("GET / HTTP/1.1\r\nHost:\ta \r\nB: 2\r\n\r\n"),
            ["GET / HTTP/1.1", "Host: a", "B: 2"] + own)
    }

    func testTabBehindColonIsNotCopied() {
        XCTAssertEqual(
            written(get("A:\t1", "B: 2", "C: 3 ", "D: 4")),
            ["GET / HTTP/1.1", "Host: a", "A: 1", "B: 2", "C: 3", "D: 4"] + own)
    }

    func testFraming04IsRegenerated() {
        XCTAssertEqual(
            written(post("Content-Length:005", "A: 1")),
            ["POST / HTTP/1.1", "Host: a", "A: 1", "Content-Length: 5"] + own)
        XCTAssertEqual(
            written(post("Transfer-Encoding: CHUNKED")),
            ["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"] + own)
        XCTAssertEqual(
            written(post("Content-Length: 0")),
            ["POST / HTTP/1.1", "Host: a", "Content-Length: 0"] + own)
    }

    func testRequestLine20OriginForm() {
        for (target, line) in [
            ("http://a/b?c", "/b?c"), ("http://a", "/"), ("HTTP://A?x", "/?x"),
            ("http://a/", "/"), ("https://a//b", "//b"), ("http://a/?", "/?"),
        ] {
            XCTAssertEqual(
                written("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").first,
                "GET \(line) HTTP/1.1")
        }
        XCTAssertEqual(
            written("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").first, "OPTIONS * HTTP/1.1")
        XCTAssertEqual(
            written("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").first, "OPTIONS * HTTP/1.1")
        XCTAssertEqual(
            written("\r\npurge /x HTTP/1.7\r\nHost: a\r\n\r\n").first, "purge /x HTTP/1.1")
    }

    func testRequestLine22MaxForwards() {
        XCTAssertEqual(
            written(request("OPTIONS", "Max-Forwards: 7")),
            ["OPTIONS / HTTP/1.1", "Host: a", "Max-Forwards: 6"] + own)
        XCTAssertEqual(
            written(get("Max-Forwards: 7")), ["GET / HTTP/1.1", "Host: a", "Max-Forwards: 7"] + own)
    }

    func testConnection26HopByHop() {
        XCTAssertEqual(
            written(
                get(
                    "A: 1", "Connection: X-One, keep-alive", "B: 2", "X-One: 1", "C: 3",
                    "Keep-Alive: 5", "Upgrade: h2c", "TE: gzip", "Under_Score: 1", "D: 4")),
            ["GET / HTTP/1.1", "Host: a", "A: 1", "B: 2", "C: 3", "D: 4"] + own)
        XCTAssertEqual(
            written(get("TE: gzip, trailers", "Connection: TE")),
            ["GET / HTTP/1.1", "Host: a"] + own + ["TE: trailers", "Connection: TE"])
    }

    func testConnection27OursAreSetAfterStripping() {
        XCTAssertEqual(
            written(
                get(
                    "Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host",
                    "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https",
                    "X-Forwarded-Host: evil"), trusted: true),
            ["GET / HTTP/1.1", "Host: a"] + own)
    }

    func testFieldsOfTheApplicationFollowEverythingOfTheClient() {
        XCTAssertEqual(
            written(get("Connection: X-Auth-User", "A: 1"), own: "X-Auth-User: u\r\n"),
            ["GET / HTTP/1.1", "Host: a", "A: 1"] + own.dropLast()
                + ["X-Auth-User: u"] + own.suffix(1))
    }

    func testConnection34Expect() {
        let input = post("Expect: 100-continue", "Content-Length: 1")
        XCTAssertEqual(
            written(input),
            ["POST / HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 1"] + own)
        XCTAssertEqual(
            written(input, expectation: false),
            ["POST / HTTP/1.1", "Host: a", "Content-Length: 1"] + own)
    }

    func testConnection36OldRequest() {
        XCTAssertEqual(
            written("GET /x HTTP/1.0\r\nConnection: close\r\n\r\n"),
            [
                "GET /x HTTP/1.1", "Host: localhost", "X-Forwarded-For: 203.0.113.7",
                "X-Forwarded-Proto: http", "Via: 1.0 presence-sidecar",
            ])
    }

    func testUpgrade37() {
        let lines = [
            "Connection: keep-alive, Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        ]
        func head(_ lines: [String]) -> String {
            "GET / HTTP/1.1\r\nHost: a\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n"
        }
        XCTAssertEqual(
            written(head(lines)),
            ["GET / HTTP/1.1", "Host: a", lines[2], lines[3]] + own
                + ["Connection: upgrade", "Upgrade: websocket"])
        XCTAssertEqual(
            written(head([lines[0], lines[1], lines[3]])),
            ["GET / HTTP/1.1", "Host: a", lines[3]] + own, "not valid: a plain request")
    }

    func testTrust51Untrusted() {
        XCTAssertEqual(
            written(
                get(
                    "X-Forwarded-For: 1.1.1.1", "A: 1", "Forwarded: for=1.1.1.1",
                    "X-Real-IP: 1.1.1.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
                    "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /x", "X-Forwarded-Uri: /y",
                    "x-forwarded-ssl: on", "X-Forwarded-Protocol: ssl", "X-Forwardedness: kept",
                    "B: 2")),
            ["GET / HTTP/1.1", "Host: a", "A: 1", "X-Forwardedness: kept", "B: 2"] + own)
        XCTAssertEqual(written(get(), secure: true)[3], "X-Forwarded-Proto: https")
    }

    func testTrust51Trusted() {
        XCTAssertEqual(
            written(
                get(
                    "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "X-Real-IP: 1.1.1.1",
                    "Forwarded: for=1.1.1.1", "X-Forwarded-For: 2.2.2.2",
                    "X-Forwarded-Host: app.example", "X-Forwarded-Port: 443"), trusted: true),
            [
                "GET / HTTP/1.1", "Host: a", "X-Forwarded-Proto: https", "X-Real-IP: 1.1.1.1",
                "Forwarded: for=1.1.1.1", "X-Forwarded-Host: app.example",
                "X-Forwarded-Port: 443", "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 203.0.113.7",
                "Via: 1.1 presence-sidecar",
            ])
        XCTAssertEqual(written(get(), trusted: true), ["GET / HTTP/1.1", "Host: a"] + own)
    }

    func testTrust51UnixPeer() {
        XCTAssertEqual(
            written(get("X-Forwarded-For: 1.1.1.1"), trusted: true, peer: .local),
            [
                "GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 1.1.1.1",
                "X-Forwarded-Proto: http", "X-Forwarded-Host: a", "Via: 1.1 presence-sidecar",
            ])
        XCTAssertEqual(
            written(get("X-Forwarded-For: 1.1.1.1"), peer: .local),
            [
                "GET / HTTP/1.1", "Host: a", "X-Forwarded-Proto: http", "X-Forwarded-Host: a",
                "Via: 1.1 presence-sidecar",
            ])
    }

    func testVia55IsAppended() {
        XCTAssertEqual(
            written(get("Via: 1.0 nginx")),
            ["GET / HTTP/1.1", "Host: a", "Via: 1.0 nginx"] + own)
    }

    /// What is written for the upstream is accepted, and means the same, when read again.
    func testEveryAcceptedVectorReadsTheSameAgain() {
        var again = 0
        for vector in RequestVectors.all {
            guard case .accepted = vector.expectation else { continue }
            var head = RequestHead()
            let bytes = vector.input
            _ = head.parse(
                bytes.rawSpan, limits: vector.limits, trustedPeer: vector.trustedPeer)
            var out = ByteBuffer()
            HeadWriter.request(
                head, bytes.rawSpan,
                forwarded: ForwardedFields(peer: peer, trusted: false, secure: false),
                into: &out)
            var text = out.array()
            // Our own Via would rightly be refused.
            for index in text.indices where text[index...].starts(with: Array("presence-s".utf8)) {
                text[index] = 0x58
            }
            var second = RequestHead()
            let outcome = second.parse(
                text.rawSpan,
                limits: HeadLimits(requestLine: 9000, headerBytes: 50_000, headerCount: 256),
                trustedPeer: false)
            let label = "\(vector.requirement) \(vector.name)"
            if head.fields.count > 250 { continue }
            XCTAssertEqual(outcome, .complete, label)
            XCTAssertEqual(second.length, text.count, label)
            XCTAssertEqual(second.framing, head.framing, label)
            XCTAssertEqual(second.method, head.method, label)
            XCTAssertEqual(second.version, .http11, label)
            XCTAssertEqual(second.expectsContinue, head.expectsContinue, label)
            XCTAssertEqual(
                second.webSocketUpgrade == .valid, head.webSocketUpgrade == .valid, label)
            again += 1
        }
        XCTAssertGreaterThan(again, 200)
    }
}
