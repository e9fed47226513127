// Owns the tests of bodies: chunked (requirements 8 to 11), counted, until close.
// Called by XCTest.
// Never looks at one way of feeding alone.

import ProxyCore
import Support
import XCTest

/// A body fed in pieces, and what came of it.
private struct BodyReading: Equatable {
    var data: [UInt8] = []
    var isComplete = false
    var fault: Refusal?
    /// Bytes used up to the end of the body.
    var used = 0
}

/// Feeds `input` in every way; all must read the same.
private func read(
    _ input: [UInt8], _ framing: BodyFraming, limits: HeadLimits = HeadLimits(),
    file: StaticString = #filePath, line: UInt = #line
) -> BodyReading {
    let page = GuardPage(capacity: input.count)
    var first: BodyReading?
    for steps in ByteDribble(count: input.count) {
        var reader = BodyReader(framing, limits: limits)
        var reading = BodyReading()
        var fed = 0
        for step in steps {
            let piece = Array(input[fed..<step])
            fed = step
            page.with(piece) { bytes in
                var offset = 0
                feeding: while true {
                    switch reader.next(bytes, at: &offset) {
                    case .data(let start, let end):
                        XCTAssertLessThan(start, end)
                        XCTAssertEqual(offset, end)
                        reading.data += bytes.extracting(start..<end).array()
                    case .more:
                        XCTAssertEqual(offset, bytes.byteCount)
                        break feeding
                    case .end:
                        reading.isComplete = true
                        break feeding
                    case .malformed(let refusal):
                        reading.fault = refusal
                        break feeding
                    }
                }
                reading.used += offset
            }
            XCTAssertEqual(reader.isComplete, reading.isComplete)
            if reading.isComplete || reading.fault != nil { break }
        }
        if let first, first != reading {
            XCTFail("fed in \(steps): \(reading), else \(first)", file: file, line: line)
            break
        }
        first = reading
    }
    return first ?? BodyReading()
}

final class BodyTests: XCTestCase {
    private func good(_ input: String, _ data: String, line: UInt = #line) {
        let reading = read(latin1(input + "NEXT"), .chunked, line: line)
        XCTAssertEqual(
            reading,
            BodyReading(
                data: latin1(data), isComplete: true, used: input.unicodeScalars.count),
            input, line: line)
    }

    private func bad(
        _ input: String, _ reason: RefusalReason, _ status: Int = 400,
        limits: HeadLimits = HeadLimits(), line: UInt = #line
    ) {
        let reading = read(latin1(input), .chunked, limits: limits, line: line)
        XCTAssertEqual(
            reading.fault, Refusal(status: status, reason: reason), input, line: line)
    }

    func testChunk08Sizes() {
        good("5\r\nhello\r\n0\r\n\r\n", "hello")
        good("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world")
        good("0\r\n\r\n", "")
        good("000\r\n\r\n", "")
        good("0000000000000000\r\n\r\n", "")
        good("00005\r\nhello\r\n0\r\n\r\n", "hello")
        good("A\r\n0123456789\r\n0\r\n\r\n", "0123456789")
        good("a\r\n0123456789\r\n0\r\n\r\n", "0123456789")
        good("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n")
        for size in [
            "0x5", "+5", "-1", "1_0", " 5", "5 ", "", "g", "5g", "5\t", "\t5", "x", "0x", "5,5",
            "5.", "\u{ff}", "5\u{0}", "\u{0}5", "5\u{a0}", "\n5", "5\n",
        ] {
            bad("\(size)\r\nhello\r\n0\r\n\r\n", .chunkSize)
        }
        bad("00000000000000005\r\nhello\r\n", .chunkSizeTooLarge)
        bad("10000000000000000\r\n", .chunkSizeTooLarge)
        bad("ffffffffffffffff\r\n", .chunkSizeTooLarge)
        bad("8000000000000000\r\n", .chunkSizeTooLarge)
        XCTAssertNil(read(latin1("7fffffffffffffff\r\nx"), .chunked).fault)
    }

    func testChunk09Extensions() {
        for text in [
            ";a", ";a=b", ";a=b;c", ";a=\"b c\"", ";a=\"\"", ";a=\"\\\"\"", "; a = b ; c",
            ";a=\"x;y\"", ";a\t=\tb", ";a=\"\u{e9}\"",
        ] {
            good("5\(text)\r\nhello\r\n0\(text)\r\n\r\n", "hello")
        }
        for text in [
            ";", ";;", "; ", ";=b", ";a=", ";a=;", ";a=\"", ";a=\"b", ";a=\"b\"c", ";a b",
            ";a\u{0}", ";a=\u{0}", ";a=\"\u{0}\"", ";a=\"\n\"", ";a\n", ";\u{7f}", ";a=b ",
            ";a ", ";a=\"b\" ", ";a=b=c", ";a=\"\\\u{1}\"", ";(", ";a=(", ";\u{e9}",
        ] {
            bad("5\(text)\r\nhello\r\n0\r\n\r\n", .chunkExtension)
        }
        bad("5;a=\"b\rX\"\r\nhello\r\n", .chunkExtension)
        bad("5;a\rhello", .lineEnding)
        bad("5 ;a\r\nhello\r\n0\r\n\r\n", .chunkSize)
        good("5;" + String(repeating: "x", count: 252) + "\r\nhello\r\n0\r\n\r\n", "hello")
        bad(
            "5;" + String(repeating: "x", count: 253) + "\r\nhello\r\n0\r\n\r\n",
            .chunkExtensionsTooLarge)
        bad("5;" + String(repeating: "x", count: 5000), .chunkExtensionsTooLarge)
        let chunk = "1;" + String(repeating: "x", count: 199) + "\r\nd\r\n"
        good(
            String(repeating: chunk, count: 81) + "0\r\n\r\n", String(repeating: "d", count: 81))
        bad(String(repeating: chunk, count: 83), .chunkExtensionsTooLarge)
    }

