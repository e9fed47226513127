// Owns the tests of routes: notation, matching, normal form (requirement 53), shadowing.
// Called by XCTest.
// Never matches without comparing to a plain reading of the patterns.

import Support
import XCTest

@testable import ProxyCore

final class RouteTableTests: XCTestCase {
    private func table(_ patterns: String...) throws -> RouteTable {
        RouteTable(try patterns.map { try RoutePattern($0) })
    }

    /// "2", "2 id=7", "-", "? 2", "? -"
    private func match(_ table: RouteTable, _ method: String, _ path: String) -> String {
        var scratch = ByteBuffer()
        switch table.match(method.rawSpan, latin1(path).rawSpan, scratch: &scratch) {
        case .none: return "-"
        case .ambiguous(let route): return "? " + (route.map { "\($0)" } ?? "-")
        case .route(let route, nil): return "\(route)"
        case .route(let route, let range?):
            return "\(route) \(scratch.bytes[range].text() ?? "not UTF-8")"
        }
    }

    func testFirstMatchWins() throws {
        let table = try table(
            "POST /api/login/", "GET /api/users/{id}/status/", "GET /api/users/me/status",
            "* /static/**", "GET /api/users/", "* /api/users", "GET /**", "DELETE /{a}/{b}")
        for (method, path, wanted) in [
            ("POST", "/api/login/", "0"), ("POST", "/api/login", "0"), ("GET", "/api/login", "6"),
            ("PUT", "/api/login", "-"), ("GET", "/api/users/7/status/", "1 7"),
            ("GET", "/api/users/7/status", "1 7"), ("GET", "/api/users/me/status", "1 me"),
            ("GET", "/static", "3"), ("PURGE", "/static/", "3"), ("GET", "/static/a/b.css", "3"),
            ("GET", "/staticx", "6"), ("GET", "/api/users", "4"), ("GET", "/api/users/", "4"),
            ("POST", "/api/users", "5"), ("GET", "/", "6"), ("GET", "", "6"),
            ("POST", "/", "-"), ("DELETE", "/x/y", "7 x"), ("DELETE", "/x/y/", "7 x"),
            ("DELETE", "/x", "-"), ("DELETE", "/x/y/z", "-"), ("HEAD", "/api/users", "4"),
            ("head", "/api/users", "5"), ("GET", "/API/users", "6"), ("OPTIONS", "*", "-"),
        ] {
            XCTAssertEqual(match(table, method, path), wanted, "\(method) \(path)")
        }
    }

    func testParameterIsTheOneNamedID() throws {
        let table = try table("GET /a/{x}/{id}/{y}", "GET /b/{x}/{y}")
        XCTAssertEqual(match(table, "GET", "/a/1/2/3"), "0 2")
        XCTAssertEqual(match(table, "GET", "/b/1/2"), "1 1")
        XCTAssertEqual(match(table, "GET", "/a/1/2%20%C3%A9/3"), "0 2 é")
        XCTAssertEqual(match(table, "GET", "/%61/1/x.y/3"), "0 x.y")
    }

    func testPatternsAreDecoded() throws {
        let table = try table("GET /api/caf%C3%A9/x", "GET /a/.well-known/{id}")
        XCTAssertEqual(match(table, "GET", "/api/caf%c3%a9/x"), "0")
        XCTAssertEqual(match(table, "GET", "/a/.well-known/y"), "1 y")
    }

