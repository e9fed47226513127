// Owns the tests of reading frames: RFC 6455 section 5, 7 and 8, rule by rule.
// Called by the test run.
// Never delivers a vector in one way only.

import XCTest

@testable import ProxyCore

final class FrameDecoderTests: XCTestCase {
    /// §5.7, those that a client may send.
    func testVectorsOfTheRFC() {
        check(
            [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], [.text("Hello")])
        check(
            [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
            [.pong(Array("Hello".utf8))])
        check([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], [.violation(.protocolError)])
    }

    func testSizes() {
        for size in [0, 1, 2, 3, 4, 5, 31, 32, 33, 124, 125, 126, 127, 128, 65535, 65536, 70001] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            check(ClientFrame.frame(2, payload), [.binary(payload)], "\(size)")
        }
    }

    func testSeveralInOneRead() {
        check(
            ClientFrame.text("a") + ClientFrame.text("") + ClientFrame.frame(9, [1])
                + ClientFrame.frame(2, [0, 255]) + ClientFrame.text("é"),
            [.text("a"), .text(""), .ping([1]), .binary([0, 255]), .text("é")])
    }

    func testFragments() {
        check(
            ClientFrame.text("Hel", final: false) + ClientFrame.more("lo", final: false)
                + ClientFrame.more("", final: false) + ClientFrame.more("!"), [.text("Hello!")])
        check(
            ClientFrame.frame(2, [1], final: false) + ClientFrame.frame(0, [2])
                + ClientFrame.text("x"), [.binary([1, 2]), .text("x")])
        check(ClientFrame.text("", final: false) + ClientFrame.more(""), [.text("")])
    }

    func testControlFramesBetweenFragments() {
        check(
            ClientFrame.text("Hel", final: false) + ClientFrame.frame(9, [7, 8])
                + ClientFrame.more("l", final: false) + ClientFrame.frame(10, [])
                + ClientFrame.frame(9, [UInt8](repeating: 1, count: 125)) + ClientFrame.more("o")
                + ClientFrame.text("next"),
            [
                .ping([7, 8]), .pong([]), .ping([UInt8](repeating: 1, count: 125)),
                .text("Hello"), .text("next"),
            ])
        check(
            ClientFrame.text("Hel", final: false) + ClientFrame.close(1001, Array("bye".utf8))
                + ClientFrame.more("lo"), [.close(1001, "bye")])
    }

    func testFragmentsOutOfOrder() {
        check(ClientFrame.more("x"), [.violation(.protocolError)])
        check(ClientFrame.more("x", final: false), [.violation(.protocolError)])
        check(
            ClientFrame.text("a", final: false) + ClientFrame.text("b"),
            [.violation(.protocolError)])
        check(
            ClientFrame.text("a", final: false) + ClientFrame.frame(2, [], final: false),
            [.violation(.protocolError)])
        check(
            ClientFrame.text("a") + ClientFrame.more("b"), [.text("a"), .violation(.protocolError)])
    }

    func testReservedBitsAndOpcodes() {
        for opcode: UInt8 in 0...15 {
            for bits: UInt8 in 0...7 {
                let first = 0x80 | bits << 4 | opcode
                let heard = hear([ClientFrame.raw(first: first, length: [0])])
                let known = [1, 2, 8, 9, 10].contains(opcode) && bits == 0
                XCTAssertEqual(heard == [.violation(.protocolError)], !known, "\(first)")
                // The first byte alone says so.
                XCTAssertEqual(
                    hear([[first]]) == [.violation(.protocolError)],
                    bits != 0 || ![0, 1, 2, 8, 9, 10].contains(opcode), "\(first)")
            }
        }
    }

    func testControlFramesAreShortAndWhole() {
        for opcode: UInt8 in [8, 9, 10] {
            XCTAssertEqual(hear([[opcode]]), [.violation(.protocolError)], "fragmented \(opcode)")
            XCTAssertEqual(hear([[0x80 | opcode, 0xfe]]), [.violation(.protocolError)])
            XCTAssertEqual(hear([[0x80 | opcode, 0xff]]), [.violation(.protocolError)])
        }
        check(
            ClientFrame.frame(9, [UInt8](repeating: 1, count: 126)), [.violation(.protocolError)])
        let longest = [UInt8](repeating: 9, count: 125)
        check(ClientFrame.frame(9, longest), [.ping(longest)])
    }

