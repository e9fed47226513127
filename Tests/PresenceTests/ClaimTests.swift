// Owns how statuses set by hand begin, hold and end.
// Called by the test runner.
// Never sleeps: time is a number.

import ProxyCore
import XCTest

@testable import Presence

final class ClaimTests: XCTestCase {
    private let t = House.start

    func testWithoutEndItHoldsUntilTheNextActivity() {
        for claimed in [Status.offline, .away] {
            let house = House()
            var one = house.identity("1")
            house.sight(&one, at: t)
            house.claim("1", claimed, at: t + 10)
            XCTAssertEqual(house.status("1", at: t + 10), claimed)
            house.sight(&one, at: t + 20, activity: false)
            _ = house.engine.heartbeat(&one.session, status: .online, now: t + 30)
            house.engine.socketOpened(&one.session, now: t + 40)
            XCTAssertEqual(house.status("1", at: t + 5_000_000), claimed)
            house.sight(&one, at: t + 5_000_001)
            XCTAssertEqual(house.status("1", at: t + 5_000_001), .online)
            XCTAssertEqual(
                house.engine.view(user: "1", now: t + 5_000_001).since, t + 5_000_001)
            XCTAssertEqual(
                house.sink.facts,
                [
                    .claimSet(
                        StoredClaim(user: "1", status: claimed, setAt: t + 10, until: nil)),
                    .claimCleared(user: "1", setAt: t + 10),
                ])
        }
    }

    func testWithAnEndItHoldsWhateverTheUserDoes() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.claim("1", .away, until: t + 60_000, at: t + 10)
        house.sight(&one, at: t + 59_999)
        XCTAssertTrue(house.engine.login(user: "1", name: nil, session: nil, now: t + 59_999))
        XCTAssertEqual(house.status("1", at: t + 59_999), .away)
        XCTAssertEqual(house.status("1", at: t + 60_000), .online, "the facts are back")
        XCTAssertEqual(house.engine.view(user: "1", now: t + 60_001).since, t + 60_000)
    }

    func testItOutlivesTheSessionAndItsEndIsAnnounced() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.claim("1", .online, until: t + 300_000, at: t + 10)
        house.engine.sweep(now: t + 299_999)
        XCTAssertEqual(house.told("1"), [.online])
        house.engine.sweep(now: t + 300_000)
        XCTAssertEqual(house.told("1"), [.online, .offline])
    }

    func testOfSomebodyNeverSeen() {
        let house = House()
        house.claim("ghost", .online, at: t)
        var view = house.engine.view(user: "ghost", now: t + 1)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.since, t)
        XCTAssertNil(view.lastSeen)
        XCTAssertEqual(view.devices, 0)
        house.claim("unseen", .offline, at: t)
        view = house.engine.view(user: "unseen", now: t + 1)
        XCTAssertEqual(view.since, t)
        XCTAssertEqual(house.engine.page(UserQuery(), now: t).count, 2)
    }

    func testANewerClaimReplacesAnOlderOne() {
        let house = House()
        house.claim("1", .online, until: t + 1_000, at: t)
        house.claim("1", .away, at: t + 10)
        XCTAssertEqual(house.status("1", at: t + 2_000), .away)
        house.claim("1", .online, until: t + 2_500, at: t + 2_000)
        XCTAssertEqual(house.status("1", at: t + 2_500), .offline)
    }

    func testAClaimInTheMillisecondOfAnActivityEndsWithTheNextOne() {
        let house = House()
        var one = house.identity("1")
        house.sight(&one, at: t)
        house.claim("1", .offline, at: t)
        XCTAssertEqual(house.status("1", at: t), .offline)
        house.sight(&one, at: t)
        XCTAssertEqual(house.status("1", at: t), .online)
    }

    func testItIsAcknowledgedWhenItIsKept() {
        let house = House()
        let heard = Lock<[Bool]>([])
        let view = house.engine.claim(user: "1", status: .away, until: nil, now: t) { kept in
            heard.withLock { $0.append(kept) }
        }
        XCTAssertEqual(view?.status, .away, "in force at once")
        XCTAssertEqual(heard.withLock { $0 }, [])
        house.sink.acknowledge()
        XCTAssertEqual(heard.withLock { $0 }, [true])
    }

    func testUnusableIDs() {
        let house = House()
        for id in ["", String(repeating: "x", count: 257)] {
            XCTAssertNil(
                house.engine.claim(user: id, status: .away, until: nil, now: t) { _ in })
            XCTAssertEqual(house.enroll(id), .unusableID)
            XCTAssertFalse(house.engine.login(user: id, name: nil, session: nil, now: t))
        }
    }
}
