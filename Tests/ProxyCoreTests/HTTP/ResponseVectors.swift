// Owns the response vectors, requirements 42 to 44 and 26, and their harness.
// Called by ResponseHeadTests.
// Never judges by one way of feeding alone.

import ProxyCore
import Support
import XCTest

/// Bytes of a response head, and what must come of them.
struct ResponseVector {
    enum Expectation {
        case refused(RefusalReason)
        case accepted(ResponseReading)
        case partial
    }

    let requirement: Int
    let name: String
    let input: [UInt8]
    let expectation: Expectation
    var method = Method.get
    var limits = HeadLimits()

    static func refused(
        _ requirement: Int, _ name: String, _ input: String, _ reason: RefusalReason,
        to method: Method = .get, limits: HeadLimits = HeadLimits()
    ) -> ResponseVector {
        ResponseVector(
            requirement: requirement, name: name, input: latin1(input),
            expectation: .refused(reason), method: method, limits: limits)
    }

    static func accepted(
        _ requirement: Int, _ name: String, _ input: String, _ reading: ResponseReading,
        to method: Method = .get
    ) -> ResponseVector {
        ResponseVector(
            requirement: requirement, name: name, input: latin1(input),
            expectation: .accepted(reading), method: method)
    }

    static func partial(_ requirement: Int, _ name: String, _ input: String) -> ResponseVector {
        ResponseVector(
            requirement: requirement, name: name, input: latin1(input), expectation: .partial)
    }
}

/// What a response head was read as. In a vector nil means: not looked at.
struct ResponseReading: Equatable {
    var status: Int?
    var reason: String?
    var framing: BodyFraming?
    /// -1 for none.
    var declared: Int?
    var keepAlive: Bool?
    var webSocket: Bool?
    var version: HTTPVersion?
    var fields: [String]?

    func admits(_ actual: ResponseReading) -> Bool {
        func same<T: Equatable>(_ wanted: T?, _ found: T?) -> Bool {
            wanted == nil || wanted == found
        }
        return same(status, actual.status) && same(reason, actual.reason)
            && same(framing, actual.framing) && same(declared, actual.declared)
            && same(keepAlive, actual.keepAlive) && same(webSocket, actual.webSocket)
            && same(version, actual.version) && same(fields, actual.fields)
    }
}

/// Feeds a vector in every way and demands the same outcome.
func check(_ vector: ResponseVector, file: StaticString = #filePath, line: UInt = #line) {
    let page = GuardPage(capacity: vector.input.count)
    var head = ResponseHead()
    for steps in ByteDribble(count: vector.input.count) {
        _ = head.parse(responseDirt.rawSpan, limits: HeadLimits(), toMethod: .get)
        var outcome = HeadOutcome.partial
        var reading: ResponseReading?
        var scanned = 0
        for step in steps {
            page.with(vector.input, count: step) { bytes in
                outcome = head.parse(
                    bytes, from: scanned, limits: vector.limits, toMethod: vector.method)
                if outcome == .complete {
                    reading = ResponseReading(
                        status: head.status, reason: bytes[head.reason].text(),
                        framing: head.framing, declared: head.declaredLength.map { Int($0) } ?? -1,
                        keepAlive: head.keepAlive, webSocket: head.switchesToWebSocket,
                        version: head.version, fields: head.fields.sent(bytes))
                }
            }
            scanned = step
            if outcome != .partial { break }
        }
        let isRight =
            switch (vector.expectation, outcome) {
            case (.refused(let reason), .refused(let refusal)):
                refusal == Refusal(status: 502, reason: reason)
            case (.accepted(let wanted), .complete): reading.map(wanted.admits) ?? false
            case (.partial, .partial): true
            default: false
            }
        if !isRight {
            let way = steps.count > 2 ? "byte by byte" : "in \(steps)"
            XCTFail(
                "\(vector.requirement) \(vector.name), fed \(way): \(outcome) "
                    + "\(String(describing: reading)), not \(vector.expectation)", file: file,
                line: line)
            return
        }
    }
}

private let responseDirt = latin1(
    "HTTP/1.0 101 Odd\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 9\r\n\r\n")