    func testPath53NormalForm() throws {
        let table = try table("POST /api/login", "GET /u/{id}", "GET /")
        for (method, path, wanted) in [
            // Not ambiguous: every server reads them so.
            ("POST", "/%61pi/login", "0"), ("POST", "/api/log%69n/", "0"),
            ("GET", "/u/a%20b", "1 a b"), ("GET", "/u/.x", "1 .x"), ("GET", "/u/...", "1 ..."),
            ("GET", "/u/a.b", "1 a.b"), ("GET", "/u/%7e", "1 ~"), ("GET", "/u/a%25", "1 a%"),
            ("GET", "/u/%3B", "1 ;"),
            // Ambiguous, and would hit.
            ("POST", "//api/login", "? 0"), ("POST", "/api//login", "? 0"),
            ("POST", "/api/login//", "? 0"), ("POST", "/./api/login", "? 0"),
            ("POST", "/api/x/../login", "? 0"), ("POST", "/api/%2e/login", "? 0"),
            ("POST", "/api/x/%2E%2e/login", "? 0"), ("POST", "/api/x/.%2e/login", "? 0"),
            ("POST", "/../api/login", "? 0"), ("POST", "/api%2flogin", "? 0"),
            ("POST", "/api%2Flogin", "? 0"), ("POST", "/api\\login", "? 0"),
            ("POST", "/api%5clogin", "? 0"), ("POST", "/api;x=y/login", "? 0"),
            ("POST", "/api/login;jsessionid=1", "? 0"), ("POST", "/api/login/.", "? 0"),
            ("POST", "/api/login/x/..", "? 0"), ("GET", "/u/%00", "? 1"),
            ("GET", "/u/a%0d%0ab", "? 1"), ("GET", "/u/%", "? 1"), ("GET", "/u/%4", "? 1"),
            ("GET", "/u/%zz", "? 1"), ("GET", "/u/%u002f", "? 1"), ("GET", "/u/%252f", "? 1"),
            ("GET", "/u/%c0%af", "? 1"), ("GET", "/u/a\\", "? 1"), ("GET", "//", "? 2"),
            ("GET", "/..", "? 2"), ("GET", "/.", "? 2"), ("GET", "/;", "? 2"),
            // Ambiguous, and hits nothing.
            ("POST", "/api/login/..", "? -"), ("POST", "/x//y", "? -"), ("GET", "/u/..;/x", "? -"),
            ("POST", "/api/../login", "? -"), ("GET", "/x%2fy", "? -"),
        ] {
            XCTAssertEqual(match(table, method, path), wanted, "\(method) \(path)")
        }
    }

    /// A path in doubt leads to a route where any server would find it there.
    func testReadings() throws {
        let table = try table("GET /gate/**", "GET /one/{id}", "GET /end", "GET /x/**")
        var scratch = ByteBuffer()
        for (path, wanted) in [
            // As it stands, decoded, and cut.
            ("/gate/../x", [0, 3]), ("/gate/%2e%2e/x", [0, 3]), ("/gat%65/../x", [0, 3]),
            ("/gate/..;/x", [0, 3]), ("/gate;a/../x", [0, 3]), ("/gate%2f../x", [0, 3]),
            ("/gate\\../x", [0, 3]), ("/gate/a/..%2f..%2fx", [0, 3]), ("/gate/..", [0]),
            // One server takes `//` for one slash, another for a segment that `..` takes back.
            ("/gate//../x", [0, 3]), ("//gate/x", [0]), ("/one//7", [1]), ("/end//", [2]),
            // A decoded slash may belong to a name, and so may a backslash.
            ("/one/a%2fb", [1]), ("/one/a\\b", [1]), ("/one%2fa\\b", [1]), ("/end;a", [2]),
            ("/x/%2e%2e/../end", [2, 3]), ("/a/../b", []), ("/gatex/../y", []),
        ] as [(String, [Int])] {
            for route in 0..<4 {
                let found = table.anyReading("GET".rawSpan, path.rawSpan, scratch: &scratch) {
                    $0 == UInt32(route)
                }
                XCTAssertEqual(found != nil, wanted.contains(route), "\(path) \(route)")
            }
        }
    }

    func testLettersWithoutTheirCase() throws {
        let patterns = ["GET /Gate/{id}", "* /É/b", "GET /**"].map { try? RoutePattern($0) }
        let table = RouteTable(patterns.compactMap { $0 }, folds: true)
        for (method, path, wanted) in [
            ("GET", "/gate/A", "0 a"), ("GET", "/GATE/%41", "0 a"), ("GET", "/gaT%45/a/", "0 a"),
            ("POST", "/%C3%89/B", "1"), ("POST", "/%C3%A9/b", "-"), ("get", "/gate/a", "-"),
            ("GET", "/GATE", "2"), ("GET", "/x/../GATE/a", "? 0"), ("GET", "", "2"),
        ] {
            XCTAssertEqual(match(table, method, path), wanted, "\(method) \(path)")
        }
    }

    func testEveryShortPathAgainstTheGuardPage() throws {
        let table = try table("GET /a/{id}", "GET /a/**", "* /.a")
        let alphabet = Array("/.%2;a\\".utf8)
        let page = GuardPage(capacity: 8)
        var scratch = ByteBuffer()
        for code in 0..<(7 * 7 * 7 * 7 * 7 * 7) {
            var rest = code
            var path: [UInt8] = [0x2f]
            for _ in 0..<6 {
                path.append(alphabet[rest % 7])
                rest /= 7
            }
            page.with(path) { span in
                let isPlain = RoutePath.isPlain(span)
                let isAmbiguous = RoutePath.normalise(span, into: &scratch)
                if isPlain {
                    // Its own normal form, but for the slash at the end.
                    var trimmed = path
                    if trimmed.last == 0x2f { trimmed.removeLast() }
                    if isAmbiguous || scratch.array() != trimmed { XCTFail("\(path)") }
                }
                _ = table.match("GET".rawSpan, span, scratch: &scratch)
                guard code % 31 == 0 else { return }
                _ = table.anyReading("GET".rawSpan, span, scratch: &scratch) { _ in false }
            }
        }
    }

