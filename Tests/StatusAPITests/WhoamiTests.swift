// Owns what a page hears of whose its credential is: nobody is an answer, doubt is none.
// Called by the test runner.
// Never asks a server: the answers are given by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class WhoamiTests: XCTestCase {
    private static let path = "/_presence/whoami"
    private static let cookie = [("Cookie", "sessionid=s3cr3ts3cr3t")]

    private func harness(asks: Bool = false) throws -> Harness {
        try Harness(introspection: asks ? try Asking.settings() : nil) {
            $0.places = [.header(name: "Authorization", scheme: nil), .cookie("sessionid")]
            $0.service = [ServiceToken(name: "wall", token: Array("wallboard-token-1".utf8))]
        }
    }

    private func isNobody(_ outcome: Outcome, _ text: String = "") throws {
        let response = try XCTUnwrap(outcome.response, text)
        XCTAssertEqual(response.status, 200, text)
        XCTAssertEqual(try response.json()["signed_in"]?.bool, false, text)
        XCTAssertEqual(try response.json()["user_id"]?.isNull, true, text)
        XCTAssertEqual(try response.json()["is_admin"]?.bool, false, text)
    }

    func testAUserHearsWhoTheyAreAndIsInContact() throws {
        let harness = try harness()
        let token = try harness.token("42", name: "ada", admin: true)
        let json = try XCTUnwrap(harness.send("GET", Self.path, token: token).response?.json())
        XCTAssertEqual(json["signed_in"]?.bool, true)
        XCTAssertEqual(json["user_id"]?.string, "42")
        XCTAssertEqual(json["name"]?.string, "ada")
        XCTAssertEqual(json["is_admin"]?.bool, true)
        XCTAssertEqual(json["heartbeat_every"]?.integer, 30)
        XCTAssertEqual(json["server_time"]?.string?.utf8.count, 24)
        XCTAssertEqual(harness.status("42"), .online)
        XCTAssertNil(harness.engine.view(user: "42", now: harness.now).lastActive)
    }

    func testAServiceIsSignedInAndNoUser() throws {
        let outcome = try harness().send("GET", Self.path, token: "wallboard-token-1")
        let json = try XCTUnwrap(outcome.response?.json())
        XCTAssertEqual(json["signed_in"]?.bool, true)
        XCTAssertEqual(json["user_id"]?.isNull, true)
    }

    func testWhateverDoesNotCountIsNobodys() throws {
        let harness = try harness()
        let expired = try harness.token("1", lifetime: 1_000)
        let revoked = try harness.token("2")
        harness.now += 60_000
        let forged = try harness.token("3", secret: Array("another secret of enough bytes".utf8))
        harness.engine.forgetToken(Asking.digest(revoked), now: harness.now)
        try isNobody(harness.send("GET", Self.path), "no credential")
        for token in [expired, forged, "not.a.token", "opaque-and-unknown"] {
            try isNobody(harness.send("GET", Self.path, token: token), token)
        }
        try isNobody(harness.send("GET", Self.path, fields: Self.cookie), "a cookie nobody knows")
        XCTAssertEqual(harness.send("POST", Self.path).status, 405)
    }

    func testWhereTheApplicationIsAskedItWaits() throws {
        let harness = try harness(asks: true)
        guard case .waits = harness.send("GET", Self.path, fields: Self.cookie) else {
            return XCTFail("does not wait")
        }
        let question = try XCTUnwrap(harness.service.desk?.next(harness.now))
        harness.service.desk?.close(question, InquiryFinding(.refused), now: harness.now)
        harness.turn()
        try isNobody(harness.send("GET", Self.path, fields: Self.cookie, hasWaited: true))
    }

    func testDoubtIsNoAnswer() throws {
        let harness = try harness(asks: true)
        guard case .waits = harness.send("GET", Self.path, fields: Self.cookie) else {
            return XCTFail("does not wait")
        }
        let outcome = harness.send("GET", Self.path, fields: Self.cookie, hasWaited: true)
        XCTAssertEqual(outcome.status, 503, "nobody has been asked yet")
        XCTAssertNotNil(outcome.response?.field("Retry-After"))
    }
}
