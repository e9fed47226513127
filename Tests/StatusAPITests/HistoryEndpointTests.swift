// Owns the tests of `users/{id}/history` and of the hours in `stats`.
// Called by the test runner.
// Never opens a store: a keeper answers as the test says.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

/// Answers when it is told to.
private final class Keeper: HistoryKeeper {
    struct Question: Sendable {
        let user: String
        let from: Milliseconds
        let to: Milliseconds?
        let then: @Sendable (HistoryAnswer) -> Void
    }
    let asked = Lock<[Question]>([])
    let isFull = Lock(false)

    func history(
        of user: String, from: Milliseconds, to: Milliseconds?, limit: Int,
        then: @escaping @Sendable (HistoryAnswer) -> Void
    ) -> Bool {
        guard !isFull.withLock({ $0 }) else { return false }
        asked.withLock { $0.append(Question(user: user, from: from, to: to, then: then)) }
        return true
    }

    func answer(_ answer: HistoryAnswer) {
        let all = asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
        for question in all { question.then(answer) }
    }
}

final class HistoryEndpointTests: XCTestCase {
    private let keeper = Keeper()
    private let path = "/_presence/users/a%20b/history"

    private func house() throws -> (Harness, String) {
        let harness = try Harness(history: keeper)
        return (harness, try harness.token("root", admin: true))
    }

    private func ask(_ harness: Harness, _ admin: String, _ query: String = "") -> ExchangeID? {
        harness.send("GET", path + query, token: admin).later
    }

    func testAnAnswer() throws {
        let (harness, admin) = try house()
        let id = try XCTUnwrap(ask(harness, admin))
        let question = try XCTUnwrap(keeper.asked.withLock { $0.first })
        XCTAssertEqual(question.user, "a b")
        XCTAssertNil(question.to)
        XCTAssertEqual(question.from, harness.now - 86_400_000)
        harness.turn()
        XCTAssertNil(harness.host.answers[id])
        var history = UserHistory(from: 0, to: 9_000)
        history.online = 3_999
        history.intervals = [
            HistoryInterval(status: .online, from: 1_000, to: 4_999),
            HistoryInterval(status: .away, from: 5_000, to: nil),
        ]
        keeper.answer(.found(history))
        harness.turn()
        let response = try XCTUnwrap(harness.host.answers[id])
        XCTAssertEqual(response.field("Cache-Control"), "no-store")
        XCTAssertEqual(
            String(decoding: response.body, as: UTF8.self),
            #"{"user_id":"a b","from":"1970-01-01T00:00:00.000Z","to":"1970-01-01T00:00:09.000Z","online_seconds":3,"intervals":[{"status":"online","from":"1970-01-01T00:00:01.000Z","to":"1970-01-01T00:00:04.999Z"},{"status":"away","from":"1970-01-01T00:00:05.000Z","to":null}]}"#
        )
    }

    func testWhatIsCutAndWhatIsNotKnownIsSaid() throws {
        let (harness, admin) = try house()
        let id = try XCTUnwrap(ask(harness, admin))
        var history = UserHistory(from: 0, to: 9_000)
        history.isCut = true
        history.gaps = [HistoryGap(from: 1_000, to: 2_000)]
        keeper.answer(.found(history))
        harness.turn()
        let node = try XCTUnwrap(harness.host.answers[id]).json()
        XCTAssertEqual(
            node.keys,
            ["user_id", "from", "to", "online_seconds", "truncated", "intervals", "gaps"])
        XCTAssertEqual(node["truncated"]?.bool, true)
        XCTAssertEqual(
            node["gaps"]?.array?.first?["from"]?.string, "1970-01-01T00:00:01.000Z")
    }

    func testWindows() throws {
        let (harness, admin) = try house()
        XCTAssertNotNil(
            ask(harness, admin, "?from=2026-09-01T00:00:00Z&to=2999-11-02T00:00:00+02:00"))
        let question = try XCTUnwrap(keeper.asked.withLock { $0.first })
        XCTAssertNil(question.to, "that lies ahead")
        XCTAssertEqual(Timestamp.text(question.from), "2026-09-01T00:00:00.000Z")
        XCTAssertNotNil(
            ask(harness, admin, "?from=2026-09-01T00:00:00Z&to=2026-09-02T00:00:00%2B02:00"))
        let past = try XCTUnwrap(keeper.asked.withLock { $0.last })
        XCTAssertEqual((past.to ?? 0) - past.from, 22 * 3_600_000)
        for bad in [
            "?from=x", "?to=1", "?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z",
            "?from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z", "?from=2999-01-01T00:00:00Z",
        ] {
            XCTAssertEqual(harness.send("GET", path + bad, token: admin).status, 400, bad)
        }
    }

    func testForAdminsAlone() throws {
        let (harness, _) = try house()
        let refused = harness.send("GET", path, token: try harness.token("a b"))
        XCTAssertEqual(refused.status, 403)
        XCTAssertEqual(
            try refused.response?.json()["detail"]?.string, "Only an admin may read a history.")
        XCTAssertTrue(keeper.asked.withLock { $0.isEmpty })
    }

    func testFailures() throws {
        let (harness, admin) = try house()
        for (answer, status) in [
            (HistoryAnswer.failed("/secret/path: damaged"), 503), (.notKept, 404),
        ] {
            let id = try XCTUnwrap(ask(harness, admin))
            keeper.answer(answer)
            harness.turn()
            let response = try XCTUnwrap(harness.host.answers[id])
            XCTAssertEqual(response.status, status)
            XCTAssertFalse(String(decoding: response.body, as: UTF8.self).contains("/secret"))
        }
        keeper.isFull.withLock { $0 = true }
        XCTAssertEqual(harness.send("GET", path, token: admin).status, 503)
        let none = try Harness()
        let root = try none.token("root", admin: true)
        XCTAssertEqual(none.send("GET", path, token: root).status, 404)
    }

    func testAStoreThatHangs() throws {
        let (harness, admin) = try house()
        let id = try XCTUnwrap(ask(harness, admin))
        harness.pass(APILimits.commitPatience)
        XCTAssertEqual(harness.host.answers[id]?.status, 503)
        harness.host.answers = [:]
        keeper.answer(.notKept)
        harness.turn()
        // The host knows that the exchange is over; it is asked all the same.
        XCTAssertLessThanOrEqual(harness.host.answers.count, 1)
    }

    func testHoursInStats() throws {
        let harness = try Harness()
        let me = try harness.token("me")
        harness.forward("GET", "/", token: try harness.token("u"))
        let stats = try XCTUnwrap(harness.send("GET", "/_presence/stats", token: me).response)
            .json()
        XCTAssertEqual(
            stats.keys,
            [
                "online", "away", "offline", "users", "sockets", "server_time", "peak_today",
                "hours",
            ])
        XCTAssertEqual(stats["peak_today"]?["online"]?.integer, 2)
        XCTAssertEqual(stats["peak_today"]?["at"]?.string, Timestamp.text(harness.now))
        let hours = try XCTUnwrap(stats["hours"]?.array)
        XCTAssertEqual(hours.count, 24)
        XCTAssertEqual(hours.last?.keys, ["from", "peak", "users"])
        XCTAssertEqual(hours.last?["peak"]?.integer, 2)
        XCTAssertEqual(hours.last?["users"]?.integer, 2)
        XCTAssertEqual(
            hours.last?["from"]?.string,
            Timestamp.text(harness.now / 3_600_000 * 3_600_000))
        XCTAssertEqual(hours.first?["users"]?.integer, 0)
    }
}
