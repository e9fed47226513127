// Owns what a refreshed token changes for its user: nothing that anybody could see.
// Called by the test runner.
// Never sleeps: time is a number.

import ProxyCore
import XCTest

@testable import Presence

final class ContinuingTests: XCTestCase {
    private let t = House.start

    private func refresh(
        _ house: House, _ user: String = "1", from old: SessionRef?, as tag: UInt64,
        expires: Milliseconds, at now: Milliseconds
    ) -> SessionRef? {
        house.engine.continueSession(of: user, from: old, as: tag, expires: expires, now: now)
    }

    func testR17_ARefreshGoesOnWithTheSession() throws {
        let house = House()
        var old = house.identity("1", 10, expires: t + 300_000)
        house.sight(&old, at: t)
        house.engine.socketOpened(&old.session, now: t + 1)
        let session = refresh(
            house, from: old.session, as: 11, expires: t + 600_000, at: t + 290_000)
        XCTAssertEqual(session?.tag, 10)
        var new = house.identity("1", 11, expires: t + 600_000, at: t + 290_001)
        house.sight(&new, at: t + 290_002)
        XCTAssertEqual(new.session.tag, 10)
        let view = house.engine.view(user: "1", now: t + 290_003)
        XCTAssertEqual(view.devices, 1)
        XCTAssertEqual(view.since, t)
        XCTAssertEqual(house.told("1"), [.online], "nobody is announced twice")
        XCTAssertEqual(house.listener.closes, [])
        XCTAssertEqual(
            house.listener.extensions,
            [.init(subject: old.subject, session: 10, expires: t + 600_000)])
        // The socket that the old token opened still belongs to it.
        house.engine.socketClosed(old.session, now: t + 290_004)
        XCTAssertEqual(house.status("1", at: t + 300_003), .online)
        XCTAssertEqual(house.status("1", at: t + 300_004), .offline, "the grace after a socket")
    }

    func testR17_RefreshAfterRefreshIsOneSession() throws {
        let house = House()
        var now = t
        var token = house.identity("1", 10, expires: now + 300_000)
        house.sight(&token, at: now)
        for number in 11..<40 as Range<UInt64> {
            now += 100_000
            let session = refresh(
                house, from: token.session, as: number, expires: now + 300_000, at: now)
            XCTAssertEqual(session?.tag, 10)
            token = house.identity("1", number, expires: now + 300_000, at: now)
            house.sight(&token, at: now + 1)
            XCTAssertEqual(house.engine.view(user: "1", now: now + 1).devices, 1)
        }
        XCTAssertEqual(house.told("1"), [.online])
        house.logout(token, at: now + 2)
        XCTAssertEqual(house.status("1", at: now + 2), .offline)
    }

