// Owns what logging out ends, in both scopes, and that revoked tokens count for nothing.
// Called by the test runner.
// Never sleeps: time is a number.

import ProxyCore
import XCTest

@testable import Presence

final class LogoutTests: XCTestCase {
    private let t = House.start

    func testScopeUserEndsEverything() {
        let house = House()
        var desk = house.identity("1", 10)
        var phone = house.identity("1", 11)
        house.sight(&desk, at: t)
        house.engine.socketOpened(&phone.session, now: t + 1)
        let old = phone.session
        house.logout(desk, at: t + 100)
        let view = house.engine.view(user: "1", now: t + 100)
        XCTAssertEqual(view.status, .offline)
        XCTAssertEqual(view.since, t + 100)
        XCTAssertEqual(view.devices, 0)
        XCTAssertEqual(
            house.listener.closes, [.init(subject: desk.subject, session: nil, code: 4401)])
        XCTAssertTrue(house.engine.isRevoked(&desk, now: t + 101))
        XCTAssertFalse(house.engine.isRevoked(&phone, now: t + 101))
        XCTAssertEqual(house.enroll("1", 10), .revoked)
        // The socket that was ordered to close takes nothing with it.
        house.engine.socketOpened(&phone.session, now: t + 200)
        XCTAssertEqual(old.slot, phone.session.slot, "the row is the same, its use is not")
        house.engine.socketClosed(old, now: t + 300)
        XCTAssertEqual(house.status("1", at: t + 20_000), .online, "new contact of another token")
        house.engine.socketClosed(phone.session, now: t + 20_000)
        XCTAssertEqual(house.status("1", at: t + 30_000), .offline)
    }

    func testScopeSessionEndsThatSessionAlone() {
        let house = House(scope: .session)
        var desk = house.identity("1", 10)
        var phone = house.identity("1", 11)
        house.sight(&desk, at: t)
        house.sight(&phone, at: t + 1)
        house.logout(desk, at: t + 100)
        XCTAssertEqual(house.status("1", at: t + 120_000), .online)
        XCTAssertEqual(house.status("1", at: t + 120_001), .offline)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 121_001).reason, "GET /x 2 min ago")
        XCTAssertEqual(
            house.listener.closes, [.init(subject: desk.subject, session: 10, code: 4401)])
        house.sight(&phone, at: t + 130_000)
        house.logout(phone, at: t + 130_100)
        XCTAssertEqual(house.status("1", at: t + 130_100), .offline)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 131_100).reason, "logged out 1 s ago")
    }

    func testAnAnswerStillOnItsWayCountsForNothing() {
        for scope in [LogoutScope.user, .session] {
            let house = House(scope: scope)
            var one = house.identity("1")
            house.sight(&one, at: t)
            var inFlight = SessionRef(subjectWord: one.session.subjectWord, tag: one.session.tag)
            house.logout(one, at: t + 100)
            house.engine.sight(&inFlight, activity: true, label: "GET /".rawSpan, now: t + 101)
            _ = house.engine.heartbeat(&inFlight, status: .online, now: t + 101)
            house.engine.socketOpened(&inFlight, now: t + 102)
            house.engine.socketClosed(inFlight, now: t + 102)
            XCTAssertEqual(house.status("1", at: t + 102), .offline)
            house.engine.sight(
                &inFlight, activity: true, label: "GET /".rawSpan, now: t + 500_000)
            XCTAssertEqual(house.told("1"), [.online, .offline])
            XCTAssertEqual(house.engine.view(user: "1", now: t + 500_000).lastSeen, t + 100)
        }
    }

    func testAnotherTokenOfTheSameSessionCounts() {
        let house = House()
        var old = house.identity("1", 10, token: 1)
        var new = house.identity("1", 10, token: 2)
        house.sight(&old, at: t)
        house.logout(old, at: t + 100)
        XCTAssertFalse(house.engine.isRevoked(&new, now: t + 200))
        house.sight(&new, at: t + 200)
        XCTAssertEqual(house.status("1", at: t + 200), .online)
        XCTAssertTrue(house.engine.isRevoked(&old, now: t + 200))
    }

    func testLoginAfterLogoutInTheSameMillisecond() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.logout(one, at: t)
        XCTAssertEqual(house.status("1", at: t), .offline)
        XCTAssertTrue(house.engine.login(user: "1", name: nil, session: 20, now: t))
        XCTAssertEqual(house.status("1", at: t), .online)
    }

    func testItEndsAnOpenClaimAndNotATimedOne() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.claim("1", .online, at: t + 1)
        house.logout(one, at: t + 2)
        XCTAssertEqual(house.status("1", at: t + 2), .offline)
        var two = house.identity("2")
        house.sight(&two, at: t)
        house.claim("2", .online, until: t + 100, at: t + 1)
        house.logout(two, at: t + 2)
        XCTAssertEqual(house.status("2", at: t + 99), .online)
        XCTAssertEqual(house.status("2", at: t + 100), .offline)
    }

    func testItIsAcknowledgedWhenItIsKept() {
        let house = House()
        let heard = Lock<[Bool]>([])
        var one = house.identity("1", expires: t + 5_000)
        house.sight(&one, at: t)
        house.engine.logout(one, now: t + 10) { kept in heard.withLock { $0.append(kept) } }
        XCTAssertEqual(heard.withLock { $0 }, [])
        let revocation = StoredRevocation(key: one.revocation, expires: t + 5_000)
        let user = StoredUser(
            id: "1", lastSeen: t + 10, lastActive: t + 10, status: .offline, since: t + 10,
            loggedOutAt: t + 10)
        XCTAssertEqual(house.sink.facts, [.loggedOut(user: user, revocation: revocation)])
        // Once more: nothing ends, but it must be kept before it is acknowledged all the same.
        var again = house.identity("1", 11, at: t + 20)
        house.sight(&again, at: t + 20)
        house.engine.logout(one, now: t + 30) { kept in heard.withLock { $0.append(kept) } }
        XCTAssertEqual(house.sink.facts.last, .revoked(revocation))
        XCTAssertEqual(house.status("1", at: t + 30), .online)
        house.sink.acknowledge(false)
        XCTAssertEqual(heard.withLock { $0 }, [false, false])
        // Expired: the verifier refuses it now, the set has forgotten it.
        XCTAssertFalse(house.engine.isRevoked(&one, now: t + 5_000))
    }
}
