// Owns what happens where a table is full.
// Called by the test runner.
// Never fills a real table: the bounds are set small.

import ProxyCore
import XCTest

@testable import Presence

final class BoundsTests: XCTestCase {
    private let t = House.start

    func testAFullUserTableLetsNewUsersPassUntracked() {
        var capacity = PresenceCapacity()
        capacity.users = 3
        let house = House(capacity: capacity)
        for user in ["a", "b", "c"] { _ = house.identity(user) }
        XCTAssertEqual(house.enroll("d"), .full)
        XCTAssertFalse(house.engine.login(user: "e", name: nil, session: nil, now: t))
        XCTAssertNil(house.engine.claim(user: "f", status: .away, until: nil, now: t) { _ in })
        XCTAssertEqual(house.engine.metrics.untrackedUsers, 3)
        XCTAssertEqual(house.engine.view(user: "d", now: t), .unknown("d", asOf: t))
        var known = house.identity("b")
        house.sight(&known, at: t)
        XCTAssertEqual(house.status("b", at: t), .online)
        XCTAssertEqual(house.engine.metrics.users, 3)
    }

    func testTheSessionLongestWithoutContactMakesRoom() {
        var capacity = PresenceCapacity()
        capacity.sessionsPerUser = 3
        let house = House(capacity: capacity)
        var devices = (0..<4).map { house.identity("1", UInt64(10 + $0)) }
        house.engine.socketOpened(&devices[0].session, now: t)
        house.sight(&devices[1], at: t + 20)
        house.sight(&devices[2], at: t + 10)
        house.sight(&devices[3], at: t + 30)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 30).devices, 3)
        XCTAssertEqual(house.engine.metrics.evictedSessions, 1)
        // The third went; the open socket stayed and keeps the user online.
        XCTAssertEqual(house.status("1", at: t + 900_000), .online)
        house.sight(&devices[2], at: t + 900_000)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 900_000).devices, 2)
    }

    func testNoSessionRowIsLeft() {
        var capacity = PresenceCapacity()
        capacity.sessions = 1
        let house = House(capacity: capacity)
        var one = house.identity("1")
        var two = house.identity("2")
        house.sight(&one, at: t)
        house.sight(&two, at: t)
        XCTAssertEqual(house.engine.metrics.untrackedSessions, 1)
        let view = house.engine.view(user: "2", now: t)
        XCTAssertEqual(view.status, .offline)
        XCTAssertEqual(view.lastSeen, t)
        house.engine.socketOpened(&two.session, now: t + 1)
        house.engine.socketClosed(two.session, now: t + 2)
        XCTAssertEqual(house.engine.counts(now: t + 2).sockets, 0)
        house.engine.sweep(now: t + 120_000)
        house.sight(&two, at: t + 120_000)
        XCTAssertEqual(house.status("2", at: t + 120_000), .online)
    }

    func testManyLogoutsOfOneUserStayBounded() {
        let house = House()
        for number in 0..<500 as Range<UInt64> {
            var one = house.identity("1", 100 + number)
            house.sight(&one, at: t + Milliseconds(number))
            house.logout(one, at: t + Milliseconds(number))
        }
        XCTAssertLessThanOrEqual(
            house.engine.metrics.sessions, PresenceLimits.sessionsPerUser)
        house.engine.sweep(now: t + PresenceLimits.barredFor + 1_000)
        XCTAssertEqual(house.engine.metrics.sessions, 0)
        XCTAssertEqual(house.engine.metrics.revocations, 500)
    }

    func testASweepIsBounded() {
        let house = House()
        let people = PresenceLimits.settledPerSweep + 1_000
        for person in 0..<people {
            XCTAssertTrue(
                house.engine.login(user: String(person), name: nil, session: nil, now: t))
        }
        let before = house.engine.journal.count
        XCTAssertTrue(house.engine.sweep(now: t + 120_000))
        XCTAssertEqual(
            house.engine.journal.count - before, UInt64(PresenceLimits.settledPerSweep))
        XCTAssertFalse(house.engine.sweep(now: t + 120_000))
        XCTAssertEqual(house.engine.journal.count - before, UInt64(people))
        XCTAssertEqual(house.engine.counts(now: t + 120_000).offline, people)
    }

    func testLongNamesAreCutAtACharacter() {
        let house = House()
        _ = house.identity("1", name: "x" + String(repeating: "é", count: 200))
        let name = house.engine.view(user: "1", now: t).name
        XCTAssertEqual(name, "x" + String(repeating: "é", count: 127))
    }

    func testIDsAreEqualByteForByte() {
        let house = House()
        let composed = house.identity("caf\u{e9}")
        let decomposed = house.identity("cafe\u{301}")
        XCTAssertNotEqual(composed.subject, decomposed.subject)
    }

    func testListenersHearOfChangesOnly() {
        let house = House()
        var one = house.identity("1")
        XCTAssertEqual(house.listener.grew, 0)
        house.sight(&one, at: t)
        house.sight(&one, at: t + 1)
        house.engine.sweep(now: t + 50_000)
        XCTAssertEqual(house.listener.grew, 1)
        house.engine.sweep(now: t + 130_000)
        XCTAssertEqual(house.listener.grew, 2)
    }
}
