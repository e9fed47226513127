// Owns the tests of plain passing: connections kept on both sides, order, bodies however cut.
// Called by XCTest.
// Never looks at what a head's fields become: the tests of HTTP do.

import XCTest

@testable import ProxyCore

final class PassingTests: XCTestCase {
    func testBothConnectionsServeManyRequests() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        for number in 0..<20 {
            client.send(Say.get("/\(number)"))
            XCTAssertEqual(upstream.readRequest().start, "GET /\(number) HTTP/1.1")
            upstream.send(Say.reply("answer \(number)"))
            XCTAssertEqual(client.readReply().text, "answer \(number)")
        }
        // Another client finds the same connection free.
        let other = house.client()
        other.send(Say.get("/other"))
        XCTAssertEqual(upstream.readRequest().start, "GET /other HTTP/1.1")
        upstream.send(Say.reply("other"))
        XCTAssertEqual(other.readReply().text, "other")
        XCTAssertEqual(house.count(.upstreamConnects), 1)
        XCTAssertFalse(backend.isWaitedFor())
    }

    func testTheConnectionUsedLastIsUsedFirst() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let clients = [house.client(), house.client()]
        var upstreams: [Wire] = []
        for client in clients {
            client.send(Say.get("/"))
            upstreams.append(backend.accept())
            _ = upstreams.last?.readRequest()
        }
        for (client, upstream) in zip(clients, upstreams) {
            upstream.send(Say.reply("x"))
            XCTAssertEqual(client.readReply().text, "x")
        }
        clients[0].send(Say.get("/last"))
        XCTAssertEqual(upstreams[1].readRequest().start, "GET /last HTTP/1.1")
        upstreams[1].send(Say.reply("y"))
        XCTAssertEqual(clients[0].readReply().text, "y")
    }

    func testAnUpstreamThatWillNotPersistIsNotUsedAgain() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, first) = house.ask(backend)
        first.send(Say.reply("one", fields: "Connection: close\r\n"))
        let answer = client.readReply()
        XCTAssertEqual(answer.text, "one")
        XCTAssertNil(answer["connection"])
        XCTAssertEqual(first.awaitEnd(), .finished)
        client.send(Say.get("/"))
        let second = backend.accept()
        _ = second.readRequest()
        second.send(Say.reply("two"))
        XCTAssertEqual(client.readReply().text, "two")
    }

    func testSurplusBytesEndTheUpstreamConnection43() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, first) = house.ask(backend)
        first.send(Say.reply("one") + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbogus")
        XCTAssertEqual(client.readReply().text, "one")
        client.send(Say.get("/"))
        let second = backend.accept()
        _ = second.readRequest()
        second.send(Say.reply("two"))
        XCTAssertEqual(client.readReply().text, "two")
    }

    func testDataOnAnIdleUpstreamConnectionEndsIt43() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, first) = house.warmUp(backend)
        first.send(Say.reply("unasked"))
        XCTAssertNotNil(first.awaitEnd())
        client.send(Say.get("/"))
        let second = backend.accept()
        _ = second.readRequest()
        second.send(Say.reply("asked"))
        XCTAssertEqual(client.readReply().text, "asked")
    }

    func testPipelinedRequestsAreAnsweredInOrder29() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: .serving())
        defer { house.close() }
        let client = house.client()
        client.send(
            Say.get("/slow") + Say.get("/own/1") + Say.post("/up", "body") + Say.get("/own/2")
                + Say.get("/own/3"))
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().start, "GET /slow HTTP/1.1")
        // Never pipelined upstream.
        XCTAssertFalse(upstream.receive(atMost: 20))
        upstream.send(Say.reply("slow"))
        XCTAssertEqual(client.readReply().text, "slow")
        XCTAssertEqual(client.readReply().text, "GET /own/1")
        let second = upstream.readRequest()
        XCTAssertEqual(second.start, "POST /up HTTP/1.1")
        XCTAssertEqual(second.text, "body")
        upstream.send(Say.reply("up"))
        XCTAssertEqual(client.readReply().text, "up")
        XCTAssertEqual(client.readReply().text, "GET /own/2")
        XCTAssertEqual(client.readReply().text, "GET /own/3")
    }

    func testManyPipelinedRequestsInOneRead() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        let client = house.client()
        let count = 100
        client.send((0..<count).map { Say.get("/own/\($0)") }.joined())
        for number in 0..<count {
            XCTAssertEqual(client.readReply().text, "GET /own/\(number)")
        }
        client.finishSending()
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    func testARefusedRequestBehindGoodOnes29() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(
            backend,
            Say.get("/good") + "GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + Say.get("/never")
        )
        upstream.send(Say.reply("good"))
        XCTAssertEqual(client.readReply().text, "good")
        let refused = client.readReply()
        XCTAssertEqual(refused.status, 400)
        XCTAssertEqual(refused["connection"], "close")
        XCTAssertEqual(client.awaitEnd(), .finished)
        XCTAssertFalse(upstream.receive(atMost: 20))
        house.expect { $0.filter { if case .admitted = $0 { true } else { false } }.count == 1 }
    }

    func testRequestsInEverySplit() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        let request =
            "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3;ext=1\r\nabc\r\n5\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n"
        for split in 1..<request.utf8.count {
            let bytes = Array(request.utf8)
            client.send(Array(bytes[..<split]))
            // The loop has read the first part before the second is sent.
            XCTAssertEqual(house.inLoop { _ in 1 }, 1)
            client.send(Array(bytes[split...]))
            let seen = upstream.readRequest()
            XCTAssertEqual(seen.text, "abcdefgh", "\(split)")
            XCTAssertTrue(seen.isWhole)
            XCTAssertEqual(seen["transfer-encoding"], "chunked")
            XCTAssertNil(seen["trailer"])
            upstream.send(Say.reply("ok"))
            XCTAssertEqual(client.readReply().text, "ok")
        }
    }

    func testResponsesInEverySplit() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        for response in [
            Say.reply("abcdefgh"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;e\r\ndefgh\r\n"
                + "0\r\nT: x\r\n\r\n",
        ] {
            let bytes = Array(response.utf8)
            for split in 1..<bytes.count {
                client.send(Say.get("/\(split)"))
                _ = upstream.readRequest()
                upstream.send(Array(bytes[..<split]))
                XCTAssertEqual(house.inLoop { _ in 1 }, 1)
                upstream.send(Array(bytes[split...]))
                let answer = client.readReply()
                XCTAssertEqual(answer.text, "abcdefgh", "\(split)")
                XCTAssertTrue(answer.isWhole)
                XCTAssertNil(answer["t"])
            }
        }
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    func testDribbledBothWays() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.dribble(Say.post("/d", "0123456789"))
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().text, "0123456789")
        upstream.dribble(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + Say.chunked(["ab", "c"]))
        XCTAssertEqual(client.readReply().text, "abc")
        client.dribble(Say.get("/e"))
        XCTAssertEqual(upstream.readRequest().start, "GET /e HTTP/1.1")
        upstream.dribble(Say.reply("last"))
        XCTAssertEqual(client.readReply().text, "last")
    }

    func testResponsesWithoutBody43() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, warmed) = house.warmUp(backend)
        client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = warmed.readRequest()
        warmed.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        XCTAssertEqual(client.readReply(toHead: true)["content-length"], "99")
        // Many servers send the 99 bytes all the same: nobody else is to have them.
        client.send(Say.get("/n"))
        let upstream = backend.accept()
        _ = upstream.readRequest()
        upstream.send(Say.reply("fresh"))
        XCTAssertEqual(client.readReply().text, "fresh")
        for status in ["204 No Content", "304 Not Modified"] {
            client.send(Say.get("/n"))
            _ = upstream.readRequest()
            upstream.send("HTTP/1.1 \(status)\r\nETag: \"x\"\r\n\r\n")
            let answer = client.readReply()
            XCTAssertEqual(answer.status, Int(status.prefix(3)))
            XCTAssertEqual(answer["etag"], "\"x\"")
        }
        client.send(Say.get("/after"))
        _ = upstream.readRequest()
        upstream.send(Say.reply("after"))
        XCTAssertEqual(client.readReply().text, "after")
        XCTAssertEqual(house.count(.upstreamConnects), 2)
    }

    func testCloseDelimitedBodies36And44() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for version in ["1.1", "1.0"] {
            let (client, upstream) = house.ask(backend, "GET / HTTP/\(version)\r\nHost: a\r\n\r\n")
            upstream.send("HTTP/1.1 200 OK\r\n\r\nuntil ")
            upstream.send("the end")
            upstream.finishSending()
            let answer = client.readReply()
            XCTAssertEqual(answer.text, "until the end")
            XCTAssertTrue(answer.isWhole)
            XCTAssertEqual(
                answer["transfer-encoding"], version == "1.1" ? "chunked" : nil)
            if version == "1.0" {
                XCTAssertEqual(client.end, .finished)
            } else {
                client.send(Say.get("/again"))
                let second = backend.accept()
                _ = second.readRequest()
                second.send(Say.reply("again", fields: "Connection: close\r\n"))
                XCTAssertEqual(client.readReply().text, "again")
            }
        }
    }

    func testChunkedToAClientOf10IsNotChunked36() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().start, "GET / HTTP/1.1")
        upstream.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + Say.chunked(["one", "two"]))
        let answer = client.readReply()
        XCTAssertNil(answer["transfer-encoding"])
        XCTAssertEqual(answer.text, "onetwo")
        XCTAssertEqual(client.end, .finished)
        // With a length it may stay.
        let kept = house.client()
        kept.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        _ = upstream.readRequest()
        upstream.send(Say.reply("kept"))
        let first = kept.readReply()
        XCTAssertEqual(first["connection"], "keep-alive")
        XCTAssertEqual(first.text, "kept")
        kept.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        _ = upstream.readRequest()
        upstream.send(Say.reply("last"))
        XCTAssertEqual(kept.readReply().text, "last")
        XCTAssertEqual(kept.awaitEnd(), .finished)
    }

    func testTruncatedResponsesDoNotLookWhole12And44() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for (version, head) in [
            ("1.1", "Content-Length: 10\r\n"), ("1.1", "Transfer-Encoding: chunked\r\n"),
            ("1.0", "Content-Length: 10\r\n"), ("1.0", "Transfer-Encoding: chunked\r\n"),
        ] {
            let (client, upstream) = house.ask(backend, "GET / HTTP/\(version)\r\nHost: a\r\n\r\n")
            upstream.send("HTTP/1.1 200 OK\r\n\(head)\r\n5\r\nabc")
            upstream.finishSending()
            let answer = client.readReply()
            XCTAssertEqual(answer.status, 200)
            XCTAssertFalse(answer.isWhole, "\(version) \(head)")
            XCTAssertNotNil(client.end)
            XCTAssertNotEqual(client.end, .silence)
        }
        XCTAssertEqual(house.count(.errorTruncated), 4)
    }

    func testAMalformedChunkFromTheUpstreamAborts() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        XCTAssertEqual(client.readHead().status, 200)
        XCTAssertEqual(client.take(8), Array("3\r\nabc\r\n".utf8))
        upstream.send("0x5\r\nhello\r\n0\r\n\r\n")
        XCTAssertFalse(client.readReply().isWhole)
        XCTAssertNotEqual(client.end, .silence)
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testUploadOfEveryFramingIsWhole() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        let body = String(repeating: "0123456789", count: 15_000)
        for request in [
            Say.post("/length", body),
            "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Say.chunked([body]),
        ] {
            // All of it lies with the kernel before the loop reads: nothing more will come.
            house.whileStopped { client.send(request) }
            let seen = upstream.readRequest()
            XCTAssertTrue(seen.isWhole)
            XCTAssertEqual(seen.body.count, body.utf8.count)
            XCTAssertTrue(seen.text == body)
            upstream.send(Say.reply("ok"))
            XCTAssertEqual(client.readReply().text, "ok")
        }
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    func testEarlyFinalResponseEndsTheUpload32() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\npart")
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readHead().start, "POST /early HTTP/1.1")
        upstream.send(Say.reply("no", status: "403 Forbidden"))
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 403)
        XCTAssertEqual(answer.text, "no")
        XCTAssertEqual(answer["connection"], "close")
        // Our side has ended; what still comes is dropped, and is no request.
        client.send(String(repeating: "x", count: 1000) + Say.get("/smuggled"))
        XCTAssertEqual(client.awaitEnd(), .finished)
        XCTAssertNotNil(
            upstream.end
                ?? {
                    while upstream.receive() {}
                    return upstream.end
                }())
        client.close()
        XCTAssertFalse(backend.isWaitedFor())
        XCTAssertEqual(house.count(.requests), 1)
    }

    func testAConnectionThatEndsWithinItsRequestReachesNobody() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let half = house.client()
        half.send("GET / HTTP/1.1\r\nHost")
        half.finishSending()
        XCTAssertEqual(half.awaitEnd(), .finished)
        let client = house.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        house.await("the body is collected") { $0.collecting == 1 }
        client.close()
        house.await("the client is gone") { $0.downstreams.count == 0 }
        XCTAssertEqual(house.count(.errorClientGone), 1)
        XCTAssertFalse(backend.isWaitedFor())
    }

    func testAClientThatEndsItsSideStillGetsItsAnswer() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(Say.post("/", "abc"))
        client.finishSending()
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().text, "abc")
        upstream.send(Say.reply("done"))
        XCTAssertEqual(client.readReply().text, "done")
        XCTAssertEqual(client.awaitEnd(), .finished)
    }
}
