// Owns section 1 of the contract, played on an engine, on both sides of every threshold.
// Called by the test runner.
// Never sleeps: time is a number.

import ProxyCore
import XCTest

@testable import Presence

final class ContractTests: XCTestCase {
    private let t = House.start

    func testNeverSeen() {
        let house = House()
        let view = house.engine.view(user: "nobody", now: t)
        XCTAssertEqual(view, .unknown("nobody", asOf: t))
        XCTAssertNil(view.reason)
        XCTAssertNil(house.engine.subject(of: "nobody"))
    }

    func testEnrollmentIsNoSighting() {
        let house = House()
        _ = house.identity("1", name: "one")
        let view = house.engine.view(user: "1", now: t)
        XCTAssertEqual(view.status, .offline)
        XCTAssertNil(view.lastSeen)
        XCTAssertNil(view.since)
        XCTAssertEqual(view.name, "one")
        XCTAssertEqual(house.engine.page(UserQuery(), now: t).count, 0)
        XCTAssertEqual(house.engine.counts(now: t).users, 0)
        XCTAssertEqual(house.engine.drainDirty(limit: 9, now: t), [])
    }

    func testOnlineByActivityUntilTheThreshold() {
        for reads in [true, false] {
            let house = House()
            var one = house.identity("1")
            house.sight(&one, at: t)
            house.sight(&one, at: t + 50_000)
            if reads {
                XCTAssertEqual(house.status("1", at: t + 169_999), .online)
                XCTAssertEqual(house.status("1", at: t + 170_000), .offline)
            } else {
                house.engine.sweep(now: t + 169_999)
                XCTAssertEqual(house.told("1"), [.online])
                house.engine.sweep(now: t + 170_000)
            }
            XCTAssertEqual(house.told("1"), [.online, .offline])
            let view = house.engine.view(user: "1", now: t + 300_000)
            XCTAssertEqual(view.since, t + 170_000)
            XCTAssertEqual(view.lastSeen, t + 50_000)
            XCTAssertEqual(view.lastActive, t + 50_000)
            XCTAssertEqual(view.devices, 0)
        }
    }

