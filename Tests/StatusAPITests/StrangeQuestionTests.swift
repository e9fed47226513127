// Owns how many questions about unknown credentials one peer may cause by forwarded requests.
// Called by nobody: XCTest finds it.
// Never asks a server: the answers are given by hand.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class StrangeQuestionTests: XCTestCase {
    private static let burst = APILimits.strangeQuestions.count

    private func harness() throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [PassingRoute(match: try RoutePattern("* /closed"), require: true)]
        }
        return try Harness(settings, introspection: try Asking.settings { $0.queued = 1_000 }) {
            $0.places = [.cookie("sessionid")]
            $0.trusted = try TrustedNetworks(parsing: ["10.0.0.0/8"])
        }
    }

    private func peer(_ text: String = "192.0.2.1") throws -> ClientAddress {
        try XCTUnwrap(ClientAddress.parse(text.rawSpan))
    }

    /// A request with that session, and what came of it.
    private func send(
        _ harness: Harness, _ path: String, _ session: String, _ peer: ClientAddress,
        trusted: Bool = false
    ) -> Outcome {
        let fields = [("Cookie", "sessionid=\(session)")]
        let outcome = harness.send("GET", path, fields: fields, trusted: trusted, client: peer)
        if case .forwarded(var ticket, _) = outcome {
            let label = Array("GET \(path)".utf8)
            _ = harness.app.sight(
                harness.exchange(), &ticket, status: 200, byUpstream: true, request: label.rawSpan,
                now: harness.now)
        }
        return outcome
    }

    /// Answers everything that is asked, and says how much that was.
    private func settle(
        _ harness: Harness, _ outcome: (Question) -> InquiryOutcome = { _ in .refused }
    ) -> Int {
        var count = 0
        while let question = harness.service.desk?.next(harness.now) {
            harness.service.desk?.close(
                question, InquiryFinding(outcome(question)), now: harness.now)
            count += 1
        }
        harness.turn()
        return count
    }

    func testQuestionsOfClosedRoutesAreLimited() throws {
        let harness = try harness()
        let peer = try peer()
        for number in 0..<Self.burst {
            guard case .waits = send(harness, "/closed", "\(number)", peer) else {
                return XCTFail("\(number) does not wait")
            }
        }
        let refused = send(harness, "/closed", "further", peer)
        XCTAssertEqual(refused.status, 429)
        XCTAssertEqual(refused.response?.field("Retry-After"), "1")
        // To wait for what is being asked costs nothing.
        guard case .waits = send(harness, "/closed", "0", peer) else { return XCTFail("joins") }
        // Another peer has its own; in a tenth of a second there is one more.
        guard case .waits = send(harness, "/closed", "other", try self.peer("192.0.2.2")) else {
            return XCTFail("another peer")
        }
        harness.now += 100
        guard case .waits = send(harness, "/closed", "later", peer) else { return XCTFail("later") }
        XCTAssertEqual(send(harness, "/closed", "too soon", peer).status, 429)
        XCTAssertEqual(harness.total(.questionLimited), 2)
        XCTAssertEqual(settle(harness), Self.burst + 2)
    }

    func testQuestionsOfPassingRequestsAreLimitedAndTheRequestsPass() throws {
        let harness = try harness()
        let peer = try peer()
        for number in 0..<(3 * Self.burst) {
            guard case .forwarded = send(harness, "/", "\(number)", peer) else {
                return XCTFail("\(number) is not forwarded")
            }
        }
        XCTAssertEqual(settle(harness), Self.burst)
        XCTAssertEqual(harness.total(.questionLimited), Int64(2 * Self.burst))
        XCTAssertEqual(harness.total(.sightUnasked), Int64(Self.burst))
        XCTAssertEqual(harness.total(.sightAnonymous), Int64(2 * Self.burst))
        // What was refused just now is not asked about, and costs nothing.
        harness.now += 100
        for _ in 0..<3 { _ = send(harness, "/", "0", peer) }
        _ = send(harness, "/", "one more", peer)
        XCTAssertEqual(settle(harness), 1)
    }

    /// An office behind one address: its people are asked about anew every minute, all of them.
    func testWhoeverWasKnownIsAskedAboutFreely() throws {
        let harness = try harness()
        let peer = try peer()
        let people = 2 * Self.burst
        var known = 0
        for _ in 0..<2 {
            for number in 0..<people { _ = send(harness, "/", "\(number)", peer) }
            known += settle(harness) { question in
                .known(
                    OpaqueIdentity(
                        user: String(decoding: question.token, as: UTF8.self), name: nil,
                        isAdmin: false, session: 7, goodUntil: harness.now + 60_000))
            }
            harness.now += 5_000
        }
        XCTAssertEqual(known, people)
        harness.now += 60_000
        for number in 0..<people { _ = send(harness, "/", "\(number)", peer) }
        XCTAssertEqual(settle(harness), people)
        XCTAssertEqual(harness.total(.questionLimited), Int64(people - Self.burst))
    }

    /// It would have to answer for everybody.
    func testAProxyThatNamesNobodyIsNotLimited() throws {
        let harness = try harness()
        let peer = try peer("10.1.2.3")
        for number in 0..<(2 * Self.burst) {
            _ = send(harness, "/", "\(number)", peer, trusted: true)
        }
        XCTAssertEqual(settle(harness), 2 * Self.burst)
    }
}
