// Owns the tests of interim responses and of Expect.
// Called by XCTest.
// Never tests what a final response becomes.

import XCTest

@testable import ProxyCore

final class InterimTests: XCTestCase {
    func testInterimResponsesAreRelayed35() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\n\r\n")
        let hints = client.readReply()
        XCTAssertEqual(hints.status, 103)
        XCTAssertEqual(hints["link"], "</a>")
        XCTAssertNil(hints["x"])
        XCTAssertNil(hints["content-length"])
        // Several at once, and the final one in the same packet; a 100 is nobody's.
        upstream.send(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + Say.reply("final"))
        XCTAssertEqual(client.readReply().status, 102)
        XCTAssertEqual(client.readReply().text, "final")
        client.send(Say.get("/next"))
        _ = upstream.readRequest()
        upstream.dribble("HTTP/1.1 103 Early Hints\r\n\r\n" + Say.reply("next"))
        XCTAssertEqual(client.readReply().status, 103)
        XCTAssertEqual(client.readReply().text, "next")
        XCTAssertEqual(
            house.record.now.filter { if case .sighted = $0 { true } else { false } }.count, 2)
    }

    func testAClientOf10GetsNoInterimResponse36() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        upstream.send("HTTP/1.1 103 Early Hints\r\n\r\n" + Say.reply("final"))
        XCTAssertEqual(client.readReply().text, "final")
    }

    func testTooManyInterimResponses35() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let hint = "HTTP/1.1 103 Early Hints\r\n\r\n"
        upstream.send(String(repeating: hint, count: Limits.interimResponses + 1) + Say.reply("x"))
        for _ in 0..<Limits.interimResponses { XCTAssertEqual(client.readReply().status, 103) }
        XCTAssertEqual(client.readReply().status, 502)
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testExpectIsAnsweredFromHere34() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: .serving())
        defer { house.close() }
        let expecting = "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        for path in ["/own", "/up"] {
            let client = house.client()
            client.send("POST \(path) HTTP/1.1\r\nHost: a\r\n" + expecting)
            XCTAssertEqual(client.readReply().status, 100)
            client.send("body")
            if path == "/up" {
                let upstream = backend.accept()
                let seen = upstream.readRequest()
                XCTAssertEqual(seen.text, "body")
                XCTAssertNil(seen["expect"])
                // Its own 100 comes too late for anybody.
                upstream.send("HTTP/1.1 100 Continue\r\n\r\n" + Say.reply("POST /up"))
            }
            XCTAssertEqual(client.readReply().text, "POST \(path)")
        }
        // A body that came with its head waits for nothing.
        let client = house.client()
        client.send("POST /own HTTP/1.1\r\nHost: a\r\n" + expecting + "body")
        XCTAssertEqual(client.readReply().status, 200)
    }

    func testExpectIsIgnoredFrom10() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(
            "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        client.send("x")
        let upstream = backend.accept()
        XCTAssertNil(upstream.readHead()["expect"])
        XCTAssertEqual(upstream.take(1), [120])
        upstream.send(Say.reply("ok"))
        XCTAssertEqual(client.readReply().text, "ok")
    }
}