    func testUnmasked() {
        for opcode: UInt8 in [1, 2, 8, 9, 10] {
            check(
                ClientFrame.raw(first: 0x80 | opcode, length: [0], masked: false),
                [.violation(.protocolError)])
        }
        check(
            ClientFrame.text("a", final: false)
                + ClientFrame.raw(first: 0x80, length: [1], masked: false, payload: [1]),
            [.violation(.protocolError)])
    }

    func testLengthsThatAreNotMinimal() {
        let zero8 = [UInt8](repeating: 0, count: 8)
        for length: [UInt8] in [
            [126, 0, 0], [126, 0, 1], [126, 0, 125], [127] + zero8,
            [127, 0, 0, 0, 0, 0, 0, 0, 125],
            [127, 0, 0, 0, 0, 0, 0, 0, 126], [127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            [127, 0x80, 0, 0, 0, 0, 0, 0, 0], [127] + [UInt8](repeating: 255, count: 8),
        ] {
            check(ClientFrame.raw(first: 0x82, length: length), [.violation(.protocolError)])
            // Known before the key arrives.
            XCTAssertEqual(
                hear([[0x82, 0x80 | length[0]] + length.dropFirst()]), [.violation(.protocolError)])
        }
    }

    func testTooBig() {
        let big: [[UInt8]] = [
            [127, 0x7f, 255, 255, 255, 255, 255, 255, 255], [127, 0, 0, 0, 1, 0, 0, 0, 0],
            [127, 0, 0, 0, 0, 0, 1, 0, 0], [126, 0xff, 0xff], [126, 0x40, 0x01],
        ]
        for length in big {
            check(
                ClientFrame.raw(first: 0x81, length: length), [.violation(.messageTooBig)],
                maximum: 16384)
        }
        let full = [UInt8](repeating: 0x61, count: 100)
        check(ClientFrame.frame(2, full), [.binary(full)], maximum: 100)
        check(ClientFrame.frame(2, full + [1]), [.violation(.messageTooBig)], maximum: 100)
        check(
            ClientFrame.frame(2, full, final: false) + ClientFrame.frame(9, full)
                + ClientFrame.frame(0, []), [.ping(full), .binary(full)], maximum: 100)
        check(
            ClientFrame.frame(2, full, final: false) + ClientFrame.frame(9, full)
                + ClientFrame.frame(0, [1]), [.ping(full), .violation(.messageTooBig)],
            maximum: 100)
        // A message may be smaller than what a control frame may carry.
        check(ClientFrame.frame(9, full), [.ping(full)], maximum: 10)
    }

    func testInvalidUTF8() {
        let bad: [[UInt8]] = [
            [0x80], [0xff], [0xfe], [0xc0, 0xaf], [0xc1, 0xbf], [0xe0, 0x80, 0xaf],
            [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x80, 0x80, 0xaf],
            [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80],
            [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc3, 0x28], [0xe2, 0x28, 0xa1], [0xe2, 0x82, 0x28],
            [0xf0, 0x9f, 0x98, 0x28], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98],
        ]
        for tail in bad {
            for prefix in ["", "a", String(repeating: "x", count: 40), "é"] {
                let payload = Array(prefix.utf8) + tail
                check(ClientFrame.frame(1, payload), [.violation(.invalidPayload)], "\(tail)")
                for cut in 0...payload.count {
                    check(
                        ClientFrame.frame(1, Array(payload[..<cut]), final: false)
                            + ClientFrame.frame(9, [0xff])
                            + ClientFrame.frame(0, Array(payload[cut...])),
                        hear([
                            ClientFrame.frame(1, Array(payload[..<cut]), final: false)
                                + ClientFrame.frame(9, [0xff])
                        ])
                            + (hear([ClientFrame.frame(1, Array(payload[..<cut]), final: false)])
                                .isEmpty ? [.violation(.invalidPayload)] : []),
                        "\(tail) \(cut)")
                }
                XCTAssertEqual(hear([ClientFrame.frame(2, payload)]), [.binary(payload)])
            }
        }
    }

