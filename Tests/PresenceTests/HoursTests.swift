// Owns the tests of the hours: peaks, and how many different users.
// Called by the test runner.
// Never reads a clock.

import ProxyCore
import XCTest

@testable import Presence

final class HoursTests: XCTestCase {
    private let hour: Milliseconds = 3_600_000
    /// The beginning of an hour, long after midnight and long before the next.
    private let noon: Milliseconds = 20_000 * 86_400_000 + 12 * 3_600_000

    private func house(at start: Milliseconds, _ restored: RestoredState? = nil) -> House {
        House(restored: restored, startedAt: start)
    }

    private func last(_ house: House, _ now: Milliseconds) -> HourTally? {
        house.engine.onlineHours(now: now).hours.last
    }

    func testPeakAndDifferentUsers() {
        let house = house(at: noon)
        for (index, user) in ["a", "b", "c"].enumerated() {
            var identity = house.identity(user, UInt64(index + 10), at: noon)
            house.sight(&identity, at: noon + Milliseconds(index) * 1_000)
        }
        let three = HourTally(hour: noon / hour, peak: 3, peakAt: noon + 2_000, users: 3)
        XCTAssertEqual(last(house, noon + 10_000), three)
        // All go, and one comes back: neither more at once nor somebody else.
        house.engine.sweep(now: noon + 200_000)
        var again = house.identity("a", 10, at: noon + 300_000)
        house.sight(&again, at: noon + 300_000)
        XCTAssertEqual(last(house, noon + 300_000), three)
        let hours = house.engine.onlineHours(now: noon + 300_000)
        XCTAssertEqual(hours.hours.count, 24)
        XCTAssertEqual(hours.peakToday, three)
        XCTAssertEqual(hours.hours.first, HourTally(hour: noon / hour - 23))
    }

    func testAnHourBeginsWithThoseWhoAreOnline() {
        let house = house(at: noon)
        var stays = house.identity("stays", 1, at: noon)
        var goes = house.identity("goes", 2, at: noon)
        let before = noon + hour - 60_000
        house.sight(&stays, at: before)
        house.sight(&goes, at: before)
        house.engine.sweep(now: noon + hour)
        XCTAssertEqual(
            last(house, noon + hour),
            HourTally(hour: noon / hour + 1, peak: 2, peakAt: noon + hour, users: 2))
        // One goes offline within it and comes back: counted as it began.
        house.sight(&stays, at: noon + hour + 30_000)
        house.engine.sweep(now: noon + hour + 100_000)
        XCTAssertEqual(house.status("goes", at: noon + hour + 100_000), .offline)
        house.sight(&goes, at: noon + hour + 110_000)
        XCTAssertEqual(last(house, noon + hour + 110_000)?.users, 2)
        var third = house.identity("third", 3, at: noon + hour + 111_000)
        house.sight(&third, at: noon + hour + 111_000)
        XCTAssertEqual(last(house, noon + hour + 111_000)?.users, 3)
        XCTAssertEqual(last(house, noon + hour + 111_000)?.peak, 3)
    }

    func testAwayIsNotOnline() {
        let house = house(at: noon)
        var session = house.identity("a", 1, at: noon).session
        _ = house.engine.heartbeat(&session, status: .away, now: noon)
        XCTAssertEqual(last(house, noon), HourTally(hour: noon / hour, peakAt: noon))
        _ = house.engine.heartbeat(&session, status: .online, now: noon + 1_000)
        XCTAssertEqual(last(house, noon + 1_000)?.users, 1)
        _ = house.engine.heartbeat(&session, status: .away, now: noon + 2_000)
        _ = house.engine.heartbeat(&session, status: .online, now: noon + 3_000)
        XCTAssertEqual(last(house, noon + 3_000)?.users, 1)
    }

    func testTodayBeginsAtMidnightUTC() {
        let midnight = noon + 12 * hour
        let house = house(at: midnight - 1_000)
        for index in 0..<3 {
            var identity = house.identity("u\(index)", UInt64(index + 10), at: midnight - 500)
            house.sight(&identity, at: midnight - 500)
        }
        house.engine.sweep(now: midnight + 1)
        let begun = house.engine.onlineHours(now: midnight + 1)
        XCTAssertEqual(begun.peakToday?.peak, 3, "they are still there as it begins")
        XCTAssertEqual(begun.peakToday?.peakAt, midnight)
        house.engine.sweep(now: midnight + 25 * hour)
        let later = house.engine.onlineHours(now: midnight + 25 * hour)
        XCTAssertNil(later.peakToday, "nobody the day after")
        XCTAssertEqual(later.hours.count, 24)
        XCTAssertEqual(later.hours.reduce(0) { $0 + $1.users }, 0)
    }

    func testARestartGoesOnCounting() {
        let kept = HourTally(hour: noon / hour, peak: 9, peakAt: noon + 1, users: 5)
        let start = noon + 600_000
        let here = StoredUser(
            id: "here", lastSeen: start - 1_000, lastActive: start - 1_000, status: .online,
            since: noon,
            sessions: [StoredSession(tag: 99, contact: start - 1_000, saidAway: false, open: false)]
        )
        let gone = StoredUser(id: "gone", lastSeen: noon + 5, status: .offline, since: noon + 9)
        let restored = RestoredState(users: [here, gone], hours: [kept], aliveAt: start - 10)
        let house = house(at: start, restored)
        XCTAssertEqual(last(house, start), kept)
        // Both were counted before the restart; somebody else was not.
        for (index, user) in ["here", "gone", "new"].enumerated() {
            var identity = house.identity(user, UInt64(index + 10), at: start + 1)
            house.sight(&identity, at: start + 1)
        }
        XCTAssertEqual(last(house, start + 1)?.users, 6)
        XCTAssertEqual(last(house, start + 1)?.peak, 9)
        XCTAssertEqual(house.engine.drainHours().map(\.users), [6])
        XCTAssertEqual(house.engine.drainHours(), [])
    }

    func testHoursOfALongPauseAreNotKnown() {
        let kept = HourTally(hour: noon / hour - 3, peak: 9, peakAt: noon - 3 * hour, users: 5)
        let old = HourTally(hour: noon / hour - 30, peak: 99, peakAt: 0, users: 99)
        let house = house(at: noon + 5, RestoredState(hours: [old, kept]))
        let hours = house.engine.onlineHours(now: noon + 5)
        XCTAssertEqual(hours.hours.map(\.peak), Array(repeating: 0, count: 20) + [9, 0, 0, 0])
        XCTAssertEqual(hours.peakToday, kept)
    }

    /// A clock that jumps over days must not make this long.
    func testAJumpIsBounded() {
        let house = house(at: noon)
        house.engine.sweep(now: noon + 1_000_000 * hour)
        XCTAssertEqual(last(house, noon + 1_000_000 * hour)?.hour, noon / hour + 1_000_000)
        XCTAssertLessThanOrEqual(house.engine.drainHours().count, PresenceLimits.hours)
    }
}
