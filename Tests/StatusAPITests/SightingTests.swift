// Owns the question which forwarded requests count, and as what.
// Called by the test runner.
// Never asks an endpoint.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class SightingTests: XCTestCase {
    private func harness() throws -> Harness {
        var settings = APISettings()
        settings.rateLimit = nil
        settings.routes = [
            PassingRoute(match: try RoutePattern("GET /notifications/poll"), activity: false),
            PassingRoute(match: try RoutePattern("* /static/**"), track: false),
            PassingRoute(match: try RoutePattern("POST /beat/"), effect: .heartbeat),
        ]
        return try Harness(settings)
    }

    func testAnswersThatCount() throws {
        for status in [101, 200, 201, 204, 302, 304, 400, 404, 409, 429, 500, 502, 503, 504] {
            let harness = try harness()
            harness.forward("GET", "/orders/", token: try harness.token("7"), status: status)
            XCTAssertEqual(harness.status("7"), .online, "\(status)")
        }
    }

    func testAnswersThatDoNot() throws {
        for status in [401, 403] {
            let harness = try harness()
            harness.forward("GET", "/orders/", token: try harness.token("7"), status: status)
            XCTAssertEqual(harness.status("7"), .offline, "\(status)")
            XCTAssertNil(harness.engine.view(user: "7", now: harness.now).lastSeen)
            XCTAssertEqual(harness.total(.sightRefused), 1)
        }
    }

    func testOurOwnFailuresCount() throws {
        for status in [502, 504] {
            let harness = try harness()
            let token = try harness.token("7")
            harness.forward("GET", "/orders/", token: token, status: status, byUpstream: false)
            XCTAssertEqual(harness.status("7"), .online, "\(status)")
            XCTAssertEqual(harness.total(.upstreamFailed), 1)
        }
    }

    func testBeforeTheAnswerNothingCounts() throws {
        let harness = try harness()
        _ = harness.send("GET", "/orders/", token: try harness.token("7"))
        XCTAssertEqual(harness.status("7"), .offline)
    }

    func testRouteFlags() throws {
        let cases: [(method: String, path: String, seen: Bool, active: Bool)] = [
            ("GET", "/orders/", true, true),
            ("GET", "/notifications/poll", true, false),
            ("GET", "/notifications/poll/", true, false),
            ("GET", "/notifications/poll?since=4", true, false),
            ("POST", "/notifications/poll", true, true),
            ("GET", "/static/app.js", false, false),
            ("POST", "/beat", true, false),
            ("POST", "/beat/", true, false),
        ]
        for (method, path, seen, active) in cases {
            let harness = try harness()
            harness.forward(method, path, token: try harness.token("7"))
            let view = harness.engine.view(user: "7", now: harness.now)
            XCTAssertEqual(view.lastSeen != nil, seen, path)
            XCTAssertEqual(view.lastActive != nil, active, path)
            XCTAssertEqual(view.status, seen ? .online : .offline, path)
        }
    }

    func testTokensThatCountForNothing() throws {
        let harness = try harness()
        let good = try harness.token("7")
        let forged = try harness.token(
            "7", secret: Array("another secret, just as long as it".utf8))
        let expired = try harness.token("7", lifetime: -3_600_000)
        var broken = Array(good.utf8)
        // Another letter of the same alphabet: the form stays good, the signature does not.
        let place = broken.count - 5
        broken[place] = broken[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        for token in [forged, expired, String(decoding: broken, as: UTF8.self), "x", "a.b.c"] {
            XCTAssertNotNil(harness.forward("GET", "/orders/", token: token))
            XCTAssertEqual(harness.status("7"), .offline, token)
        }
        XCTAssertEqual(harness.service.metrics.total(.signatureMismatch), 2)
        XCTAssertEqual(harness.service.metrics.total(.expired), 1)
        XCTAssertEqual(harness.total(.sightAnonymous), 5)
    }

    func testTokensInOtherPlacesCountForNothing() throws {
        let harness = try harness()
        let token = try harness.token("7")
        harness.forward("GET", "/orders/?token=\(token)")
        harness.forward(
            "GET", "/orders/", token: token, fields: [("Authorization", "Bearer \(token)")])
        XCTAssertEqual(harness.status("7"), .offline)
        XCTAssertEqual(harness.total(.tokenConflict), 1)
    }

    func testATokenExpiresInTheCacheToo() throws {
        let harness = try harness()
        let token = try harness.token("7", lifetime: 60_000)
        harness.forward("GET", "/orders/", token: token)
        XCTAssertEqual(harness.status("7"), .online)
        // Lifetime, leeway, and the threshold since.
        harness.pass(95_000)
        harness.forward("GET", "/orders/", token: token)
        harness.pass(40_000)
        XCTAssertEqual(harness.status("7"), .offline)
    }

    func testTheSecondRequestIsAHit() throws {
        let harness = try harness()
        let token = try harness.token("7")
        for _ in 0..<5 { harness.forward("GET", "/orders/", token: token) }
        XCTAssertEqual(harness.total(.tokenVerified), 1)
        XCTAssertEqual(harness.total(.tokenCached), 4)
        XCTAssertEqual(harness.total(.sightActivity), 5)
        XCTAssertEqual(harness.engine.view(user: "7", now: harness.now).devices, 1)
    }

    func testEverySessionIsADevice() throws {
        let harness = try harness()
        for session in ["a", "b", "b"] {
            let token = try harness.token("7", session: session)
            harness.forward("GET", "/orders/", token: token)
        }
        XCTAssertEqual(harness.engine.view(user: "7", now: harness.now).devices, 2)
    }

    /// The entry of the first request is gone, and its place taken, when its answer comes.
    func testAnEvictedEntryIsNotMisattributed() throws {
        let harness = try harness()
        guard
            case .forwarded(var ticket, _) = harness.send(
                "GET", "/orders/", token: try harness.token("first"))
        else { return XCTFail("not forwarded") }
        let entry = Int32(ticket.flags >> Mark.numberShift)
        let other = harness.app.identification
        let identity = other.identity(entry)
        // What an eviction and a new token would leave at that place.
        _ = harness.send("GET", "/orders/", token: try harness.token("second"))
        let second = other.identity(entry + 1)
        other.remember(second.session, at: entry)
        XCTAssertEqual(other.identity(entry), identity, "another session's place stays")
        let label = Array("GET /orders/".utf8)
        _ = harness.app.sight(
            harness.exchange(), &ticket, status: 200, byUpstream: true, request: label.rawSpan,
            now: harness.now)
        XCTAssertEqual(harness.status("first"), .online)
        XCTAssertEqual(harness.status("second"), .offline)
    }

    func testReasonNamesTheRequest() throws {
        let harness = try harness()
        harness.forward("POST", "/orders/", token: try harness.token("7"))
        harness.now += 19_000
        let view = harness.engine.view(user: "7", now: harness.now)
        XCTAssertEqual(view.reason, "POST /orders/ 19 s ago")
    }

    func testAmbiguousPathsTowardsOursAreRefused() throws {
        let harness = try harness()
        let token = try harness.token("7")
        for path in [
            "/_presence/../_presence/heartbeat", "/x/..%2f_presence/users", "//beat/",
            "/_presence//users", "/%5fpresence/;a/users",
        ] {
            let outcome = harness.send("POST", path, token: token)
            if let status = outcome.status {
                XCTAssertTrue([400, 404, 405].contains(status), "\(path): \(status)")
            }
        }
        XCTAssertGreaterThan(harness.total(.refusedAmbiguous), 0)
        // Towards the application they travel on as they are.
        guard case .forwarded = harness.send("GET", "/a//b/../c", token: token) else {
            return XCTFail("not forwarded")
        }
    }

    func testCountersByStatusClass() throws {
        let harness = try harness()
        for status in [101, 200, 204, 301, 404, 500, 599] {
            harness.forward("GET", "/", status: status)
        }
        XCTAssertEqual(harness.total(.forwarded1xx), 1)
        XCTAssertEqual(harness.total(.forwarded2xx), 2)
        XCTAssertEqual(harness.total(.forwarded3xx), 1)
        XCTAssertEqual(harness.total(.forwarded4xx), 1)
        XCTAssertEqual(harness.total(.forwarded5xx), 2)
    }
}
