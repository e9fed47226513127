// Owns the tests of writing frames, of masks, and of random traffic.
// Called by the test run.
// Never uses a seed that it does not name.

import XCTest

@testable import ProxyCore

final class FrameRoundTripTests: XCTestCase {
    private func encoded(_ write: (inout ByteBuffer) -> Void) -> [UInt8] {
        var out = ByteBuffer()
        write(&out)
        return out.array()
    }

    /// §5.7, those that a server sends.
    func testVectorsOfTheRFC() {
        let hello = Array("Hello".utf8)
        XCTAssertEqual(encoded { FrameEncoder.text(hello.rawSpan, into: &$0) }, [0x81, 5] + hello)
        XCTAssertEqual(encoded { FrameEncoder.ping(hello.rawSpan, into: &$0) }, [0x89, 5] + hello)
        XCTAssertEqual(encoded { FrameEncoder.pong(hello.rawSpan, into: &$0) }, [0x8a, 5] + hello)
        let mid = [UInt8](repeating: 7, count: 256)
        XCTAssertEqual(
            encoded { FrameEncoder.binary(mid.rawSpan, into: &$0) }, [0x82, 0x7e, 1, 0] + mid)
        let big = [UInt8](repeating: 7, count: 65536)
        XCTAssertEqual(
            encoded { FrameEncoder.binary(big.rawSpan, into: &$0) },
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0] + big)
        XCTAssertEqual(
            encoded { FrameEncoder.header(.text, length: 3, isFinal: false, into: &$0) }, [1, 3])
        XCTAssertEqual(
            encoded { FrameEncoder.header(.text, length: 125, into: &$0) }, [0x81, 125])
        XCTAssertEqual(
            encoded { FrameEncoder.header(.text, length: 126, into: &$0) }, [0x81, 126, 0, 126])
        XCTAssertEqual(
            encoded { FrameEncoder.header(.text, length: 65535, into: &$0) },
            [0x81, 126, 255, 255])
    }

    func testCloses() {
        XCTAssertEqual(encoded { FrameEncoder.close(.normal, into: &$0) }, [0x88, 2, 3, 232])
        XCTAssertEqual(
            encoded { FrameEncoder.close(.tokenEnded, reason: "expired", into: &$0) },
            [0x88, 9, 0x11, 0x31] + Array("expired".utf8))
        XCTAssertEqual(
            encoded { FrameEncoder.close(nil, reason: "x".rawSpan, into: &$0) }, [0x88, 0])
        XCTAssertEqual(
            encoded { FrameEncoder.close(1006, reason: "x".rawSpan, into: &$0) }, [0x88, 0])
        // 122 letters and a character of two bytes: it does not fit and is not torn.
        let reason = String(repeating: "a", count: 122) + "é"
        XCTAssertEqual(
            encoded { FrameEncoder.close(1000, reason: reason.rawSpan, into: &$0) },
            [0x88, 124, 3, 232] + [UInt8](repeating: 0x61, count: 122))
        let long = [UInt8](repeating: 1, count: 200)
        XCTAssertEqual(encoded { FrameEncoder.ping(long.rawSpan, into: &$0) }.count, 127)
    }

    /// §1.3 and §4.2.2.
    func testHandshake() {
        let accept = encoded {
            Handshake.accept(key: "dGhlIHNhbXBsZSBub25jZQ==".rawSpan, into: &$0)
        }
        XCTAssertEqual(String(decoding: accept, as: UTF8.self), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        XCTAssertTrue(Handshake.isKey("dGhlIHNhbXBsZSBub25jZQ==".rawSpan))
        for bad in [
            "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBsZSBub25jZ Q==", "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25jZQ=a",
        ] {
            XCTAssertFalse(Handshake.isKey(bad.rawSpan), bad)
        }
    }

    /// The wide loop and its tail against the definition, at every length, start and turn.
    func testMaskAtEveryAlignment() {
        var random = SplitMix(seed: 3)
        let source = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
        for key: [UInt8] in [[1, 2, 3, 4], [0, 0, 0, 0], [255, 0, 128, 7]] {
            let word = key.enumerated().reduce(UInt32(0)) {
                $0 | UInt32($1.element) << UInt32($1.offset * 8)
            }
            for start in 0..<36 {
                for length in 0..<110 {
                    var out = ByteBuffer()
                    for filler in 0..<(start % 5) { out.append(UInt8(filler)) }
                    let held = out.count
                    let piece = Array(source[start..<(start + length)])
                    out.append(
                        source.rawSpan.extracting(start..<(start + length)),
                        masked: UInt32(littleEndian: word))
                    let wanted = piece.enumerated().map { $1 ^ key[$0 % 4] }
                    guard Array(out.array()[held...]) == wanted else {
                        return XCTFail("start \(start) length \(length)")
                    }
                }
            }
        }
    }

    /// One masked payload cut in two at every place: the key turns with the cut.
    func testMaskTurnsWithEveryCut() {
        let payload = (0..<77).map { UInt8($0) }
        let frame = ClientFrame.frame(2, payload, key: [9, 8, 7, 6])
        for first in 0...frame.count {
            for second in first...frame.count {
                let pieces = [frame[..<first], frame[first..<second], frame[second...]].map(
                    Array.init)
                guard hear(pieces) == [.binary(payload)] else {
                    return XCTFail("cut at \(first), \(second)")
                }
            }
        }
    }

    func testWideReadsStopAtTheEnd() {
        for length in 0..<100 {
            let bytes = [UInt8](repeating: 0x61, count: length)
            atPageEnd(bytes) { span in
                XCTAssertEqual(span.firstBeyondASCII(from: 0), length)
                var out = ByteBuffer()
                out.append(span, masked: 0)
                XCTAssertEqual(out.array(), bytes)
                if length >= 8 { XCTAssertEqual(span.word(at: length - 8), 0x6161_6161_6161_6161) }
            }
        }
    }

    func testASCIIRuns() {
        for length in 0..<100 {
            var bytes = [UInt8](repeating: 0x7f, count: length)
            XCTAssertEqual(bytes.rawSpan.firstBeyondASCII(from: 0), length)
            for place in 0..<length {
                bytes[place] = 0x80
                for start in 0...place {
                    XCTAssertEqual(bytes.rawSpan.firstBeyondASCII(from: start), place)
                }
                bytes[place] = 0
            }
        }
    }

    /// The incremental check agrees with the standard library's on random and near-valid bytes.
    func testUTF8AgainstTheStandardLibrary() {
        var random = SplitMix(seed: 5)
        let interesting: [UInt8] = [
            0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
            0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ]
        var good = 0
        for _ in 0..<60_000 {
            let count = Int.random(in: 1...5, using: &random)
            let bytes = (0..<count).map { _ in
                interesting[Int.random(in: 0..<interesting.count, using: &random)]
            }
            var whole = UTF8Stream()
            let mine = whole.accept(bytes.rawSpan) && whole.isWhole
            XCTAssertEqual(mine, bytes.rawSpan.text() != nil, "\(bytes)")
            var torn = UTF8Stream()
            let byByte = bytes.allSatisfy { torn.accept([$0].rawSpan) } && torn.isWhole
            XCTAssertEqual(byByte, mine, "\(bytes)")
            if mine { good += 1 }
        }
        XCTAssertGreaterThan(good, 1000)
    }

    /// Random messages, fragmented at random, with control frames strewn in, delivered in random
    /// pieces: what comes out is what went in.
    func testRandomTraffic() {
        var random = SplitMix(seed: 2026)
        for round in 0..<60 {
            var wire: [UInt8] = []
            var wanted: [Heard] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let isText = Bool.random(using: &random)
                let payload = randomPayload(isText, &random)
                wire += fragments(isText ? 1 : 2, payload, &random, &wanted)
                wanted.append(
                    isText ? .text(String(decoding: payload, as: UTF8.self)) : .binary(payload))
            }
            var pieces: [[UInt8]] = []
            var rest = wire[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...300, using: &random))
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            XCTAssertEqual(hear(pieces), wanted, "round \(round)")
        }
    }

    /// Random bytes never trap, and the decoder never claims to have read beyond them.
    func testNoise() {
        var random = SplitMix(seed: 99)
        for _ in 0..<20_000 {
            var decoder = FrameDecoder(maximumMessage: 64)
            var heard: [Heard] = []
            var bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            bytes[0] =
                [0x81, 0x01, 0x80, 0x00, 0x89, 0x88, 0x82][
                    Int.random(in: 0..<7, using: &random)]
            if bytes.count > 1 { bytes[1] = 0x80 | bytes[1] & 0x1f }
            _ = hear(&decoder, bytes.rawSpan, &heard)
        }
    }

    private func randomPayload(_ isText: Bool, _ random: inout SplitMix) -> [UInt8] {
        let count = Int.random(in: 0...400, using: &random)
        guard isText else { return (0..<count).map { _ in .random(in: 0...255, using: &random) } }
        let letters = Array("abcdefghij é€😀\u{10ffff}")
        let text = (0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)]
        }
        return Array(String(text).utf8)
    }

    private func fragments(
        _ opcode: UInt8, _ payload: [UInt8], _ random: inout SplitMix, _ wanted: inout [Heard]
    ) -> [UInt8] {
        var wire: [UInt8] = []
        var rest = payload[...]
        var opcode = opcode
        while true {
            let count = Int.random(in: 0...rest.count, using: &random)
            let isLast = count == rest.count
            let key = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
            wire += ClientFrame.frame(
                opcode, Array(rest.prefix(count)), final: isLast, key: key)
            if isLast { return wire }
            rest = rest.dropFirst(count)
            opcode = 0
            if Bool.random(using: &random) {
                let echo = [UInt8](repeating: key[0], count: Int(key[1] % 126))
                wire += ClientFrame.frame(9, echo, key: key)
                wanted.append(.ping(echo))
            }
        }
    }
}
