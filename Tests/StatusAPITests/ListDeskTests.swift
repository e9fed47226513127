// Owns lists that are made off the loop.
// Called by the test runner.
// Never starts a thread: the desk's work is done by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class ListDeskTests: XCTestCase {
    private func crowd(_ count: Int) throws -> (Harness, token: String) {
        let harness = try Harness()
        for number in 1...count {
            _ = harness.engine.login(
                user: "\(number)", name: nil, session: UInt64(number), now: harness.now)
        }
        return (harness, try harness.token("1"))
    }

    func testAmongFewTheLoopAnswers() throws {
        let (harness, token) = try crowd(APILimits.listedOnLoop - 1)
        harness.service.lists.staff()
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: token).status, 200)
    }

    func testWithoutAThreadTheLoopAnswers() throws {
        let (harness, token) = try crowd(APILimits.listedOnLoop + 1)
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: token).status, 200)
    }

    func testAmongManyTheDeskAnswers() throws {
        let count = APILimits.listedOnLoop + 1
        let (harness, token) = try crowd(count)
        harness.service.lists.staff()
        let asked = ["users?per_page=3&page=2", "users/online?per_page=3", "users?page=999999"]
        let exchanges = try asked.map { target in
            try XCTUnwrap(
                harness.send("GET", "/_presence/" + target, token: token).later,
                "\(target) was made on the loop")
        }
        harness.turn()
        XCTAssertTrue(harness.host.answers.isEmpty)
        harness.service.lists.work()
        harness.turn()
        let page = try XCTUnwrap(harness.host.answers[exchanges[0]]).json()
        XCTAssertEqual(page["count"]?.integer, Int64(count))
        XCTAssertEqual(
            page["results"]?.array?.compactMap { $0["user_id"]?.string }, ["4", "5", "6"])
        XCTAssertEqual(
            page["next"]?.string, "http://example.org/_presence/users?page=3&per_page=3")
        XCTAssertEqual(harness.host.answers[exchanges[1]]?.status, 200)
        XCTAssertEqual(harness.host.answers[exchanges[2]]?.status, 404)
    }

    func testABadParameterIsToldAtOnce() throws {
        let (harness, token) = try crowd(APILimits.listedOnLoop + 1)
        harness.service.lists.staff()
        XCTAssertEqual(harness.send("GET", "/_presence/users?page=x", token: token).status, 400)
    }

    func testTheQueueIsBounded() throws {
        let (harness, token) = try crowd(APILimits.listedOnLoop + 1)
        harness.service.lists.staff()
        for _ in 0..<APILimits.pendingLists {
            let outcome = harness.send("GET", "/_presence/users", token: token)
            XCTAssertNotNil(outcome.later, "refused before the bound")
        }
        let refused = harness.send("GET", "/_presence/users", token: token)
        XCTAssertEqual(refused.status, 503)
        XCTAssertEqual(refused.response?.field("Retry-After"), "1")
    }
}
