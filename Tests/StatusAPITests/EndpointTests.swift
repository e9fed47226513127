// Owns what the endpoints about single users answer, and to whom.
// Called by the test runner.
// Never tests the lists, which have a page of their own.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class EndpointTests: XCTestCase {
    private static let objectKeys = [
        "user_id", "name", "online_status", "is_online", "last_seen", "last_active", "since",
        "devices",
    ]

    func testHeartbeat() throws {
        let harness = try Harness()
        let token = try harness.token("42", name: "u42")
        let response = harness.send("POST", "/_presence/heartbeat", token: token).response
        let json = try XCTUnwrap(response).json()
        XCTAssertEqual(response?.status, 200)
        XCTAssertEqual(response?.type, "application/json")
        XCTAssertEqual(response?.field("Cache-Control"), "no-store")
        XCTAssertEqual(json.keys, Self.objectKeys + ["status", "server_time"])
        XCTAssertEqual(json["user_id"]?.string, "42")
        XCTAssertEqual(json["name"]?.string, "u42")
        XCTAssertEqual(json["online_status"]?.string, "online")
        XCTAssertEqual(json["status"]?.string, "online")
        XCTAssertEqual(json["is_online"]?.bool, true)
        XCTAssertEqual(json["server_time"]?.string, Timestamp.text(harness.now))
        XCTAssertEqual(json["last_seen"]?.string, Timestamp.text(harness.now))
        XCTAssertEqual(json["last_active"]?.isNull, true, "a heartbeat is contact, not activity")
        XCTAssertEqual(json["devices"]?.integer, 1)
    }

    func testHeartbeatSaysAway() throws {
        let harness = try Harness()
        let token = try harness.token("42")
        for (body, status) in [
            (#"{"status": "away"}"#, "away"), ("", "online"), ("  \n", "online"), ("{}", "online"),
            (#"{"status": null}"#, "online"), (#"{"online_status":"away","x":1}"#, "away"),
            (#"{"status": "online"}"#, "online"),
        ] {
            let response = harness.send(
                "POST", "/_presence/heartbeat/", token: token, body: body
            ).response
            XCTAssertEqual(try response?.json()["status"]?.string, status, body)
        }
    }

    func testHeartbeatRefusesNonsense() throws {
        let harness = try Harness()
        let token = try harness.token("42")
        let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        for body in [
            "{", "[]", "1", "\"away\"", #"{"status": "offline"}"#, #"{"status": 1}"#,
            #"{"status": "Online"}"#, #"{"status":"away","status":"online"}"#,
            #"{"status":"away","online_status":"online"}"#, #"{"x": \#(deep)}"#, "status=away",
            "{\"status\": \"\u{0}\"}",
        ] {
            let outcome = harness.send("POST", "/_presence/heartbeat", token: token, body: body)
            XCTAssertEqual(outcome.status, 400, body)
            XCTAssertEqual(outcome.response?.type, "application/problem+json")
        }
        XCTAssertNil(harness.engine.view(user: "42", now: harness.now).lastActive)
    }

    func testAuthorizationMatrix() throws {
        let harness = try Harness()
        let plain = try harness.token("1")
        let admin = try harness.token("2", admin: true)
        let body = #"{"online_status": "away"}"#
        let calls: [(method: String, path: String, plain: Int, admin: Int)] = [
            ("POST", "heartbeat", 200, 200), ("GET", "users/1", 200, 200),
            ("GET", "users/online", 200, 200), ("GET", "users", 200, 200),
            ("GET", "stats", 200, 200), ("GET", "ws", 426, 426),
        ]
        for (method, path, asUser, asAdmin) in calls {
            let target = "/_presence/" + path
            let anonymous = harness.send(method, target).response
            XCTAssertEqual(anonymous?.status, 401, path)
            XCTAssertEqual(anonymous?.field("WWW-Authenticate"), "Bearer")
            // Not where it has to stand: that may be anywhere.
            XCTAssertEqual(
                try anonymous?.json()["detail"]?.string,
                "This address needs a valid credential of a signed-in user.")
            XCTAssertEqual(harness.send(method, target, token: plain).status, asUser, path)
            XCTAssertEqual(harness.send(method, target, token: admin).status, asAdmin, path)
            XCTAssertEqual(harness.send(method, target, token: "a.b.c").status, 401, path)
            let inAddress = harness.send(method, target + "?token=\(admin)").status
            XCTAssertEqual(inAddress, path == "ws" ? 426 : 401, path)
        }
        let set = "/_presence/users/1/status"
        XCTAssertEqual(harness.send("POST", set, body: body).status, 401)
        XCTAssertEqual(harness.send("POST", set, token: plain, body: body).status, 403)
        guard case .later = harness.send("POST", set, token: admin, body: body) else {
            return XCTFail("an admin may set a status")
        }
        for path in ["healthz", "readyz", "metrics"] {
            XCTAssertEqual(harness.send("GET", "/_presence/" + path).status, 200, path)
        }
    }

    func testWrongMethods() throws {
        let harness = try Harness()
        let token = try harness.token("1", admin: true)
        for (method, path, allow) in [
            ("GET", "heartbeat", "POST"), ("POST", "users", "GET, HEAD"),
            ("DELETE", "users/1", "GET, HEAD"), ("GET", "users/1/status", "POST"),
            ("PUT", "healthz", "GET, HEAD"), ("HEAD", "ws", "GET"),
        ] {
            let response = harness.send(method, "/_presence/" + path, token: token).response
            XCTAssertEqual(response?.status, 405, path)
            XCTAssertEqual(response?.field("Allow"), allow, path)
        }
    }

    func testNothingElseUnderThePrefix() throws {
        let harness = try Harness()
        for path in ["", "/", "/nothing", "/users/1/2/3", "/users/1/statuses"] {
            XCTAssertEqual(harness.send("GET", "/_presence" + path).status, 404, path)
        }
        guard case .forwarded = harness.send("GET", "/_presences/users") else {
            return XCTFail("not ours")
        }
    }

    func testUser() throws {
        let harness = try Harness()
        let token = try harness.token("1")
        harness.forward("POST", "/orders/", token: try harness.token("42", name: "Ünal"))
        harness.now += 5_000
        let json = try XCTUnwrap(
            harness.send("GET", "/_presence/users/42", token: token).response
        ).json()
        XCTAssertEqual(json.keys, Self.objectKeys)
        XCTAssertEqual(json["name"]?.string, "Ünal")
        XCTAssertEqual(json["online_status"]?.string, "online")
        XCTAssertEqual(json["last_active"]?.string, Timestamp.text(harness.now - 5_000))
        XCTAssertEqual(json["since"]?.string, Timestamp.text(harness.now - 5_000))
        let admin = try harness.token("2", admin: true)
        let full = try XCTUnwrap(
            harness.send("GET", "/_presence/users/42/", token: admin).response
        ).json()
        XCTAssertEqual(full.keys, Self.objectKeys + ["reason"])
        XCTAssertEqual(full["reason"]?.string, "POST /orders/ 5 s ago")
    }

    func testANeverSeenUserIs200() throws {
        let harness = try Harness()
        let token = try harness.token("1")
        let response = harness.send("GET", "/_presence/users/nobody", token: token).response
        XCTAssertEqual(response?.status, 200)
        let json = try XCTUnwrap(response).json()
        XCTAssertEqual(json["user_id"]?.string, "nobody")
        XCTAssertEqual(json["online_status"]?.string, "offline")
        XCTAssertEqual(json["is_online"]?.bool, false)
        for key in ["name", "last_seen", "last_active", "since"] {
            XCTAssertEqual(json[key]?.isNull, true, key)
        }
        XCTAssertNil(harness.engine.subject(of: "nobody"), "asking makes nobody known")
    }

    func testUserIDsInPaths() throws {
        let harness = try Harness()
        let token = try harness.token("1")
        let json = try harness.send("GET", "/_presence/users/a%20b%C3%A9", token: token)
            .response?.json()
        XCTAssertEqual(json?["user_id"]?.string, "a bé")
        let long = String(repeating: "x", count: 300)
        XCTAssertEqual(harness.send("GET", "/_presence/users/\(long)", token: token).status, 404)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/%00", token: token).status.map {
                $0 == 404 || $0 == 400
            }, true)
        XCTAssertEqual(harness.send("GET", "/_presence/users/%zz", token: token).status, 400)
    }

    func testAskingIsContactAndNotActivity() throws {
        let harness = try Harness()
        let token = try harness.token("7")
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
        let view = harness.engine.view(user: "7", now: harness.now)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.lastSeen, harness.now)
        XCTAssertNil(view.lastActive)
    }

    func testQueryTokenIsForSocketsAlone() throws {
        let harness = try Harness()
        let token = try harness.token("7")
        let target = "/_presence/users/1?token=\(token)"
        XCTAssertEqual(harness.send("GET", target).status, 401)
        let other = try harness.token("8")
        XCTAssertEqual(harness.send("GET", target, token: other).status, 200)
        XCTAssertNil(harness.engine.view(user: "7", now: harness.now).lastSeen)
        let socket = "/_presence/ws?token=\(token)"
        XCTAssertEqual(harness.send("GET", socket, token: other).status, 401)
        XCTAssertEqual(harness.total(.tokenConflict), 1)
    }

    /// An id that no token can hold is none, wherever it stands.
    func testControlCharactersNameNobody() throws {
        let harness = try Harness()
        let token = try harness.token("7", admin: true)
        for (escaped, character) in [("%C2%80", "\u{80}"), ("%C2%9F", "\u{9f}")] {
            let user = harness.send("GET", "/_presence/users/a\(escaped)", token: token)
            XCTAssertEqual(user.status, 404, escaped)
            let query = harness.send(
                "POST", "/_presence/users/query", token: token,
                body: "{\"ids\": [\"a\(character)\"]}")
            XCTAssertEqual(query.status, 400, escaped)
        }
        XCTAssertEqual(
            harness.send("GET", "/_presence/users/a%C2%A0", token: token).status, 200)
    }

    func testQuerySeveral() throws {
        let harness = try Harness()
        let token = try harness.token("7")
        let target = "/_presence/users/query"
        harness.forward("GET", "/", token: try harness.token("1"))
        let json = try harness.send(
            "POST", target, token: token, body: #"{"ids": ["1", 2, "1"]}"#
        ).response?.json()
        XCTAssertEqual(json?["results"]?.keys, ["1", "2"])
        XCTAssertEqual(json?["results"]?["1"]?["online_status"]?.string, "online")
        XCTAssertEqual(json?["results"]?["2"]?["online_status"]?.string, "offline")
        let many = (0...1000).map(String.init).joined(separator: ",")
        for body in [
            "", "{}", #"{"ids": "1"}"#, #"{"ids": [null]}"#, #"{"ids": [1.5]}"#,
            #"{"ids": [""]}"#, #"{"ids": [{}]}"#, "{\"ids\": [\(many)]}",
        ] {
            XCTAssertEqual(
                harness.send("POST", target, token: token, body: body).status, 400,
                String(body.prefix(40)))
        }
    }

    func testRateLimit() throws {
        var settings = APISettings()
        settings.rateLimit = Rate(count: 3, period: 1000)
        let harness = try Harness(settings)
        let token = try harness.token("7")
        let other = try harness.token("8")
        for _ in 0..<3 {
            XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
        }
        let response = harness.send("GET", "/_presence/users/1", token: token).response
        XCTAssertEqual(response?.status, 429)
        XCTAssertEqual(response?.field("Retry-After"), "1")
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: other).status, 200)
        XCTAssertNotNil(harness.forward("GET", "/", token: token), "traffic is never limited")
        XCTAssertEqual(harness.total(.rateLimited), 1)
        let stranger = ClientAddress(v4: 0x0100_007f, port: 1)
        for _ in 0..<3 {
            XCTAssertEqual(harness.send("GET", "/_presence/users", client: stranger).status, 401)
        }
        XCTAssertEqual(harness.send("GET", "/_presence/users", client: stranger).status, 429)
        XCTAssertEqual(harness.send("GET", "/_presence/healthz", client: stranger).status, 200)
        harness.now += 1000
        XCTAssertEqual(harness.send("GET", "/_presence/users/1", token: token).status, 200)
    }

    func testRoutesServeTheSame() throws {
        var settings = APISettings()
        settings.rateLimit = nil
        settings.routes = [
            PassingRoute(
                match: try RoutePattern("POST /api/users/heartbeat/"), effect: .serve(.heartbeat)),
            PassingRoute(
                match: try RoutePattern("GET /api/admin/users/{id}/online-status/"),
                effect: .serve(.user)),
            PassingRoute(
                match: try RoutePattern("POST /api/admin/users/{id}/set-online-status/"),
                effect: .serve(.setStatus)),
            PassingRoute(match: try RoutePattern("GET /ws/presence/"), effect: .serve(.webSocket)),
        ]
        let harness = try Harness(settings)
        let token = try harness.token("42", admin: true)
        for slash in ["", "/"] {
            let beat = harness.send("POST", "/api/users/heartbeat" + slash, token: token)
            XCTAssertNotNil(try beat.response?.json()["server_time"]?.string)
            let user = harness.send(
                "GET", "/api/admin/users/42/online-status" + slash, token: token)
            XCTAssertEqual(try user.response?.json()["user_id"]?.string, "42")
            let set = harness.send(
                "POST", "/api/admin/users/42/set-online-status" + slash, token: token,
                body: #"{"status": "away"}"#)
            guard case .later = set else { return XCTFail("\(set)") }
            XCTAssertEqual(harness.send("POST", "/api/users/heartbeat" + slash).status, 401)
            _ = try harness.connect(token, "/ws/presence" + slash)
        }
        guard case .forwarded = harness.send("GET", "/api/users/heartbeat/", token: token) else {
            return XCTFail("another method is the application's")
        }
    }

    func testAnotherPrefix() throws {
        var settings = APISettings()
        settings.prefix = "/status/of/people"
        let harness = try Harness(settings)
        let token = try harness.token("42")
        XCTAssertEqual(harness.send("GET", "/status/of/people/users", token: token).status, 200)
        guard case .forwarded = harness.send("GET", "/_presence/users", token: token) else {
            return XCTFail("the default prefix is the application's now")
        }
    }
}
