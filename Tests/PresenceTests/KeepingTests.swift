// Owns what survives a restart, and what the store is handed.
// Called by the test runner.
// Never opens a database: a RestoredState is passed from one engine to the next.

import ProxyCore
import XCTest

@testable import Presence

final class KeepingTests: XCTestCase {
    private let t = House.start

    private func restart(
        _ house: House, aliveAt: Milliseconds, at start: Milliseconds,
        awayAfter: Milliseconds? = nil
    ) -> House {
        House(
            awayAfter: awayAfter, restored: house.kept(aliveAt: aliveAt), startedAt: start)
    }

    func testNobodyIsAnnouncedOfflineBeforeOneFullThreshold() {
        let house = House()
        var one = house.identity("1", name: "one")
        house.sight(&one, at: t)
        var two = house.identity("2")
        house.engine.socketOpened(&two.session, now: t)
        var gone = house.identity("3", at: t - 60_000)
        house.sight(&gone, at: t - 60_000)
        house.engine.sweep(now: t + 70_000)
        let start = t + 3_600_000
        let next = restart(house, aliveAt: t + 70_000, at: start)
        XCTAssertEqual(next.changes(), [], "nobody is announced at load")
        for user in ["1", "2"] {
            let view = next.engine.view(user: user, now: start)
            XCTAssertEqual(view.status, .online)
            XCTAssertEqual(view.since, t)
            XCTAssertEqual(view.reason, "presumed present since the restart")
            XCTAssertEqual(view.lastSeen, user == "1" ? t : t + 70_000)
        }
        XCTAssertEqual(next.engine.view(user: "1", now: start).name, "one")
        let view = next.engine.view(user: "3", now: start)
        XCTAssertEqual(view.status, .offline)
        XCTAssertEqual(view.since, t + 60_000)
        XCTAssertEqual(view.reason, "seen 1 h ago")
        next.engine.sweep(now: start + 119_999)
        XCTAssertEqual(next.changes(), [])
        next.engine.sweep(now: start + 120_000)
        XCTAssertEqual(next.told("1"), [.offline])
        XCTAssertEqual(next.told("2"), [.offline])
        XCTAssertEqual(next.engine.view(user: "1", now: start + 120_000).since, start + 120_000)
    }

    func testAContactEndsThePresumption() {
        let house = House()
        var one = house.identity("1")
        _ = house.engine.heartbeat(&one.session, status: .away, now: t)
        let start = t + 5_000
        let next = restart(house, aliveAt: t + 1, at: start)
        XCTAssertEqual(next.status("1", at: start), .away, "the client's word is kept")
        var again = next.identity("1", at: start)
        next.sight(&again, at: start + 1)
        XCTAssertEqual(next.engine.view(user: "1", now: start + 1).devices, 1)
        next.engine.socketOpened(&again.session, now: start + 2)
        next.engine.socketClosed(again.session, now: start + 3)
        XCTAssertEqual(next.status("1", at: start + 10_003), .offline)
    }

