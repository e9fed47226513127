// Owns what programs may do with a token of their own, and what nobody may do with a cookie alone.
// Called by nobody: XCTest finds it.
// Never opens a socket.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class ServiceTokenTests: XCTestCase {
    private static let wall = "wallboard-token-1"
    private static let boss = "back-office-token-1"

    private func harness(
        asks: Bool = false, _ change: (inout APISettings) throws -> Void = { _ in }
    ) throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [PassingRoute(match: try RoutePattern("* /closed"), require: true)]
            try change(&$0)
        }
        return try Harness(settings, introspection: asks ? try Asking.settings() : nil) {
            $0.places = TokenSettings.usualPlaces + [.cookie("c")]
            $0.service = [
                ServiceToken(name: "wallboard", token: Array(Self.wall.utf8)),
                ServiceToken(name: "office", token: Array(Self.boss.utf8), isAdmin: true),
            ]
        }
    }

    func testR22AServiceReads() throws {
        let harness = try harness()
        harness.forward("GET", "/", token: try harness.token("42"))
        for (method, path, body) in [
            ("GET", "users", ""), ("GET", "users/42", ""), ("GET", "users/online", ""),
            ("GET", "stats", ""), ("POST", "users/query", #"{"ids":["42"]}"#),
        ] {
            for token in [Self.wall, Self.boss] {
                let response = harness.send(
                    method, "/_presence/\(path)", token: token, body: body
                ).response
                XCTAssertEqual(response?.status, 200, path)
            }
            for token in ["wallboard-token-2", "wallboard-token-", "wallboard-token-11", ""] {
                XCTAssertEqual(
                    harness.send(method, "/_presence/\(path)", token: token, body: body).status,
                    401)
            }
        }
        XCTAssertEqual(harness.total(.tokenService), 20)
        let seen = try harness.send("GET", "/_presence/users/42", token: Self.wall).response?.json()
        XCTAssertFalse(seen?.keys.contains("reason") ?? true)
        let more = try harness.send("GET", "/_presence/users/42", token: Self.boss).response?.json()
        XCTAssertTrue(more?.keys.contains("reason") ?? false)
    }

    func testR22AServiceIsNobody() throws {
        let harness = try harness(asks: true)
        let users = harness.engine.metrics.users
        for token in [Self.wall, Self.boss] {
            let response = harness.send("POST", "/_presence/heartbeat", token: token).response
            XCTAssertEqual(response?.status, 403)
            _ = harness.send("GET", "/_presence/users", token: token)
            harness.forward("GET", "/", token: token)
            XCTAssertEqual(harness.send("GET", "/closed", token: token).status, 401)
        }
        XCTAssertNil(harness.service.desk?.next(harness.now), "nobody is asked about it")
        XCTAssertEqual(harness.engine.metrics.users, users)
        XCTAssertEqual(harness.engine.counts(now: harness.now).online, 0)
        XCTAssertEqual(harness.total(.sightAnonymous), 2)
    }

    func testR22OnlyAnAdminsServiceSetsAStatus() throws {
        let harness = try harness()
        let body = #"{"online_status":"away"}"#
        XCTAssertEqual(
            harness.send("POST", "/_presence/users/42/status", token: Self.wall, body: body)
                .status, 403)
        guard
            case .later = harness.send(
                "POST", "/_presence/users/42/status", token: Self.boss, body: body)
        else { return XCTFail("not set") }
        XCTAssertEqual(harness.status("42"), .away)
    }

    func testR22EveryBitIsCompared() {
        let one = TokenDigest(words: (1, 2, 3, 4))
        XCTAssertTrue(one.isSame(as: TokenDigest(words: (1, 2, 3, 4))))
        for words: (UInt64, UInt64, UInt64, UInt64) in [
            (1, 2, 3, 5), (0, 2, 3, 4), (1 | 1 << 63, 2, 3, 4), (1, 2, 7, 4), (1, 0, 3, 4),
            (2, 1, 3, 4),
        ] {
            XCTAssertFalse(one.isSame(as: TokenDigest(words: words)))
        }
    }

    func testR22AServicesSocket() throws {
        let harness = try harness()
        let socket = try harness.connect(Self.wall)
        let first = try harness.messages(socket)
        XCTAssertEqual(first.map { $0["type"]?.string }, ["hello", "snapshot"])
        XCTAssertEqual(first[0]["user_id"]?.isNull, true)
        XCTAssertEqual(harness.engine.counts(now: harness.now).sockets, 0)
        harness.forward("GET", "/", token: try harness.token("42"))
        harness.turn()
        let change = try harness.messages(socket)
        XCTAssertEqual(change.first?["changes"]?.array?.first?["user_id"]?.string, "42")
        harness.say(socket, #"{"type":"heartbeat"}"#)
        XCTAssertEqual(try harness.messages(socket).first?["type"]?.string, "error")
        harness.say(socket, #"{"type":"subscribe","users":["42"]}"#)
        XCTAssertEqual(try harness.messages(socket).first?["type"]?.string, "snapshot")
        harness.pass(7 * 86_400_000)
        XCTAssertNil(harness.host.closes[socket], "it does not expire")
        harness.leave(socket)
        XCTAssertEqual(harness.service.sockets.load(ordering: .relaxed), 0)
    }

    func testR22ServicesHaveAllowancesOfTheirOwn() throws {
        let harness = try harness { $0.rateLimit = Rate(count: 1, period: 1_000) }
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: Self.wall).status, 200)
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: Self.wall).status, 429)
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: Self.boss).status, 200)
    }

    // MARK: Cookies

    func testCookiesNeedOurOwnSiteWhereSomethingChanges() throws {
        let harness = try harness { $0.origins = ["https://friend.example"] }
        let token = try harness.token("42", admin: true)
        let cookie = ("Cookie", "c=\(token)")
        let status = #"{"online_status":"away"}"#
        for (fields, isAllowed) in [
            ([], true), ([("Origin", "http://example.org")], true),
            ([("Origin", "https://example.org")], true),
            ([("Origin", "https://friend.example")], true),
            ([("Origin", "https://evil.example")], false), ([("Origin", "null")], false),
            ([("Origin", "http://example.org:8080")], false),
            ([("Origin", "http://example.org"), ("Origin", "http://example.org")], false),
            ([("Sec-Fetch-Site", "same-origin")], true), ([("Sec-Fetch-Site", "none")], true),
            ([("Sec-Fetch-Site", "cross-site")], false), ([("Sec-Fetch-Site", "same-site")], false),
        ] as [([(String, String)], Bool)] {
            let beat = harness.send("POST", "/_presence/heartbeat", fields: fields + [cookie])
            XCTAssertEqual(beat.status, isAllowed ? 200 : 403, "\(fields)")
            let set = harness.send(
                "POST", "/_presence/users/1/status", fields: fields + [cookie], body: status)
            XCTAssertEqual(set.status, isAllowed ? nil : 403, "\(fields)")
            let polled = harness.send("GET", "/_presence/changes", fields: fields + [cookie])
            XCTAssertEqual(polled.status, isAllowed ? 200 : 403, "it can hold a place")
            // Reading changes nothing, and a script has to write every other place itself.
            let read = harness.send("GET", "/_presence/users", fields: fields + [cookie])
            XCTAssertEqual(read.status, 200)
            let bearer = harness.send(
                "POST", "/_presence/heartbeat", token: token, fields: fields + [cookie])
            XCTAssertEqual(bearer.status, 200)
        }
    }

    func testSocketsWithACookieNeedOurOwnSite() throws {
        let harness = try harness()
        let token = try harness.token("42")
        let cookie = ("Cookie", "c=\(token)")
        for (origin, isAllowed) in [
            ("http://example.org", true), ("https://example.org", true),
            ("https://evil.example", false), ("null", false),
        ] {
            let fields = Harness.handshake + [("Origin", origin)]
            let byCookie = harness.send("GET", "/_presence/ws", fields: fields + [cookie])
            XCTAssertEqual(byCookie.status, isAllowed ? nil : 403, origin)
            // A token in the query is the page's own.
            for path in ["/_presence/ws?token=\(token)"] {
                guard case .webSocket = harness.send("GET", path, fields: fields + [cookie]) else {
                    return XCTFail(path)
                }
            }
        }
    }

    func testSameOrigin() {
        for (origin, scheme, host, isSame) in [
            ("http://a.example", "http", "a.example", true),
            ("http://A.example", "http", "a.EXAMPLE", true),
            ("http://a.example", "http", "a.example:80", true),
            ("http://a.example:80", "http", "a.example", true),
            ("https://a.example", "http", "a.example", true),
            ("https://a.example", "https", "a.example:443", true),
            ("https://a.example", "http", "a.example:443", true),
            ("http://a.example", "https", "a.example", false),
            ("http://a.example", "http", "a.example:443", false),
            ("http://a.example:8080", "http", "a.example:8080", true),
            ("http://a.example:8080", "http", "a.example", false),
            ("http://b.a.example", "http", "a.example", false),
            ("http://a.example.evil", "http", "a.example", false),
            ("http://[::1]:8080", "http", "[::1]:8080", true),
            ("http://", "http", "", false), ("null", "http", "null", false),
            ("chrome-extension://a.example", "http", "a.example", false), ("", "http", "", false),
        ] {
            let base = LinkBase(scheme: scheme, authority: host, path: "/")
            XCTAssertEqual(SameOrigin.isSame(origin, base), isSame, "\(origin) \(scheme) \(host)")
        }
        let unknown = LinkBase(scheme: "http", authority: nil, path: "/")
        XCTAssertFalse(SameOrigin.isSame("http://a.example", unknown))
    }

    // MARK: What the application is told

    private func told(_ harness: Harness, _ token: String?) throws -> String? {
        guard case .forwarded(let ticket, _) = harness.send("GET", "/", token: token) else {
            XCTFail("not forwarded")
            return nil
        }
        var out = ByteBuffer()
        harness.app.writeFields(ticket, into: &out)
        return out.bytes.text()
    }

    func testTheApplicationIsToldWhoSentARequest() throws {
        let names = ForwardedClaims(user: "X-Auth-User", name: "X-Auth-Name", admin: "X-Auth-Admin")
        let harness = try Harness { $0.forwarded = names }
        XCTAssertEqual(names.names, ["X-Auth-User", "X-Auth-Name", "X-Auth-Admin"])
        XCTAssertEqual(try told(harness, nil), "")
        XCTAssertEqual(try told(harness, "nonsense"), "")
        XCTAssertEqual(
            try told(harness, try harness.token("42", name: "u42")),
            "X-Auth-User: 42\r\nX-Auth-Name: u42\r\nX-Auth-Admin: false\r\n")
        XCTAssertEqual(
            try told(harness, try harness.token("a b%é", admin: true)),
            "X-Auth-User: a%20b%25%C3%A9\r\nX-Auth-Admin: true\r\n")
        let user = try Harness { $0.forwarded = ForwardedClaims(user: "X-User") }
        XCTAssertEqual(try told(user, try user.token("42", name: "n")), "X-User: 42\r\n")
    }
}
