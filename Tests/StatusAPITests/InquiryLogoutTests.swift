// Owns logouts by credentials about which nobody has asked for a while.
// Called by the test runner.
// Never starts a thread: the questions are answered by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class InquiryLogoutTests: XCTestCase {
    private let cookie = [("Cookie", "sessionid=opaque")]

    /// Ann was here an hour ago, and is still shown: what was said of her cookie is long over.
    private func harness() throws -> Harness {
        let routes = try Harness.settings { settings in
            settings.routes = [
                PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout)
            ]
        }
        let rules = PresenceSettings(
            offlineAfter: 7_200_000, startedAt: Harness.start - 10_000_000)
        let harness = try Harness(
            routes, presence: rules, introspection: try Asking.settings(),
            tokens: { tokens in
                tokens.places = [.cookie("sessionid")]
                tokens.forwarded = ForwardedClaims(user: "X-Auth-User")
            })
        harness.forward("GET", "/orders", fields: cookie)
        let desk = try XCTUnwrap(harness.service.desk)
        let question = try XCTUnwrap(desk.next(harness.now))
        let identity = OpaqueIdentity(
            user: "42", name: "Ann", isAdmin: true,
            session: SessionNames.tag(user: "42", session: nil, question.digest),
            goodUntil: harness.now + 60_000)
        desk.close(question, InquiryFinding(.known(identity)), now: harness.now)
        XCTAssertEqual(harness.status("42"), .online)
        harness.pass(3_600_000)
        XCTAssertEqual(desk.standing(question.digest, now: harness.now), .unknown)
        XCTAssertEqual(harness.status("42"), .online)
        return harness
    }

    private func logout(_ harness: Harness, _ status: Int) throws -> Passage? {
        try XCTUnwrap(harness.forward("POST", "/logout", status: status, fields: cookie))
    }

    func testR17AnHourLaterALogoutStillEndsTheSession() throws {
        let harness = try harness()
        XCTAssertEqual(try logout(harness, 200), .hold)
        XCTAssertEqual(harness.status("42"), .offline)
        XCTAssertEqual(harness.total(.logoutSeen), 1)
        // And nobody's a second time.
        XCTAssertEqual(try logout(harness, 200), .pass)
        XCTAssertEqual(harness.total(.logoutAnonymous), 1)
    }

    func testALogoutThatFailsIsNobodysRequest() throws {
        for status in [302, 401, 403, 500] {
            let harness = try harness()
            let before = harness.engine.view(user: "42", now: harness.now).lastSeen
            XCTAssertEqual(try logout(harness, status), .pass)
            XCTAssertEqual(harness.status("42"), .online, "\(status)")
            XCTAssertEqual(
                harness.engine.view(user: "42", now: harness.now).lastSeen, before, "\(status)")
        }
    }

    /// Whose it was is no claim to be forwarded: the application might believe it.
    func testNobodyIsNamedToTheApplication() throws {
        let harness = try harness()
        guard case .forwarded(let ticket, _) = harness.send("POST", "/logout", fields: cookie)
        else { return XCTFail("not forwarded") }
        var out = ByteBuffer()
        harness.app.writeFields(ticket, into: &out)
        XCTAssertTrue(out.isEmpty)
    }
}
