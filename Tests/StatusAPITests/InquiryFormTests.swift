// Owns what a question looks like on the wire, and what is made of the answers.
// Called by the test runner.
// Never opens a socket.

import ProxyCore
import XCTest

@testable import StatusAPI

final class InquiryFormTests: XCTestCase {
    private func form(
        _ question: Question, _ settings: IntrospectionSettings? = nil
    ) throws -> InquiryForm {
        let settings = try settings ?? Asking.settings()
        return try XCTUnwrap(InquiryForm(question, settings))
    }

    private func value(_ name: String, _ form: InquiryForm) -> String? {
        let found = form.fields.filter { $0.0.lowercased() == name.lowercased() }
        XCTAssertLessThanOrEqual(found.count, 1, name)
        return found.first?.1
    }

    func testR20ACookieGoesAloneToTheConfiguredPath() throws {
        let form = try form(Asking.question("abc=d\"e f,g", host: "app.example:8443"))
        XCTAssertEqual(form.method, "GET")
        XCTAssertEqual(form.path, "/api/me/")
        XCTAssertEqual(value("Cookie", form), "sessionid=abc=d\"e f,g")
        XCTAssertNil(value("Authorization", form))
        XCTAssertEqual(value("Host", form), "app.example:8443")
        XCTAssertEqual(value("X-Forwarded-Proto", form), "https")
        XCTAssertEqual(value("Accept", form), "application/json")
        XCTAssertEqual(value("User-Agent", form), "presence-sidecar")
        XCTAssertEqual(value("Via", form), "1.1 presence-sidecar")
        XCTAssertEqual(form.fields.count, 6)
        XCTAssertTrue(form.body.isEmpty)
    }

    func testR20AFieldGoesExactlyAsItWasSent() throws {
        let authorization = TokenPlace.header(name: "Authorization", scheme: nil)
        let token = Asking.question("abc", authorization, scheme: "tOkEn", secure: false)
        XCTAssertEqual(value("Authorization", try form(token)), "tOkEn abc")
        XCTAssertEqual(value("X-Forwarded-Proto", try form(token)), "http")
        XCTAssertNil(value("Cookie", try form(token)))
        let bare = Asking.question("abc", .header(name: "X-Auth-Token", scheme: nil))
        XCTAssertEqual(value("X-Auth-Token", try form(bare)), "abc")
        let pinned = Asking.question("abc", .header(name: "Authorization", scheme: "Token"))
        XCTAssertEqual(value("Authorization", try form(pinned)), "Token abc")
        let latin = Asking.question("caf\u{e9}", .header(name: "X-Auth-Token", scheme: nil))
        XCTAssertEqual(value("X-Auth-Token", try form(latin)), "caf\u{e9}")
    }

    func testATokenOfAQueryIsShownWhereTheServerLooks() throws {
        let question = Asking.question("abc", .query("token"))
        XCTAssertEqual(value("Authorization", try form(question)), "Bearer abc")
        let cookie = try Asking.settings { $0.shownAs = .cookie("sid") }
        XCTAssertEqual(value("Cookie", try form(question, cookie)), "sid=abc")
        let token = try Asking.settings {
            $0.shownAs = .header(name: "Authorization", scheme: "Token")
        }
        XCTAssertEqual(value("Authorization", try form(question, token)), "Token abc")
    }

    func testNothingCanBeSmuggledIntoTheHead() throws {
        let settings = try Asking.settings()
        let places: [TokenPlace] = [
            .query("token"), .cookie("s"), .header(name: "Authorization", scheme: nil),
        ]
        for place in places {
            for token in [
                "a\r\nX-User: 1", "a\nb", "a\rb", "a\0b", "a\u{7f}", "a\tb", "a\u{1b}b", "",
            ] {
                let question = Asking.question(token, place)
                XCTAssertNil(InquiryForm(question, settings), "\(token.debugDescription) \(place)")
                XCTAssertFalse(InquiryForm.canCarry(question, settings))
            }
        }
        XCTAssertNil(InquiryForm(Asking.question("a; admin=1", .cookie("s")), settings))
        let shown = try Asking.settings { $0.shownAs = .cookie("sid") }
        XCTAssertNil(InquiryForm(Asking.question("a;admin=1", .query("token")), shown))
        let scheme = Asking.question(
            "a", .header(name: "Authorization", scheme: nil), scheme: "Bearer\r\nX: y")
        XCTAssertNil(InquiryForm(scheme, settings))
        let long = String(repeating: "a", count: Limits.tokenBytes + 1)
        XCTAssertNil(InquiryForm(Asking.question(long), settings))
        let broken = Question(
            digest: Asking.digest("x"), token: [0xFF, 0xFE], place: .cookie("s"), host: [],
            secure: true)
        XCTAssertNil(InquiryForm(broken, settings))
    }

