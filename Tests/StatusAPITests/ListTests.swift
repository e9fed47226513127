// Owns the lists of users: envelope, pages, filters, links.
// Called by the test runner.
// Never tests how the engine finds users.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class ListTests: XCTestCase {
    /// u1 to u5: one and three online, two away, four long gone, five never seen but set by hand.
    private func people() throws -> (Harness, token: String) {
        let harness = try Harness(
            presence: PresenceSettings(startedAt: Harness.start - 10_000_000))
        harness.forward("GET", "/", token: try harness.token("4", name: "Dora"))
        harness.pass(600_000)
        harness.forward("GET", "/", token: try harness.token("1", name: "Anna"))
        harness.forward("GET", "/", token: try harness.token("3", name: "Carl"))
        _ = harness.send(
            "POST", "/_presence/heartbeat", token: try harness.token("2", name: "Bert"),
            body: #"{"status": "away"}"#)
        let reader = try harness.token("reader", session: "r")
        return (harness, reader)
    }

    private func get(
        _ harness: Harness, _ target: String, _ token: String, trusted: Bool = false,
        fields: [(String, String)] = [], host: String? = "example.org"
    ) throws -> JSONNode {
        let outcome = harness.send(
            "GET", "/_presence/" + target, token: token, fields: fields, trusted: trusted,
            host: host)
        XCTAssertEqual(outcome.status, 200, target)
        return try XCTUnwrap(outcome.response).json()
    }

    private func ids(_ json: JSONNode) -> [String] {
        json["results"]?.array?.compactMap { $0["user_id"]?.string } ?? []
    }

    func testEnvelope() throws {
        let (harness, token) = try people()
        let json = try get(harness, "users", token)
        XCTAssertEqual(json.keys, ["count", "next", "previous", "results"])
        // The reader is known too: asking is contact.
        XCTAssertEqual(json["count"]?.integer, 5)
        XCTAssertEqual(ids(json), ["1", "2", "3", "4", "reader"])
        XCTAssertEqual(json["next"]?.isNull, true)
        XCTAssertEqual(json["previous"]?.isNull, true)
        XCTAssertNil(json["results"]?.array?.first?["reason"])
        let admin = try harness.token("root", admin: true)
        XCTAssertNotNil(try get(harness, "users", admin)["results"]?.array?.first?["reason"])
    }

    func testOnline() throws {
        let (harness, token) = try people()
        XCTAssertEqual(ids(try get(harness, "users/online", token)), ["1", "3", "reader"])
        XCTAssertEqual(
            ids(try get(harness, "users/online?include=away", token)), ["1", "2", "3", "reader"])
        XCTAssertEqual(
            ids(try get(harness, "users/online/?search=CAR", token)), ["3"])
        let bad = harness.send("GET", "/_presence/users/online?include=offline", token: token)
        XCTAssertEqual(bad.status, 400)
    }

    func testFilters() throws {
        let (harness, token) = try people()
        let seen = Timestamp.text(harness.now)
        for (query, expected) in [
            ("status=online", ["1", "3", "reader"]), ("status=away", ["2"]),
            ("status=offline", ["4"]), ("status=away,offline", ["2", "4"]),
            ("status=away&status=offline", ["2", "4"]),
            ("status=", ["1", "2", "3", "4", "reader"]),
            ("search=an", ["1"]), ("search=AN&status=offline", []), ("search=%20", []),
            ("seen_after=\(seen)", ["1", "2", "3", "reader"]), ("seen_before=\(seen)", ["4"]),
            ("ordering=name&status=online,away,offline", ["1", "2", "3", "4", "reader"]),
            ("ordering=-last_seen&search=a", ["1", "3", "reader", "4"]),
            ("ordering=last_seen&search=r", ["4", "2", "3", "reader"]),
            ("unknown=1&search=dora", ["4"]),
        ] {
            XCTAssertEqual(ids(try get(harness, "users?" + query, token)), expected, query)
        }
    }

    func testOffsetsOfTimes() throws {
        let (harness, token) = try people()
        // 2026-09-21T… in another zone; the plus sign comes unescaped.
        let here = harness.now / 1000 * 1000 - 1000
        let text = String(Timestamp.text(here + 7_200_000).dropLast(5))
        for sign in ["+", "%2B"] {
            XCTAssertEqual(
                ids(try get(harness, "users?seen_after=\(text)\(sign)02:00", token)),
                ["1", "2", "3", "reader"])
        }
    }

    func testNonsenseIs400() throws {
        let (harness, token) = try people()
        for query in [
            "status=busy", "status=online,", "ordering=devices", "seen_after=yesterday",
            "seen_before=12", "page=x", "per_page=-1", "page=0", "search=%ff", "search=%",
            "search=" + String(repeating: "x", count: 257),
        ] {
            let outcome = harness.send("GET", "/_presence/users?" + query, token: token)
            XCTAssertEqual(outcome.status, 400, query)
            XCTAssertEqual(outcome.response?.type, "application/problem+json")
        }
    }

    /// What a list does not know it does not judge either.
    func testEachListReadsItsOwnParameters() throws {
        let (harness, token) = try people()
        let online = ids(try get(harness, "users/online?status=busy", token))
        XCTAssertEqual(online, ids(try get(harness, "users/online", token)))
        let all = ids(try get(harness, "users?include=offline", token))
        XCTAssertEqual(all, ids(try get(harness, "users", token)))
        for query in ["users/online?include=offline", "users?status=busy"] {
            XCTAssertEqual(harness.send("GET", "/_presence/" + query, token: token).status, 400)
        }
    }

    /// As openapi.json counts them: a letter of three bytes is one.
    func testATermIsBoundedByItsCharacters() throws {
        let (harness, token) = try people()
        let letters = String(repeating: "%E2%82%AC", count: 256)
        for path in ["users", "users/online"] {
            let target = "/_presence/\(path)?search="
            XCTAssertEqual(harness.send("GET", target + letters, token: token).status, 200)
            XCTAssertEqual(harness.send("GET", target + letters + "x", token: token).status, 400)
        }
    }

    func testPages() throws {
        let (harness, token) = try people()
        _ = try get(harness, "users", token)
        let first = try get(harness, "users?per_page=2", token)
        XCTAssertEqual(ids(first), ["1", "2"])
        XCTAssertEqual(first["count"]?.integer, 5)
        XCTAssertEqual(
            first["next"]?.string, "http://example.org/_presence/users?page=2&per_page=2")
        let last = try get(harness, "users?per_page=2&page=3", token)
        XCTAssertEqual(ids(last), ["reader"])
        XCTAssertEqual(last["next"]?.isNull, true)
        XCTAssertEqual(
            last["previous"]?.string, "http://example.org/_presence/users?page=2&per_page=2")
        let past = harness.send("GET", "/_presence/users?per_page=2&page=4", token: token)
        XCTAssertEqual(past.status, 404)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users?status=away&page=2", token: token).status, 404)
        XCTAssertEqual(ids(try get(harness, "users?search=zzz", token)), [])
    }

    func testLinksAreWhatTheClientCalledUs() throws {
        let (harness, token) = try people()
        let forwarded = [
            ("X-Forwarded-Host", "app.example, inner"), ("X-Forwarded-Proto", "https"),
        ]
        let target = "users?per_page=2"
        XCTAssertEqual(
            try get(harness, target, token, trusted: true, fields: forwarded)["next"]?.string,
            "https://app.example/_presence/users?page=2&per_page=2")
        XCTAssertEqual(
            try get(harness, target, token, trusted: false, fields: forwarded)["next"]?.string,
            "http://example.org/_presence/users?page=2&per_page=2")
        XCTAssertEqual(
            try get(harness, target, token, host: "h:8080")["next"]?.string,
            "http://h:8080/_presence/users?page=2&per_page=2")
    }
}

