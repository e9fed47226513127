// Owns the tests of requests that are refused, and of what happens to their connections.
// Called by XCTest.
// Never repeats the parser's vectors: a few stand for all.

import XCTest

@testable import ProxyCore

final class RefusalTests: XCTestCase {
    func testRefusedRequestsReachNoUpstream() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for (request, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                400
            ),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400),
            ("GET / HTTP/1.1\nHost: a\n\n", 400),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n", 417),
            ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n",
                431
            ),
        ] {
            let client = house.client()
            client.send(request)
            let answer = client.readReply()
            XCTAssertEqual(answer.status, status, request)
            XCTAssertEqual(answer["connection"], "close", request)
            // RFC 9110 §15.5.6: 405 says what else would be answered.
            XCTAssertEqual(answer["allow"] != nil, status == 405, request)
            XCTAssertTrue(answer.isWhole)
            XCTAssertEqual(client.awaitEnd(), .finished, request)
        }
        XCTAssertFalse(backend.isWaitedFor())
        XCTAssertEqual(house.record.now, [])
        XCTAssertEqual(house.count(.upstreamConnects), 0)
        XCTAssertEqual(house.count(.requestsRefused), 9)
    }

    /// The answer to the first makes the kernel of a client that has closed send a reset, and the
    /// answer to the second meets it.
    func testARefusalToAClientThatIsGone() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        for _ in 0..<20 {
            let client = house.client()
            client.send(Say.get("/own") + "nonsense\r\n\r\n" + Say.get("/own"))
            client.close()
        }
        house.await("all are gone") { $0.downstreams.count == 0 }
        XCTAssertEqual(house.count(.connectionsAccepted), 20)
    }

    func testAnswersToAClientThatIsGone() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        for _ in 0..<20 {
            let client = house.client()
            client.send(Say.get("/own") + Say.get("/own") + Say.get("/own") + Say.get("/own"))
            client.close()
        }
        house.await("all are gone") { $0.downstreams.count == 0 }
    }

    func testBodyLimit25() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.bodyLimit = 1000 }
        defer { house.close() }
        let announced = house.client()
        announced.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
        XCTAssertEqual(announced.readReply().status, 413)
        XCTAssertEqual(announced.awaitEnd(), .finished)
        XCTAssertFalse(backend.isWaitedFor())
        // Chunked, it is known while it streams, and the upstream sees no end of it.
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let streamed = house.client()
        streamed.send(head + "1f4\r\n" + String(repeating: "a", count: 500) + "\r\n")
        let upstream = backend.accept()
        _ = upstream.readHead()
        XCTAssertNotNil(upstream.take(through: "\r\n"))
        XCTAssertEqual(upstream.take(502).count, 502)
        streamed.send("1f5\r\n" + String(repeating: "a", count: 501) + "\r\n0\r\n\r\n")
        let refused = streamed.readReply()
        XCTAssertEqual(refused.status, 413)
        XCTAssertEqual(refused["connection"], "close")
        XCTAssertFalse(String(decoding: upstream.takeAll(), as: UTF8.self).hasSuffix("0\r\n\r\n"))
        // Whole in one read it is no different.
        let whole = house.client()
        whole.send(head + Say.chunked([String(repeating: "a", count: 1001)]))
        XCTAssertEqual(whole.readReply().status, 413)
        // And at the limit it passes.
        let exact = house.client()
        exact.send(head + Say.chunked([String(repeating: "a", count: 1000)]))
        var last = backend.accept()
        // The refused one may have got as far as a connection.
        if last.readHead().start.isEmpty { last = backend.accept() }
        XCTAssertNotNil(last.take(through: "0\r\n\r\n"))
        last.send(Say.reply("fits"))
        XCTAssertEqual(exact.readReply().text, "fits")
    }

    func testAMalformedBodyEndsTheUpstreamConnection12() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        let upstream = backend.accept()
        _ = upstream.readHead()
        XCTAssertEqual(upstream.take(8), Array("3\r\nabc\r\n".utf8))
        client.send("+3\r\nabc\r\n0\r\n\r\n")
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 400)
        XCTAssertEqual(answer["connection"], "close")
        // No terminating chunk: nobody takes half a body for a whole one.
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testBadResponsesAre502() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        for bad in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        ] {
            client.send(Say.get("/"))
            let upstream = backend.accept()
            _ = upstream.readRequest()
            upstream.send(bad)
            let answer = client.readReply()
            XCTAssertEqual(answer.status, 502, bad)
            XCTAssertTrue(answer.isWhole)
            XCTAssertNotNil(upstream.awaitEnd())
        }
        XCTAssertEqual(house.count(.errorBadResponse), 4)
        house.expect { $0.contains(.sighted(502, byUpstream: false, "GET /")) }
    }

    func testOptionsForTheLastHopIsAnsweredHere22() throws {
        let house = try LoopHouse()
        defer { house.close() }
        let client = house.client()
        client.send("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n" + Say.get("/"))
        XCTAssertEqual(client.readReply().status, 204)
        // And without an upstream there is no answer but ours.
        XCTAssertEqual(client.readReply().status, 502)
        XCTAssertEqual(house.record.now.count, 2)
    }

    func testRefusedByTheApplication() throws {
        var script = Script()
        script.admit = { _ in .refuse(.plain("no", status: 401)) }
        let house = try LoopHouse(script: script)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/a") + Say.get("/b"))
        XCTAssertEqual(client.readReply().status, 401)
        XCTAssertEqual(client.readReply().text, "no")
        // Its body is not read: the connection cannot go on.
        client.send(Say.post("/c", "body"))
        let last = client.readReply()
        XCTAssertEqual(last.status, 401)
        XCTAssertEqual(last["connection"], "close")
        XCTAssertEqual(client.awaitEnd(), .finished)
    }
}
