// Owns the tests of which answers get our tag: requests, heads and what is counted.
// Called by the test runner.
// Never asks where in a page: that is TagInjectorTests.

import ProxyCore
import XCTest

@testable import StatusAPI

final class InjectionTests: XCTestCase {
    private static let page = "<!doctype html><head></head><body>x"
    private static let injected =
        "<!doctype html><head><script src=\"/p/client.js\" defer data-presence></script></head><body>x"
    private static let html = ("Content-Type", "text/html; charset=utf-8")

    private func harness(_ match: String = "* /app/**") throws -> Harness {
        try Harness(
            Harness.settings {
                $0.prefix = "/p"
                $0.routes = [
                    PassingRoute(match: try RoutePattern(match), inject: []),
                    PassingRoute(match: try RoutePattern("* /logout"), effect: .logout, inject: []),
                ]
            })
    }

    private struct Answer: Equatable {
        var rewriting: Rewriting?
        var body: String
    }

    /// - Returns: nil where nobody asks what is to be changed.
    private func pass(
        _ harness: Harness, _ target: String = "/app/x", method: String = "GET",
        request: [(String, String)] = [], status: Int = 200, head fields: [(String, String)]? = nil,
        body: String = InjectionTests.page, trusted: Bool = false
    ) throws -> Answer {
        let outcome = harness.send(method, target, fields: request, trusted: trusted)
        guard case .forwarded(var ticket, let watch) = outcome, watch.rewrites else {
            return Answer(rewriting: nil, body: body)
        }
        let id = harness.exchange()
        var text = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n"
        for (name, value) in fields ?? [Self.html] { text += "\(name): \(value)\r\n" }
        let bytes = Array((text + "\r\n").utf8)
        var head = ResponseHead()
        let parsed = head.parse(
            bytes.rawSpan, limits: HeadLimits(), toMethod: method == "HEAD" ? .head : .get)
        XCTAssertEqual(parsed, .complete)
        let rewriting = harness.app.rewriting(id, &ticket, head, bytes.rawSpan, now: harness.now)
        guard rewriting == .stream else { return Answer(rewriting: rewriting, body: body) }
        var out = ByteBuffer()
        var isMore = true
        for byte in body.utf8 {
            if isMore {
                isMore = harness.app.rewrite(
                    id, ticket, piece: [byte].rawSpan, isLast: false, into: &out)
            } else {
                out.append(byte)
            }
        }
        if isMore {
            isMore = harness.app.rewrite(
                id, ticket, piece: RawSpan(), isLast: true, into: &out)
        }
        XCTAssertFalse(isMore)
        XCTAssertTrue(harness.app.pages.isEmpty)
        return Answer(rewriting: rewriting, body: String(decoding: out.array(), as: UTF8.self))
    }

    private func assertInjected(
        _ answer: Answer, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertEqual(
            answer, Answer(rewriting: .stream, body: Self.injected), file: file, line: line)
    }

    func testPagesOfTheRouteAlone() throws {
        let harness = try harness()
        assertInjected(try pass(harness))
        XCTAssertEqual(harness.total(.pageInjected), 1)
        XCTAssertNil(try pass(harness, "/other").rewriting)
        XCTAssertNil(try pass(harness, "/p/x").rewriting)
    }

    func testSignedInPagesAndThoseOfLogouts() throws {
        let harness = try harness()
        let authorization = ("Authorization", "Bearer \(try harness.token("7"))")
        assertInjected(try pass(harness, request: [authorization]))
        assertInjected(try pass(harness, "/logout", method: "POST", request: [authorization]))
    }

    func testWhoAsks() throws {
        let harness = try harness()
        for field in [
            ("X-Requested-With", "XMLHttpRequest"), ("HX-Request", "true"), ("Turbo-Frame", "a"),
            ("X-PJAX", "true"), ("X-Inertia", "true"), ("X-Up-Version", "3"),
            ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Dest", "script"), ("Sec-Fetch-Dest", "image"),
            ("Range", "bytes=5-"), ("Accept", "image/avif,image/webp,*/*;q=0.8"),
            ("Accept", "text/css,*/*;q=0.1"), ("Accept", "application/json"),
        ] {
            XCTAssertNil(try pass(harness, request: [field]).rewriting, "\(field)")
        }
        for field in [
            ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Dest", "iframe"),
            ("Sec-Fetch-Mode", "cors"),
            ("Accept", "*/*"), ("Accept", ""),
            ("Accept", "application/xhtml+xml,Text/HTML;q=0.9,*/*;q=0.8"),
        ] {
            assertInjected(try pass(harness, request: [field]))
        }
        assertInjected(try pass(harness, method: "POST"))
    }

    func testStatuses() throws {
        let harness = try harness()
        for status in [200, 201, 203, 400, 401, 403, 404, 422, 499] {
            assertInjected(try pass(harness, status: status))
        }
        for status in [204, 205, 206, 226, 300, 301, 302, 303, 307, 500, 502, 503] {
            XCTAssertEqual(try pass(harness, status: status).rewriting, .untouched, "\(status)")
        }
    }

