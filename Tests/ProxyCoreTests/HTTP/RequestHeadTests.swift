// Owns the tests of request heads, one for each rule, named by the number of its requirement.
// Called by XCTest.
// Never looks at an outcome but through the harness in RequestVector.swift.

import Support
import XCTest

@testable import ProxyCore

final class RequestHeadTests: XCTestCase {
    private func checkAll(_ vectors: [RequestVector], line: UInt = #line) {
        XCTAssertFalse(vectors.isEmpty, line: line)
        for vector in vectors { check(vector) }
    }

    private func of(_ requirement: Int, _ vectors: [RequestVector]) -> [RequestVector] {
        vectors.filter { $0.requirement == requirement }
    }

    func testFraming01LengthAndCoding() { checkAll(of(1, FramingVectors.both)) }
    func testFraming02LengthRepeated() { checkAll(of(2, FramingVectors.both)) }
    func testFraming03LengthMalformed() { checkAll(FramingVectors.badLengths) }
    func testFraming04LeadingZeros() { checkAll(FramingVectors.lengths) }
    func testFraming05OneChunked() { checkAll(FramingVectors.codings) }
    func testFraming06StrayBytes() { checkAll(FramingVectors.strayBytes) }
    func testFraming07CodingInOldVersion() { checkAll(FramingVectors.oldCodings) }

    func testFields13LineEndings() { checkAll(FieldVectors.endings) }
    func testFields13Incomplete() { checkAll(FieldVectors.incomplete) }
    func testFields14FoldedLines() { checkAll(FieldVectors.folds) }
    func testFields15Names() { checkAll(FieldVectors.names) }
    func testFields16Values() { checkAll(FieldVectors.values) }
    func testFields17ConfusableNames() { checkAll(FieldVectors.confusable) }
    func testFields25Limits() { checkAll(FieldVectors.limits) }

    func testRequestLine18Shape() { checkAll(RequestLineVectors.shapes) }
    func testRequestLine18Version() { checkAll(RequestLineVectors.versions) }
    func testRequestLine19TargetBytes() { checkAll(RequestLineVectors.targets) }
    func testRequestLine20AbsoluteForm() { checkAll(RequestLineVectors.absolute) }
    func testRequestLine21AsteriskAndConnect() {
        checkAll(of(21, RequestLineVectors.asterisk))
    }
    func testRequestLine22TraceAndMaxForwards() {
        checkAll(of(22, RequestLineVectors.asterisk))
    }
    func testRequestLine23Host() {
        checkAll(RequestLineVectors.hosts + RequestLineVectors.goodHosts)
    }
    func testRequestLine24Methods() { checkAll(RequestLineVectors.methods) }
    func testRequestLine25Limits() { checkAll(RequestLineVectors.limits) }

    func testConnection26HopByHop() { checkAll(ConnectionVectors.hopByHop) }
    func testConnection27And28Nominated() { checkAll(ConnectionVectors.nominated) }
    func testConnection33Bodies() { checkAll(ConnectionVectors.oldBodies) }
    func testConnection34Expect() { checkAll(ConnectionVectors.expectations) }
    func testConnection36Persistence() { checkAll(ConnectionVectors.persistence) }
    func testUpgrade37WebSocket() { checkAll(ConnectionVectors.upgrades) }
    func testConnection55OwnVia() { checkAll(ConnectionVectors.loops) }

    /// No byte anywhere may crash the parser, nor come through into a value that it would split.
    func testEveryByteReplacedByEveryByte() {
        let base = latin1(
            "POST /a?b HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\nContent-Length: 3\r\n\r\n")
        let page = GuardPage(capacity: base.count)
        var head = RequestHead()
        var refused = 0
        for index in base.indices {
            var bytes = base
            for byte in UInt8.min...UInt8.max {
                bytes[index] = byte
                page.with(bytes) { span in
                    let outcome = head.parse(span, limits: HeadLimits(), trustedPeer: false)
                    if case .refused = outcome { refused += 1 }
                    if outcome == .complete {
                        XCTAssertLessThanOrEqual(head.length, span.byteCount)
                        for place in 0..<head.fields.count {
                            let value = span[head.fields[place].value]
                            for at in 0..<value.byteCount {
                                if [0, 10, 13].contains(value[at: at]) { XCTFail("at \(index)") }
                            }
                        }
                    }
                }
            }
        }
        XCTAssertGreaterThan(refused, base.count * 100)
    }

    /// A head that drips in costs one reading a line, not one a byte.
    func testDrippedHeadIsReadOnceALine() {
        let value = String(repeating: "v", count: 3000)
        let bytes = latin1(get("X: \(value)", "Y: \(value)"))
        func changes(_ count: Int) -> Bool {
            HeadParser.isWorthReading(
                bytes.rawSpan.extracting(0..<count), from: count - 1, limits: HeadLimits())
        }
        XCTAssertFalse(changes(2000), "a byte of a value changes nothing")
        let readings = (2...bytes.count).filter(changes)
        // Four lines and the blank one.
        XCTAssertEqual(readings.count, 5)
        XCTAssertEqual(readings.map { bytes[$0 - 1] }, Array(repeating: 10, count: 5))
    }

    func testFieldAccess() {
        let bytes = latin1(
            get(
                "Authorization: Bearer t", "Cookie: a=1", "cookie: b=2", "X-Custom: v",
                "Connection: X-Gone", "X-Gone: 1", "Accept: */*"))
        var head = RequestHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: false), .complete)
        let span = bytes.rawSpan
        XCTAssertEqual(span[head.fields.first(.authorization)!.value].text(), "Bearer t")
        XCTAssertEqual(head.fields.count(of: .cookie), 2)
        XCTAssertEqual(head.fields.count(of: .authorization), 1)
        XCTAssertEqual(head.fields.count(of: .origin), 0)
        XCTAssertNil(head.fields.first(.origin))
        XCTAssertEqual(head.fields.value("x-custom", in: span)?.text(), "v")
        XCTAssertNil(head.fields.value("x-gone", in: span)?.text(), "dropped")
        XCTAssertEqual(head.fields.value(.accept, in: span)?.text(), "*/*")
        XCTAssertNil(head.fields.value("absent", in: span)?.text())
    }
}

/// All request vectors there are.
enum RequestVectors {
    static var all: [RequestVector] {
        FramingVectors.all + FieldVectors.all + RequestLineVectors.all + ConnectionVectors.all
    }
}
