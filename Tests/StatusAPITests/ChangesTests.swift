// Owns the tests of `changes`: cursors, batches, waiting, and who is told nothing any more.
// Called by the test runner.
// Never sleeps: the clock is turned.

import Presence
import ProxyCore
import Synchronization
import XCTest

@testable import StatusAPI

final class ChangesTests: XCTestCase {
    private let changes = "/_presence/changes"

    private func seen(_ node: JSONNode?) -> [String] {
        node?["changes"]?.array?.compactMap { item in
            item["user_id"]?.string.map { "\($0):\(item["online_status"]?.string ?? "")" }
        } ?? []
    }

    private func answer(_ outcome: Outcome) throws -> JSONNode {
        let response = try XCTUnwrap(outcome.response, "\(outcome)")
        XCTAssertEqual(response.status, 200)
        XCTAssertEqual(response.field("Cache-Control"), "no-store")
        return try response.json()
    }

    /// Where a reader stands who has everything.
    private func cursor(_ harness: Harness, _ token: String) throws -> String {
        let all = try answer(harness.send("GET", changes, token: token))
        return try XCTUnwrap(all["cursor"]?.string)
    }

    /// A poll that waits.
    private func park(
        _ harness: Harness, _ token: String, since cursor: String, wait: String = "25s",
        file: StaticString = #filePath, line: UInt = #line
    ) throws -> ExchangeID {
        let path = changes + "?since=\(cursor)&wait=\(wait)"
        let outcome = harness.send("GET", path, token: token)
        return try XCTUnwrap(outcome.later, "not parked: \(outcome)", file: file, line: line)
    }