    func testNotation() {
        for (text, hint) in [
            ("", "method and a path"), ("/a", "method and a path"), ("GET /a /b", "method and a"),
            ("get /a", "write GET"), ("G(T /a", "no method"), ("GET a", "begins with /"),
            ("GET /a?b", "leave out ?"), ("GET /a#b", "leave out ?"), ("GET /a//b", "two slashes"),
            ("GET /**/a", "** stands"), ("GET /a*", "plain text"), ("GET /*", "plain text"),
            ("GET /{id", "plain text"), ("GET /x{id}", "plain text"), ("GET /{}", "no name"),
            ("GET /{a b}", "method and a path"), ("GET /{1}", "no name"), ("GET /../a", "resolved"),
            ("GET /a;b", "plain text"), ("GET /%2", "two digits"), ("GET /%2f", "no route"),
        ] {
            XCTAssertThrowsError(try RoutePattern(text), text) { error in
                let reason = (error as? RoutePatternError)?.reason ?? ""
                XCTAssert(reason.contains(hint), "\(text): \(reason)")
            }
        }
        for text in ["* /", "GET /", "GET  /a/{id}", "M-SEARCH /**", "GET /a/{_x1}/**"] {
            XCTAssertNoThrow(try RoutePattern(text), text)
        }
    }

    func testShadowing() throws {
        for (earlier, later, isShadowed) in [
            ("GET /a", "GET /a/", true), ("* /a", "POST /a", true), ("GET /a", "* /a", false),
            ("GET /a", "HEAD /a", true), ("HEAD /a", "GET /a", false),
            ("GET /{x}", "GET /a", true), ("GET /a", "GET /{x}", false),
            ("GET /{x}", "GET /{y}/", true), ("GET /a/**", "GET /a", true),
            ("GET /a/**", "GET /a/{x}/**", true), ("GET /a/**", "GET /a/b/c", true),
            ("GET /a/b/**", "GET /a/**", false), ("GET /a/{x}", "GET /a/**", false),
            ("* /**", "GET /", true), ("GET /a/{x}", "GET /a", false),
            ("GET /a", "GET /a/{x}", false), ("POST /**", "GET /a", false),
            ("GET /%61", "GET /a", true),
        ] {
            let routes = try table(earlier, later)
            XCTAssertEqual(routes.shadowing(1), isShadowed ? 0 : nil, "\(earlier) | \(later)")
            XCTAssertNil(routes.shadowing(0))
        }
    }

    /// The tree against trying one pattern after another.
    func testTreeAgreesWithAList() throws {
        var state: UInt64 = 88_172_645_463_325_252
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        func segments(_ choices: [String]) -> [String] {
            (0..<random(4)).map { _ in choices[random(choices.count)] }
        }
        for _ in 0..<300 {
            let patterns = try (0..<1 + random(12)).map { _ in
                let rest = random(4) == 0 ? ["**"] : []
                return try RoutePattern(
                    ["GET", "POST", "*"][random(3)] + " /"
                        + (segments(["a", "b", "cc", "{x}"]) + rest).joined(separator: "/"))
            }
            let table = RouteTable(patterns)
            for _ in 0..<40 {
                let path = segments(["a", "b", "cc", "d"])
                let method = ["GET", "POST", "PUT"][random(3)]
                let wanted = patterns.firstIndex { pattern in
                    (pattern.method == nil || pattern.method == method)
                        && plainlyMatches(pattern.segments, path)
                }
                var scratch = ByteBuffer()
                let found = table.match(
                    method.rawSpan, ("/" + path.joined(separator: "/")).rawSpan,
                    scratch: &scratch)
                switch found {
                case .none: XCTAssertNil(wanted)
                case .route(let route, _): XCTAssertEqual(Int(route), wanted)
                case .ambiguous: XCTFail("\(path)")
                }
            }
        }
    }

    private func plainlyMatches(_ pattern: [RoutePattern.Segment], _ path: [String]) -> Bool {
        for (index, segment) in pattern.enumerated() {
            if segment == .rest { return true }
            guard index < path.count else { return false }
            if case .literal(let name) = segment, name != Array(path[index].utf8) { return false }
        }
        return pattern.count == path.count
    }
}
