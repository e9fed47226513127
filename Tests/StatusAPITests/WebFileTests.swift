// Owns what browsers get of the files under the prefix, and with which fields.
// Called by the test runner.
// Never runs a script: the end-to-end tests do, in a browser.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class WebFileTests: XCTestCase {
    private static let files: [(path: String, type: String)] = [
        ("dashboard", "text/html; charset=utf-8"),
        ("dashboard.js", "text/javascript; charset=utf-8"),
        ("dashboard.css", "text/css; charset=utf-8"),
        ("dashboard.json", "application/json"),
        ("client.js", "text/javascript; charset=utf-8"),
        ("react.js", "text/javascript; charset=utf-8"),
        ("openapi.json", "application/json"),
    ]

    private func get(
        _ harness: Harness, _ path: String, known: String? = nil, method: String = "GET"
    ) throws -> LocalResponse {
        let fields = known.map { [("If-None-Match", $0)] } ?? []
        return try XCTUnwrap(
            harness.send(method, "/_presence/" + path, fields: fields).response, path)
    }

    func testFilesNeedNoToken() throws {
        let harness = try Harness()
        for (path, type) in Self.files {
            let response = try get(harness, path)
            XCTAssertEqual(response.status, 200, path)
            XCTAssertEqual(response.type, type, path)
            XCTAssertFalse(response.body.isEmpty, path)
            XCTAssertEqual(response.field("Cache-Control"), "no-cache", path)
            XCTAssertEqual(response.field("X-Content-Type-Options"), "nosniff", path)
            XCTAssertNotNil(String(validating: response.body, as: UTF8.self), path)
        }
    }

    func testMethods() throws {
        let harness = try Harness()
        for (path, _) in Self.files {
            XCTAssertEqual(try get(harness, path, method: "HEAD").status, 200)
            let refused = try get(harness, path, method: "POST")
            XCTAssertEqual(refused.status, 405)
            XCTAssertEqual(refused.field("Allow"), "GET, HEAD")
        }
    }

    func testTagsTellContentsApart() throws {
        let harness = try Harness()
        let another = try Harness(try Harness.settings { $0.heartbeatEvery = 20_000 })
        var tags: Set<String> = []
        for (path, _) in Self.files {
            let tag = try XCTUnwrap(try get(harness, path).field("ETag"))
            XCTAssertTrue(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count == 34, tag)
            tags.insert(tag)
            let same = try get(another, path).field("ETag") == tag
            XCTAssertEqual(same, path != "dashboard.json", path)
        }
        XCTAssertEqual(tags.count, Self.files.count)
    }

    func testWhoHasAFileGetsNoneAgain() throws {
        let harness = try Harness()
        let tag = try XCTUnwrap(try get(harness, "client.js").field("ETag"))
        for known in [tag, "W/\(tag)", "*", "\"a\", \(tag)", "\"a\" ,\t W/\(tag) , \"b\""] {
            let response = try get(harness, "client.js", known: known)
            XCTAssertEqual(response.status, 304, known)
            XCTAssertEqual(response.field("ETag"), tag)
            XCTAssertEqual(response.field("Cache-Control"), "no-cache")
            XCTAssertTrue(response.body.isEmpty)
            XCTAssertNil(response.type)
        }
        let bare = String(tag.dropFirst().dropLast())
        for known in ["\"a\"", "", bare, "w/\(tag)", "\(tag)x", "W/*"] {
            XCTAssertEqual(try get(harness, "client.js", known: known).status, 200, known)
        }
    }

    func testDashboardMayLoadFromHereAlone() throws {
        let harness = try Harness()
        let policy = try XCTUnwrap(
            try get(harness, "dashboard").field("Content-Security-Policy"))
        let directives = Set(policy.split(separator: ";").map { $0.drop { $0 == " " } })
        XCTAssertTrue(
            directives.isSuperset(of: [
                "default-src 'none'", "script-src 'self'", "style-src 'self'",
                "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
                "frame-ancestors 'none'",
            ]), policy)
        for word in ["unsafe", "http", "*", "data:", "nonce", "sha256"] {
            XCTAssertFalse(policy.contains(word), word)
        }
        XCTAssertEqual(try get(harness, "dashboard").field("Referrer-Policy"), "same-origin")
        XCTAssertEqual(try get(harness, "dashboard").field("X-Frame-Options"), "DENY")
        // What the application's pages load is bound by their policy, not by ours.
        XCTAssertNil(try get(harness, "client.js").field("Content-Security-Policy"))
    }

    /// A page with a slash at its end would look for its parts below itself.
    func testDashboardStandsAtOneAddress() throws {
        let harness = try Harness()
        let moved = try get(harness, "dashboard/")
        XCTAssertEqual(moved.status, 308)
        XCTAssertEqual(moved.field("Location"), "../dashboard")
        for path in ["dashboard/nothing.js", "dashboard/dashboard.js", "dashboard.html"] {
            XCTAssertEqual(try get(harness, path).status, 404, path)
        }
    }

    /// What its modules import is there, each by the name that the browser makes of it; and
    /// nothing is there that none imports.
    func testPartsOfTheDashboard() throws {
        let harness = try Harness()
        var wanted: Set<String> = ["dashboard.js"]
        var looked: Set<String> = []
        while let path = wanted.subtracting(looked).first {
            looked.insert(path)
            let response = try get(harness, path)
            XCTAssertEqual(response.status, 200, path)
            XCTAssertEqual(response.type, "text/javascript; charset=utf-8", path)
            let text = String(decoding: response.body, as: UTF8.self)
            let imported = text.matches(of: /from "\.\/(?:dashboard\/)?([a-z]+\.js)"/)
            for match in imported { wanted.insert("dashboard/\(match.1)") }
        }
        let parts = WebFiles.dashboardParts.keys.map { "dashboard/\($0)" }
        XCTAssertEqual(looked, Set(parts + ["dashboard.js"]))
    }

    /// At most 60 KB in all, as they are sent.
    func testDashboardIsSmall() throws {
        let files = try Harness().service.web.dashboardFiles
        XCTAssertGreaterThan(files.count, 5)
        XCTAssertLessThanOrEqual(files.reduce(0) { $0 + $1.body.count }, 60_000)
    }

    func testRemarksAreForReadersOfTheTree() {
        func removed(_ text: String) -> String {
            String(decoding: SourceRemarks.removed(from: Array(text.utf8)), as: UTF8.self)
        }
        XCTAssertEqual(
            removed("// Owns.\n\nlet a = 1; // one\n  // two\nb();\n"),
            "\nlet a = 1; // one\nb();\n")
        XCTAssertEqual(removed("/** Says. */\nf();\n/* a\n b */\ng();"), "f();\ng();")
        XCTAssertEqual(removed("<!doctype html>\n<!-- a\n  b -->\r\n<p>"), "<!doctype html>\n<p>")
        XCTAssertEqual(removed("a {}\n  /* b */\nc {}\n"), "a {}\nc {}\n")
        for whole in [
            "", "\n", "a /* b */ c", "/* a */ f();", "/* a\n b */ f();", "/* never ended\nf();",
            "<!-- a --><p>", "x = `\n a // b`;", "/re/.test(a)", "* a",
        ] {
            XCTAssertEqual(removed(whole), whole)
        }
    }

    /// Of the files that there are nothing goes but remarks, and all of them.
    func testNothingButRemarksIsLeftOut() throws {
        let web = try Harness().service.web
        let served = [WebFiles.client] + web.dashboardFiles
        for text in served.map({ String(decoding: $0.body, as: UTF8.self) }) {
            for line in text.split(separator: "\n") {
                let words = line.drop { $0 == " " }
                for opening in ["//", "/*", "<!--"] {
                    XCTAssertFalse(words.hasPrefix(opening), String(line))
                }
            }
        }
        let script = String(decoding: WebFiles.dashboardScript.body, as: UTF8.self)
        let source = String(decoding: PackageResources.dashboard_js, as: UTF8.self)
        let kept = source.split(separator: "\n").filter { line in
            let words = line.drop { $0 == " " }
            return !words.hasPrefix("//") && !words.hasPrefix("/**")
        }
        XCTAssertEqual(script.split(separator: "\n"), kept)
    }

    /// The policy would stop it; the page shall not even try.
    func testPageHoldsNoScriptsNorStyles() throws {
        let page = String(decoding: try get(try Harness(), "dashboard").body, as: UTF8.self)
        for word in ["<style", " style=", " onclick", " onload", "javascript:", "http:", "//"] {
            XCTAssertFalse(page.contains(word), word)
        }
        for script in page.matches(of: /<script([^>]*)>/) {
            XCTAssertTrue(script.1.contains("src="), String(script.1))
        }
        for part in try Harness().service.web.dashboardFiles.map(\.body) {
            let text = String(decoding: part, as: UTF8.self)
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                XCTAssertFalse(text.contains(word), word)
            }
        }
    }

    func testNoRouteServesFiles() {
        for endpoint in Endpoint.allCases where endpoint.isFile {
            XCTAssertTrue(endpoint.isUnderPrefixAlone)
            XCTAssertTrue(endpoint.isPublic)
        }
        XCTAssertFalse(Endpoint.stats.isUnderPrefixAlone)
    }

    // MARK: dashboard.json

    private func settings(_ routes: [PassingRoute]) throws -> JSONNode {
        let harness = try Harness(
            try Harness.settings {
                $0.prefix = "/p"
                $0.routes = routes
            })
        let response = try XCTUnwrap(harness.send("GET", "/p/dashboard.json").response)
        return try response.json()
    }

    private func login(_ match: String, _ token: [TokenSource]) throws -> PassingRoute {
        PassingRoute(match: try RoutePattern(match), effect: .login(LoginPaths(token: token)))
    }

    func testSettingsOfTheDashboard() throws {
        let plain = try settings([])
        XCTAssertEqual(
            plain.keys,
            [
                "prefix", "login", "token_field", "token_scheme", "offline_after",
                "heartbeat_every",
            ])
        XCTAssertEqual(plain["prefix"]?.string, "/p")
        XCTAssertEqual(plain["login"]?.isNull, true)
        XCTAssertEqual(plain["offline_after"]?.integer, 120)
        XCTAssertEqual(plain["heartbeat_every"]?.integer, 30)
    }

    func testHowTheDashboardShowsItsToken() throws {
        let cases: [(places: [TokenPlace], field: String?, scheme: String?)] = [
            (TokenSettings.usualPlaces, "Authorization", "Bearer"),
            ([.header(name: "Authorization", scheme: "Token")], "Authorization", "Token"),
            ([.header(name: "X-Auth-Token", scheme: nil)], "X-Auth-Token", nil),
            ([.cookie("sid"), .header(name: "X-A", scheme: nil)], "X-A", nil),
            ([.cookie("sid")], nil, nil),
        ]
        for (places, field, scheme) in cases {
            let harness = try Harness(tokens: { $0.places = places })
            let response = try XCTUnwrap(
                harness.send("GET", "/_presence/dashboard.json").response)
            let json = try response.json()
            XCTAssertEqual(json["token_field"]?.string, field)
            XCTAssertEqual(json["token_scheme"]?.string, scheme)
        }
    }

    func testLoginThatTheDashboardCanUse() throws {
        let access = TokenSource.path(try JSONPath("$.access"))
        let cases: [(routes: [PassingRoute], path: String?, tokens: [String]?)] = [
            ([try login("POST /api/login/", [access])], "/api/login/", ["$.access"]),
            (
                [try login("* /login", [.cookie("sid"), access])], "/login",
                ["cookie:sid", "$.access"]
            ),
            ([try login("POST /login", [.header("X-Token")])], "/login", ["header:X-Token"]),
            ([try login("POST /login", [])], "/login", []),
            (
                [try login("GET /sso", [access]), try login("POST /b", [access])], "/b",
                ["$.access"]
            ),
            ([try login("POST /{tenant}/login", [access])], nil, nil),
            ([try login("POST /login/**", [access])], nil, nil),
            ([PassingRoute(match: try RoutePattern("POST /login"))], nil, nil),
        ]
        for (routes, path, tokens) in cases {
            let found = try settings(routes)["login"]
            XCTAssertEqual(found?["path"]?.string, path)
            XCTAssertEqual(found?["tokens"]?.array?.compactMap(\.string), tokens)
            XCTAssertEqual(found?.isNull, path == nil)
        }
    }

    func testHowTheDashboardSignsIn() throws {
        var route = try login("POST /login", [.header("X-Token")])
        let unsaid = try settings([route])["login"]
        XCTAssertEqual(unsaid?.keys, ["path", "tokens", "username", "password"])
        XCTAssertEqual(unsaid?["username"]?.isNull, true)
        XCTAssertEqual(unsaid?["password"]?.isNull, true)
        route.effect = .login(
            LoginPaths(
                credentials: LoginCredentials(
                    username: try JSONPath("$.user.email"), password: try JSONPath("$.pin"))))
        let said = try settings([route])["login"]
        XCTAssertEqual(said?["username"]?.string, "$.user.email")
        XCTAssertEqual(said?["password"]?.string, "$.pin")
    }
}
