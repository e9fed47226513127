// Owns which tokens a login's answer teaches, and which it does not.
// Called by the test runner.
// Never shows a learnt token in a request: the tests of identification do.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class LearningTests: XCTestCase {
    private let opaque = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"

    private func harness(
        _ token: [String], user: [String] = ["$.user.id"], learns: Bool = true,
        keys: Bool = true
    ) throws -> Harness {
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(
                    match: try RoutePattern("POST /login/"),
                    effect: .login(try LoginPaths(token: token, user: user)))
            ]
        }
        return try Harness(settings) {
            $0.learns = learns
            if !keys { $0.ring = try KeyRing([TokenIssuer]()) }
        }
    }

    private func login(
        _ harness: Harness, _ body: String?, _ answer: [(String, String)] = [],
        status: Int = 200, line: UInt = #line
    ) throws {
        try harness.pass(
            "POST", "/login/", status: status, answer: answer, body: body, line: line)
    }

    func testR19_ATokenOfTheBodyIsLearnt() throws {
        let harness = try harness(["$.key"])
        try login(harness, #"{"key": "\#(opaque)", "user": {"id": 42, "name": "N"}}"#)
        let token = try XCTUnwrap(harness.learnt(opaque))
        XCTAssertEqual(token.user, "42")
        XCTAssertEqual(token.name, "N")
        XCTAssertFalse(token.isAdmin)
        XCTAssertNil(token.expires)
        XCTAssertEqual(harness.total(.loginLearnt), 1)
        let view = harness.engine.view(user: "42", now: harness.now)
        XCTAssertEqual(view.status, .online)
        XCTAssertEqual(view.devices, 1)
        // The session that the login opened is the token's.
        XCTAssertEqual(try harness.devices(afterWorkWith: token), 1)
    }

    func testR19_ATokenOfAFieldIsLearnt() throws {
        let values = ["Bearer \(opaque)", "token  \(opaque)", "JWT \(opaque)", opaque]
        for value in values {
            let harness = try harness(["header:Authorization"])
            try login(harness, #"{"user": {"id": 42}}"#, [("authorization", value)])
            XCTAssertEqual(harness.learnt(opaque)?.user, "42", value)
        }
        let other = try harness(["header:Authorization"])
        try login(other, #"{"user": {"id": 42}}"#, [("Authorization", "Basic \(opaque)")])
        XCTAssertEqual(other.total(.loginTokenUnusable), 1, "credentials of another scheme")
        XCTAssertEqual(other.status("42"), .online, "a login all the same")
    }

    func testR13_TwoFieldsThatDifferTeachNothing() throws {
        let harness = try harness(["header:X-Token"])
        let fields = [("X-Token", opaque), ("x-token", opaque + "f")]
        try login(harness, #"{"user": {"id": 42}}"#, fields)
        XCTAssertEqual(harness.engine.metrics.learntTokens, 0)
        try login(harness, #"{"user": {"id": 42}}"#, [fields[0], fields[0]])
        XCTAssertEqual(harness.learnt(opaque)?.user, "42", "twice the same is one")
    }

    func testR19_ATokenOfACookieIsLearnt() throws {
        let harness = try harness(["cookie:sessionid"])
        try login(
            harness, #"{"user": {"id": 42}}"#,
            [
                ("Set-Cookie", "csrftoken=abcdefghijkl; Path=/"),
                ("Set-Cookie", "sessionid=; Max-Age=0; Path=/old"),
                ("Set-Cookie", "sessionid=\(opaque); HttpOnly; Path=/; Max-Age=1209600"),
                ("Set-Cookie", "Sessionid=qqqqqqqqqqqq; Path=/"),
                ("Set-Cookie", "sessionid=deleted; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
            ])
        XCTAssertEqual(harness.learnt(opaque)?.user, "42")
        XCTAssertEqual(harness.engine.metrics.learntTokens, 1)
    }

    func testR19_ACookieThatIsTakenAwayIsNoToken() throws {
        let gone = [
            "sessionid=", "sessionid=\(opaque); Max-Age=0", "sessionid=\(opaque);max-age=-1",
            "sessionid=\(opaque); Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "sessionid=\(opaque); expires=Thu, 01-Jan-70 00:00:01 GMT; Path=/", "sessionid",
            "=\(opaque)", "", "other=1; sessionid=\(opaque)",
            // Servers read these in different ways.
            #"sessionid="\#(opaque)\054a""#, #"sessionid=\#(opaque)""#,
        ]
        for line in gone {
            let harness = try harness(["cookie:sessionid"])
            try login(harness, #"{"user": {"id": 42}}"#, [("Set-Cookie", line)])
            XCTAssertEqual(harness.engine.metrics.learntTokens, 0, line)
            XCTAssertEqual(harness.status("42"), .online, "the login counts: \(line)")
        }
        let live = [
            "sessionid=\(opaque)", " sessionid = \(opaque) ;Secure",
            #"sessionid="\#(opaque)"; Secure"#,
            "sessionid=\(opaque); Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "sessionid=\(opaque); Max-Age=soon; Expires=never",
            "sessionid=\(opaque); Max-Age=99999999999999999999",
            "sessionid=\(opaque); Expires=Fri, 31 Dec 2100 23:59:59 GMT",
        ]
        for line in live {
            let harness = try harness(["cookie:sessionid"])
            try login(harness, #"{"user": {"id": 42}}"#, [("Set-Cookie", line)])
            XCTAssertEqual(harness.learnt(opaque)?.user, "42", line)
        }
    }

    func testTheFirstSourceThatIsThereCounts() throws {
        let body = #"{"key": "in-the-body", "user": {"id": 42}}"#
        let fields = [("X-Token", "in-the-field"), ("Set-Cookie", "t=in-the-cookie")]
        for (sources, token) in [
            (["$.key", "header:X-Token"], "in-the-body"),
            (["header:X-Token", "$.key"], "in-the-field"),
            (["$.none", "cookie:none", "cookie:t", "$.key"], "in-the-cookie"),
            (["header:None", "$.key", "cookie:t"], "in-the-body"),
        ] {
            let harness = try harness(sources)
            try login(harness, body, fields)
            XCTAssertEqual(harness.learnt(token)?.user, "42", "\(sources)")
            XCTAssertEqual(harness.engine.metrics.learntTokens, 1)
        }
    }

    func testATokenThatVerifiesNeedsNoBody() throws {
        for body in [nil, "", "<html>"] as [String?] {
            let harness = try harness(["header:Authorization"])
            let token = try harness.token("42", name: "N")
            try login(harness, body, [("Authorization", "Bearer \(token)")])
            XCTAssertEqual(harness.status("42"), .online)
            XCTAssertEqual(harness.engine.view(user: "42", now: harness.now).name, "N")
            XCTAssertEqual(harness.total(.loginSeen), 1)
        }
        let other = try harness(["header:Authorization"])
        try login(other, nil, [("Authorization", opaque)])
        XCTAssertEqual(other.total(.loginNoUser), 1, "an opaque one says nothing by itself")
        XCTAssertEqual(other.engine.metrics.learntTokens, 0)
    }

    func testR19_WhatIsNoSecretOrNoFieldIsNotLearnt() throws {
        let harness = try harness(["$.key"])
        let bad = [
            "short77", "with spaces in it", "caf\u{E9}caf\u{E9}", "line\\nbreak",
            String(repeating: "x", count: 8 * 1024 + 1), "control\\u0001byte",
        ]
        for key in bad { try login(harness, #"{"key": "\#(key)", "user": {"id": 42}}"#) }
        for key in ["12345678901", "true", "null", "{}"] {
            try login(harness, #"{"key": \#(key), "user": {"id": 42}}"#)
        }
        XCTAssertEqual(harness.engine.metrics.learntTokens, 0)
        XCTAssertEqual(harness.total(.loginTokenUnusable), Int64(bad.count))
        XCTAssertEqual(harness.total(.loginSeen), Int64(bad.count))
        XCTAssertEqual(harness.total(.loginNoToken), 4)
        let good = ["eight888", String(repeating: "x", count: 8 * 1024)]
        for key in good { try login(harness, #"{"key": "\#(key)", "user": {"id": 42}}"#) }
        XCTAssertEqual(harness.engine.metrics.learntTokens, 2)
    }

    func testAJWTThatDoesNotVerifyIsNotLearnt() throws {
        let foreign = Array("some other secret of enough bytes".utf8)
        let harness = try harness(["$.key"])
        let forged = try harness.token("42", secret: foreign)
        let expired = try harness.token("42", lifetime: -100_000)
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9."
        for token in [forged, expired, unsigned] {
            try login(harness, #"{"key": "\#(token)", "user": {"id": 42}}"#)
        }
        XCTAssertEqual(harness.engine.metrics.learntTokens, 0)
        XCTAssertEqual(harness.total(.loginTokenUnusable), 3)
        XCTAssertEqual(harness.status("42"), .online, "whom the answer names is there")

        // Where no keys are configured nothing is a JWT.
        let plain = try self.harness(["$.key"], keys: false)
        try login(plain, #"{"key": "\#(forged)", "user": {"id": 42}}"#)
        XCTAssertEqual(plain.learnt(forged)?.user, "42")
    }

    func testThreeSegmentsAloneMakeNoJWT() throws {
        // A session cookie of Flask: payload, time, signature.
        let cookie = "eyJ1c2VyX2lkIjo0Mn0.ZfYV5A.9rX0Yp3q1u3mKqv2kHq0c1o5hTE"
        let harness = try harness(["cookie:session"])
        try login(harness, #"{"user": {"id": 42}}"#, [("Set-Cookie", "session=\(cookie)")])
        XCTAssertEqual(harness.learnt(cookie)?.user, "42")
    }

    func testNothingIsLearntWhereNothingShallBe() throws {
        let harness = try harness(["$.key"], learns: false)
        try login(harness, #"{"key": "\#(opaque)", "user": {"id": 42}}"#)
        XCTAssertNil(harness.learnt(opaque))
        XCTAssertEqual(harness.status("42"), .online)
    }

    func testAFailedLoginTeachesNothing() throws {
        let harness = try harness(["$.key", "header:X-Token"])
        for status in [304, 400, 401, 403, 500] {
            try login(
                harness, #"{"key": "\#(opaque)", "user": {"id": 42}}"#,
                [("X-Token", opaque)], status: status)
        }
        XCTAssertEqual(harness.engine.metrics.learntTokens, 0)
        XCTAssertEqual(harness.total(.loginFailed), 5)
        XCTAssertEqual(harness.status("42"), .offline)
    }

    // MARK: When it ends

    func testR19_TheAnswerSaysWhenItEnds() throws {
        let start = Harness.start
        let texts: [(String, Milliseconds?)] = [
            ("3600", start + 3_600_000), (#""3600""#, start + 3_600_000),
            ("3600.5", start + 3_600_500), ("315359999", start + 315_359_999_000),
            ("1790000100", 1_790_000_100_000), (#""1790000100""#, 1_790_000_100_000),
            ("1790000100123", 1_790_000_100_123),
            (#""2026-10-01T00:00:00Z""#, 1_790_812_800_000),
            (#""2026-10-01T02:00:00.5+02:00""#, 1_790_812_800_500),
            ("null", nil), (#""soon""#, nil), ("[]", nil), ("true", nil), (#""nan""#, nil),
            ("1e300", start + APILimits.claimTime),
        ]
        for (text, expires) in texts {
            let harness = try harness(["$.key"])
            try login(
                harness, #"{"key": "\#(opaque)", "user": {"id": 42}, "expires": \#(text)}"#)
            let token = harness.learnt(opaque)
            XCTAssertEqual(token?.user, "42", text)
            XCTAssertEqual(token?.expires, expires, text)
        }
    }

    func testR19_WhatIsOverIsNotLearnt() throws {
        for text in ["0", "-5", "-1e300", "1700000000", #""2020-01-01T00:00:00Z""#] {
            let harness = try harness(["$.key"])
            try login(
                harness, #"{"key": "\#(opaque)", "user": {"id": 42}, "expires": \#(text)}"#)
            XCTAssertEqual(harness.engine.metrics.learntTokens, 0, text)
            XCTAssertEqual(harness.total(.loginTokenUnusable), 1, text)
        }
    }

    // MARK: Cookies' dates

    func testCookieDates() {
        let times: [(String, Milliseconds?)] = [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 01-Jan-1970 00:00:01 GMT", 1_000),
            ("Thursday, 01-Jan-70 00:00:00 GMT", 0), ("Thu Jan  1 00:00:00 1970", 0),
            ("Wed, 21 Oct 2026 07:28:00 GMT", 1_792_567_680_000),
            ("Wed, 21 October 26 7:28:0", 1_792_567_680_000),
            ("2026 Oct 21 07:28:00", 1_792_567_680_000),
            ("", nil), ("never", nil), ("21 Oct 2026", nil), ("00:00:00", nil),
            ("Thu, 01 Jan 1600 00:00:00 GMT", nil), ("Thu, 31 Feb 2026 00:00:00 GMT", nil),
            ("Thu, 01 Jan 2026 24:00:00 GMT", nil), ("Thu, 01 Jan 2026 00:00 GMT", nil),
            ("1 1 1 1 1 1 1 1", nil), (String(repeating: "1 ", count: 100), nil),
        ]
        for (text, time) in times { XCTAssertEqual(CookieDate.parse(text), time, text) }
    }
}
