// Owns the tests of asking more than once: redirects, and connections that are kept.
// Called by XCTest.
// Never follows anything to a server that the test does not play.

import XCTest

@testable import ProxyCore

final class FetchReuseTests: XCTestCase {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func redirect(_ place: String, _ status: String = "302 Found") -> String {
        "HTTP/1.1 \(status)\r\nLocation: \(place)\r\nContent-Length: 0\r\n\r\n"
    }

    private func following(_ times: Int) -> Fetch.Settings {
        var settings = Fetch.Settings()
        settings.redirects = times
        return settings
    }

    /// Answers each of the connections that come with one of `answers`; returns the request lines.
    private func serve(_ backend: Backend, _ answers: [String]) -> [String] {
        answers.map { answer in
            let wire = backend.accept()
            let start = wire.readHead().start
            wire.send(answer)
            while wire.receive() {}
            return start
        }
    }

    // MARK: Redirects

    func testR14ARedirectToTheSameServerIsFollowed() throws {
        for status in ["301 A", "302 B", "303 C", "307 D", "308 E"] {
            let backend = Backend()
            let target = try FetchTarget("http://127.0.0.1:\(backend.port)/old/keys?a")
            let asking = try Asking(target, following(3))
            let seen = serve(backend, [redirect("new", status), Self.ok])
            XCTAssertEqual(seen, ["GET /old/keys?a HTTP/1.1", "GET /old/new HTTP/1.1"])
            XCTAssertEqual(asking.end()?.text, "ok")
        }
    }

