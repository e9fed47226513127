// Owns what is learnt from the application's logins and logouts.
// Called by the test runner.
// Never checks that bodies pass untouched: the proxy's tests do.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class EventTests: XCTestCase {
    private func settings(
        token: [String] = ["$.access"], user: [String] = ["$.user.id"],
        name: [String] = ["$.user.username"]
    ) throws -> APISettings {
        var settings = APISettings()
        settings.rateLimit = nil
        var paths = LoginPaths()
        for path in token { paths.token.append(.path(try JSONPath(path))) }
        for path in user { paths.user.append(try JSONPath(path)) }
        for path in name { paths.name.append(try JSONPath(path)) }
        settings.routes = [
            PassingRoute(match: try RoutePattern("POST /login/"), effect: .login(paths)),
            PassingRoute(match: try RoutePattern("POST /logout/"), effect: .logout),
        ]
        return settings
    }

    private func login(
        _ harness: Harness, _ body: String?, status: Int = 200, token: String? = nil
    ) throws {
        guard case .forwarded(var ticket, let watch) = harness.send("POST", "/login", token: token)
        else { return XCTFail("not forwarded") }
        XCTAssertEqual(watch, Watch(body: APILimits.loginBody))
        let id = harness.exchange()
        let label = Array("POST /login/".utf8)
        guard
            case .pass = harness.app.sight(
                id, &ticket, status: status, byUpstream: true, request: label.rawSpan,
                now: harness.now)
        else { return XCTFail("held") }
        if let body {
            let bytes = Array(body.utf8)
            harness.app.watched(id, ticket, status: status, body: bytes.rawSpan, now: harness.now)
        } else {
            harness.app.watched(id, ticket, status: status, body: nil, now: harness.now)
        }
    }

    func testLogin() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42", session: "s")
        try login(
            harness, #"{"access": "\#(token)", "user": {"id": 42, "username": "u42"}}"#)
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.name, "u42")
        XCTAssertEqual(view.devices, 1)
        harness.forward("GET", "/", token: token)
        XCTAssertEqual(
            harness.engine.view(user: "42", now: harness.now).devices, 1, "the same session")
        XCTAssertEqual(harness.total(.loginSeen), 1)
    }

    /// As in a token: such an id names nobody.
    func testAnIDWithControlCharactersIsNone() throws {
        for id in [#""4\r\n2""#, #""\u0085""#, "42.0", #""""#] {
            let harness = try Harness(try settings())
            try login(harness, #"{"user": {"id": \#(id)}}"#)
            XCTAssertEqual(harness.total(.loginSeen), 0, id)
            XCTAssertEqual(harness.total(.loginNoToken), 1, id)
            XCTAssertNil(harness.engine.subject(of: "42"), id)
        }
    }

    func testLoginByTokenAlone() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42", name: "N")
        try login(harness, #"{"access": "Bearer \#(token)"}"#)
        XCTAssertEqual(harness.status("42"), .online)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).name, "N")
    }

    func testLoginByUserAlone() throws {
        let harness = try Harness(try settings())
        try login(harness, #"{"access": "opaque-session-key", "user": {"id": "42"}}"#)
        XCTAssertEqual(harness.status("42"), .online)
    }

    func testTheTokenDecides() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        try login(harness, #"{"access": "\#(token)", "user": {"id": 43}}"#)
        XCTAssertEqual(harness.status("42"), .online)
        XCTAssertEqual(harness.status("43"), .offline)
        XCTAssertEqual(harness.total(.loginMismatch), 1)
    }

    func testAFailedLoginChangesNothing() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        for status in [301, 304, 307, 308, 401, 429, 502] {
            try login(
                harness, #"{"access": "\#(token)", "user": {"id": 42}}"#, status: status,
                token: token)
        }
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertNil(harness.engine.view(user: "42", now: harness.now).lastSeen)
        XCTAssertEqual(harness.total(.loginFailed), 7)
    }

    func testBodiesThatSayNothing() throws {
        let harness = try Harness(try settings())
        let deep = String(repeating: "[", count: 2000)
        try login(harness, nil)
        XCTAssertEqual(harness.total(.loginUnreadable), 1)
        let garbage = ["", "<html>", deep, "{\"access\":", "\u{0}\u{1}", "{\"user\":{\"id\":1}"]
        for body in garbage { try login(harness, body) }
        XCTAssertEqual(harness.total(.loginNotJSON), Int64(garbage.count))
        let empty = [
            "{}", "[]", "null", "1", #"{"user": {"id": null}}"#, #"{"user": {"id": ""}}"#,
            #"{"user": {"id": {}}}"#, #"{"user": {"id": 1.5}}"#, #"{"access": 5, "user": 42}"#,
            #"{"access": "a.b.c"}"#,
        ]
        for body in empty { try login(harness, body) }
        XCTAssertEqual(harness.total(.loginNoToken), Int64(empty.count - 1))
        XCTAssertEqual(harness.total(.loginNoUser), 1, "a token, and it is no good")
        XCTAssertEqual(harness.engine.counts(now: harness.now).users, 0)
    }

    func testALoginWithoutTheTokenThatWasExpectedIsToldFromOthers() throws {
        let harness = try Harness(try settings(token: ["$.acces"]))
        let body = #"{"access": "\#(try harness.token("42"))", "user": {"id": 42}}"#
        try login(harness, body)
        XCTAssertEqual(harness.status("42"), .online, "a login all the same")
        XCTAssertEqual(harness.total(.loginNoToken), 1)
        XCTAssertEqual(harness.total(.loginSeen), 0)
        // A redirect shows its token where it leads; and where none is expected, none is missed.
        try login(harness, body, status: 302)
        let other = try Harness(try settings(token: []))
        try login(other, body)
        XCTAssertEqual(harness.total(.loginNoToken), 1)
        XCTAssertEqual(harness.total(.loginSeen), 1)
        XCTAssertEqual(other.total(.loginNoToken), 0)
        XCTAssertEqual(other.total(.loginSeen), 1)
    }

    func testForgedTokensInALoginAreNoSession() throws {
        let harness = try Harness(try settings())
        let forged = try harness.token(
            "42", secret: Array("some other secret of enough bytes".utf8))
        try login(harness, #"{"access": "\#(forged)"}"#)
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertEqual(harness.total(.loginNoUser), 1)
    }

    // MARK: Logout

    func testLogoutIsHeldUntilItIsSafe() throws {
        let sink = FakeSink()
        let harness = try Harness(try settings(), sink: sink)
        let token = try harness.token("42")
        harness.forward("GET", "/", token: token)
        XCTAssertEqual(harness.status("42"), .online)
        let id = harness.exchange()
        guard case .hold? = harness.forward("POST", "/logout", token: token, id: id) else {
            return XCTFail("not held")
        }
        XCTAssertEqual(harness.status("42"), .offline)
        harness.turn()
        XCTAssertEqual(harness.host.released, [])
        XCTAssertEqual(sink.facts.count, 1)
        sink.finish()
        harness.turn()
        XCTAssertEqual(harness.host.released, [id])
        XCTAssertEqual(harness.total(.logoutSeen), 1)
    }

    func testARevokedTokenCountsForNothing() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        harness.forward("GET", "/", token: token)
        harness.now += 1_000
        harness.forward("POST", "/logout/", token: token)
        harness.now += 1_000
        harness.forward("GET", "/", token: token)
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertEqual(harness.send("POST", "/_presence/heartbeat", token: token).status, 401)
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertGreaterThan(harness.total(.tokenRevoked), 0)
        harness.forward("GET", "/", token: try harness.token("42"))
        XCTAssertEqual(harness.status("42"), .online, "a new token counts")
    }

    func testAnotherLoopLearnsOfIt() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        let other = harness.service.application(for: try FakeHost())
        harness.forward("GET", "/", token: token)
        let bytes = Array(token.utf8)
        func counts() -> Bool {
            if other.identification.find(bytes.rawSpan, now: harness.now) != nil { return true }
            let finding = other.identification.resolve(
                bytes.rawSpan, isOwn: false, sender: nil, now: harness.now)
            if case .user = finding { return true }
            return false
        }
        XCTAssertTrue(counts())
        XCTAssertNotNil(other.identification.find(bytes.rawSpan, now: harness.now))
        harness.forward("POST", "/logout/", token: token)
        XCTAssertFalse(counts())
    }

    func testAnAnswerOnItsWayDoesNotBringTheUserBack() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        harness.forward("GET", "/", token: token)
        guard case .forwarded(var slow, _) = harness.send("GET", "/slow", token: token) else {
            return XCTFail("not forwarded")
        }
        harness.now += 10
        harness.forward("POST", "/logout", token: token)
        harness.now += 10
        let label = Array("GET /slow".utf8)
        _ = harness.app.sight(
            harness.exchange(), &slow, status: 200, byUpstream: true, request: label.rawSpan,
            now: harness.now)
        XCTAssertEqual(harness.status("42"), .offline)
    }

    /// Pages for browsers answer a form by sending them on.
    func testARedirectIsASuccess() throws {
        for status in [302, 303] {
            let harness = try Harness(try settings())
            let token = try harness.token("42")
            try login(harness, #"{"access": "\#(token)", "user": {"id": 42}}"#, status: status)
            XCTAssertEqual(harness.status("42"), .online, "\(status)")
            harness.forward("POST", "/logout", token: token, status: status)
            XCTAssertEqual(harness.status("42"), .offline, "\(status)")
            XCTAssertEqual(harness.total(.logoutSeen), 1, "\(status)")
        }
    }

    func testAFailedLogoutIsARequest() throws {
        for status in [400, 500, 301, 304, 307, 308] {
            let harness = try Harness(try settings())
            let token = try harness.token("42")
            let passage = harness.forward("POST", "/logout", token: token, status: status)
            guard case .pass? = passage else { return XCTFail("held") }
            XCTAssertEqual(harness.status("42"), .online, "\(status)")
            XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
        }
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        harness.forward("POST", "/logout", token: token, status: 401)
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
    }

    func testALogoutThatNeverReachedTheApplication() throws {
        let harness = try Harness(try settings())
        let token = try harness.token("42")
        let passage = harness.forward(
            "POST", "/logout", token: token, status: 502, byUpstream: false)
        guard case .pass? = passage else { return XCTFail("held") }
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
    }

    func testAnAnonymousLogout() throws {
        let harness = try Harness(try settings())
        guard case .pass? = harness.forward("POST", "/logout") else { return XCTFail("held") }
        XCTAssertEqual(harness.total(.logoutAnonymous), 1)
    }

    func testSessionScope() throws {
        let presence = PresenceSettings(
            logoutScope: .session, startedAt: Harness.start - 10_000_000)
        let harness = try Harness(try settings(), presence: presence)
        let phone = try harness.token("42", session: "phone")
        let desk = try harness.token("42", session: "desk")
        harness.forward("GET", "/", token: phone)
        harness.forward("GET", "/", token: desk)
        harness.forward("POST", "/logout", token: phone)
        XCTAssertEqual(harness.status("42"), .online)
        XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).devices, 1)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: phone).status, 401)
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: desk).status, 200)
    }
}
