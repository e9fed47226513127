// Owns the tests of written responses: requirements 26, 36, 43 to 45.
// Called by XCTest.
// Never checks by parts: a head is compared whole.

import Support
import XCTest

@testable import ProxyCore

final class ResponseWriterTests: XCTestCase {
    private func written(
        _ input: String, to method: Method = .get, version: HTTPVersion = .http11,
        framing: BodyFraming? = nil, keepAlive: Bool = true
    ) -> String {
        let bytes = latin1(input)
        var head = ResponseHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), toMethod: method), .complete)
        var out = ByteBuffer()
        HeadWriter.response(
            head, bytes.rawSpan, downstream: version, framing: framing ?? head.framing,
            keepAlive: keepAlive, into: &out)
        return out.bytes.text() ?? "not UTF-8"
    }

    func testFields() {
        XCTAssertEqual(
            written(
                response(
                    "200 OK", "Server: g", "Connection: X-Gone", "X-Gone: 1", "Set-Cookie: a",
                    "Set-Cookie:b", "Content-Length: 05", "Keep-Alive: 1", "Z: \t")),
            "HTTP/1.1 200 OK\r\nServer: g\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nZ: \r\n"
                + "Content-Length: 5\r\nVia: 1.1 presence-sidecar\r\n\r\n")
    }

    func testConnection36Versions() {
        let input = response("200 OK", "Content-Length: 1")
        XCTAssertEqual(
            written(input, keepAlive: false),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nVia: 1.1 presence-sidecar\r\n"
                + "Connection: close\r\n\r\n")
        XCTAssertEqual(
            written(input, version: .http10),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nVia: 1.1 presence-sidecar\r\n"
                + "Connection: keep-alive\r\n\r\n")
        XCTAssertEqual(
            written("HTTP/1.0 200 OK\r\n\r\n", version: .http10, keepAlive: false),
            "HTTP/1.1 200 OK\r\nVia: 1.0 presence-sidecar\r\nConnection: close\r\n\r\n")
    }

    func testResponse44UntilCloseBecomesChunked() {
        XCTAssertEqual(
            written(response("200 OK", "A: 1"), framing: .chunked),
            "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\n"
                + "Via: 1.1 presence-sidecar\r\n\r\n")
    }

    func testResponse43NoBody() {
        XCTAssertEqual(
            written(response("200 OK", "Content-Length: 7"), to: .head),
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nVia: 1.1 presence-sidecar\r\n\r\n")
        XCTAssertEqual(
            written(response("304 Not Modified", "Content-Length: 7")),
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nVia: 1.1 presence-sidecar\r\n\r\n")
        XCTAssertEqual(
            written(response("204 No Content", "Content-Length: 7")),
            "HTTP/1.1 204 No Content\r\nVia: 1.1 presence-sidecar\r\n\r\n")
        XCTAssertEqual(
            written(response("200", "Content-Length: 0")),
            "HTTP/1.1 200 \r\nContent-Length: 0\r\nVia: 1.1 presence-sidecar\r\n\r\n")
    }

    func testUpgrade37Switch() {
        XCTAssertEqual(
            written(
                response(
                    "101 Switching Protocols", "Upgrade: WebSocket", "Connection: Upgrade",
                    "Sec-WebSocket-Accept: k")),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\n"
                + "Via: 1.1 presence-sidecar\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    }

    func testInterim() {
        let bytes = latin1(response("103 Early Hints", "Link: </a>", "Connection: x"))
        var head = ResponseHead()
        _ = head.parse(bytes.rawSpan, limits: HeadLimits(), toMethod: .get)
        XCTAssert(head.isInterim)
        var out = ByteBuffer()
        HeadWriter.interim(head, bytes.rawSpan, into: &out)
        HeadWriter.continueInterim(into: &out)
        XCTAssertEqual(
            out.bytes.text(),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 presence-sidecar\r\n\r\n"
                + "HTTP/1.1 100 Continue\r\n\r\n")
    }

    private func local(
        _ response: LocalResponse, version: HTTPVersion = .http11, keepAlive: Bool = true
    ) -> (text: String?, omitted: Int) {
        var out = ByteBuffer()
        let omitted = HeadWriter.local(
            response, version: version, keepAlive: keepAlive, headRequest: false,
            date: "D".rawSpan, into: &out)
        return (out.bytes.text(), omitted)
    }

    func testLocal() {
        let answer = local(
            LocalResponse(
                status: 405, contentType: "text/plain", fields: [("Allow", "GET")],
                body: [1, 2, 3]), keepAlive: false)
        XCTAssertEqual(
            answer.text,
            "HTTP/1.1 405 Method Not Allowed\r\nDate: D\r\nServer: presence-sidecar\r\n"
                + "Content-Type: text/plain\r\nAllow: GET\r\nContent-Length: 3\r\n"
                + "Connection: close\r\n\r\n")
        XCTAssertEqual(
            local(LocalResponse(status: 204)).text,
            "HTTP/1.1 204 No Content\r\nDate: D\r\nServer: presence-sidecar\r\n\r\n")
    }

    func testInserted45SplittingValuesAreOmitted() {
        for bad in ["a\r\nb", "a\nb", "a\rb", "a\u{0}b", "\r\n", "\u{7f}"] {
            let answer = local(
                LocalResponse(status: 200, fields: [("X", bad), ("Y", "fine")]))
            XCTAssertEqual(answer.omitted, 1)
            XCTAssertEqual(
                answer.text,
                "HTTP/1.1 200 OK\r\nDate: D\r\nServer: presence-sidecar\r\nY: fine\r\n"
                    + "Content-Length: 0\r\n\r\n")
        }
    }
}