    func testAHostThatCouldHurtIsNotPassedOn() throws {
        for host in ["", "a b", "a\r\nX: y", "a,b", "a\0", String(repeating: "h", count: 600)] {
            XCTAssertNil(value("Host", try form(Asking.question("abc", host: host))), host)
        }
    }

    func testR20TheStandardFormCodesTheTokenAndTheClient() throws {
        let settings = try Asking.standard(clientID: "side:car", secret: "p%s w")
        let form = try form(Asking.question("a+b/c=&x=1\r\n"), settings)
        XCTAssertEqual(form.method, "POST")
        XCTAssertNil(form.path)
        XCTAssertEqual(
            String(decoding: form.body, as: UTF8.self),
            "token=a%2Bb%2Fc%3D%26x%3D1%0D%0A&token_type_hint=access_token")
        XCTAssertEqual(value("Content-Type", form), "application/x-www-form-urlencoded")
        // "side%3Acar:p%25s+w"
        XCTAssertEqual(value("Authorization", form), "Basic c2lkZSUzQWNhcjpwJTI1cyt3")
        XCTAssertNil(value("Cookie", form))
        XCTAssertNil(value("Host", form))
        let open = try Asking.standard(clientID: nil, secret: nil)
        XCTAssertNil(value("Authorization", try self.form(Asking.question("a"), open)))
    }

    func testAQuestionOfASidecarIsKnownAsSuch() {
        for (agent, isOurs) in [("presence-sidecar", true), ("Mozilla/5.0", false)] {
            let bytes = Array(
                "GET /api/me/ HTTP/1.1\r\nHost: a\r\nUser-Agent: \(agent)\r\n\r\n".utf8)
            var head = RequestHead()
            _ = head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: false)
            XCTAssertEqual(InquiryForm.isQuestion(head, bytes.rawSpan), isOurs)
        }
    }
}

final class InquiryAnswerTests: XCTestCase {
    private let now = Asking.start

    private func finding(
        _ status: Int, _ body: String, _ settings: IntrospectionSettings
    ) -> InquiryFinding {
        InquiryAnswer(settings: settings).finding(
            status: status, body: Array(body.utf8), digest: Asking.digest("t"), now: now)
    }

    private func identity(_ finding: InquiryFinding) -> OpaqueIdentity? {
        guard case .known(let identity) = finding.outcome else { return nil }
        return identity
    }

