// Owns that a cookie in double quotes is the one without them.
// Called by nobody: XCTest finds it.
// Never asks a server: the answers are given by hand.

import ProxyCore
import XCTest

@testable import StatusAPI

final class QuotedCookieTests: XCTestCase {
    private static let cookie = [("Cookie", "sessionid=s3cr3t")]

    private func harness() throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(match: try RoutePattern("* /closed"), require: true),
                PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout),
            ]
        }
        return try Harness(settings, introspection: try Asking.settings()) {
            $0.places = [.cookie("sessionid")]
            $0.learns = true
        }
    }

    private func asked(_ harness: Harness) -> Question? { harness.service.desk?.next(harness.now) }

    /// It is always 42's, if the application is asked.
    private func answer(_ harness: Harness, _ question: Question) {
        let known = Asking.identity("42", until: harness.now + 60_000)
        harness.service.desk?.close(question, InquiryFinding(.known(known)), now: harness.now)
        harness.turn()
    }

    func testACookieThatIsOverDoesNotComeBackInQuotes() throws {
        let harness = try harness()
        harness.forward("GET", "/", fields: Self.cookie)
        answer(harness, try XCTUnwrap(asked(harness)))
        XCTAssertEqual(harness.status("42"), .online)
        harness.forward("POST", "/logout", fields: Self.cookie)
        XCTAssertEqual(harness.status("42"), .offline)
        for value in [#""s3cr3t""#, #""s3cr\063t""#, #"s3cr\063t"#, #"s3cr3t""#] {
            let again = [("Cookie", "sessionid=\(value)")]
            harness.forward("GET", "/", fields: again)
            if let question = asked(harness) { answer(harness, question) }
            XCTAssertEqual(harness.status("42"), .offline, value)
            let outcome = harness.send("GET", "/closed", fields: again)
            if case .waits = outcome {
                answer(harness, try XCTUnwrap(asked(harness)))
            } else {
                XCTAssertEqual(outcome.status, 401, value)
            }
            let closed = harness.send("GET", "/closed", fields: again, hasWaited: true)
            XCTAssertEqual(closed.status, 401, value)
        }
    }

    func testACookieInQuotesIsAskedAboutAsItWasSent() throws {
        let harness = try harness()
        harness.forward("GET", "/", fields: [("Cookie", #"sessionid="s3cr3t""#)])
        let question = try XCTUnwrap(asked(harness))
        XCTAssertEqual(question.digest, Asking.digest("s3cr3t"))
        let form = try XCTUnwrap(InquiryForm(question, Asking.settings()))
        let cookie = form.fields.first { $0.0 == "Cookie" }
        XCTAssertEqual(cookie?.1, #"sessionid="s3cr3t""#)
        // The answer is about the one without them too.
        answer(harness, question)
        guard case .forwarded = harness.send("GET", "/closed", fields: Self.cookie) else {
            return XCTFail("not known without the quotes")
        }
    }
}