final class OperationsTests: XCTestCase {
    func testHealthAndReadiness() throws {
        let flag = Lock((draining: false, upstream: String?.none, store: String?.none))
        let probes = HealthProbes(
            isDraining: { flag.withLock { $0.draining } },
            upstreamProblem: { flag.withLock { $0.upstream } },
            storeProblem: { flag.withLock { $0.store } })
        let harness = try Harness(probes: probes)
        func ready() -> LocalResponse? { harness.send("GET", "/_presence/readyz").response }
        XCTAssertEqual(harness.send("GET", "/_presence/healthz").status, 200)
        XCTAssertEqual(ready()?.status, 200)
        flag.withLock { $0.store = "presence.sqlite3: not a database" }
        XCTAssertEqual(ready()?.status, 200, "presence goes on in memory")
        XCTAssertEqual(try ready()?.json()["store"]?.string, "presence.sqlite3: not a database")
        flag.withLock { $0.upstream = "connection refused" }
        XCTAssertEqual(ready()?.status, 503)
        flag.withLock { ($0.upstream, $0.draining) = (nil, true) }
        XCTAssertEqual(ready()?.status, 503)
        XCTAssertEqual(try ready()?.json()["detail"]?.string, "draining")
        XCTAssertEqual(harness.send("GET", "/_presence/healthz").status, 200)
    }