    func testAnswersThatAreNoPages() throws {
        let harness = try harness()
        let cases: [([(String, String)], Counter)] = [
            ([], .pageNotHTML),
            ([("Content-Type", "application/json")], .pageNotHTML),
            ([("Content-Type", "application/xhtml+xml")], .pageNotHTML),
            ([("Content-Type", "text/htmlx")], .pageNotHTML),
            ([("Content-Type", "text/html"), ("Content-Type", "text/plain")], .pageNotHTML),
            ([Self.html, ("Content-Disposition", "attachment; filename=a.html")], .pageNotHTML),
            ([Self.html, ("Content-Encoding", "gzip")], .pageEncoded),
            (
                [
                    Self.html, ("Cache-Control", "public"),
                    ("Cache-Control", "max-age=1, No-Transform"),
                ],
                .pageNoTransform
            ),
            ([("Content-Type", "text/html; charset=utf-16")], .pageCharset),
            ([("Content-Type", "text/html; charset=iso-2022-jp")], .pageCharset),
            ([Self.html, ("Content-Security-Policy", "default-src 'none'")], .pagePolicy),
            (
                [
                    Self.html, ("Content-Security-Policy", "script-src *"),
                    ("Content-Security-Policy", "script-src 'none'"),
                ], .pagePolicy
            ),
            ([Self.html, ("Integrity-Policy", "blocked-destinations=(script)")], .pagePolicy),
        ]
        for (fields, counter) in cases {
            let before = harness.total(counter)
            XCTAssertEqual(try pass(harness, head: fields).rewriting, .untouched, "\(fields)")
            XCTAssertEqual(harness.total(counter), before + 1, "\(fields)")
        }
        for fields in [
            [("Content-Type", "TEXT/HTML")], [("Content-Type", "text/html ;charset=\"Shift_JIS\"")],
            [Self.html, ("Content-Encoding", "identity")],
            [Self.html, ("Content-Disposition", "inline")],
            [Self.html, ("Content-Security-Policy-Report-Only", "default-src 'none'")],
        ] {
            assertInjected(try pass(harness, head: fields))
        }
    }

    /// A policy of https alone lets our script run where the client came by https.
    func testTheClientsScheme() throws {
        let harness = try harness()
        let head = [Self.html, ("Content-Security-Policy", "script-src https:")]
        let proto = [("X-Forwarded-Proto", "https")]
        XCTAssertEqual(try pass(harness, head: head).rewriting, .untouched)
        XCTAssertEqual(try pass(harness, request: proto, head: head).rewriting, .untouched)
        assertInjected(try pass(harness, request: proto, head: head, trusted: true))
    }

    /// The host is the one that this page's client has named, however many others ask meanwhile.
    func testTheClientsHost() throws {
        let harness = try harness()
        let head = [Self.html, ("Content-Security-Policy", "default-src https://example.org")]
        assertInjected(try pass(harness, head: head))
        let other = [Self.html, ("Content-Security-Policy", "default-src https://other.example")]
        XCTAssertEqual(try pass(harness, head: other).rewriting, .untouched)
        let forwarded = [("X-Forwarded-Host", "other.example")]
        XCTAssertEqual(try pass(harness, request: forwarded, head: other).rewriting, .untouched)
        assertInjected(try pass(harness, request: forwarded, head: other, trusted: true))
        let base = "<html><base href=\"http://example.org/x/\">"
        XCTAssertNotEqual(try pass(harness, body: base + "<p>").body, base + "<p>")
        guard case .forwarded(var ticket, _) = harness.send("GET", "/app/") else {
            return XCTFail("not forwarded")
        }
        for _ in 0..<APILimits.pendingPages { _ = harness.send("GET", "/app/") }
        let bytes = Array(
            "HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Security-Policy: "
                .appending("default-src example.org\r\n\r\n").utf8)
        var answer = ResponseHead()
        XCTAssertEqual(
            answer.parse(bytes.rawSpan, limits: HeadLimits(), toMethod: .get), .complete)
        XCTAssertEqual(
            harness.app.rewriting(
                harness.exchange(), &ticket, answer, bytes.rawSpan, now: harness.now), .untouched)
    }

    func testAnswersWithoutABody() throws {
        let harness = try harness()
        XCTAssertEqual(try pass(harness, method: "HEAD").rewriting, .announced)
        XCTAssertEqual(try pass(harness, status: 304, head: []).rewriting, .announced)
        let picture = [("Content-Type", "image/png")]
        XCTAssertEqual(try pass(harness, status: 304, head: picture).rewriting, .untouched)
        XCTAssertEqual(try pass(harness, method: "HEAD", head: picture).rewriting, .untouched)
        XCTAssertEqual(try pass(harness, body: "").rewriting, .untouched)
        XCTAssertTrue(harness.app.pages.isEmpty)
    }

    func testWhatIsCounted() throws {
        let harness = try harness()
        let nonce = [Self.html, ("Content-Security-Policy", "script-src 'nonce-abc'")]
        let answer = try pass(harness, head: nonce)
        XCTAssertTrue(answer.body.contains(" nonce=\"abc\"></script></head>"), answer.body)
        for (body, counter) in [
            ("<p>x", Counter.pageFragment), ("<!doctype html><head>", .pageNoPlace),
            ("<html><script data-presence>", .pageAlready),
            ("<html><base href='//x/'><p>", .pageUnclear),
        ] {
            XCTAssertEqual(try pass(harness, body: body).body, body)
            XCTAssertEqual(harness.total(counter), 1, body)
        }
        XCTAssertEqual(harness.total(.pageInjected), 1)
    }

    func testAPageThatBreaksOff() throws {
        let harness = try harness()
        guard case .forwarded(var ticket, _) = harness.send("GET", "/app/") else {
            return XCTFail("not forwarded")
        }
        let id = harness.exchange()
        let bytes = Array("HTTP/1.1 200 X\r\nContent-Type: text/html\r\n\r\n".utf8)
        var head = ResponseHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), toMethod: .get), .complete)
        XCTAssertEqual(
            harness.app.rewriting(id, &ticket, head, bytes.rawSpan, now: harness.now), .stream)
        XCTAssertEqual(harness.app.pages.count, 1)
        harness.app.rewritingBrokeOff(id)
        XCTAssertTrue(harness.app.pages.isEmpty)
    }
}
