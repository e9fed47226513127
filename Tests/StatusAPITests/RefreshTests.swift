// Owns what others see when a client replaces its token by another: nothing.
// Called by the test runner.
// Never sleeps: the clock is turned by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class RefreshTests: XCTestCase {
    private let opaque = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"

    private func harness(
        _ token: [String] = ["$.access"], scope: LogoutScope = .user
    ) throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(
                    match: try RoutePattern("POST /login/"),
                    effect: .login(try LoginPaths(token: token))),
                PassingRoute(
                    match: try RoutePattern("POST /refresh/"),
                    effect: .refresh(try LoginPaths(token: token))),
                PassingRoute(match: try RoutePattern("POST /logout/"), effect: .logout),
            ]
        }
        let presence = PresenceSettings(
            awayAfter: 600_000, logoutScope: scope, startedAt: Harness.start - 10_000_000)
        return try Harness(settings, presence: presence) { $0.learns = true }
    }

    private func refresh(
        _ harness: Harness, with old: String?, to new: String, status: Int = 200,
        line: UInt = #line
    ) throws {
        try harness.pass(
            "POST", "/refresh/", token: old, status: status, body: #"{"access": "\#(new)"}"#,
            line: line)
    }

    private func changes(_ harness: Harness) -> [Change] {
        guard
            let start = Cursor("7-0"),
            case .changes(let changes, _) = harness.engine.journal.read(since: start)
        else { return [] }
        return changes
    }

    func testR17_TheSessionGoesOnAndNobodyHears() throws {
        let harness = try harness()
        let old = try harness.token("42", lifetime: 300_000)
        let since = harness.now
        harness.forward("GET", "/", token: old)
        let socket = try harness.connect(old)
        harness.pass(250_000)
        let count = harness.engine.journal.count
        let new = try harness.token("42", lifetime: 300_000)
        try refresh(harness, with: old, to: new)
        harness.turn()
        harness.forward("GET", "/", token: new)
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.devices, 1)
        XCTAssertEqual(view.since, since)
        XCTAssertEqual(harness.engine.journal.count, count)
        XCTAssertEqual(harness.total(.refreshSeen), 1)
        // The old token ends, the socket does not.
        harness.pass(100_000)
        XCTAssertEqual(harness.host.closes, [:])
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: old).status, 401)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: new).status, 200)
        // The new one ends, and the socket with it.
        harness.pass(240_000)
        harness.pass(1_000)
        XCTAssertEqual(harness.host.closes, [socket: 4401])
    }

    func testR17_AfterManyRefreshesALogoutEndsItAll() throws {
        for scope in [LogoutScope.user, .session] {
            let harness = try harness(scope: scope)
            var token = try harness.token("42", lifetime: 300_000)
            harness.forward("GET", "/", token: token)
            let socket = try harness.connect(token)
            for _ in 0..<5 {
                harness.pass(200_000)
                let next = try harness.token("42", lifetime: 300_000)
                try refresh(harness, with: token, to: next)
                harness.turn()
                token = next
            }
            XCTAssertEqual(harness.host.closes, [:])
            XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
            harness.forward("POST", "/logout/", token: token)
            harness.turn()
            XCTAssertEqual(harness.host.closes, [socket: 4401], "\(scope)")
            XCTAssertEqual(harness.status("42"), .offline)
        }
    }

    func testR17_ATokenThatHasExpiredNamesTheSessionStill() throws {
        let harness = try harness()
        let desk = try harness.token("42", lifetime: 100_000)
        let phone = try harness.token("42", session: "phone")
        harness.forward("GET", "/", token: desk)
        harness.forward("GET", "/", token: phone)
        harness.pass(90_000)
        harness.forward("GET", "/", token: desk)
        harness.forward("GET", "/", token: phone)
        harness.pass(60_000)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: desk).status, 401)
        let new = try harness.token("42", lifetime: 100_000)
        try refresh(harness, with: desk, to: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 2)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 2)
    }

    func testR17_OneThatExpiredLongAgoSaysNothing() throws {
        let harness = try harness()
        let old = try harness.token("42", lifetime: 100_000)
        let phone = try harness.token("42", session: "phone")
        harness.forward("GET", "/", token: phone)
        harness.forward("GET", "/", token: try harness.token("42", session: "desk"))
        harness.now += 86_400_000 + 200_000
        let one = try harness.token("42", session: "phone")
        let two = try harness.token("42", session: "desk")
        harness.forward("GET", "/", token: one)
        harness.forward("GET", "/", token: two)
        try refresh(harness, with: old, to: try harness.token("42"))
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 3)
    }

    func testR17_WithoutTheOldTokenTheOnlySessionGoesOn() throws {
        let harness = try harness()
        let old = try harness.token("42")
        harness.forward("GET", "/", token: old)
        let new = try harness.token("42", name: "N")
        try refresh(harness, with: nil, to: new)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
    }

    func testR17_OfTwoSessionsANewOneBegins() throws {
        let harness = try harness()
        harness.forward("GET", "/", token: try harness.token("42", session: "a"))
        harness.forward("GET", "/", token: try harness.token("42", session: "b"))
        let new = try harness.token("42", session: "c")
        try refresh(harness, with: nil, to: new)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 3)
    }

    func testR17_ARevokedTokenGoesOnWithNothing() throws {
        let harness = try harness(scope: .session)
        let phone = try harness.token("42", session: "phone")
        let desk = try harness.token("42", session: "desk")
        harness.forward("GET", "/", token: phone)
        harness.forward("GET", "/", token: desk)
        harness.forward("POST", "/logout/", token: desk)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
        let new = try harness.token("42", session: "new")
        try refresh(harness, with: desk, to: new)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(
            harness.engine.view(user: "42", now: harness.now).devices, 2,
            "the phone's session is not taken for it")
    }

    func testR17_TheTokenMayStandInTheHead() throws {
        let harness = try harness(["header:Authorization"])
        let old = try harness.token("42")
        harness.forward("GET", "/", token: old)
        let new = try harness.token("42", name: "N")
        try harness.pass(
            "POST", "/refresh/", token: old, answer: [("Authorization", "Bearer \(new)")],
            body: nil)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
        XCTAssertEqual(harness.total(.refreshSeen), 1)
    }

    func testR17_R19_AnOpaqueTokenIsLearntForTheSession() throws {
        let harness = try harness()
        let old = try harness.token("42", name: "N", session: "s")
        harness.forward("GET", "/", token: old)
        // The answer names nobody: it is whose session goes on.
        try refresh(harness, with: old, to: opaque)
        let token = try XCTUnwrap(harness.learnt(opaque))
        XCTAssertEqual(token.user, "42")
        XCTAssertEqual(token.name, "N")
        XCTAssertEqual(try harness.devices(afterWorkWith: token), 1)
    }

    func testR17_ARefreshIsContactAndNoActivity() throws {
        let harness = try harness()
        let old = try harness.token("42")
        harness.forward("GET", "/", token: old)
        let active = harness.now
        harness.pass(100_000)
        try refresh(harness, with: old, to: try harness.token("42", session: "x"))
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.lastActive, active)
        XCTAssertEqual(view.lastSeen, harness.now)
        harness.pass(100_000)
        XCTAssertEqual(harness.status("42"), .online)
    }

    func testAFailedRefreshChangesNothing() throws {
        let harness = try harness()
        let old = try harness.token("42", session: "s")
        harness.forward("GET", "/", token: old)
        let new = try harness.token("42", session: "t")
        for status in [302, 400, 401, 500] {
            try refresh(harness, with: old, to: new, status: status)
        }
        XCTAssertEqual(harness.total(.refreshFailed), 4)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 2)
    }

    func testAnswersThatSayNothing() throws {
        let harness = try harness()
        let old = try harness.token("42")
        harness.forward("GET", "/", token: old)
        let count = harness.engine.journal.count
        let bodies = [nil, "", "{}", "[]", #"{"access": 5}"#, #"{"access": "short"}"#]
        for body in bodies {
            try harness.pass("POST", "/refresh/", token: old, body: body)
        }
        XCTAssertEqual(harness.total(.refreshUnread), Int64(bodies.count))
        try refresh(harness, with: nil, to: opaque)
        XCTAssertNil(harness.learnt(opaque), "of whom?")
        XCTAssertEqual(harness.total(.refreshUnread), Int64(bodies.count) + 1)
        XCTAssertEqual(harness.engine.journal.count, count)
    }

    func testASomebodyElsesTokenBesideARefreshSaysNothing() throws {
        let harness = try harness()
        let other = try harness.token("43")
        harness.forward("GET", "/", token: other)
        harness.forward("GET", "/", token: try harness.token("42", session: "a"))
        let new = try harness.token("42", session: "b")
        try refresh(harness, with: other, to: new)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 2)
        XCTAssertEqual(harness.engine.view(user: "43", now: harness.now).devices, 1)
    }

    func testWhatWaitsForAnswersIsBounded() throws {
        let harness = try harness()
        let old = try harness.token("42", session: "s")
        harness.forward("GET", "/", token: old)
        guard case .forwarded(let ticket, _) = harness.send("POST", "/refresh/", token: old)
        else { return XCTFail("not forwarded") }
        for _ in 0...APILimits.pendingIssues {
            _ = harness.send("POST", "/refresh/", token: "not.a.token")
        }
        let new = try harness.token("42", session: "t")
        let body = Array(#"{"access": "\#(new)"}"#.utf8)
        harness.app.watched(
            harness.exchange(), ticket, status: 200, body: body.rawSpan, now: harness.now)
        harness.forward("GET", "/", token: new)
        XCTAssertEqual(
            harness.engine.view(user: "42", now: harness.now).devices, 1,
            "the ticket itself names the session")
        XCTAssertEqual(changes(harness).count, 1)
    }
}
