// Owns the tests of findings about routes.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigReaderTests.

import XCTest

@testable import Sidecar

final class ConfigRouteFindingTests: XCTestCase {
    func testUnknownRouteActions() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "POST /login", on: "signin" },
                { match: "POST /out", on: "logut" },
                { match: "GET /a", serve: "onlin" },
                { match: "GET /b", serve: "healthz" },
                { match: "GET /c", serve: "event" },
                { match: "GET /d", serve: "events" },
                { match: "GET /e", serve: "changes" },
                { match: "GET /f", serve: "history" },
                { match: "GET /g/{id}", serve: "history" },
              ],
            }
            """#,
            [
                #"c:4: routes[0].on: unknown value "signin": write "login", "logout", "refresh" or "heartbeat""#,
                #"c:5: routes[1].on: unknown value "logut": did you mean "logout"? Known are "login", "logout", "refresh" and "heartbeat""#,
                #"c:6: routes[2].serve: unknown value "onlin": did you mean "online"? Known are "heartbeat", "user", "set-status", "online", "users", "query", "websocket", "stats", "whoami", "changes", "events" and "history""#,
                #"c:7: routes[3].serve: unknown value "healthz": write "heartbeat", "user", "set-status", "online", "users", "query", "websocket", "stats", "whoami", "changes", "events" or "history""#,
                #"c:8: routes[4].serve: unknown value "event": did you mean "events"? Known are "heartbeat", "user", "set-status", "online", "users", "query", "websocket", "stats", "whoami", "changes", "events" and "history""#,
                #"c:11: routes[7].serve: "history" needs the user's id: put {id} into match, like "GET /users/{id}/""#,
            ])
    }

    func testContradictoryRoutes() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "POST /beat", on: "heartbeat", serve: "heartbeat" },
                { match: "GET /users/x", serve: "user" },
                { match: "POST /login", on: "login" },
                { match: "POST /login2", on: "logout", token: "$.access" },
                { match: "GET /n", track: false, activity: true },
                { match: "POST /out", on: "logout", track: false },
                { match: "GET /e", serve: "online", enrich: { items: "$.a[*]" } },
                { on: "logout" },
                { match: "POST /login3", on: "login", token: "access", user: "$.users[*].id", name: 5 },
                { match: "GET /_presence/x", track: false },
                "GET /x",
              ],
            }
            """#,
            [
                #"c:4: routes[0].serve: contradicts "on": "on" watches what the backend answers, "serve" answers in its place; keep one of them"#,
                #"c:5: routes[1].serve: "user" needs the user's id: put {id} into match, like "GET /users/{id}/""#,
                #"c:6: routes[2].on: nothing says who has logged in: add token: "$.access" or user: "$.user.id""#,
                #"c:7: routes[3].token: is read from the answer to a login or a refresh only: add on: "login" or leave it out"#,
                #"c:8: routes[4].track: contradicts activity: true; keep one of them"#,
                #"c:9: routes[5].track: contradicts "on": what is watched counts; keep one of them"#,
                #"c:10: routes[6].serve: contradicts "enrich" and "inject", which change what the backend answers; keep one of them"#,
                #"c:11: routes[7]: match is missing: write match: "GET /path/**""#,
                #"c:12: routes[8].token: "access" is no path: a path begins with '$', like "$.user.id""#,
                #"c:12: routes[8].user: names several places: write one, like "$.user.id""#,
                #"c:12: routes[8].name: expected a string, found the number 5: write "$.user.username""#,
                #"c:13: routes[9].match: warning: is never reached: the sidecar itself answers under /_presence; write another path or another api.prefix"#,
                #"c:14: routes[10]: expected an object, found "GET /x": write { match: "GET /ws/presence/", serve: "websocket" }"#,
            ])
    }

    func testR19_LoginsThatHandOutTokens() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "POST /a", on: "login", token: "header:Authorization" },
                { match: "POST /b", on: "login", token: "cookie:sessionid", user: "$.id", expires: "$.exp" },
                { match: "POST /c", on: "login", token: ["$.access", "cookie:a b"], user: "$.id" },
                { match: "POST /d", on: "login", token: "header:Set-Cookie", user: "$.id" },
                { match: "POST /e", on: "login", token: "header:Content-Type", user: "$.id" },
                { match: "POST /f", on: "refresh" },
                { match: "POST /g", on: "refresh", token: "$.access" },
                { match: "POST /h", on: "login", user: "$.id", expires: "$.expires_in" },
                { match: "POST /i", on: "logout", expires: "$.x" },
                { match: "POST /j", on: "login", token: "query:t", user: "$.id" },
                { match: "POST /k", on: "login", token: [], user: "$.id" },
                { match: "POST /l", on: "login", token: "$.access" },
              ],
            }
            """#,
            [
                #"c:4: routes[0].token: is opaque, since there are no tokens.keys to read it with, and says not who has logged in: add user: "$.user.id""#,
                #"c:6: routes[2].token[1]: "a b" is no name of a cookie: write letters, digits, '-' and '_', like "cookie:sessionid""#,
                #"c:7: routes[3].token: a cookie is named by itself: write "cookie:NAME""#,
                #"c:8: routes[4].token: "Content-Type" means something else already: write the field that carries the token, like "header:Authorization""#,
                #"c:9: routes[5].on: nothing says where the new token stands: add token: "$.access""#,
                #"c:11: routes[7].expires: says until when a token is good: add token: "$.access" or leave it out"#,
                #"c:12: routes[8].expires: is read from the answer to a login or a refresh only: add on: "login" or leave it out"#,
                #"c:13: routes[9].token: "query:t" is no path: a path begins with '$', like "$.user.id""#,
                #"c:14: routes[10].token: is empty: write "$.access""#,
                #"c:15: routes[11].token: is opaque, since there are no tokens.keys to read it with, and says not who has logged in: add user: "$.user.id""#,
            ])
    }

    func testR18_RequiredTokens() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: { keys: [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }] },
              routes: [
                { match: "GET /a/**", require: true },
                { match: "GET /b", serve: "online", require: true },
                { match: "POST /c", on: "login", token: "$.access", require: true },
                { match: "POST /d", on: "refresh", token: "$.access", require: true },
                { match: "POST /e", on: "logout", require: true },
                { match: "POST /f", require: "yes" },
                { match: "POST /g", on: "login", token: "$.access", require: false },
              ],
            }
            """#,
            [
                #"c:6: routes[1].require: contradicts "serve": the sidecar's own endpoints ask for a token anyway; leave it out"#,
                #"c:7: routes[2].require: contradicts on: "login", by which clients come by a token; leave it out"#,
                #"c:8: routes[3].require: contradicts on: "refresh", by which clients come by a token; leave it out"#,
                #"c:10: routes[5].require: expected true or false, found "yes": write true or false, without quotes"#,
            ])
    }

    func testBadPatterns() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "/login" },
                { match: "GET login" },
                { match: "GET /a/**/b" },
                { match: "GET /{id" },
                { match: "" },
              ],
            }
            """#,
            [
                #"c:4: routes[0].match: "/login" is no route: write a method and a path: "GET /a/{id}/""#,
                #"c:5: routes[1].match: "GET login" is no route: a path begins with /"#,
                #"c:6: routes[2].match: "GET /a/**/b" is no route: ** stands at the end alone"#,
                #"c:7: routes[3].match: "GET /{id" is no route: "{id": a segment is plain text, {name} or **"#,
                #"c:8: routes[4].match: is empty: write something like "GET /path/**""#,
            ])
    }

    func testShadowedRoutes() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              routes: [
                { match: "GET /app/**", activity: false },
                { match: "POST /app/x", activity: false },
                { match: "GET /app/x/", serve: "online" },
                { match: "* /users/{id}", serve: "user" },
                { match: "GET /users/online/", serve: "online" },
              ],
            }
            """#,
            [
                #"c:6: routes[2].match: is never reached: "GET /app/**" in line 4 matches all of it first; move this route above that one or remove it"#,
                #"c:8: routes[4].match: is never reached: "* /users/{id}" in line 7 matches all of it first; move this route above that one or remove it"#,
            ])
    }
}
