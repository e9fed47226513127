// Owns what becomes of a status set by hand, and when it is answered.
// Called by the test runner.
// Never sleeps for a disk: the sink answers when it is told to.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class SetStatusTests: XCTestCase {
    private let target = "/_presence/users/9/status"

    private func set(_ harness: Harness, _ body: String) throws -> Outcome {
        harness.send("POST", target, token: try harness.token("1", admin: true), body: body)
    }

    func testAnsweredOnceItIsSafe() throws {
        let sink = FakeSink()
        let harness = try Harness(sink: sink)
        let id = try XCTUnwrap(
            set(harness, #"{"online_status": "away"}"#).later, "answered too early")
        harness.turn()
        XCTAssertNil(harness.host.answers[id])
        XCTAssertEqual(harness.status("9"), .away, "in force at once")
        sink.finish()
        harness.turn()
        let json = try XCTUnwrap(harness.host.answers[id]).json()
        XCTAssertEqual(harness.host.answers[id]?.status, 200)
        XCTAssertEqual(json["user_id"]?.string, "9")
        XCTAssertEqual(json["online_status"]?.string, "away")
        XCTAssertEqual(json["is_online"]?.bool, false)
        XCTAssertEqual(json["reason"]?.string, "set by admin")
    }

    func testAFailedCommitIsSaid() throws {
        let sink = FakeSink()
        let harness = try Harness(sink: sink)
        let id = try XCTUnwrap(set(harness, #"{"status": "online"}"#).later, "answered too early")
        sink.finish(false)
        harness.turn()
        XCTAssertEqual(harness.host.answers[id]?.status, 503)
        XCTAssertEqual(harness.total(.commitFailed), 1)
    }

    func testASlowDiskIsNotWaitedForForever() throws {
        let sink = FakeSink()
        let harness = try Harness(sink: sink)
        let id = try XCTUnwrap(set(harness, #"{"status": "online"}"#).later, "answered too early")
        XCTAssertEqual(harness.app.turn(now: harness.now), APILimits.commitPatience)
        harness.now += APILimits.commitPatience - 1
        harness.turn()
        XCTAssertNil(harness.host.answers[id])
        harness.now += 1
        harness.turn()
        XCTAssertEqual(harness.host.answers[id]?.status, 503)
        XCTAssertEqual(harness.total(.commitLate), 1)
        harness.host.answers = [:]
        sink.finish()
        harness.turn()
        XCTAssertTrue(harness.host.answers.isEmpty, "answered once")
    }

    func testAnAbandonedCallIsForgotten() throws {
        let sink = FakeSink()
        let harness = try Harness(sink: sink)
        let id = try XCTUnwrap(set(harness, #"{"status": "online"}"#).later, "answered too early")
        harness.app.abandoned(id)
        sink.finish()
        harness.turn()
        XCTAssertTrue(harness.host.answers.isEmpty)
        XCTAssertEqual(harness.status("9"), .online, "the fact stays")
    }

    func testForItsTime() throws {
        let harness = try Harness()
        _ = try set(harness, #"{"online_status": "online", "for": "30m"}"#)
        XCTAssertEqual(harness.status("9"), .online)
        harness.pass(1_799_000)
        XCTAssertEqual(harness.status("9"), .online)
        harness.pass(2_000)
        XCTAssertEqual(harness.status("9"), .offline)
    }

    func testUntilActivity() throws {
        let harness = try Harness()
        let token = try harness.token("9")
        harness.forward("GET", "/", token: token)
        harness.pass(1_000)
        _ = try set(harness, #"{"online_status": "offline"}"#)
        XCTAssertEqual(harness.status("9"), .offline)
        harness.pass(1_000)
        XCTAssertEqual(harness.send("POST", "/_presence/heartbeat", token: token).status, 200)
        XCTAssertEqual(harness.status("9"), .offline, "contact is no activity")
        harness.forward("GET", "/", token: token)
        XCTAssertEqual(harness.status("9"), .online)
    }

    func testRefusesNonsense() throws {
        let harness = try Harness()
        for body in [
            "", "{}", "[]", "nonsense", #"{"online_status": "busy"}"#, #"{"status": 1}"#,
            #"{"status": null}"#, #"{"status": "away", "online_status": "online"}"#,
            #"{"status": "away", "for": 30}"#, #"{"status": "away", "for": "soon"}"#,
            #"{"status": "away", "for": "-1s"}"#, #"{"status": "away", "for": "99999d"}"#,
            #"{"status": "away", "for": "0s"}"#,
        ] {
            XCTAssertEqual(try set(harness, body).status, 400, body)
        }
        XCTAssertEqual(harness.status("9"), .offline)
        XCTAssertNil(harness.engine.subject(of: "9"))
    }

    func testNoRoomForAnotherUser() throws {
        var capacity = PresenceCapacity()
        capacity.users = 1
        let harness = try Harness(capacity: capacity)
        XCTAssertEqual(try set(harness, #"{"status": "away"}"#).status, 503)
    }
}
