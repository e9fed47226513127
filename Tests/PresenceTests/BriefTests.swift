// Owns the tests of briefs: the little of a view that lists show, and the memory of ids behind it.
// Called by XCTest.
// Never reads a real clock.

import ProxyCore
import XCTest

@testable import Presence

final class BriefTests: XCTestCase {
    private let t: Milliseconds = 1_700_000_000_000

    private func brief(
        _ house: House, _ id: String, _ memo: inout UserMemo, at now: Milliseconds
    ) -> PresenceBrief {
        house.engine.brief(user: id.rawSpan, memo: &memo, now: now)
    }

    private func online(_ house: House, _ id: String, at now: Milliseconds) {
        var session = house.identity(id, at: now).session
        house.engine.sight(&session, activity: true, label: "GET /".rawSpan, now: now)
    }

    func testSaysWhatTheViewSays() {
        let house = House(startedAt: t - 10_000_000)
        var memo = UserMemo()
        let ids = [
            "1", "a", "0123456789abcde", "0123456789abcdef", "Анна",
            String(repeating: "x", count: 200),
        ]
        for id in ids { online(house, id, at: t) }
        for now in [t, t + 1, t + 60_000, t + 10_000_000] {
            for id in ids + ["nobody", ""] {
                let view = house.engine.view(user: id, now: now)
                for _ in 0..<2 {
                    let brief = brief(house, id, &memo, at: now)
                    XCTAssertEqual(brief.status, view.status, id)
                    XCTAssertEqual(brief.lastSeen, view.lastSeen, id)
                }
            }
        }
    }

    func testWhoeverComesIsNoStrangerAnyMore() {
        let house = House(startedAt: t - 10_000_000)
        var memo = UserMemo()
        for id in ["1", "12345678", "123456789012345", "12345678901234567"] {
            XCTAssertEqual(brief(house, id, &memo, at: t), .unknown)
            XCTAssertEqual(brief(house, id, &memo, at: t), .unknown)
            online(house, id, at: t)
            XCTAssertEqual(brief(house, id, &memo, at: t).status, .online, id)
        }
    }

    /// More ids than are remembered take each other's places, and are each their own.
    func testManyIDs() {
        let house = House(startedAt: t - 10_000_000)
        var memo = UserMemo()
        let count = PresenceLimits.memo * 2
        for number in stride(from: 0, to: count, by: 2) { online(house, "\(number)", at: t) }
        for _ in 0..<2 {
            for number in 0..<count {
                let status = brief(house, "\(number)", &memo, at: t).status
                guard status == (number % 2 == 0 ? .online : .offline) else {
                    return XCTFail("\(number) is \(status)")
                }
            }
        }
    }

    /// Bytes that are not UTF-8 are nobody's id, nor are ids that differ in trailing zeros.
    func testOddBytes() {
        let house = House(startedAt: t - 10_000_000)
        var memo = UserMemo()
        online(house, "ab", at: t)
        for bytes in [[0x61, 0x62, 0x00], [0xff], [0x61], [0xc3, 0x28]] as [[UInt8]] {
            for _ in 0..<2 {
                XCTAssertEqual(
                    house.engine.brief(user: bytes.rawSpan, memo: &memo, now: t), .unknown)
            }
        }
    }
}
