// Owns the tests of reading `inject` of a route.
// Called by XCTest.
// Never looks at a page.

import StatusAPI
import XCTest

@testable import Sidecar

final class ConfigInjectTests: XCTestCase {
    func testFindings() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "GET /a", inject: "yes" },
                { match: "GET /b", inject: {} },
                { match: "GET /c", inject: { token_cookie: "a b" } },
                { match: "GET /d", inject: { token_storage: "a\nb", token_cooky: "x" } },
                { match: "GET /e", inject: { token_callback: "app.token" } },
                { match: "GET /f", inject: { token_header: "X Token" } },
                { match: "GET /g", inject: { token_header: "" } },
                { match: "GET /h", inject: { dots: [] } },
                { match: "GET /i", inject: { dots: ["a.user", "a[href='/{id}']", "a[x={id}]", "[a='{id}{id}']"] } },
                { match: "GET /j", inject: { dots: "a" } },
                { match: "GET /k", inject: { away_after: "5" } },
                { match: "GET /l", inject: { away_after: "10ms" } },
                { match: "POST /m", on: "login", user: "$.id", inject: true },
                { match: "POST /n", on: "refresh", token: "$.t", inject: { token_cookie: "a" } },
                { match: "GET /o", serve: "online", inject: { token_cookie: "a" } },
                { match: "POST /p", on: "login", user: "$.id", inject: false },
                { match: "GET /q", inject: null },
                { match: "GET /r", inject: { dots_role: "img" } },
              ],
            }
            """#,
            [
                #"c:4: routes[0].inject: expected true, false or an object, found "yes": write true, or { token_cookie: "access_token" }"#,
                #"c:5: routes[1].inject: is empty: write true, or { token_cookie: "access_token" }"#,
                #"c:6: routes[2].inject.token_cookie: "a b" is no name of a cookie: write something like "access_token""#,
                "c:7: routes[3].inject.token_storage: \"a?b\" has a character that cannot be printed: write something like \"access\"",
                #"c:7: routes[3].inject.token_cooky: unknown key: did you mean "token_cookie"?"#,
                #"c:8: routes[4].inject.token_callback: "app.token" is no name of a function: write something like "getToken""#,
                #"c:9: routes[5].inject.token_header: "X Token" is no field with a scheme: write something like "Authorization: Token""#,
                #"c:10: routes[6].inject.token_header: is empty: write something like "Authorization: Token""#,
                #"c:11: routes[7].inject.dots: is empty: write ["a[href='/people/{id}/']"]"#,
                #"c:12: routes[8].inject.dots[0]: "a.user" does not say once where the {id} stands: write something like "a[href='/people/{id}/']""#,
                #"c:12: routes[8].inject.dots[2]: "a[x={id}]" does not have the {id} within a quoted value: write something like "a[href='/people/{id}/']""#,
                #"c:12: routes[8].inject.dots[3]: "[a='{id}{id}']" does not say once where the {id} stands: write something like "a[href='/people/{id}/']""#,
                #"c:13: routes[9].inject.dots: expected a list, found "a": write ["a[href='/people/{id}/']"]"#,
                #"c:14: routes[10].inject.away_after: "5" is no duration: write a whole number and ms, s, m, h or d, like "5m""#,
                #"c:15: routes[11].inject.away_after: "10ms" is too short: write "1s" or more"#,
                #"c:16: routes[12].inject: contradicts on: "login", whose answers are read as they are: put pages on a route of their own"#,
                #"c:17: routes[13].inject: contradicts on: "refresh", whose answers are read as they are: put pages on a route of their own"#,
                #"c:18: routes[14].serve: contradicts "enrich" and "inject", which change what the backend answers; keep one of them"#,
                #"c:20: routes[16].inject: null means nothing here: write a value or leave the key out"#,
                #"c:21: routes[17].inject.dots_role: "img" is no role: write "button" or "picture""#,
            ])
    }

    func testWhatTheScriptIsTold() throws {
        let config = try XCTUnwrap(
            ConfigSample.read(
                #"""
                {
                  upstream: { servers: ["http://app"] },
                  routes: [
                    { match: "GET /a/**", inject: true },
                    { match: "GET /b/**", inject: false },
                    { match: "GET /c/**", inject: {
                        token_cookie: "access_token", token_storage: "auth:$.access",
                        token_callback: "getToken", token_header: "Authorization: Token",
                        away_after: "2m", dots: ["a[href='/people/{id}/']", "tr[data-user=\"{id}\"]"],
                    } },
                    { match: "GET /d/**", inject: { away_after: null } },
                    { match: "GET /e/**" },
                    { match: "GET /f/**", inject: { dots_role: "picture" } },
                    { match: "GET /g/**", inject: { dots_role: "button" } },
                  ],
                }
                """#
            ).config)
        XCTAssertEqual(
            config.routes.map(\.inject),
            [
                [], nil,
                [
                    ScriptAttribute("data-token-cookie", "access_token"),
                    ScriptAttribute("data-token-storage", "auth:$.access"),
                    ScriptAttribute("data-token-callback", "getToken"),
                    ScriptAttribute("data-token-header", "Authorization: Token"),
                    ScriptAttribute("data-away-after", "120"),
                    ScriptAttribute(
                        "data-presence-dots", "a[href='/people/{id}/']\ntr[data-user=\"{id}\"]"),
                ],
                [ScriptAttribute("data-away-after", "off")], nil,
                [ScriptAttribute("data-dots", "picture")], [],
            ])
        XCTAssertEqual(config.routes.map { $0.passing.inject }, config.routes.map(\.inject))
        XCTAssertEqual(
            RoutesCommand.explain(config, method: "GET", path: "/a/x"),
            [
                "routes[0] in line 4: \"GET /a/**\"", "forwarded; counts as activity",
                "the client script's tag goes into its pages",
            ])
        XCTAssertEqual(
            RoutesCommand.explain(config, method: "GET", path: "/c/x").last,
            "the client script's tag goes into its pages, with data-token-cookie=\"access_token\""
                + " data-token-storage=\"auth:$.access\" data-token-callback=\"getToken\""
                + " data-token-header=\"Authorization: Token\" data-away-after=\"120\""
                + " data-presence-dots=\"a[href='/people/{id}/']\\ntr[data-user=\"{id}\"]\"")
    }
}
