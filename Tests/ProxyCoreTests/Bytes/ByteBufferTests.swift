// Owns the tests of the growing buffer, against a plain array.
// Called by XCTest.
// Never looks at its memory: only at what it says it holds.

import XCTest

@testable import ProxyCore

final class ByteBufferTests: XCTestCase {
    private func text(_ fill: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        fill(&buffer)
        return String(decoding: buffer.array(), as: UTF8.self)
    }

    func testEveryAppend() {
        XCTAssertEqual(text { $0.append("literal") }, "literal")
        XCTAssertEqual(text { $0.append(String(repeating: "x", count: 300)) }.count, 300)
        XCTAssertEqual(text { $0.append([97, 98] as [UInt8]) }, "ab")
        XCTAssertEqual(text { $0.append(UInt8(97)) }, "a")
        XCTAssertEqual(text { $0.append([UInt8](repeating: 99, count: 3).rawSpan) }, "ccc")
        var other = ByteBuffer()
        other.append("0123456789")
        other.consume(1)
        var buffer = ByteBuffer()
        buffer.append(other)
        buffer.append(other, from: 7)
        buffer.append(other, 1..<3)
        XCTAssertEqual(String(decoding: buffer.array(), as: UTF8.self), "1234567898923")
    }

    func testNothingIsNothing() {
        XCTAssertEqual(
            text {
                $0.append("")
                $0.append([] as [UInt8])
                $0.append(String())
                $0.append(RawSpan())
                $0.consume(0)
                $0.truncate(to: 0)
                $0.removeAll()
            }, "")
        XCTAssertEqual(ByteBuffer().capacity, 0)
        XCTAssertEqual(ByteBuffer().bytes.byteCount, 0)
    }

    func testNumbers() {
        var values: [UInt64] = [0, 9, .max, .max - 1]
        for shift in 0..<64 { values += [1 << UInt64(shift), (1 << UInt64(shift)) - 1] }
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            values += [power, power - 1]
        }
        for value in values {
            XCTAssertEqual(text { $0.append(decimal: value) }, String(value))
            XCTAssertEqual(text { $0.append(hexadecimal: value) }, String(value, radix: 16))
        }
    }

    func testWritingIntoFreeSpace() {
        var buffer = ByteBuffer()
        let written = buffer.write(atMost: 1000) { space in
            XCTAssertEqual(space.count, 1000)
            space[0] = 97
            space[1] = 98
            return 2
        }
        XCTAssertEqual(written, 2)
        XCTAssertEqual(buffer.array(), [97, 98])
    }

    func testShrinkingGivesBackWhatIsLargeAndEmpty() {
        var buffer = ByteBuffer(capacity: 5000)
        buffer.shrink(to: 5000)
        XCTAssertEqual(buffer.capacity, 5000)
        buffer.append("x")
        buffer.shrink(to: 0)
        XCTAssertEqual(buffer.capacity, 5000)
        buffer.consume(1)
        buffer.shrink(to: 4999)
        XCTAssertEqual(buffer.capacity, 0)
        buffer.append("again")
        XCTAssertEqual(buffer.count, 5)
    }

    /// A queue that never holds much must not grow for ever, however long it lives.
    func testAQueueSlides() {
        var buffer = ByteBuffer()
        let piece = [UInt8](repeating: 7, count: 1000)
        buffer.append(piece)
        for _ in 0..<10_000 {
            buffer.append(piece)
            buffer.consume(1000)
        }
        XCTAssertEqual(buffer.count, 1000)
        XCTAssertLessThan(buffer.capacity, 8 * 1024)
    }

    func testRandomLife() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            var buffer = ByteBuffer(capacity: Int.random(in: 0...64, using: &random))
            var model: [UInt8] = []
            for _ in 0..<200 { step(&buffer, &model, &random) }
        }
    }

    private func step(
        _ buffer: inout ByteBuffer, _ model: inout [UInt8],
        _ random: inout SystemRandomNumberGenerator
    ) {
        let size = Int.random(in: 0...200, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            buffer.append(bytes)
            model += bytes
        case 2:
            buffer.append(UInt8(size))
            model.append(UInt8(size))
        case 3, 4:
            let count = Int.random(in: 0...model.count, using: &random)
            buffer.consume(count)
            model.removeFirst(count)
        case 5 where size < 20:
            let count = Int.random(in: 0...model.count, using: &random)
            buffer.truncate(to: count)
            model.removeLast(model.count - count)
        case 6:
            let written = Int.random(in: 0...size, using: &random)
            _ = buffer.write(atMost: max(size, 1)) { space in
                for place in 0..<written { space[place] = UInt8(place & 255) }
                return written
            }
            model += (0..<written).map { UInt8($0 & 255) }
        default:
            if size < 10 {
                buffer.removeAll()
                model = []
            }
            buffer.shrink(to: 100)
        }
        XCTAssertEqual(buffer.count, model.count)
        XCTAssertEqual(buffer.isEmpty, model.isEmpty)
        XCTAssertTrue(buffer.bytes.equals(model.rawSpan))
    }
}