    func testASnapshotThenChanges() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        harness.forward("GET", "/", token: try harness.token("early"))
        let first = try answer(harness.send("GET", changes, token: me))
        XCTAssertEqual(first.keys, ["cursor", "reset", "changes"])
        XCTAssertEqual(first["reset"]?.bool, true)
        XCTAssertEqual(Set(seen(first)), ["early:online", "me:online"])
        let cursor = try XCTUnwrap(first["cursor"]?.string)
        let none = try answer(harness.send("GET", changes + "?since=" + cursor, token: me))
        XCTAssertEqual(none["reset"]?.bool, false)
        XCTAssertEqual(none["cursor"]?.string, cursor)
        XCTAssertEqual(seen(none), [])
        harness.forward("GET", "/", token: try harness.token("late"))
        harness.pass(130_000)
        let next = try answer(harness.send("GET", changes + "?since=" + cursor, token: me))
        // Once, with the latest state; whoever asks is there again.
        XCTAssertEqual(seen(next), ["early:offline", "late:offline", "me:online"])
    }

    func testBadCursorsAreAReset() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        for bad in ["", "x", "7-", "-1", "8-0", "7-fffff", "7-1-2", "%00", "7-0&since=zz"] {
            let node = try answer(harness.send("GET", changes + "?since=" + bad, token: me))
            XCTAssertEqual(node["reset"]?.bool, true, bad)
            XCTAssertEqual(seen(node), ["me:online"], bad)
        }
        // With `wait` as well: nothing is waited for.
        XCTAssertEqual(harness.send("GET", changes + "?since=x&wait=9s", token: me).status, 200)
        XCTAssertEqual(harness.send("GET", changes + "?wait=9s", token: me).status, 200)
    }

    func testTooOldIsAReset() throws {
        var capacity = PresenceCapacity()
        capacity.journal = 4
        let harness = try Harness(capacity: capacity)
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        for number in 0..<4 { harness.forward("GET", "/", token: try harness.token("u\(number)")) }
        let held = try answer(harness.send("GET", changes + "?since=" + cursor, token: me))
        XCTAssertEqual(held["reset"]?.bool, false)
        XCTAssertEqual(seen(held).count, 4)
        harness.forward("GET", "/", token: try harness.token("u4"))
        let lost = try answer(harness.send("GET", changes + "?since=" + cursor, token: me))
        XCTAssertEqual(lost["reset"]?.bool, true)
        XCTAssertEqual(seen(lost).count, 6)
    }

    func testWaitIsChecked() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        let since = changes + "?since=" + cursor
        for bad in ["x", "25", "-1s", "1.5s", "25%20s", "s", "00", "25S"] {
            let outcome = harness.send("GET", since + "&wait=" + bad, token: me)
            XCTAssertEqual(outcome.status, 400, bad)
        }
        for none in ["", "0", "0s", "0ms", "000d"] {
            XCTAssertEqual(harness.send("GET", since + "&wait=" + none, token: me).status, 200)
        }
        // More than the longest is the longest.
        let long = ["1h", "99999d", String(repeating: "9", count: 400) + "ms"]
        let parked = try long.map { try park(harness, me, since: cursor, wait: $0) }
        harness.pass(59_999)
        for id in parked { XCTAssertNil(harness.host.answers[id]) }
        harness.pass(1)
        for id in parked { XCTAssertEqual(harness.host.answers[id]?.status, 200) }
    }

    func testItWaitsForTheNextChange() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        let id = try park(harness, me, since: cursor)
        harness.pass(10_000)
        XCTAssertNil(harness.host.answers[id])
        XCTAssertEqual(harness.service.polls.load(ordering: .relaxed), 1)
        harness.forward("GET", "/", token: try harness.token("late"))
        harness.turn()
        let node = try XCTUnwrap(harness.host.answers[id]).json()
        XCTAssertEqual(seen(node), ["late:online"])
        XCTAssertEqual(node["reset"]?.bool, false)
        XCTAssertNotEqual(node["cursor"]?.string, cursor)
        XCTAssertEqual(harness.service.polls.load(ordering: .relaxed), 0)
    }

    func testNothingNewInTime() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        let id = try park(harness, me, since: cursor)
        let delay = try XCTUnwrap(harness.app.turn(now: harness.now))
        XCTAssertLessThanOrEqual(delay, 25_000, "the loop is to wake for it")
        harness.pass(24_999)
        XCTAssertNil(harness.host.answers[id])
        harness.pass(1)
        let node = try XCTUnwrap(harness.host.answers[id]).json()
        XCTAssertEqual(seen(node), [])
        XCTAssertEqual(node["cursor"]?.string, cursor)
    }

    /// Where something changes all the time a reader shall not come back for each change.
    func testChangesAreGathered() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        harness.forward("GET", "/", token: try harness.token("a"))
        let id = try park(harness, me, since: cursor)
        harness.pass(APILimits.pollGathering - 1)
        XCTAssertNil(harness.host.answers[id])
        harness.forward("GET", "/", token: try harness.token("b"))
        harness.pass(1)
        XCTAssertEqual(seen(try harness.host.answers[id]?.json()), ["a:online", "b:online"])
    }

    func testBatchesAreBounded() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        var cursor = try cursor(harness, me)
        let count = APILimits.changesPerMessage * 2 + 50
        for number in 1...count {
            _ = harness.engine.login(
                user: "u\(number)", name: nil, session: UInt64(number), now: harness.now)
        }
        var told: [String] = []
        for expected in [1_000, 1_000, 50] {
            let node = try answer(
                harness.send("GET", changes + "?since=\(cursor)", token: me))
            XCTAssertEqual(seen(node).count, expected)
            XCTAssertEqual(node["reset"]?.bool, false)
            told += seen(node)
            cursor = try XCTUnwrap(node["cursor"]?.string)
        }
        XCTAssertEqual(told, (1...count).map { "u\($0):online" })
        // A whole batch is there at once, whatever may be waited for.
        let early = changes + "?wait=25s&since=7-1"
        XCTAssertEqual(harness.send("GET", early, token: me).status, 200)
    }

    func testAdminsSeeReasons() throws {
        let harness = try Harness()
        let (me, admin) = (try harness.token("me"), try harness.token("root", admin: true))
        let cursor = try cursor(harness, me)
        _ = harness.send("GET", changes, token: admin)
        let plain = try park(harness, me, since: cursor)
        let full = try park(harness, admin, since: cursor)
        harness.now += 200
        harness.forward("GET", "/x", token: try harness.token("u"))
        harness.turn()
        func reasons(_ id: ExchangeID) throws -> [String?]? {
            try harness.host.answers[id]?.json()["changes"]?.array?.map { $0["reason"]?.string }
        }
        XCTAssertEqual(try reasons(full)?.last, "GET /x 0 s ago")
        XCTAssertEqual(try reasons(plain)?.compactMap(\.self), [])
    }

    // MARK: Who is told nothing

    func testARevokedOneIsToldNothing() throws {
        let harness = try Harness(
            try Harness.settings {
                $0.routes = [PassingRoute(match: try RoutePattern("POST /out"), effect: .logout)]
            })
        let me = try harness.token("me", session: "s")
        let other = try harness.token("me", session: "t")
        _ = harness.send("GET", changes, token: other)
        let cursor = try cursor(harness, me)
        let mine = try park(harness, me, since: cursor)
        let others = try park(harness, other, since: cursor)
        harness.now += 1_000
        // The logout is itself a change, and a secret is told with it in the same turn.
        harness.forward("POST", "/out", token: me)
        harness.forward("GET", "/", token: try harness.token("secret"))
        harness.turn()
        XCTAssertEqual(harness.host.answers[mine]?.status, 401)
        // The user's other token has not been revoked.
        XCTAssertEqual(harness.host.answers[others]?.status, 200)
        let again = harness.send("GET", changes + "?since=" + cursor, token: me)
        XCTAssertEqual(again.status, 401)
    }

    func testAnExpiredOneIsToldNothing() throws {
        let harness = try Harness()
        let me = try harness.token("me", lifetime: 5_000)
        let cursor = try cursor(harness, me)
        let id = try park(harness, me, since: cursor, wait: "60s")
        // The leeway of clocks is granted.
        harness.pass(34_900)
        XCTAssertNil(harness.host.answers[id])
        harness.pass(200)
        XCTAssertEqual(harness.host.answers[id]?.status, 401)
    }

    // MARK: Bounds and ends

    func testOneUserHasSoManyPlaces() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        let since = changes + "?wait=25s&since=" + cursor
        let ids = try (0..<APILimits.parkedPollsEach).map { _ in
            try park(harness, me, since: cursor)
        }
        let refused = harness.send("GET", since, token: me)
        XCTAssertEqual(refused.status, 429)
        XCTAssertNotNil(refused.response?.field("Retry-After"))
        // Nobody else's places are used up, and whoever leaves frees one.
        _ = try park(harness, harness.token("other"), since: cursor)
        harness.app.abandoned(ids[3])
        _ = try park(harness, me, since: cursor)
    }

    func testWhoLeavesFreesItsPlace() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        var ids: [ExchangeID] = []
        var token = me
        for number in 0..<APILimits.parkedPolls {
            if number % APILimits.parkedPollsEach == 0 { token = try harness.token("u\(number)") }
            ids.append(try park(harness, token, since: cursor))
        }
        let crowded = harness.send("GET", changes + "?wait=25s&since=" + cursor, token: me)
        XCTAssertEqual(crowded.status, 503)
        XCTAssertNotNil(crowded.response?.field("Retry-After"))
        XCTAssertEqual(harness.total(.pollsCrowded), 1)
        harness.app.abandoned(ids[7])
        _ = try park(harness, me, since: cursor)
        XCTAssertEqual(
            harness.service.polls.load(ordering: .relaxed), APILimits.parkedPolls)
        // So many are answered in turns.
        harness.now += 1_000
        harness.forward("GET", "/", token: try harness.token("u"))
        harness.turn()
        XCTAssertEqual(harness.host.answers.count, APILimits.pollsPerTurn)
        XCTAssertEqual(harness.app.turn(now: harness.now), 0)
        for _ in 0..<APILimits.parkedPolls / APILimits.pollsPerTurn { harness.turn() }
        XCTAssertEqual(harness.host.answers.count, APILimits.parkedPolls)
        XCTAssertEqual(harness.service.polls.load(ordering: .relaxed), 0)
    }

    func testDrainingAnswersAll() throws {
        let draining = Flag()
        let harness = try Harness(
            probes: HealthProbes(isDraining: { draining.value.load(ordering: .relaxed) }))
        let me = try harness.token("me")
        let cursor = try cursor(harness, me)
        let id = try park(harness, me, since: cursor, wait: "60s")
        harness.turn()
        XCTAssertNil(harness.host.answers[id])
        draining.value.store(true, ordering: .relaxed)
        harness.turn()
        XCTAssertEqual(harness.host.answers[id]?.status, 200)
    }

    private final class Flag: Sendable {
        let value = Atomic<Bool>(false)
    }

    func testAmongManyTheSnapshotIsMadeOffTheLoop() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        for number in 0...APILimits.listedOnLoop {
            _ = harness.engine.login(
                user: "u\(number)", name: nil, session: UInt64(number), now: harness.now)
        }
        harness.service.lists.staff()
        let id = try XCTUnwrap(harness.send("GET", changes, token: me).later, "made on the loop")
        harness.turn()
        XCTAssertNil(harness.host.answers[id])
        harness.service.lists.work()
        harness.turn()
        let node = try XCTUnwrap(harness.host.answers[id]).json()
        XCTAssertEqual(node["reset"]?.bool, true)
        XCTAssertEqual(seen(node).count, APILimits.listedOnLoop + 2)
    }

    func testMethodsAndCredentials() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        for path in ["changes", "events", "users/1/history"] {
            let refused = harness.send("POST", "/_presence/" + path, token: me)
            XCTAssertEqual(refused.status, 405)
            XCTAssertEqual(refused.response?.field("Allow"), "GET, HEAD")
            XCTAssertEqual(harness.send("GET", "/_presence/" + path).status, 401)
            let query = harness.send("GET", "/_presence/\(path)?token=\(me)")
            XCTAssertEqual(query.status, 401, "addresses are kept: sockets alone may do that")
        }
        XCTAssertEqual(harness.send("HEAD", changes, token: me).status, 200)
    }
}
