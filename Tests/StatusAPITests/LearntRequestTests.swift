// Owns what a token that a login has taught means from its first request to its logout.
// Called by the test runner.
// Never sleeps: the clock is turned by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class LearntRequestTests: XCTestCase {
    private let opaque = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
    private let month: Milliseconds = 30 * 86_400_000

    private func harness(sink: FakeSink? = nil) throws -> Harness {
        let paths = try LoginPaths(token: ["$.key", "cookie:sessionid"])
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(match: try RoutePattern("POST /login/"), effect: .login(paths)),
                PassingRoute(match: try RoutePattern("POST /refresh/"), effect: .refresh(paths)),
                PassingRoute(match: try RoutePattern("POST /logout/"), effect: .logout),
            ]
        }
        return try Harness(settings, sink: sink) {
            $0.learns = true
            $0.places.append(.cookie("sessionid"))
        }
    }

    private func login(_ harness: Harness, expires: String = "null") throws {
        try harness.pass(
            "POST", "/login/",
            body: #"{"key": "\#(opaque)", "user": {"id": 42}, "expires": \#(expires)}"#)
    }

    /// Whether an endpoint of ours knows whose the token is.
    private func isKnown(_ harness: Harness) -> Bool {
        harness.send("GET", "/_presence/users/1", token: opaque).status == 200
    }

    func testR19_ItsRequestsCountUntilTheLogout() throws {
        let sink = FakeSink()
        let harness = try harness(sink: sink)
        XCTAssertFalse(isKnown(harness))
        try login(harness)
        XCTAssertTrue(isKnown(harness))
        let socket = try harness.connect(opaque)
        harness.now += 300_000
        harness.forward("GET", "/", token: opaque)
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.lastActive, harness.now)
        XCTAssertEqual(view.devices, 1)
        let id = harness.exchange()
        guard case .hold? = harness.forward("POST", "/logout/", token: opaque, id: id) else {
            return XCTFail("not held")
        }
        harness.turn()
        XCTAssertEqual(harness.host.released, [], "until the revocation is kept")
        sink.finish()
        harness.turn()
        XCTAssertEqual(harness.host.released, [id])
        XCTAssertEqual(harness.host.closes, [socket: 4401])
        XCTAssertFalse(isKnown(harness))
        harness.forward("GET", "/", token: opaque)
        XCTAssertEqual(harness.status("42"), .offline)
    }

    func testR19_TheApplicationsRefusalEndsIt() throws {
        let harness = try harness()
        try login(harness)
        harness.forward("GET", "/", token: opaque)
        harness.forward("GET", "/secret", token: opaque, status: 403)
        harness.forward("GET", "/broken", token: opaque, status: 500)
        XCTAssertTrue(isKnown(harness), "who may not do this is somebody")
        harness.forward("GET", "/", token: opaque, status: 401)
        XCTAssertFalse(isKnown(harness))
        XCTAssertNil(harness.learnt(opaque))
        XCTAssertEqual(harness.engine.metrics.learntTokens, 0)
    }

    func testR19_ItEndsWhenTheAnswerSaidSo() throws {
        let harness = try harness()
        try login(harness, expires: "600")
        harness.now += 599_999
        XCTAssertTrue(isKnown(harness))
        harness.now += 1
        XCTAssertFalse(isKnown(harness))
    }

    func testR19_ItEndsThirtyDaysUnseen() throws {
        let harness = try harness()
        try login(harness)
        harness.now += month - 1
        harness.forward("GET", "/", token: opaque)
        harness.now += month - 1
        XCTAssertTrue(isKnown(harness))
        harness.now += month
        XCTAssertFalse(isKnown(harness))
    }

    func testR17_ALoginAfterTheLogoutCountsThoughTheTokenIsTheSame() throws {
        let harness = try harness()
        for _ in 0..<3 {
            try login(harness)
            harness.forward("GET", "/", token: opaque)
            XCTAssertEqual(harness.status("42"), .online)
            harness.now += 1_000
            harness.forward("POST", "/logout/", token: opaque)
            XCTAssertEqual(harness.status("42"), .offline)
            XCTAssertFalse(isKnown(harness))
            harness.now += 1_000
        }
    }

    func testACookieIsKnownByItsValue() throws {
        let harness = try harness()
        try harness.pass(
            "POST", "/login/", answer: [("Set-Cookie", "sessionid=\(opaque); HttpOnly")],
            body: #"{"user": {"id": 42}}"#)
        harness.pass(300_000)
        XCTAssertEqual(harness.status("42"), .offline)
        harness.forward("GET", "/", fields: [("Cookie", "a=b; sessionid=\(opaque)")])
        XCTAssertEqual(harness.status("42"), .online)
    }

    func testR17_ARefreshOfAnOpaqueTokenGoesOn() throws {
        let harness = try harness()
        try login(harness)
        let since = harness.now
        let socket = try harness.connect(opaque)
        let count = harness.engine.journal.count
        var old = opaque
        for number in 0..<4 {
            harness.pass(100_000)
            let new = "opaque-token-number-\(number)"
            try harness.pass("POST", "/refresh/", token: old, body: #"{"key": "\#(new)"}"#)
            harness.turn()
            harness.forward("GET", "/", token: new)
            let view = harness.engine.view(user: "42", now: harness.now)
            XCTAssertEqual(view.devices, 1)
            XCTAssertEqual(view.since, since)
            // The application has ended the old one: this says nothing of the session.
            harness.forward("GET", "/", token: old, status: 401)
            XCTAssertNil(harness.learnt(old))
            old = new
        }
        XCTAssertEqual(harness.engine.journal.count, count)
        XCTAssertEqual(harness.host.closes, [:])
        harness.forward("POST", "/logout/", token: old)
        harness.turn()
        XCTAssertEqual(harness.host.closes, [socket: 4401])
        XCTAssertEqual(harness.status("42"), .offline)
    }

    /// The new token comes in a cookie, while the old one counts: its parking place must not be
    /// taken for an entry of the cache.
    func testR17_ARefreshByCookieThatFailsEndsTheOldToken() throws {
        let harness = try harness()
        try login(harness)
        for status in [200, 401] {
            try harness.pass(
                "POST", "/refresh/", token: opaque, status: status,
                answer: [("Set-Cookie", "sessionid=opaque-token-number-1")], body: nil)
        }
        XCTAssertEqual(harness.learnt("opaque-token-number-1")?.user, "42")
        XCTAssertNil(harness.learnt(opaque))
        XCTAssertEqual(harness.total(.refreshSeen), 1)
        XCTAssertEqual(harness.total(.refreshFailed), 1)
    }
}