    func testChunk10Endings() {
        bad("5\nhello\r\n0\r\n\r\n", .chunkSize)
        bad("5\rhello\r\n0\r\n\r\n", .lineEnding)
        bad("5\r\r\nhello\r\n", .lineEnding)
        bad("5\r\nhello\n0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello\r0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello\rX0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello\r\r\n0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello0\r\n\r\n", .chunkEnding)
        bad("5\r\nhelloXX0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello \r\n0\r\n\r\n", .chunkEnding)
        bad("5\r\nhello\r\n\r\n0\r\n\r\n", .chunkSize)
        bad("\r\n5\r\nhello\r\n0\r\n\r\n", .chunkSize)
        bad("0\n\r\n", .chunkSize)
        bad("0\r\n\n", .lineEnding)
        bad("0\r\n\rX", .lineEnding)
        for open in [
            "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n", "0\r\n", "0\r\n\r",
        ] {
            let reading = read(latin1(open), .chunked)
            XCTAssertFalse(reading.isComplete, open)
            XCTAssertNil(reading.fault, open)
        }
    }

    func testChunk11Trailers() {
        good("0\r\nX: y\r\n\r\n", "")
        good("1\r\na\r\n0\r\nX: y\r\nContent-Length: 100\r\nHost:\r\n\r\n", "a")
        good("0\r\nX:\u{e9}\ty\r\n\r\n", "")
        bad("0\r\nX: y\r\n z\r\n\r\n", .foldedLine)
        bad("0\r\n X: y\r\n\r\n", .foldedLine)
        bad("0\r\nX : y\r\n\r\n", .nameSpace)
        bad("0\r\n: y\r\n\r\n", .nameEmpty)
        bad("0\r\nX\r\n\r\n", .missingColon)
        bad("0\r\nX(: y\r\n\r\n", .nameCharacter)
        bad("0\r\n(: y\r\n\r\n", .nameCharacter)
        bad("0\r\nX: \u{0}\r\n\r\n", .valueCharacter)
        bad("0\r\nX: \u{7f}\r\n\r\n", .valueCharacter)
        bad("0\r\nX: y\nZ: a\r\n\r\n", .lineEnding)
        bad("0\r\nX: y\rZ: a\r\n\r\n", .lineEnding)
        bad("0\r\nGET / HTTP/1.1\r\n\r\n", .nameSpace)
        let limits = HeadLimits(headerBytes: 50, headerCount: 2)
        bad("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", .trailersTooLarge, 431, limits: limits)
        bad(
            "0\r\nA: " + String(repeating: "v", count: 60), .trailersTooLarge, 431,
            limits: limits)
    }

    func testFaultStays() {
        var decoder = ChunkedDecoder()
        var offset = 0
        let bytes = latin1("x\r\n")
        let fault = decoder.next(bytes.rawSpan, at: &offset)
        XCTAssertEqual(fault, .malformed(Refusal(status: 400, reason: .chunkSize)))
        offset = 0
        let good = latin1("0\r\n\r\n")
        XCTAssertEqual(decoder.next(good.rawSpan, at: &offset), fault, "a fault is final")
    }

    func testCountedBody() {
        let reading = read(latin1("helloNEXT"), .length(5))
        XCTAssertEqual(reading, BodyReading(data: latin1("hello"), isComplete: true, used: 5))
        XCTAssertEqual(read(latin1("x"), .length(0)), BodyReading(isComplete: true))
        XCTAssertEqual(read(latin1("x"), .none), BodyReading(isComplete: true))
        XCTAssertFalse(read(latin1("hell"), .length(5)).isComplete)
        var reader = BodyReader(.length(5))
        XCTAssertFalse(reader.isComplete)
        XCTAssertFalse(reader.endOfStream(), "truncated")
        var none = BodyReader(.length(0))
        XCTAssert(none.isComplete)
        XCTAssert(none.endOfStream())
    }

    func testBodyUntilClose() {
        let reading = read(latin1("hello"), .untilClose)
        XCTAssertEqual(reading, BodyReading(data: latin1("hello"), used: 5))
        var reader = BodyReader(.untilClose)
        XCTAssertFalse(reader.isComplete)
        XCTAssert(reader.endOfStream())
        XCTAssert(reader.isComplete)
        var chunked = BodyReader(.chunked)
        XCTAssertFalse(chunked.endOfStream(), "premature end (requirement 44)")
    }
}