    func testSinceIsExactHoweverLateItIsAnnounced() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.sight(&one, at: t + 500_000)
        XCTAssertEqual(
            house.changes().map(\.since), [t, t + 120_000, t + 500_000])
        XCTAssertEqual(house.told("1"), [.online, .offline, .online])
        house.engine.sweep(now: t + 9_000_000)
        XCTAssertEqual(house.changes().last?.since, t + 620_000)
    }

    func testPollingIsContactButNoActivity() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.sight(&one, at: t + 60_000, activity: false)
        let view = house.engine.view(user: "1", now: t + 60_000)
        XCTAssertEqual(view.lastSeen, t + 60_000)
        XCTAssertEqual(view.lastActive, t)
        XCTAssertEqual(house.status("1", at: t + 179_999), .online)
    }

    func testAwayByIdlenessAndBack() {
        let house = House(awayAfter: 60_000)
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.sight(&one, at: t + 30_000, activity: false)
        XCTAssertEqual(house.status("1", at: t + 59_999), .online)
        XCTAssertEqual(house.status("1", at: t + 60_000), .away)
        house.sight(&one, at: t + 70_000, activity: false)
        XCTAssertEqual(house.status("1", at: t + 70_000), .away)
        house.sight(&one, at: t + 80_000)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 80_000).since, t + 80_000)
        XCTAssertEqual(house.status("1", at: t + 80_000), .online)
        // Idle unnoticed: an activity after the threshold finds the change announced.
        house.sight(&one, at: t + 110_000, activity: false)
        house.sight(&one, at: t + 150_000)
        XCTAssertEqual(house.told("1"), [.online, .away, .online, .away, .online])
        XCTAssertEqual(house.changes()[3].since, t + 140_000)
    }

    func testAwayByTheClientsWord() {
        let house = House()
        var one = house.identity("1")
        XCTAssertEqual(
            house.engine.heartbeat(&one.session, status: .online, now: t).status, .online)
        XCTAssertEqual(
            house.engine.heartbeat(&one.session, status: .away, now: t + 1).status, .away)
        house.sight(&one, at: t + 2)
        XCTAssertEqual(house.status("1", at: t + 2), .away, "only a heartbeat takes it back")
        XCTAssertEqual(
            house.engine.heartbeat(&one.session, status: .online, now: t + 3).status, .online)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 3).lastActive, t + 2)
        XCTAssertEqual(house.told("1"), [.online, .away, .online])
    }

    func testAnEndedSessionReturnsWithACleanSlate() {
        let house = House()
        var one = house.identity("1")
        _ = house.engine.heartbeat(&one.session, status: .away, now: t)
        house.sight(&one, at: t + 119_999)
        XCTAssertEqual(house.status("1", at: t + 119_999), .away)
        house.sight(&one, at: t + 239_999)
        XCTAssertEqual(house.status("1", at: t + 239_999), .online)
    }

    func testBestOfSeveralDevices() {
        let house = House()
        var phone = house.identity("1", 10)
        var desk = house.identity("1", 11)
        _ = house.engine.heartbeat(&phone.session, status: .away, now: t)
        house.sight(&desk, at: t + 1)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 1).devices, 2)
        XCTAssertEqual(house.status("1", at: t + 1), .online)
        _ = house.engine.heartbeat(&phone.session, status: .away, now: t + 100_000)
        XCTAssertEqual(house.status("1", at: t + 120_000), .online)
        XCTAssertEqual(house.status("1", at: t + 120_001), .away)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 120_001).since, t + 120_001)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 120_001).devices, 1)
    }

    func testOpenSocketAndDisconnectGrace() {
        let house = House()
        var one = house.identity("1")
        house.engine.socketOpened(&one.session, now: t)
        let later = t + 3_600_000
        house.engine.sweep(now: later)
        let view = house.engine.view(user: "1", now: later)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.lastSeen, later, "an open socket is contact")
        XCTAssertNil(view.lastActive)
        XCTAssertEqual(view.reason, "open socket")
        XCTAssertEqual(house.engine.counts(now: later).sockets, 1)
        house.engine.socketClosed(one.session, now: later)
        XCTAssertEqual(house.status("1", at: later + 9_999), .online)
        XCTAssertEqual(house.told("1"), [.online])
        XCTAssertEqual(house.status("1", at: later + 10_000), .offline)
        let gone = house.engine.view(user: "1", now: later + 20_000)
        XCTAssertEqual(gone.since, later + 10_000)
        XCTAssertEqual(gone.lastSeen, later)
        XCTAssertEqual(gone.reason, "socket closed 20 s ago")
        XCTAssertEqual(house.engine.counts(now: later).sockets, 0)
    }

    func testAReturnWithinTheGraceAnnouncesNothing() {
        for way in 0..<3 {
            let house = House()
            var one = house.identity("1")
            house.engine.socketOpened(&one.session, now: t)
            house.engine.socketClosed(one.session, now: t + 50)
            switch way {
            case 0: house.engine.socketOpened(&one.session, now: t + 10_049)
            case 1: house.sight(&one, at: t + 50)
            default: _ = house.engine.heartbeat(&one.session, status: .online, now: t + 51)
            }
            house.engine.sweep(now: t + 30_000)
            XCTAssertEqual(house.told("1"), [.online], "way \(way)")
            XCTAssertEqual(house.engine.view(user: "1", now: t + 30_000).since, t)
        }
    }

    func testTwoTabsOneClosed() {
        let house = House()
        var one = house.identity("1")
        house.engine.socketOpened(&one.session, now: t)
        let first = one.session
        house.engine.socketOpened(&one.session, now: t)
        house.engine.socketClosed(first, now: t + 5)
        XCTAssertEqual(house.status("1", at: t + 500_000), .online)
        house.engine.socketClosed(one.session, now: t + 500_000)
        XCTAssertEqual(house.status("1", at: t + 510_000), .offline)
    }

    func testLoginIsOnlineAtOnce() {
        let house = House(awayAfter: 60_000)
        XCTAssertTrue(house.engine.login(user: "1", name: "one", session: nil, now: t))
        let view = house.engine.view(user: "1", now: t)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.name, "one")
        XCTAssertEqual(view.reason, "login 0 s ago")
        XCTAssertEqual(view.lastActive, t)
        XCTAssertEqual(view.devices, 1)
        // The first session seen takes the login's place.
        var one = house.identity("1")
        house.sight(&one, at: t + 10)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 10).devices, 1)
        XCTAssertEqual(house.told("1"), [.online])
        XCTAssertEqual(house.status("1", at: t + 60_009), .online)
    }

    func testReasonsOfSockets() {
        let house = House()
        var one = house.identity("1")
        house.engine.socketOpened(&one.session, now: t)
        XCTAssertEqual(house.engine.view(user: "1", now: t + 1_000).reason, "socket opened 1 s ago")
        house.engine.socketClosed(one.session, now: t + 2_000)
        house.sight(&one, at: t + 2_100, activity: false, label: "GET /ws/")
        house.engine.socketOpened(&one.session, now: t + 2_200)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 2_200).reason, "socket opened 0 s ago")
        var two = house.identity("1", 11)
        house.engine.socketOpened(&two.session, now: t + 3_000)
        house.engine.socketClosed(two.session, now: t + 4_000)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 4_000).reason, "socket opened 1 s ago",
            "the other one is open")
        house.engine.socketClosed(one.session, now: t + 5_000)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 5_000).reason, "socket closed 0 s ago")
    }

    func testReasons() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t, label: "POST /orders/")
        house.sight(&one, at: t + 999, label: "GET /sampled/too/soon")
        XCTAssertEqual(house.engine.view(user: "1", now: t + 999).reason, "POST /orders/ 0 s ago")
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 19_700).reason, "POST /orders/ 19 s ago")
        let long = "GET /" + String(repeating: "x", count: 100)
        house.sight(&one, at: t + 20_000, label: long)
        XCTAssertEqual(
            house.engine.view(user: "1", now: t + 141_000).reason,
            String(long.prefix(48)) + " 2 min ago")
        let u = t + 200_000
        _ = house.engine.heartbeat(&one.session, status: .online, now: u)
        XCTAssertEqual(house.engine.view(user: "1", now: u + 3_000).reason, "heartbeat 3 s ago")
        house.claim("1", .away, at: u + 5_000)
        XCTAssertEqual(house.engine.view(user: "1", now: u + 5_000).reason, "set by admin")
        house.logout(one, at: u + 6_000)
        XCTAssertEqual(
            house.engine.view(user: "1", now: u + 11_000).reason, "logged out 5 s ago")
        // What changes the status is its reason, however soon it comes after something else.
        house.sight(&one, at: u + 11_100, label: "GET /back")
        XCTAssertEqual(house.engine.view(user: "1", now: u + 11_100).reason, "logged out 5 s ago")
        var two = house.identity("1", 11)
        _ = house.engine.heartbeat(&two.session, status: .away, now: u + 11_200)
        var three = house.identity("1", 12)
        house.sight(&three, at: u + 11_300, label: "GET /back")
        XCTAssertEqual(house.engine.view(user: "1", now: u + 11_300).reason, "GET /back 0 s ago")
        XCTAssertEqual(Cause.age(7_199_999), "1 h ago")
        XCTAssertEqual(Cause.age(172_800_000), "2 d ago")
        XCTAssertEqual(Cause.age(-5), "0 s ago")
    }
}
