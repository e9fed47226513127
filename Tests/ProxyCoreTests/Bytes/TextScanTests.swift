// Owns the tests of the wide scans of text: what they stop at, and that they say what the plain
// ones say.
// Called by XCTest.
// Never steps over values: that is the survey's.

import CWide
import Support
import XCTest

@testable import ProxyCore

final class TextScanTests: XCTestCase {
    /// Every byte at every place, between bytes of each kind.
    func testTheFastMarksAreThePlainOnes() {
        for filling in [0x00, 0x20, 0x22, 0x41, 0x5C, 0x80, 0xFF] as [UInt8] {
            for place in 0..<16 {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: filling, count: 16)
                    bytes[place] = byte
                    XCTAssertEqual(cwide_text_stops(bytes), cwide_text_stops_plain(bytes))
                    let other = [UInt8](repeating: filling, count: 16)
                    let same = cwide_same_bytes(bytes, other)
                    XCTAssertEqual(same, cwide_same_bytes_plain(bytes, other))
                    XCTAssertEqual(same == 0xFFFF, byte == filling)
                }
            }
        }
    }

    func testTheFirstEndOfTextAtEveryPlaceAndLength() {
        for count in 0..<50 {
            for place in 0...count {
                for stop in [0x00, 0x1F, 0x22, 0x5C] as [UInt8] {
                    var bytes = [UInt8](repeating: 0x7F, count: count)
                    if place < count { bytes[place] = stop }
                    let guardPage = GuardPage(capacity: 64)
                    guardPage.with(bytes) { span in
                        var high: UInt32 = 0
                        XCTAssertEqual(
                            span.firstTextEnd(from: 0, before: count, high: &high), place)
                        XCTAssertEqual(high, 0)
                    }
                }
            }
        }
    }

    /// What stands behind the end is not told of.
    func testTellsOfBytesBeyondASCIIBeforeTheEndAlone() {
        for count in 1..<50 {
            for place in 0..<count {
                for end in 0..<count where end != place {
                    var bytes = [UInt8](repeating: 0x61, count: count)
                    bytes[place] = 0xC3
                    bytes[end] = 0x22
                    var high: UInt32 = 0
                    XCTAssertEqual(
                        bytes.rawSpan.firstTextEnd(from: 0, before: count, high: &high), end)
                    XCTAssertEqual(high != 0, place < end)
                }
            }
        }
    }

    func testTheSameBytesUpToACount() {
        let left = (0..<32).map { UInt8($0) }
        for different in 0..<32 {
            var right = left
            right[different] ^= 0x40
            for count in 0...32 {
                XCTAssertEqual(
                    (left + right).rawSpan.isSame(0, 32, count: UInt32(count)), count <= different)
            }
        }
    }
}
