// Owns a whole exchange of the application's with an answer that issues a token.
// Called by the tests of logins and refreshes.
// Never opens a socket.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

extension Harness {
    /// A request, its answer's head and its answer's body.
    /// - Parameter body: nil: it could not be watched.
    func pass(
        _ method: String, _ target: String, token: String? = nil,
        request: [(String, String)] = [], status: Int = 200, answer: [(String, String)] = [],
        body: String?, file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let outcome = send(method, target, token: token, fields: request)
        guard case .forwarded(var ticket, let watch) = outcome else {
            return XCTFail("not forwarded: \(outcome)", file: file, line: line)
        }
        XCTAssertEqual(watch.body, APILimits.loginBody, file: file, line: line)
        let id = exchange()
        var text = "HTTP/1.1 \(status) X\r\n"
        for (name, value) in answer { text += "\(name): \(value)\r\n" }
        let bytes = Array((text + "Content-Length: 0\r\n\r\n").utf8)
        var head = ResponseHead()
        let outcomeOfHead = head.parse(
            bytes.rawSpan, limits: HeadLimits(), toMethod: .get)
        XCTAssertEqual(outcomeOfHead, .complete, file: file, line: line)
        if watch.fields { app.answered(id, &ticket, head, bytes.rawSpan, now: now) }
        let label = Array("\(method) \(target)".utf8)
        guard
            case .pass = app.sight(
                id, &ticket, status: status, byUpstream: true, request: label.rawSpan, now: now)
        else { return XCTFail("held", file: file, line: line) }
        guard let body else {
            return app.watched(id, ticket, status: status, body: nil, now: now)
        }
        let shown = Array(body.utf8)
        app.watched(id, ticket, status: status, body: shown.rawSpan, now: now)
    }

    func learnt(_ token: String) -> LearntToken? {
        engine.learnt(TokenDigest.of(Array(token.utf8).rawSpan), now: now)
    }

    /// On how many devices its user is, once somebody has worked with that token.
    func devices(afterWorkWith token: LearntToken) throws -> Int {
        let made = engine.enroll(
            user: token.user, name: nil, session: token.session,
            revocation: RevocationKey(token.digest), expires: .max, isAdmin: false, now: now)
        guard case .identity(var identity) = made else { throw NotEnrolled() }
        engine.sight(&identity.session, activity: true, label: "GET /".rawSpan, now: now)
        return engine.view(user: token.user, now: now).devices
    }

    private struct NotEnrolled: Error {}
}

extension LoginPaths {
    /// `$.path`, `header:NAME` or `cookie:NAME`, as in the config file.
    init(
        token: [String], user: [String] = ["$.user.id"], name: [String] = ["$.user.name"],
        expires: [String] = ["$.expires"]
    ) throws {
        self.init(
            token: try token.map { text in
                if text.hasPrefix("header:") { return .header(String(text.dropFirst(7))) }
                if text.hasPrefix("cookie:") { return .cookie(String(text.dropFirst(7))) }
                return .path(try JSONPath(text))
            },
            user: try user.map { try JSONPath($0) }, name: try name.map { try JSONPath($0) },
            expires: try expires.map { try JSONPath($0) })
    }
}