    func testMetrics() throws {
        let more = HealthProbes(metrics: { Array("proxy_x 1\n".utf8) })
        let harness = try Harness(probes: more)
        harness.forward("GET", "/", token: try harness.token("1"))
        harness.forward("GET", "/", token: "a.b.c")
        let response = try XCTUnwrap(harness.send("GET", "/_presence/metrics").response)
        XCTAssertEqual(response.type, "text/plain; version=0.0.4; charset=utf-8")
        let text = String(decoding: response.body, as: UTF8.self)
        for line in [
            #"presence_users{status="online"} 1"#, #"presence_users{status="offline"} 0"#,
            #"presence_requests_forwarded_total{code="2xx"} 2"#,
            #"presence_sightings_total{kind="activity"} 1"#,
            #"presence_sightings_total{kind="anonymous"} 1"#,
            #"presence_tokens_total{verdict="verified"} 1"#,
            "presence_sockets 0", "presence_loops 1", "presence_store_up 1", "presence_ready 1",
            "proxy_x 1",
        ] {
            XCTAssertTrue(text.contains("\n\(line)\n"), line)
        }
        try checkForm(text)
    }

    /// Every sample belongs to the family announced last, and no family comes twice.
    private func checkForm(_ text: String) throws {
        var families: Set<String> = []
        var family = ""
        for line in text.split(separator: "\n") where !line.hasPrefix("proxy_x") {
            if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                family = String(words[2])
                XCTAssertTrue(families.insert(family).inserted, "\(family) twice")
                XCTAssertTrue(["counter", "gauge"].contains(String(words[3])), String(line))
            } else if !line.hasPrefix("#") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                XCTAssertEqual(String(name), family)
                XCTAssertNotNil(Int64(line.split(separator: " ").last ?? ""), String(line))
            }
        }
    }

    func testEveryCounterIsShown() {
        let shown = CounterFamily.all.flatMap { $0.samples.map(\.counter) }
        let elsewhere: [Counter] = [
            .tokenRevoked, .tokenConflict, .tokenNoRoom, .tokenDisowned, .tokenStrange,
            .tokenLimited, .questionLimited,
        ]
        for counter in Counter.allCases {
            let places = (shown + elsewhere).filter { $0 == counter }.count
            XCTAssertEqual(places, 1, "\(counter)")
        }
    }

    func testCountersOfLoopsAddUp() {
        let registry = MetricsRegistry()
        let one = registry.register()
        let two = registry.register()
        one.add(.heartbeats)
        two.add(.heartbeats, 2)
        two.add(.expired)
        two.addServed(status: 204)
        XCTAssertEqual(registry.total(.heartbeats), 3)
        XCTAssertEqual(registry.total(.expired), 1)
        XCTAssertEqual(registry.total(.served2xx), 1)
        XCTAssertEqual(registry.total(.socketsOpened), 0)
    }

    func testStats() throws {
        let harness = try Harness()
        harness.forward("GET", "/", token: try harness.token("1"))
        let json = try harness.send("GET", "/_presence/stats", token: try harness.token("2"))
            .response?.json()
        XCTAssertEqual(json?["online"]?.integer, 2)
        XCTAssertEqual(json?["users"]?.integer, 2)
        XCTAssertEqual(json?["sockets"]?.integer, 0)
    }
}
