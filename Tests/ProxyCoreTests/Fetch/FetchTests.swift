// Owns the tests of asking a server: every way in which an answer can come, or not come.
// Called by XCTest.
// Never waits for time to pass but where a deadline is the matter itself.

import XCTest

@testable import ProxyCore

final class FetchTests: XCTestCase {
    private func ask(
        _ backend: Backend, _ settings: Fetch.Settings = Fetch.Settings(),
        method: String = "GET", path: String = "/keys", fields: [(String, String)] = [],
        body: [UInt8] = [], serve: (Wire) -> Void
    ) throws -> Asking.Outcome? {
        let target = try FetchTarget("http://127.0.0.1:\(backend.port)")
        let asking = try Asking(target, settings) { fetch throws(FetchError) in
            try fetch.send(method, path: path, fields: fields, body: body)
        }
        serve(backend.accept())
        return asking.end()
    }

    /// What a whole answer makes of one request.
    private func answer(
        _ text: String, _ settings: Fetch.Settings = Fetch.Settings(), closes: Bool = true
    ) throws -> Asking.Outcome? {
        try ask(Backend(), settings) { wire in
            _ = wire.readHead()
            wire.send(text)
            if closes { wire.finishSending() }
            // Until the client has seen enough.
            while wire.receive() {}
        }
    }

    // MARK: What is sent

    func testTheRequestIsWhatItShouldBe() throws {
        let backend = Backend()
        var head = Message()
        let outcome = try ask(
            backend, path: "/a?b=c", fields: [("Accept", "application/json")]
        ) { wire in
            head = wire.readHead()
            wire.send("HTTP/1.1 200 OK\r\nX-One: a\r\nx-one: b\r\nContent-Length: 2\r\n\r\nhi")
            while wire.receive() {}
        }
        XCTAssertEqual(head.start, "GET /a?b=c HTTP/1.1")
        XCTAssertEqual(
            head.fields,
            [
                "Host: 127.0.0.1:\(backend.port)", "User-Agent: presence-sidecar",
                "Accept-Encoding: identity", "Accept: application/json",
            ])
        let answer = try XCTUnwrap(outcome).get()
        XCTAssertEqual(answer.status, 200)
        XCTAssertEqual(answer.body, Array("hi".utf8))
        XCTAssertEqual(answer.field("X-ONE"), "a")
        XCTAssertNil(answer.field("x-two"))
    }

    func testABodyIsFramedByItsLengthAndAHostTakesThePlaceOfTheTargets() throws {
        var message = Message()
        _ = try ask(
            Backend(), method: "POST", fields: [("host", "app.example")], body: Array("a=b".utf8)
        ) { wire in
            message = wire.readHead()
            XCTAssertEqual(wire.take(3), Array("a=b".utf8))
            wire.send("HTTP/1.1 204 No Content\r\n\r\n")
            while wire.receive() {}
        }
        XCTAssertEqual(message["host"], "app.example")
        XCTAssertEqual(message["content-length"], "3")
    }

    func testNoPieceOfARequestMakesTwoOfOne() throws {
        let target = try FetchTarget("http://127.0.0.1:1")
        let fetch = Fetch(target)
        func fault(
            _ method: String, _ path: String, _ field: (String, String)
        ) -> String {
            do throws(FetchError) {
                _ = try fetch.send(method, path: path, fields: [field])
                return "sent"
            } catch {
                return "\(error)"
            }
        }
        let good = ("A", "b")
        XCTAssertEqual(fault("G T", "/", good), "the method cannot stand in a request")
        XCTAssertEqual(fault("", "/", good), "the method cannot stand in a request")
        for path in ["/a b", "/a\r\nX: y", "a", "", "/\u{e4}"] {
            XCTAssertEqual(fault("GET", path, good), "the path cannot stand in a request", path)
        }
        for field in [("A", "b\r\nC: d"), ("A", "b\n"), ("A", "\u{0}"), ("A:", "b"), ("", "b")] {
            XCTAssertEqual(fault("GET", "/", field), "a field cannot stand in a request")
        }
    }

    // MARK: What comes back