    /// A fault in text is seen before the frame is whole (Autobahn 6.4).
    func testInvalidUTF8IsSeenAtOnce() {
        let frame = ClientFrame.frame(1, [0x61, 0xff] + [UInt8](repeating: 0x61, count: 50))
        XCTAssertEqual(hear([Array(frame[..<7])]), [])
        XCTAssertEqual(hear([Array(frame[..<8])]), [.violation(.invalidPayload)])
    }

    func testValidUTF8CutEverywhere() {
        let text = "aé€😀\u{10ffff}\u{ffff}\u{d7ff}\u{e000}\u{800}\u{10000}z"
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            check(
                ClientFrame.frame(1, Array(bytes[..<cut]), final: false)
                    + ClientFrame.frame(10, [0xff]) + ClientFrame.frame(0, Array(bytes[cut...])),
                [.pong([0xff]), .text(text)])
        }
    }

    func testCloses() {
        check(ClientFrame.frame(8, []), [.close(nil, "")])
        check(ClientFrame.frame(8, [3]), [.violation(.protocolError)])
        check(ClientFrame.close(1000), [.close(1000, "")])
        check(ClientFrame.close(4999, Array("é".utf8)), [.close(4999, "é")])
        check(
            ClientFrame.close(1000, [UInt8](repeating: 0x61, count: 123)),
            [.close(1000, String(repeating: "a", count: 123))])
        check(ClientFrame.close(1000, [0xff]), [.violation(.invalidPayload)])
        check(ClientFrame.close(1000, [0xe2, 0x82]), [.violation(.invalidPayload)])
        check(
            ClientFrame.close(1000) + ClientFrame.text("late") + [0xff, 0xff], [.close(1000, "")])
    }

    func testCloseCodes() {
        let good = Set([1000, 1001, 1002, 1003] + Array(1007...1014) + Array(3000...4999))
        for code in 0...65535 {
            XCTAssertEqual(CloseCode.isValidOnWire(UInt16(code)), good.contains(code), "\(code)")
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            check(ClientFrame.close(code), [.violation(.protocolError)], "\(code)")
        }
    }

    func testAViolationLasts() {
        var decoder = FrameDecoder(maximumMessage: 100)
        var at = 0
        let bad = [UInt8]([0xff, 0xff]) + ClientFrame.text("x")
        for _ in 0..<3 {
            XCTAssertEqual(decoder.next(bad.rawSpan, at: &at), .violation(.protocolError))
        }
        XCTAssertEqual(at, 1)
        XCTAssertEqual(decoder.memory, 0)
    }

    func testAnIdleDecoderHoldsNothing() {
        XCTAssertLessThanOrEqual(MemoryLayout<FrameDecoder>.size, 96)
        var decoder = FrameDecoder(maximumMessage: 1 << 20)
        var heard: [Heard] = []
        XCTAssertEqual(decoder.memory, 0)
        let big = ClientFrame.frame(2, [UInt8](repeating: 1, count: 50_000))
        XCTAssertTrue(hear(&decoder, big.rawSpan, &heard))
        XCTAssertEqual(decoder.memory, 0)
        XCTAssertTrue(hear(&decoder, ClientFrame.frame(9, [1]).rawSpan, &heard))
        XCTAssertEqual(decoder.memory, 0)
        XCTAssertTrue(hear(&decoder, ClientFrame.text("a", final: false).rawSpan, &heard))
        XCTAssertGreaterThan(decoder.memory, 0)
        XCTAssertTrue(hear(&decoder, ClientFrame.more("b").rawSpan, &heard))
        XCTAssertEqual(decoder.memory, 0)
        XCTAssertEqual(heard.count, 3)
    }

    /// An announced length costs nothing until its bytes come.
    func testMemoryGrowsWithBytesThatCame() {
        var decoder = FrameDecoder(maximumMessage: 1 << 30)
        var heard: [Heard] = []
        let head = ClientFrame.raw(first: 0x82, length: [127, 0, 0, 0, 0, 0x3f, 0, 0, 0])
        XCTAssertTrue(hear(&decoder, (head + [1, 2, 3]).rawSpan, &heard))
        XCTAssertLessThanOrEqual(decoder.memory, 256)
    }
}
