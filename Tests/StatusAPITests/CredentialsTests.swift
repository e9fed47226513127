// Owns where a credential is found in a request, and where it is not.
// Called by nobody: XCTest finds it.
// Never judges a credential.

import ProxyCore
import XCTest

@testable import StatusAPI

final class CredentialsTests: XCTestCase {
    static let usual: [TokenPlace] = TokenSettings.usualPlaces

    /// The token, or "conflict"; nil: none.
    private func find(
        _ target: String, _ fields: [String], socket: Bool = true,
        places: [TokenPlace] = CredentialsTests.usual
    ) -> String? {
        look(target, fields, socket: socket, places: places)?.token
    }

    private func look(
        _ target: String, _ fields: [String], socket: Bool, places: [TokenPlace]
    ) -> (token: String?, place: UInt8, scheme: String?)? {
        let text = "GET \(target) HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined()
        let bytes = Array((text + "\r\n").utf8)
        var head = RequestHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: false), .complete)
        var scratch = ByteBuffer()
        let credentials = Credentials(places)
        let found =
            socket
            ? credentials.ofSocket(head, bytes.rawSpan, scratch: &scratch)
            : credentials.ofRequest(head, bytes.rawSpan)
        switch found {
        case .none: return nil
        case .conflict: return ("conflict", 0, nil)
        case .shown(let shown):
            let token =
                shown.isDecoded
                ? scratch.bytes[shown.token].text() : bytes.rawSpan[shown.token].text()
            let scheme = shown.scheme.isEmpty ? nil : bytes.rawSpan[shown.scheme].text()
            return (token, shown.place, scheme)
        }
    }

    // MARK: Authorization

    func testAuthorization() {
        for (value, token) in [
            ("Bearer abc", "abc"), ("bEARER   abc", "abc"), ("Token abc", "abc"),
            ("jwt abc", "abc"), ("abc", "abc"), ("a.b.c", "a.b.c"), ("Bearerabc", "Bearerabc"),
            ("Tokenabc", "Tokenabc"),
        ] {
            for socket in [true, false] {
                XCTAssertEqual(find("/", ["authorization: \(value)"], socket: socket), token)
            }
        }
        for value in [
            "Basic abc", "Basic YTpi", "Bearer", "Bearer ", "token", "JWT", "", "Digest a=b, c=d",
            "Bearers abc", "Negotiate abc", "Beare abc",
        ] {
            XCTAssertNil(find("/", ["Authorization: \(value)"]), value)
        }
    }

    func testSchemeAsSent() {
        for (value, scheme) in [
            ("Bearer x", "Bearer"), ("bEArer  x", "bEArer"), ("TOKEN x", "TOKEN"), ("x", nil),
        ] {
            for places in [Self.usual, Self.usual + [.cookie("c")]] {
                let found = look(
                    "/", ["Authorization: \(value)"], socket: false, places: places)
                XCTAssertEqual(found?.scheme, scheme, value)
                XCTAssertEqual(found?.token, "x")
            }
        }
    }

    func testOneSchemeAlone() {
        let places: [TokenPlace] = [.header(name: "Authorization", scheme: "Token")]
        XCTAssertEqual(find("/", ["Authorization: Token abc"], places: places), "abc")
        XCTAssertEqual(find("/", ["Authorization: tOKEN abc"], places: places), "abc")
        for value in ["Bearer abc", "JWT abc", "abc", "Token", "Tokens abc"] {
            XCTAssertNil(find("/", ["Authorization: \(value)"], places: places), value)
        }
    }

    /// The application does not see it.
    func testADroppedFieldIsNone() {
        let places: [TokenPlace] = [.header(name: "X-Token", scheme: nil)]
        XCTAssertNil(find("/", ["Connection: x-token", "X-Token: abc"], places: places))
    }

    func testAuthorizationOnlyWhereConfigured() {
        let places: [TokenPlace] = [.cookie("c")]
        XCTAssertNil(find("/", ["Authorization: Bearer abc"], places: places))
        XCTAssertNil(find("/?token=abc", [], places: places))
    }

    // MARK: Other fields

    func testOtherFields() {
        let places: [TokenPlace] = [.header(name: "X-Auth-Token", scheme: nil)]
        for (field, token) in [
            ("X-Auth-Token: abc", "abc"), ("x-auth-token: Bearer abc", "abc"),
            ("X-AUTH-TOKEN: token  abc", "abc"),
        ] {
            XCTAssertEqual(find("/", [field], places: places), token)
            XCTAssertEqual(find("/", [field], socket: false, places: places), token)
        }
        for field in [
            "X-Auth-Token: Basic abc", "X-Auth-Token:", "X-Auth-Toke: abc", "X_Auth_Token: abc",
            "X-Auth-Tokens: abc", "Authorization: Bearer abc", "X-Auth-Token: bearer",
        ] {
            XCTAssertNil(find("/", [field], places: places), field)
        }
        let chosen: [TokenPlace] = [.header(name: "X-Auth-Token", scheme: "Key")]
        XCTAssertEqual(find("/", ["X-Auth-Token: key abc"], places: chosen), "abc")
        XCTAssertNil(find("/", ["X-Auth-Token: abc"], places: chosen))
    }

    func testAFieldThatTheParserKnows() {
        let places: [TokenPlace] = [.header(name: "X-Requested-With", scheme: nil)]
        XCTAssertEqual(find("/", ["X-Requested-With: abc"], places: places), "abc")
        XCTAssertEqual(
            find("/", ["X-Requested-With: a", "X-Requested-With: a"], places: places), "conflict")
    }

    // MARK: Cookies

    func testCookies() {
        let places: [TokenPlace] = [.cookie("sessionid")]
        for (line, token) in [
            ("sessionid=abc", "abc"), ("a=b; sessionid=abc", "abc"),
            ("sessionid=abc; csrftoken=x", "abc"), ("a=b;sessionid=abc;c", "abc"),
            ("  sessionid = abc ", "abc"), ("sessionid=a=b==", "a=b=="),
            ("a=sessionid; sessionid=abc", "abc"), ("sessionid=\"abc\"", "abc"),
            ("a=\"x; sessionid=abc", "abc"), ("asessionid=z; sessionid=abc;", "abc"),
        ] {
            XCTAssertEqual(find("/", ["Cookie: \(line)"], socket: false, places: places), token)
        }
        for line in [
            "", ";", "=", "sessionid", "sessionid=", "SessionID=abc", "sessionidx=abc",
            "xsessionid=abc", "a=sessionid=abc", "sessionid; abc", "session id=abc", "sess",
        ] {
            XCTAssertNil(find("/", ["Cookie: \(line)"], places: places), line)
        }
        XCTAssertNil(find("/", ["Set-Cookie: sessionid=abc"], places: places))
    }

    func testACookieInQuotesIsTheSameWithoutThem() {
        let places: [TokenPlace] = [.header(name: "X-Token", scheme: nil), .cookie("c")]
        for (line, token) in [
            (#"c="abc""#, "abc"), (#" c = "abc" ; d=e"#, "abc"), (#"d="x\"; c=abc"#, "abc"),
            // What servers read in different ways.
            (#"c="a\142c""#, "conflict"), (#"c=a\142c"#, "conflict"), (#"c="abc"#, "conflict"),
            (#"c=abc""#, "conflict"), (#"c="ab"c""#, "conflict"), (#"c=""abc"""#, "conflict"),
            (#"c=a"b"#, "conflict"), (#"c=""#, "conflict"), (#"c=\"#, "conflict"),
            (#"c="abc"; c=abc"#, "conflict"),
        ] {
            for socket in [true, false] {
                let found = find("/", ["Cookie: \(line)"], socket: socket, places: places)
                XCTAssertEqual(found, token, line)
            }
        }
        XCTAssertNil(find("/", [#"Cookie: c="""#], places: places))
        let fields = [#"Cookie: c="abc""#, "X-Token: abc"]
        XCTAssertEqual(find("/", fields, places: places), "abc")
    }

    func testR13ARepeatedCookieIsAConflict() {
        let places: [TokenPlace] = [.cookie("c")]
        for fields in [
            ["Cookie: c=a; c=a"], ["Cookie: c=a; b=x; c=b"], ["Cookie: c=a", "Cookie: c=b"],
            ["Cookie: c=; c=a"], ["Cookie: c=a; c="],
            // Two lines: servers join them in different ways.
            ["Cookie: c=a", "Cookie: b=x"], ["Cookie: b=x", "Cookie: c=a"],
        ] {
            XCTAssertEqual(
                find("/", fields, socket: false, places: places), "conflict", "\(fields)")
        }
        XCTAssertNil(find("/", ["Cookie: a=b", "Cookie: b=x"], places: places))
        XCTAssertEqual(find("/", ["Cookie: a=b; a=c; c=d"], places: places), "d")
    }

    // MARK: Disagreement

    func testR13TwoLinesAreAConflict() {
        let named: [TokenPlace] = [.header(name: "X-Token", scheme: nil)]
        for (places, field) in [
            (Self.usual, "Authorization"), (Self.usual + [.cookie("c")], "Authorization"),
            (named, "X-Token"),
        ] {
            for two in [
                ["Bearer a", "Bearer a"], ["Bearer a", "Basic b"], ["Basic b", "Bearer a"],
            ] {
                let fields = two.map { "\(field): \($0)" }
                XCTAssertEqual(find("/", fields, places: places), "conflict")
                XCTAssertEqual(find("/", fields, socket: false, places: places), "conflict")
            }
        }
    }

    func testR21PlacesMustAgree() {
        let places: [TokenPlace] = [
            .header(name: "Authorization", scheme: nil), .header(name: "X-Token", scheme: nil),
            .cookie("c"), .cookie("d"), .query("token"),
        ]
        for (target, fields, token) in [
            ("/", ["Authorization: Bearer a", "Cookie: c=a"], "a"),
            ("/", ["Authorization: Bearer a", "Cookie: c=b"], "conflict"),
            ("/", ["Authorization: Bearer a", "X-Token: a", "Cookie: c=a; d=a"], "a"),
            ("/", ["Authorization: Bearer a", "X-Token: b", "Cookie: c=a; d=a"], "conflict"),
            ("/", ["Authorization: Bearer a", "X-Token: a", "Cookie: c=a; d=b"], "conflict"),
            ("/", ["Cookie: c=a; d=b"], "conflict"), ("/", ["Cookie: c=a; d=a"], "a"),
            // What is no token disagrees with nothing.
            ("/", ["Authorization: Basic x", "Cookie: c=a"], "a"),
            ("/", ["Authorization: Basic x", "X-Token: b"], "b"),
            // But a place that is a conflict itself is one for all.
            ("/", ["X-Token: a", "Cookie: c=a; c=a"], "conflict"),
            ("/", ["Cookie: c=a; c=b", "X-Token: a"], "conflict"),
        ] {
            for socket in [true, false] {
                XCTAssertEqual(
                    find(target, fields, socket: socket, places: places), token, "\(fields)")
            }
        }
        for (target, fields, token) in [
            ("/?token=a", ["Cookie: c=a"], "a"), ("/?token=a", ["Cookie: c=b"], "conflict"),
            ("/?token=a", ["Authorization: Bearer a"], "a"),
            ("/?token=a", ["Authorization: Bearer b"], "conflict"),
            ("/?token=a", ["Sec-WebSocket-Protocol: bearer, b"], "conflict"),
            ("/", ["Authorization: Bearer x", "Sec-WebSocket-Protocol: bearer, x"], "x"),
            ("/", ["Cookie: c=x", "Sec-WebSocket-Protocol: bearer, y"], "conflict"),
        ] {
            XCTAssertEqual(find(target, fields, places: places), token, "\(target) \(fields)")
        }
    }

    /// Of places that agree, the one that another site's page could not have filled is named.
    func testR21AnExplicitPlaceComesBeforeACookie() {
        let places: [TokenPlace] = [
            .cookie("c"), .header(name: "X-Token", scheme: nil), .query("token"),
        ]
        let cookie = look("/", ["Cookie: c=a"], socket: true, places: places)
        XCTAssertEqual(cookie?.place, 0)
        let field = look("/", ["Cookie: c=a", "X-Token: a"], socket: true, places: places)
        XCTAssertEqual(field?.place, 1)
        let query = look("/?token=a", ["Cookie: c=a"], socket: true, places: places)
        XCTAssertEqual(query?.place, 2)
        let offered = look(
            "/", ["Cookie: c=a", "Sec-WebSocket-Protocol: bearer, a"], socket: true,
            places: places)
        XCTAssertEqual(offered?.place, Credentials.subprotocol)
    }

    // MARK: Sockets

    func testR13QueryOnlyForSockets() {
        XCTAssertEqual(find("/?a=1&token=a%2Eb", []), "a.b")
        XCTAssertEqual(find("/?token=abc", []), "abc")
        XCTAssertNil(find("/?token=abc", [], socket: false))
        XCTAssertNil(find("/?token=", []))
        XCTAssertNil(find("/?mytoken=abc", []))
        XCTAssertEqual(find("/?token=a%2", []), "conflict")
        XCTAssertEqual(find("/?token=a&token=b", []), "conflict")
        XCTAssertEqual(find("/?token=a&token=a", []), "a")
    }

    func testOtherParameters() {
        let places: [TokenPlace] = [.query("auth"), .query("access_token")]
        XCTAssertEqual(find("/?auth=abc", [], places: places), "abc")
        XCTAssertEqual(find("/?access_token=abc", [], places: places), "abc")
        XCTAssertEqual(find("/?access_token=abc&auth=abd", [], places: places), "conflict")
        XCTAssertNil(find("/?token=abc", [], places: places))
        XCTAssertEqual(Credentials(places).queryNames, ["auth", "access_token"])
    }

    func testSubprotocol() {
        XCTAssertEqual(find("/", ["Sec-WebSocket-Protocol: bearer, abc"]), "abc")
        XCTAssertEqual(find("/", ["Sec-WebSocket-Protocol: v1, Bearer ,abc"]), "abc")
        XCTAssertNil(find("/", ["Sec-WebSocket-Protocol: bearer"]))
        XCTAssertNil(find("/", ["Sec-WebSocket-Protocol: bearer, "]))
        XCTAssertNil(find("/", ["Sec-WebSocket-Protocol: abc, bearer"]))
        XCTAssertNil(find("/", ["Sec-WebSocket-Protocol: bearer, abc"], socket: false))
        let twice = ["Sec-WebSocket-Protocol: bearer, a", "Sec-WebSocket-Protocol: bearer, a"]
        XCTAssertEqual(find("/", twice), "conflict")
    }

    /// The quick way and the general one must say the same of Authorization.
    func testBothWaysAgree() {
        let general: [TokenPlace] = Self.usual + [.cookie("none")]
        for value in [
            "Bearer a", "bearer  a b", "Bearer ", "Bearer", "BEARER a", "Bearer\ta", "Token a",
            "jwt   a", "a", "Basic a", "a b", "", "Bearer a,b", "Bearerx a", "Bear a",
        ] {
            let fields = ["Authorization: \(value)"]
            XCTAssertEqual(
                find("/", fields, socket: false),
                find("/", fields, socket: false, places: general), value)
        }
    }
}