    func testEveryFramingIsRead() throws {
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{\"\r\n4\r\na\":1\r\n"
            + "1\r\n}\r\n0\r\nT: x\r\n\r\n"
        XCTAssertEqual(try answer(chunked, closes: false)?.text, #"{"a":1}"#)
        XCTAssertEqual(
            try answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", closes: false)?.text,
            "abc")
        XCTAssertEqual(try answer("HTTP/1.0 200 OK\r\n\r\nto the end")?.text, "to the end")
        XCTAssertEqual(
            try answer(
                "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")?.text, "x")
    }

    func testBytesMayComeOneByOne() throws {
        let outcome = try ask(Backend()) { wire in
            _ = wire.readHead()
            wire.dribble("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            wire.dribble("3\r\nabc\r\n0\r\n\r\n")
            while wire.receive() {}
        }
        XCTAssertEqual(outcome?.text, "abc")
    }

    func testAnAnswerToHEADHasNoBody() throws {
        let outcome = try ask(Backend(), method: "HEAD") { wire in
            _ = wire.readHead()
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
            while wire.receive() {}
        }
        XCTAssertEqual(outcome?.text, "")
    }

    func testWhatIsNoAnswerIsSaidSo() throws {
        let cases: [(String, String)] = [
            ("", "the server closed the connection without an answer"),
            ("HTTP/1.1 200 OK\r\nContent-Le", "the answer broke off"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "the answer broke off"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
                "the answer broke off"
            ),
            ("HTTP/1.1 100 Continue\r\n\r\n", "the answer broke off"),
            ("SSH-2.0-OpenSSH_9.2\r\n", "no HTTP answer: a malformed status line (RFC 9112 §4)"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n",
                "the answer's body is malformed: a malformed chunk size (RFC 9112 §7.1)"
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "no HTTP answer: more than one Content-Length (RFC 9112 §6.3)"
            ),
            (
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                "an answer that nobody asked for (101)"
            ),
            (
                String(repeating: "HTTP/1.1 103 Early\r\n\r\n", count: 9),
                "an answer that nobody asked for (103)"
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\u{1f}x",
                "the answer is compressed (gzip)"
            ),
            (
                "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 6_000) + "\r\n",
                "the head of the answer has more than 32768 bytes or 256 fields"
            ),
        ]
        for (text, words) in cases {
            XCTAssertEqual(try answer(text)?.fault, words, String(text.prefix(60)))
        }
    }

    func testR14AnAnswerOverTheLimitIsRefusedHoweverItIsFramed() throws {
        let settings = Fetch.Settings(limit: 1_000)
        let body = String(repeating: "a", count: 1_001)
        let words = "the answer is larger than 1000 bytes"
        // The announcement is enough: nothing of it needs to come.
        let announced = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
        XCTAssertEqual(try answer(announced, settings, closes: false)?.fault, words)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n\(body)\r\n"
        XCTAssertEqual(try answer(chunked, settings, closes: false)?.fault, words)
        let plain = "HTTP/1.1 200 OK\r\n\r\n\(body)"
        XCTAssertEqual(try answer(plain, settings, closes: false)?.fault, words)
        let fits = "HTTP/1.1 200 OK\r\n\r\n\(body.dropLast())"
        XCTAssertEqual(try answer(fits, settings)?.text?.count, 1_000)
    }

    // MARK: Time

    func testR14ASlowDripEndsAtTheOneDeadline() throws {
        let started = Clock.monotonic()
        let outcome = try ask(Backend(), Fetch.Settings(timeout: 700)) { wire in
            _ = wire.readHead()
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            // A byte now and then never lets it rest; only the end of the other side ends this.
            while wire.end == nil {
                wire.send("a")
                wire.receive(atMost: 20)
            }
        }
        XCTAssertEqual(outcome?.fault, "gave up after 700 ms, reading the answer")
        let time = Clock.monotonic() - started
        XCTAssertGreaterThanOrEqual(time, 700)
        XCTAssertLessThan(time, 5_000)
    }

    func testSilenceEndsAtTheDeadlineToo() throws {
        let outcome = try ask(Backend(), Fetch.Settings(timeout: 500)) { wire in
            while wire.receive() {}
        }
        XCTAssertEqual(outcome?.fault, "gave up after 500 ms, waiting for the answer")
    }

    func testAServerThatTakesNothingEndsAtTheDeadline() throws {
        let much = [UInt8](repeating: 97, count: 32 * 1024 * 1024)
        let backend = Backend()
        let target = try FetchTarget("http://127.0.0.1:\(backend.port)")
        let asking = try Asking(target, Fetch.Settings(timeout: 600)) {
            (fetch) throws(FetchError) in try fetch.send("POST", body: much)
        }
        let wire = backend.accept()
        XCTAssertEqual(asking.end()?.fault, "gave up after 600 ms, sending the request")
        wire.close()
    }

    func testAnInterruptionEndsItAtOnce() throws {
        let backend = Backend()
        let target = try FetchTarget("http://127.0.0.1:\(backend.port)")
        let interruption = try Interruption()
        let asking = try Asking(
            target, Fetch.Settings(timeout: 60_000), interruption: interruption)
        let wire = backend.accept()
        _ = wire.readHead()
        let started = Clock.monotonic()
        interruption.interrupt()
        XCTAssertEqual(asking.end()?.fault, "broken off by the end of the program")
        XCTAssertLessThan(Clock.monotonic() - started, 5_000)
        // And every later one.
        let fetch = Fetch(target, Fetch.Settings(timeout: 60_000), interruption: interruption)
        XCTAssertThrowsError(try fetch.send("GET")) { error in
            XCTAssertEqual(error as? FetchError, .interrupted)
        }
    }

    // MARK: Connecting

    func testWhatCannotBeReachedIsSaidSo() throws {
        let backend = Backend()
        let target = try FetchTarget("http://127.0.0.1:\(backend.port)")
        backend.close()
        XCTAssertThrowsError(try Fetch(target).send("GET")) { error in
            XCTAssertEqual("\(error)", "connect: Connection refused (111)")
        }
        let socket = try FetchTarget("unix:/nowhere/at-all.sock")
        XCTAssertThrowsError(try Fetch(socket).send("GET")) { error in
            XCTAssertEqual("\(error)", "connect: No such file or directory (2)")
        }
        // RFC 6761 §6.4: this name has no address.
        let unknown = try FetchTarget("http://nobody.invalid")
        XCTAssertThrowsError(try Fetch(unknown).send("GET")) { error in
            guard case .unresolved(let fault) = error as? FetchError else {
                // A resolver without a network may give up by time alone.
                XCTAssertEqual("\(error)", "gave up after 5000 ms, resolving the name")
                return
            }
            XCTAssertEqual(fault.host, "nobody.invalid")
        }
    }

    func testNamesAreResolved() throws {
        let backend = Backend()
        let target = try FetchTarget("http://localhost:\(backend.port)")
        let asking = try Asking(target)
        let wire = backend.accept()
        XCTAssertEqual(wire.readHead()["host"], "localhost:\(backend.port)")
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        XCTAssertEqual(asking.end()?.text, "ok")
    }
}
