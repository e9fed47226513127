// Owns the making of client frames, good and bad, and the ways of delivering them.
// Called by the tests of this folder.
// Never uses the code under test.

import Glibc
import XCTest

@testable import ProxyCore

/// Bytes as a client would send them.
enum ClientFrame {
    static let key: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]

    /// A frame with every part to choose.
    static func raw(
        first: UInt8, length: [UInt8], masked: Bool = true, key: [UInt8] = key,
        payload: [UInt8] = []
    ) -> [UInt8] {
        var bytes = [first, (masked ? 0x80 : 0) | length[0]] + length.dropFirst()
        if masked { bytes += key }
        for (index, byte) in payload.enumerated() {
            bytes.append(masked ? byte ^ key[index % 4] : byte)
        }
        return bytes
    }

    static func frame(
        _ opcode: UInt8, _ payload: [UInt8], final: Bool = true, key: [UInt8] = key
    ) -> [UInt8] {
        let length: [UInt8]
        switch payload.count {
        case ...125: length = [UInt8(payload.count)]
        case ...65535: length = [126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            length =
                [127] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        return raw(first: (final ? 0x80 : 0) | opcode, length: length, key: key, payload: payload)
    }

    static func text(_ text: String, final: Bool = true) -> [UInt8] {
        frame(1, Array(text.utf8), final: final)
    }

    static func more(_ text: String, final: Bool = true) -> [UInt8] {
        frame(0, Array(text.utf8), final: final)
    }

    static func close(_ code: Int, _ reason: [UInt8] = []) -> [UInt8] {
        frame(8, [UInt8(code >> 8), UInt8(code & 255)] + reason)
    }
}

/// What came out: an event with what it showed.
enum Heard: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, String)
    case violation(CloseCode)
}

/// Decodes pieces and collects what was heard up to the first violation.
func hear(_ pieces: [[UInt8]], maximum: Int = 1 << 20) -> [Heard] {
    var decoder = FrameDecoder(maximumMessage: maximum)
    var heard: [Heard] = []
    for piece in pieces where !hear(&decoder, piece.rawSpan, &heard) { break }
    return heard
}

/// - Returns: whether more may follow.
func hear(_ decoder: inout FrameDecoder, _ bytes: RawSpan, _ heard: inout [Heard]) -> Bool {
    var at = 0
    while true {
        let event = decoder.next(bytes, at: &at)
        let shown = decoder.message.array()
        let text = String(decoding: shown, as: UTF8.self)
        switch event {
        case .more:
            XCTAssertEqual(at, bytes.byteCount, "bytes left over")
            XCTAssertEqual(shown, [])
            return true
        case .text: heard.append(.text(text))
        case .binary: heard.append(.binary(shown))
        case .ping: heard.append(.ping(shown))
        case .pong: heard.append(.pong(shown))
        case .close(let code): heard.append(.close(code, text))
        case .violation(let code):
            heard.append(.violation(code))
            return false
        }
    }
}

/// Shows `bytes` with an unreadable page right behind the last of them: a read beyond the span
/// ends the test run.
func atPageEnd<R>(_ bytes: [UInt8], _ body: (RawSpan) throws -> R) rethrows -> R {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let room = (bytes.count / page + 1) * page
    guard let base = mmap(nil, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
        base != MAP_FAILED, mprotect(base + room, page, PROT_NONE) == 0
    else { preconditionFailure("no guard page") }
    defer { munmap(base, room + page) }
    let start = base + (room - bytes.count)
    UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyBytes(from: bytes)
    return try body(UnsafeRawBufferPointer(start: start, count: bytes.count).bytes)
}

/// Delivers the same bytes whole, byte by byte, against a guard page and cut at every place; all
/// must be heard alike.
func check(
    _ bytes: [UInt8], _ wanted: [Heard], maximum: Int = 1 << 20, _ what: String = "",
    file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(hear([bytes], maximum: maximum), wanted, "whole \(what)", file: file, line: line)
    XCTAssertEqual(
        hear(bytes.map { [$0] }, maximum: maximum), wanted, "by byte \(what)", file: file,
        line: line)
    let guarded = atPageEnd(bytes) { span in
        var decoder = FrameDecoder(maximumMessage: maximum)
        var heard: [Heard] = []
        _ = hear(&decoder, span, &heard)
        return heard
    }
    XCTAssertEqual(guarded, wanted, "guarded \(what)", file: file, line: line)
    guard bytes.count < 300 else { return }
    for cut in 0...bytes.count {
        let pieces = [Array(bytes[..<cut]), Array(bytes[cut...])]
        XCTAssertEqual(
            hear(pieces, maximum: maximum), wanted, "cut at \(cut) \(what)", file: file, line: line)
    }
}