    /// The client refreshes when the application says 401 to the old token.
    func testR17_ATokenThatHasExpiredIsContinuedToo() throws {
        let house = House()
        var first = house.identity("1", 10, expires: t + 100_000)
        house.sight(&first, at: t)
        XCTAssertNotNil(
            refresh(house, from: first.session, as: 11, expires: t + 200_000, at: t + 90_000))
        var second = house.identity("1", 11, expires: t + 200_000, at: t + 90_000)
        house.sight(&second, at: t + 199_000)
        // Judged anew, as an expired token is: it is still the session of the first.
        let late = house.identity("1", 11, expires: t + 200_000, at: t + 260_000)
        XCTAssertEqual(late.session.tag, 10)
        XCTAssertEqual(
            refresh(house, from: late.session, as: 12, expires: t + 900_000, at: t + 260_000)?
                .tag, 10)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 260_000).devices, 1)
        XCTAssertEqual(house.told("1"), [.online])
    }

    func testR17_WithoutTheOldTokenTheOnlySessionGoesOn() throws {
        let house = House()
        var one = house.identity("1", 10)
        house.sight(&one, at: t)
        XCTAssertEqual(
            refresh(house, from: nil, as: 11, expires: t + 600_000, at: t + 100)?.tag, 10)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 100).devices, 1)
    }

    func testR17_OfTwoSessionsNeitherIsGuessed() throws {
        let house = House()
        var desk = house.identity("1", 10)
        var phone = house.identity("1", 20)
        house.sight(&desk, at: t)
        house.sight(&phone, at: t)
        XCTAssertEqual(
            refresh(house, from: nil, as: 11, expires: t + 600_000, at: t + 100)?.tag, 11)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 100).devices, 3)
        XCTAssertEqual(house.told("1"), [.online])
        XCTAssertEqual(
            refresh(house, from: phone.session, as: 21, expires: t + 600_000, at: t + 200)?.tag,
            20, "the old token tells")
    }

    func testR17_AUserWhoWasGoneComesBackByARefresh() throws {
        let house = House()
        XCTAssertEqual(
            refresh(house, from: nil, as: 11, expires: t + 600_000, at: t)?.tag, 11)
        let view = house.engine.view(user: "1", now: t)
        XCTAssertEqual(view.status, .online)
        XCTAssertNil(view.lastActive, "clients refresh by themselves")
        XCTAssertEqual(view.reason, "refresh 0 s ago")
    }

    func testR17_SomebodyElsesTokenSaysNothing() throws {
        let house = House()
        var other = house.identity("2", 20)
        house.sight(&other, at: t)
        var one = house.identity("1", 10)
        house.sight(&one, at: t)
        XCTAssertEqual(
            refresh(house, from: other.session, as: 11, expires: t + 600_000, at: t + 1)?.tag,
            11, "not even that it is the only session")
        XCTAssertEqual(house.engine.view(user: "2", now: t + 1).devices, 1)
    }

    func testALoginThatShowedNoTokenIsNoSessionToContinue() throws {
        let house = House()
        house.engine.login(user: "1", name: nil, session: nil, now: t)
        XCTAssertEqual(
            refresh(house, from: nil, as: 11, expires: t + 600_000, at: t + 1)?.tag, 11)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 1).devices, 1)
    }

    func testTheSameTagNeedsNoAlias() throws {
        let house = House()
        var one = house.identity("1", 10)
        house.sight(&one, at: t)
        XCTAssertEqual(
            refresh(house, from: one.session, as: 10, expires: t + 600_000, at: t + 1)?.tag, 10)
        XCTAssertEqual(house.sink.facts, [])
        XCTAssertEqual(
            house.listener.extensions,
            [.init(subject: one.subject, session: 10, expires: t + 600_000)])
    }

    func testUsersThatCannotBe() {
        let house = House()
        XCTAssertNil(refresh(house, "", from: nil, as: 11, expires: t + 1_000, at: t))
        XCTAssertEqual(house.engine.counts(now: t).users, 0)
    }

    func testR17_ARestartKeepsTheSessionTogether() throws {
        let house = House()
        var old = house.identity("1", 10)
        house.sight(&old, at: t)
        XCTAssertNotNil(
            refresh(house, from: old.session, as: 11, expires: t + 600_000, at: t + 1_000))
        let start = t + 30_000
        let next = House(restored: house.kept(aliveAt: t + 2_000), startedAt: start)
        var new = next.identity("1", 11, expires: t + 600_000, at: start)
        next.sight(&new, at: start + 1)
        XCTAssertEqual(next.engine.view(user: "1", now: start + 1).devices, 1)
        XCTAssertEqual(next.changes(), [])
    }

    func testAliasesAreBoundedAndEnd() {
        var capacity = PresenceCapacity()
        capacity.continuedSessions = 10
        let house = House(capacity: capacity)
        for number in 0..<100 as Range<UInt64> {
            var old = house.identity("\(number)", 1_000 + number)
            house.sight(&old, at: t)
            _ = refresh(
                house, "\(number)", from: old.session, as: 5_000 + number,
                expires: t + 1_000 + Milliseconds(number), at: t + 1)
        }
        XCTAssertEqual(house.engine.continued.withLock { $0.count }, 10)
        XCTAssertEqual(house.identity("99", 5_099, at: t + 2).session.tag, 1_099)
        XCTAssertEqual(house.identity("0", 5_000, at: t + 2).session.tag, 5_000, "made room")
        let end = t + 1_099 + 120_000
        XCTAssertEqual(house.identity("99", 5_099, at: end - 1).session.tag, 1_099)
        XCTAssertEqual(house.identity("99", 5_099, at: end).session.tag, 5_099)
    }
}