    func testR20OnlyWhatNamesAPersonPlainlyIsKnown() throws {
        let settings = try Asking.settings()
        let named: [(body: String, user: String)] = [
            (#"{"id": 42}"#, "42"), (#"{"id": "42"}"#, "42"),
            (#"{"id": "a@b.example"}"#, "a@b.example"),
            (#"{"id": -7}"#, "-7"),
            (
                #"{"id": "\#(String(repeating: "u", count: 256))"}"#,
                String(repeating: "u", count: 256)
            ),
        ]
        for (body, user) in named {
            XCTAssertEqual(identity(finding(200, body, settings))?.user, user, body)
        }
        let unnamed = [
            "", "null", "[]", "{}", #"{"id": null}"#, #"{"id": true}"#, #"{"id": 4.2}"#,
            #"{"id": 42.0}"#, #"{"id": 4e1}"#, #"{"id": -0}"#, #"{"id": ""}"#, #"{"id": {}}"#,
            #"{"id": [1]}"#, #"{"id": "a\u0000b"}"#, #"{"id": "a\nb"}"#, #"{"id": 1, "id": 2}"#,
            #"{"id": "\#(String(repeating: "u", count: 257))"}"#, "<html>42</html>",
            #"{"id": 42} {"id": 43}"#, "{\"id\": \"\u{85}\"}", #"{"id": 99999999999999999999}"#,
            String(repeating: "[", count: 20_000),
        ]
        for body in unnamed {
            let found = finding(200, body, settings)
            XCTAssertEqual(found.outcome, .unclear, body)
            XCTAssertFalse(found.reason.isEmpty)
        }
    }

    func testR20StatusesDecide() throws {
        let settings = try Asking.settings()
        let body = #"{"id": 42}"#
        let outcomes: [(Int, InquiryOutcome)] = [
            (401, .refused), (403, .refused), (301, .unclear), (302, .unclear), (304, .unclear),
            (400, .unclear), (404, .unclear), (405, .unclear), (500, .unclear), (429, .unclear),
            (502, .silent), (503, .silent), (504, .silent), (101, .unclear),
        ]
        for (status, outcome) in outcomes {
            XCTAssertEqual(finding(status, body, settings).outcome, outcome, "\(status)")
        }
        XCTAssertNotNil(identity(finding(203, body, settings)))
        XCTAssertEqual(finding(204, "", settings).outcome, .unclear)
    }

    func testAnAdminIsOnlyWhoIsTrulyOne() throws {
        let settings = try Asking.settings()
        for (text, isAdmin) in [
            ("true", true), ("false", false), ("1", false), (#""true""#, false), ("[true]", false),
            ("null", false), ("{}", false),
        ] {
            let body = #"{"id": 42, "username": "Ann", "is_staff": \#(text)}"#
            let found = identity(finding(200, body, settings))
            XCTAssertEqual(found?.isAdmin, isAdmin, text)
            XCTAssertEqual(found?.name, "Ann")
        }
        let without = try Asking.settings { $0.admin = nil }
        XCTAssertEqual(
            identity(finding(200, #"{"id": 42, "is_staff": true}"#, without))?.isAdmin, false)
    }

    func testTheSessionIsTheAnswersOrTheCredentialItself() throws {
        let own = try Asking.settings()
        let body = #"{"id": 42, "sid": "s1"}"#
        XCTAssertEqual(
            identity(finding(200, body, own))?.session,
            SessionNames.tag(user: "42", session: nil, Asking.digest("t")))
        let named = try Asking.settings { $0.session = try JSONPath("$.sid") }
        XCTAssertEqual(
            identity(finding(200, body, named))?.session,
            SessionNames.tag(user: "42", session: "s1", Asking.digest("other")))
        // The same session as that of a token with claims.
        let claims = TokenClaims(user: "42", session: "s1", expires: 0, goodUntil: 0)
        XCTAssertEqual(
            identity(finding(200, body, named))?.session,
            SessionNames.tag(claims, Asking.digest("jwt")))
    }

    func testR20TheStandardAnswerIsRead() throws {
        let settings = try Asking.standard()
        let seconds = now / 1_000
        let table: [(String, InquiryOutcome?)] = [
            (#"{"active": true, "sub": "42"}"#, nil),
            (#"{"active": true, "sub": "42", "exp": \#(seconds + 30)}"#, nil),
            (#"{"active": false}"#, .refused), (#"{"active": false, "sub": "42"}"#, .refused),
            (#"{"active": true, "sub": "42", "exp": \#(seconds)}"#, .refused),
            (#"{"active": true, "sub": "42", "exp": "soon"}"#, .unclear),
            (#"{"active": true, "sub": "42", "token_type": "Refresh"}"#, .refused),
            (#"{"active": true}"#, .unclear), (#"{"sub": "42"}"#, .unclear),
            (#"{"active": "true", "sub": "42"}"#, .unclear),
            (#"{"active": 1, "sub": "42"}"#, .unclear),
        ]
        for (body, outcome) in table {
            let found = finding(200, body, settings)
            if let outcome {
                XCTAssertEqual(found.outcome, outcome, body)
            } else {
                XCTAssertEqual(identity(found)?.user, "42", body)
            }
        }
        XCTAssertEqual(identity(finding(200, table[0].0, settings))?.goodUntil, now + 60_000)
        XCTAssertEqual(identity(finding(200, table[1].0, settings))?.goodUntil, now + 30_000)
        let endless = #"{"active": true, "sub": "42", "exp": 1e300}"#
        XCTAssertEqual(identity(finding(200, endless, settings))?.goodUntil, now + 60_000)
    }

    func testThatWeAreNotAcceptedSpeaksAgainstNobody() throws {
        let settings = try Asking.standard()
        for status in [401, 403] {
            let found = finding(status, "", settings)
            XCTAssertEqual(found.outcome, .unclear)
            XCTAssertTrue(found.reason.contains("client_id"))
        }
    }
}