    func testR14ARedirectToAnotherServerIsRefusedAndNobodyIsAskedThere() throws {
        let other = Backend()
        for place in [
            "http://127.0.0.1:\(other.port)/", "//127.0.0.1:\(other.port)/",
            "http://localhost:\(other.port)/",
        ] {
            let backend = Backend()
            let asking = try Asking(
                FetchTarget("http://127.0.0.1:\(backend.port)"), following(3))
            _ = serve(backend, [redirect(place)])
            let shown = place.hasPrefix("//") ? "http:\(place)" : place
            XCTAssertEqual(
                asking.end()?.fault, "redirected to \(shown): another server is not asked")
        }
        XCTAssertFalse(other.isWaitedFor(50))
        // Another scheme or port of the same host is another server too.
        let backend = Backend()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), following(3))
        _ = serve(backend, [redirect("https://127.0.0.1:\(backend.port)/keys")])
        XCTAssertEqual(
            asking.end()?.fault,
            "redirected to https://127.0.0.1:\(backend.port)/keys: another server is not asked")
        XCTAssertFalse(backend.isWaitedFor(50))
    }

    func testR14RedirectsEnd() throws {
        let backend = Backend()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), following(3))
        let seen = serve(backend, (1...4).map { redirect("/\($0)") })
        XCTAssertEqual(seen.last, "GET /3 HTTP/1.1")
        XCTAssertEqual(
            asking.end()?.fault,
            "redirected to http://127.0.0.1:\(backend.port)/4: more than 3 times")
        XCTAssertFalse(backend.isWaitedFor(50))
    }

    func testALocationThatIsNoneIsShownHarmlessly() throws {
        let backend = Backend()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), following(3))
        _ = serve(backend, [redirect("ftp://a/\u{e4} b")])
        XCTAssertEqual(
            asking.end()?.fault,
            "redirected to ftp://a/???b: which is no URL: write one like \"https://host/path\"")
    }

    func testARedirectIsAnAnswerWhereNoneIsFollowed() throws {
        let backend = Backend()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"))
        _ = serve(backend, [redirect("/x")])
        XCTAssertEqual(try asking.end()?.get().status, 302)
        let posting = try Asking(
            FetchTarget("http://127.0.0.1:\(backend.port)"), following(3)
        ) { (fetch) throws(FetchError) in try fetch.send("POST") }
        _ = serve(backend, [redirect("/x")])
        XCTAssertEqual(try posting.end()?.get().status, 302)
    }

    func testR14RedirectsShareTheOneDeadline() throws {
        let backend = Backend()
        var settings = following(1_000)
        settings.timeout = 700
        let started = Clock.monotonic()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), settings)
        while Clock.monotonic() - started < 10_000, backend.isWaitedFor(2_000) {
            let wire = backend.accept()
            _ = wire.readHead()
            wire.receive(atMost: 100)
            wire.send(redirect("/x"))
            while wire.receive() {}
        }
        let fault = try XCTUnwrap(asking.end()?.fault)
        XCTAssertTrue(fault.hasPrefix("gave up after 700 ms"), fault)
    }

    // MARK: A kept connection

    private var keeping: Fetch.Settings {
        var settings = Fetch.Settings()
        settings.keepsConnection = true
        return settings
    }

    private func twice(
        _ method: String, _ settings: Fetch.Settings, _ between: Lock<Bool>, _ backend: Backend
    ) throws -> Asking {
        try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), settings) {
            (fetch) throws(FetchError) in
            _ = try fetch.send(method)
            while !between.withLock({ $0 }) { usleep(1_000) }
            return try fetch.send(method)
        }
    }

    func testAKeptConnectionCarriesTheNextRequest() throws {
        let backend = Backend()
        let asking = try twice("GET", keeping, Lock(true), backend)
        let wire = backend.accept()
        for _ in 0..<2 {
            XCTAssertEqual(wire.readHead().start, "GET / HTTP/1.1")
            wire.send(Self.ok)
        }
        XCTAssertEqual(asking.end()?.text, "ok")
        XCTAssertFalse(backend.isWaitedFor(50))
    }

    func testAConnectionThatTheServerClosedIsNotedBeforeItIsUsed() throws {
        let backend = Backend()
        let isClosed = Lock(false)
        let asking = try twice("POST", keeping, isClosed, backend)
        let wire = backend.accept()
        _ = wire.readHead()
        wire.send(Self.ok)
        wire.close()
        // Loopback has delivered the end by the time `close` returns.
        isClosed.withLock { $0 = true }
        let next = backend.accept()
        XCTAssertEqual(next.readHead().start, "POST / HTTP/1.1")
        next.send(Self.ok)
        XCTAssertEqual(asking.end()?.text, "ok")
    }

    func testAConnectionThatClosesOnTheRequestIsTriedOnceMoreWhereThatIsHarmless() throws {
        var asksOnly = keeping
        asksOnly.onlyAsks = true
        for (method, settings, isRepeated) in [
            ("GET", keeping, true), ("POST", keeping, false), ("POST", asksOnly, true),
        ] {
            let backend = Backend()
            let asking = try twice(method, settings, Lock(true), backend)
            let wire = backend.accept()
            _ = wire.readHead()
            wire.send(Self.ok)
            _ = wire.readHead()
            wire.close()
            guard isRepeated else {
                XCTAssertEqual(
                    asking.end()?.fault, "the server closed the connection without an answer")
                XCTAssertFalse(backend.isWaitedFor(50))
                continue
            }
            let next = backend.accept()
            _ = next.readHead()
            next.send(Self.ok)
            XCTAssertEqual(asking.end()?.text, "ok", method)
        }
    }

    func testAFreshConnectionThatClosesIsNotTriedAgain() throws {
        let backend = Backend()
        let asking = try Asking(FetchTarget("http://127.0.0.1:\(backend.port)"), keeping)
        let wire = backend.accept()
        _ = wire.readHead()
        wire.close()
        XCTAssertEqual(
            asking.end()?.fault, "the server closed the connection without an answer")
        XCTAssertFalse(backend.isWaitedFor(50))
    }

    /// What stands behind an answer would be taken for the answer to the next request.
    func testAConnectionWithLeftoversIsNotKept() throws {
        for first in [
            Self.ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        ] {
            let backend = Backend()
            let asking = try twice("GET", keeping, Lock(true), backend)
            let wire = backend.accept()
            _ = wire.readHead()
            wire.send(first)
            let next = backend.accept()
            _ = next.readHead()
            next.send(Self.ok)
            XCTAssertEqual(asking.end()?.text, "ok")
        }
    }
}