/// A status line with these fields.
func response(_ status: String, _ lines: String...) -> String {
    "HTTP/1.1 \(status)\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

enum ResponseVectors {
    private static func ok(_ lines: String...) -> String {
        "HTTP/1.1 200 OK\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    static let statusLines: [ResponseVector] = [
        .accepted(42, "Plain", ok(), ResponseReading(status: 200, reason: "OK", version: .http11)),
        .accepted(42, "NoReason", "HTTP/1.1 200\r\n\r\n", ResponseReading(status: 200, reason: "")),
        .accepted(
            42, "EmptyReason", "HTTP/1.1 200 \r\n\r\n", ResponseReading(status: 200, reason: "")),
        .accepted(
            42, "LongReason", response("404 Not \t Found, really"),
            ResponseReading(status: 404, reason: "Not \t Found, really")),
        .accepted(
            42, "Old", "HTTP/1.0 200 OK\r\n\r\n",
            ResponseReading(status: 200, keepAlive: false, version: .http10)),
        .accepted(
            42, "OneTwo", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
            ResponseReading(keepAlive: true, version: .http11)),
        .accepted(42, "Odd", response("599 Odd"), ResponseReading(status: 599)),
        .accepted(42, "Unassigned", response("299 Odd"), ResponseReading(status: 299)),
        .refused(42, "TooSmall", response("099 X"), .statusCode),
        .refused(42, "TooLarge", response("600 X"), .statusCode),
        .refused(42, "TwoDigits", response("20 OK"), .statusLine),
        .refused(42, "FourDigits", response("2000 OK"), .statusLine),
        .refused(42, "Letter", response("2x0 OK"), .statusLine),
        .refused(42, "Plus", response("+20 OK"), .statusLine),
        .refused(42, "TwoSpaces", "HTTP/1.1  200 OK\r\n\r\n", .statusLine),
        .refused(42, "Tab", "HTTP/1.1\t200 OK\r\n\r\n", .statusLine),
        .refused(42, "TabAfterStatus", "HTTP/1.1 200\tOK\r\n\r\n", .statusLine),
        .refused(42, "LowerCase", "http/1.1 200 OK\r\n\r\n", .statusLine),
        .refused(42, "Two", "HTTP/2.0 200 OK\r\n\r\n", .statusLine),
        .refused(42, "NoVersion", "200 OK\r\n\r\n", .statusLine),
        .refused(42, "EmptyLineFirst", "\r\nHTTP/1.1 200 OK\r\n\r\n", .statusLine),
        .refused(42, "BareLF", "HTTP/1.1 200 OK\nX: y\r\n\r\n", .statusLine),
        .refused(42, "BareCR", "HTTP/1.1 200 OK\rX: y\r\n\r\n", .statusLine),
        .refused(42, "NULInReason", "HTTP/1.1 200 O\u{0}K\r\n\r\n", .statusLine),
        .refused(42, "ShellInReason", "HTTP/1.1 200 \u{1b}[0m\r\n\r\n", .statusLine),
        .refused(42, "SMTP", "220 mail ESMTP\r\n\r\n", .statusLine),
        .refused(42, "HTML", "<html></html>\r\n\r\n", .statusLine),
        .refused(42, "Binary", "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{28}", .statusLine),
        .partial(42, "Nothing", ""),
        .partial(42, "Half", "HTTP/1."),
        .partial(42, "Version", "HTTP/1.1"),
        .partial(42, "Status", "HTTP/1.1 20"),
        .partial(42, "StatusWhole", "HTTP/1.1 200"),
        .partial(42, "Reason", "HTTP/1.1 200 O"),
        .partial(42, "ReasonCR", "HTTP/1.1 200 OK\r"),
        .partial(42, "Line", "HTTP/1.1 200 OK\r\n"),
        .partial(42, "Field", "HTTP/1.1 200 OK\r\nX: "),
        .partial(42, "BlankLineCR", "HTTP/1.1 200 OK\r\nX: y\r\n\r"),
    ]

    static let framings: [ResponseVector] =
        [
            .accepted(
                42, "Length", ok("Content-Length: 5"),
                ResponseReading(framing: .length(5), declared: 5, keepAlive: true)),
            .accepted(
                42, "LengthZeros", ok("Content-Length: 005"),
                ResponseReading(framing: .length(5))),
            .accepted(
                42, "LengthTwiceSame", ok("Content-Length: 5", "Content-Length: 5"),
                ResponseReading(framing: .length(5), declared: 5)),
            .accepted(
                42, "LengthListSame", ok("Content-Length: 5, 5"),
                ResponseReading(framing: .length(5))),
            .accepted(
                42, "LengthListAndLine", ok("Content-Length: 5,5", "Content-Length: 05"),
                ResponseReading(framing: .length(5))),
            .refused(
                42, "LengthTwice", ok("Content-Length: 5", "Content-Length: 6"), .lengthRepeated),
            .refused(42, "LengthList", ok("Content-Length: 5, 6"), .lengthRepeated),
            .refused(42, "LengthListEmpty", ok("Content-Length: 5,"), .lengthMalformed),
            .refused(42, "LengthListFirstEmpty", ok("Content-Length: ,5"), .lengthMalformed),
            .refused(
                42, "LengthAndCoding", ok("Content-Length: 5", "Transfer-Encoding: chunked"),
                .lengthAndCoding),
            .refused(
                42, "CodingOld", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                .codingInHTTP10),
            .refused(
                42, "CodingTwice", ok("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
                .codingRepeated),
            .accepted(
                42, "Chunked", ok("Transfer-Encoding: Chunked"),
                ResponseReading(framing: .chunked, declared: -1, keepAlive: true)),
            .accepted(
                44, "UntilClose", ok(), ResponseReading(framing: .untilClose, keepAlive: false)),
            .accepted(
                44, "UntilCloseOldKeep",
                "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n",
                ResponseReading(framing: .untilClose, keepAlive: false)),
            .accepted(
                44, "OldKeep",
                "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
                ResponseReading(framing: .length(1), keepAlive: true)),
            .accepted(
                44, "Close", ok("Connection: close", "Content-Length: 1"),
                ResponseReading(keepAlive: false)),
            .accepted(
                43, "Head", ok("Content-Length: 5"),
                ResponseReading(framing: BodyFraming.none, declared: 5, keepAlive: false),
                to: .head),
            .accepted(
                43, "HeadEmpty", ok("Content-Length: 0"),
                ResponseReading(framing: BodyFraming.none, declared: 0, keepAlive: true),
                to: .head),
            .accepted(
                43, "HeadChunked", ok("Transfer-Encoding: chunked"),
                ResponseReading(framing: BodyFraming.none, keepAlive: false), to: .head),
            .accepted(
                43, "HeadUnstated", ok(),
                ResponseReading(framing: BodyFraming.none, declared: -1, keepAlive: false),
                to: .head),
            .accepted(
                43, "HeadNotModified", response("304 Not Modified"),
                ResponseReading(framing: BodyFraming.none, keepAlive: true), to: .head),
            .accepted(
                43, "NoContent", response("204 No Content", "Content-Length: 5"),
                ResponseReading(framing: BodyFraming.none, declared: -1, keepAlive: false)),
            .accepted(
                43, "NoContentChunked", response("204 No Content", "Transfer-Encoding: chunked"),
                ResponseReading(framing: BodyFraming.none, keepAlive: false)),
            .accepted(
                43, "NoContentUnstated", response("204 No Content"),
                ResponseReading(framing: BodyFraming.none, keepAlive: true)),
            .accepted(
                43, "NoContentEmpty", response("204 No Content", "Content-Length: 0"),
                ResponseReading(framing: BodyFraming.none, keepAlive: true)),
            .accepted(
                43, "NotModified", response("304 Not Modified", "Content-Length: 5"),
                ResponseReading(framing: BodyFraming.none, declared: 5, keepAlive: false)),
            .accepted(
                43, "NotModifiedUnstated", response("304 Not Modified"),
                ResponseReading(framing: BodyFraming.none, keepAlive: true)),
            .accepted(
                43, "Interim", response("103 Early Hints", "Link: </a>"),
                ResponseReading(
                    status: 103, framing: BodyFraming.none, fields: ["Link: </a>"])),
            .accepted(
                43, "Continue", response("100 Continue"),
                ResponseReading(status: 100, framing: BodyFraming.none)),
            .accepted(
                43, "ResetContent", response("205 Reset Content", "Content-Length: 0"),
                ResponseReading(framing: .length(0))),
        ]
        + ["", "+5", "-5", "0x5", "5 5", "1_0", "5.0", "9223372036854775808", "5\u{a0}"].map {
            .refused(
                42, "Length \($0)", ok("Content-Length: \($0)"),
                $0.utf8.count > 15 ? .lengthTooLarge : .lengthMalformed)
        }
        + ["", "gzip", "gzip, chunked", "chunked, gzip", "xchunked", "identity", "chunked,"].map {
            .refused(42, "Coding \($0)", ok("Transfer-Encoding: \($0)"), .codingMalformed)
        }

    static let fields: [ResponseVector] = [
        .refused(42, "NUL", ok("X: a\u{0}b"), .valueCharacter),
        .refused(42, "CR", ok("X: a\rb"), .lineEnding),
        .refused(42, "LF", ok("X: a\nb"), .lineEnding),
        .refused(42, "DEL", ok("Location: /\u{7f}"), .valueCharacter),
        .refused(42, "Fold", ok("X: a", " b"), .foldedLine),
        .refused(42, "SpaceFirst", ok(" X: a"), .leadingSpace),
        .refused(42, "NameSpace", ok("X : a"), .nameSpace),
        .refused(42, "NoColon", ok("X"), .missingColon),
        .refused(42, "LFBlankLine", "HTTP/1.1 200 OK\r\nX: y\r\n\n", .lineEnding),
        .refused(
            42, "TooLarge", ok("X: " + String(repeating: "v", count: 300)), .headTooLarge,
            limits: HeadLimits(headerBytes: 200)),
        .refused(
            42, "TooLongLine", response("200 " + String(repeating: "v", count: 300)),
            .headTooLarge, limits: HeadLimits(requestLine: 200)),
        .refused(
            42, "TooMany", ok("A: 1", "B: 2", "C: 3"), .tooManyFields,
            limits: HeadLimits(headerCount: 2)),
        .accepted(
            26, "HopByHop",
            ok(
                "Connection: X-One, close", "X-One: 1", "Keep-Alive: timeout=5", "Trailer: T",
                "Proxy-Connection: x", "Upgrade: h2", "Set-Cookie: a=1", "Set-Cookie: b=2"),
            ResponseReading(keepAlive: false, fields: ["Set-Cookie: a=1", "Set-Cookie: b=2"])),
        .accepted(
            26, "OddOption", ok("Connection: a b, close", "X: 1"),
            ResponseReading(keepAlive: false, fields: ["X: 1"])),
        .accepted(
            26, "Underscore", ok("X_Y: 1", "X.Y: 2"),
            ResponseReading(fields: ["X_Y: 1", "X.Y: 2"])),
        .accepted(
            16, "Latin1", ok("X: \u{e9}"), ResponseReading(fields: ["X: \u{e9}"])),
    ]

    static let switches: [ResponseVector] = [
        .accepted(
            37, "WebSocket",
            response(
                "101 Switching Protocols", "Upgrade: WebSocket", "Connection: Upgrade",
                "Sec-WebSocket-Accept: x"),
            ResponseReading(
                status: 101, framing: BodyFraming.none, webSocket: true,
                fields: ["Sec-WebSocket-Accept: x"])),
        .accepted(
            39, "NoOption", response("101 S", "Upgrade: websocket"),
            ResponseReading(webSocket: false)),
        .accepted(
            39, "NoUpgrade", response("101 S", "Connection: upgrade"),
            ResponseReading(webSocket: false)),
        .accepted(
            39, "Other", response("101 S", "Upgrade: h2c", "Connection: upgrade"),
            ResponseReading(webSocket: false)),
        .accepted(
            39, "List", response("101 S", "Upgrade: websocket, h2c", "Connection: upgrade"),
            ResponseReading(webSocket: false)),
        .accepted(
            39, "NotASwitch",
            response("200 OK", "Upgrade: websocket", "Connection: upgrade", "Content-Length: 0"),
            ResponseReading(webSocket: false)),
    ]
}

final class ResponseHeadTests: XCTestCase {
    func testResponse42StatusLine() { for vector in ResponseVectors.statusLines { check(vector) } }
    func testResponse42To44Framing() { for vector in ResponseVectors.framings { check(vector) } }
    func testResponse26And42Fields() { for vector in ResponseVectors.fields { check(vector) } }
    func testResponse37And39Switch() { for vector in ResponseVectors.switches { check(vector) } }
}
