// Owns the tests of reading `credentials`: how a login's request says who wants in.
// Called by the test runner.
// Never signs anybody in: Tests/EndToEnd/test_dashboard.py does.

import ProxyCore
import StatusAPI
import XCTest

@testable import Sidecar

final class ConfigCredentialsTests: XCTestCase {
    private func credentials(_ more: String) throws -> LoginCredentials? {
        let config = ConfigSample.read(
            "{ upstream: { servers: [\"http://app\"] }, routes: [{ match: \"POST /in\","
                + " on: \"login\", user: \"$.id\"\(more) }] }"
        ).config
        guard case .login(let paths) = try XCTUnwrap(config?.routes.first).action else {
            XCTFail("no login")
            return nil
        }
        return paths.credentials
    }

    func testReads() throws {
        XCTAssertNil(try credentials(""))
        let email = try XCTUnwrap(try credentials(", credentials: { username: \"$.email\" }"))
        XCTAssertEqual(email.username.text, "$.email")
        XCTAssertEqual(email.password.text, "$.password")
        let nested = try XCTUnwrap(
            try credentials(
                ", credentials: { username: \"$.user.email\", password: \"$.user['pass word']\" }"))
        XCTAssertEqual(nested.username.names, ["user", "email"])
        XCTAssertEqual(nested.password.names, ["user", "pass word"])
        let code = try XCTUnwrap(try credentials(", credentials: { password: \"$.code\" }"))
        XCTAssertEqual(code.username.text, "$.username")
    }

    func testSaysWhatTheDashboardDoesNotUse() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "GET /a", on: "login", user: "$.id", credentials: { username: "$.email" } },
                { match: "POST /{tenant}/in", on: "login", user: "$.id", credentials: { username: "$.email" } },
                { match: "POST /b", on: "login", user: "$.id", credentials: { username: "$.email" } },
                { match: "POST /c", on: "login", user: "$.id" },
                { match: "POST /d", on: "login", user: "$.id", credentials: { username: "$.email" } },
              ],
            }
            """#,
            [
                #"c:4: routes[0].credentials: warning: is not used: the dashboard signs people in by a login that takes POST, at a path without {} and *"#,
                #"c:5: routes[1].credentials: warning: is not used: the dashboard signs people in by a login that takes POST, at a path without {} and *"#,
                #"c:8: routes[4].credentials: warning: is not used: the dashboard signs people in by the login in line 6"#,
            ])
    }

    func testFindings() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "POST /a", on: "login", user: "$.id", credentials: "email" },
                { match: "POST /b", on: "login", user: "$.id", credentials: {} },
                { match: "POST /c", on: "login", user: "$.id", credentials: { usernam: "$.email" } },
                { match: "POST /d", on: "login", user: "$.id", credentials: { username: "email" } },
                { match: "POST /e", on: "login", user: "$.id", credentials: { username: "$.users[0]" } },
                { match: "POST /f", on: "login", user: "$.id", credentials: { username: "$" } },
                { match: "POST /g", on: "login", user: "$.id", credentials: { username: "$.*" } },
                { match: "POST /h", on: "login", user: "$.id", credentials: { username: "$.password" } },
                { match: "POST /i", on: "login", user: "$.id", credentials: { username: "$.a", password: "$['a'].b" } },
                { match: "POST /j", on: "logout", credentials: { username: "$.email" } },
                { match: "POST /k", credentials: { username: "$.email" } },
                { match: "POST /l", on: "login", user: "$.id", credentials: { username: 5, password: "$.pin" } },
              ],
            }
            """#,
            [
                #"c:4: routes[0].credentials: expected an object, found "email": write { username: "$.email" }"#,
                #"c:5: routes[1].credentials: is empty: write { username: "$.email" }"#,
                #"c:6: routes[2].credentials: warning: is not used: the dashboard signs people in by the login in line 4"#,
                #"c:6: routes[2].credentials.usernam: unknown key: did you mean "username"?"#,
                #"c:7: routes[3].credentials.username: "email" is no path: a path begins with '$', like "$.user.id""#,
                #"c:8: routes[4].credentials.username: names no member of an object: write one, like "$.email""#,
                #"c:9: routes[5].credentials.username: names no member of an object: write one, like "$.email""#,
                #"c:10: routes[6].credentials.username: names several places: write one, like "$.email""#,
                #"c:11: routes[7].credentials: puts both in one place, $.password and $.password: write { username: "$.email" }, or a place of its own for each"#,
                #"c:12: routes[8].credentials: puts both in one place, $.a and $['a'].b: write { username: "$.email" }, or a place of its own for each"#,
                #"c:13: routes[9].credentials: is what a login asks for: add on: "login" or leave it out"#,
                #"c:14: routes[10].credentials: is what a login asks for: add on: "login" or leave it out"#,
                #"c:15: routes[11].credentials.username: expected a string, found the number 5: write "$.email""#,
            ])
    }
}