    func testClaimsSurvive() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.claim("1", .away, at: t + 1)
        house.claim("2", .online, until: t + 500_000, at: t + 2)
        house.claim("3", .online, until: t + 2_000, at: t + 3)
        house.claim("4", .online, at: t + 4)
        var four = house.identity("4")
        house.sight(&four, at: t + 5)
        let start = t + 10_000
        let next = restart(house, aliveAt: t + 1_000, at: start)
        XCTAssertEqual(next.status("1", at: start), .away)
        XCTAssertEqual(next.engine.view(user: "1", now: start).since, t + 1)
        XCTAssertEqual(next.status("2", at: t + 499_999), .online)
        XCTAssertEqual(next.status("2", at: t + 500_000), .offline)
        XCTAssertEqual(next.status("3", at: start), .offline)
        XCTAssertEqual(next.engine.view(user: "3", now: start).since, t + 2_000)
        XCTAssertEqual(
            next.engine.view(user: "4", now: start).reason, "presumed present since the restart")
        var again = next.identity("1", at: start)
        next.sight(&again, at: t + 600_000)
        XCTAssertEqual(next.status("1", at: t + 600_000), .online)
    }

    /// A claim is kept at once, the user's row with the next flush: killed in between.
    func testAClaimWithoutItsUsersRow() {
        let state = RestoredState(
            claims: [StoredClaim(user: "1", status: .online, setAt: t - 5, until: nil)],
            aliveAt: t - 10)
        let house = House(restored: state)
        let view = house.engine.view(user: "1", now: t)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.since, t - 5)
        XCTAssertEqual(house.engine.counts(now: t).online, 1)
    }

    func testAnOpenClaimThatAnActivityEndedIsNotRevived() {
        let state = RestoredState(
            users: [StoredUser(id: "1", lastSeen: t - 4, lastActive: t - 4)],
            claims: [StoredClaim(user: "1", status: .online, setAt: t - 5, until: nil)],
            aliveAt: t - 1)
        XCTAssertEqual(House(restored: state).status("1", at: t), .offline)
    }

    func testRevocationsAndLogoutsSurvive() {
        let house = House()
        var one = house.identity("1", expires: t + 1_000_000)
        house.sight(&one, at: t)
        house.logout(one, at: t + 10)
        let start = t + 20
        let next = restart(house, aliveAt: t + 11, at: start)
        let view = next.engine.view(user: "1", now: start)
        XCTAssertEqual(view.status, .offline)
        XCTAssertEqual(view.since, t + 10)
        XCTAssertEqual(view.reason, "logged out 0 s ago")
        XCTAssertEqual(next.enroll("1", at: start), .revoked)
        XCTAssertEqual(next.enroll("1", 11, token: 11, at: start), next.enroll("1", 11, at: start))
    }

    func testIdlenessWhileDown() {
        let house = House(awayAfter: 60_000)
        var one = house.identity("1")
        house.sight(&one, at: t)
        let start = t + 90_000
        let next = restart(house, aliveAt: t + 1_000, at: start, awayAfter: 60_000)
        XCTAssertEqual(next.status("1", at: start), .away)
        XCTAssertEqual(next.engine.view(user: "1", now: start).since, t + 60_000)
        XCTAssertEqual(next.changes(), [])
    }

    func testDrainingHandsOutEachChangeOnce() {
        let house = House()
        for number in 0..<300 {
            var one = house.identity(String(number))
            house.sight(&one, at: t)
        }
        var ids: [String] = []
        var batch: [StoredUser]
        repeat {
            batch = house.engine.drainDirty(limit: 7, now: t)
            XCTAssertLessThanOrEqual(batch.count, 7)
            ids += batch.map(\.id)
        } while !batch.isEmpty
        XCTAssertEqual(ids.count, 300)
        XCTAssertEqual(Set(ids).count, 300)
        var one = house.identity("5")
        house.sight(&one, at: t + 10)
        XCTAssertEqual(
            house.engine.drainDirty(limit: 7, now: t + 10),
            [
                StoredUser(
                    id: "5", lastSeen: t + 10, lastActive: t + 10, status: .online, since: t,
                    sessions: [
                        StoredSession(tag: 10, contact: t + 10, saidAway: false, open: false)
                    ])
            ])
        house.engine.sweep(now: t + 120_010)
        XCTAssertEqual(house.engine.drainDirty(limit: 999, now: t).count, 300)
    }

    func testGarbageFromAStoreIsBorne() {
        let state = RestoredState(
            users: [
                StoredUser(id: ""), StoredUser(id: "1", status: .online),
                StoredUser(
                    id: "2", lastSeen: .max, lastActive: -5, status: .away, since: .max,
                    sessions: [
                        StoredSession(tag: 0, contact: -9, saidAway: true, open: true),
                        StoredSession(tag: 0, contact: .max, saidAway: true, open: false),
                    ]),
                StoredUser(id: "1"),
            ],
            claims: [
                StoredClaim(user: "", status: .online, setAt: 0, until: nil),
                StoredClaim(user: "2", status: .online, setAt: .max, until: .min),
            ],
            revocations: [StoredRevocation(key: RevocationKey(0, 0, 0, 0), expires: .min)],
            aliveAt: .max)
        let house = House(restored: state)
        XCTAssertEqual(house.status("1", at: t), .offline)
        _ = house.status("2", at: t)
        house.engine.sweep(now: t + 9_000_000)
    }
}
