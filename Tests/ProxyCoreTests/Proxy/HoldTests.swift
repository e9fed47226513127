// Owns the tests of what the application does to an exchange: serving, holding, watching.
// Called by XCTest.
// Never tests what the application of this product answers.

import XCTest

@testable import ProxyCore

final class HoldTests: XCTestCase {
    /// Holds what has succeeded, and notes on the board which exchange that is.
    private func holding(_ held: Board<ExchangeID?> = Board(nil)) -> Script {
        var script = Script()
        script.sight = { _, id, status in
            guard status == 200 else { return .pass }
            held.change { $0 = id }
            return .hold
        }
        return script
    }

    /// Answers when the test does, and notes on the board whom.
    private func answeringLater(_ asked: Board<ExchangeID?>) -> Script {
        var script = Script.serving()
        script.serve = { _, id, _ in
            asked.change { $0 = id }
            return .later
        }
        return script
    }

    private func sighted(_ asked: [Asked]) -> Bool {
        asked.contains { if case .sighted = $0 { true } else { false } }
    }

    func testAHeldResponseLeavesWhenItIsReleased() throws {
        let backend = Backend()
        let held = Board<[ExchangeID]>([])
        var script = Script()
        script.sight = { _, id, _ in
            held.change { $0.append(id) }
            return .hold
        }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/a") + Say.get("/b"))
        let upstream = backend.accept()
        for path in ["/a", "/b"] {
            XCTAssertEqual(upstream.readRequest().start, "GET \(path) HTTP/1.1")
            upstream.send(Say.reply(path))
            XCTAssertTrue(held.await { $0.count == 1 })
            let id = held.change { $0.removeFirst() }
            XCTAssertFalse(client.receive(atMost: 20), "nothing leaves before")
            _ = house.inLoop {
                $0.release(id)
                $0.release(id)
            }
            XCTAssertEqual(client.readReply().text, path)
        }
        XCTAssertEqual(house.count(.holdsExpired), 0)
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    func testALargeHeldResponsePausesItsSource() throws {
        let backend = Backend()
        let held = Board<ExchangeID?>(nil)
        // The test decides when it is released, not the clock.
        let house = try LoopHouse(backend, script: holding(held))
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let body = String(repeating: "0123456789abcdef", count: 40_000)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
        XCTAssertTrue(held.await { $0 != nil })
        let id = held.now!
        var rest = Array(body.utf8)[...]
        rest = rest.dropFirst(upstream.trySend(rest) ?? 0)
        let most = house.inLoop { loop in
            loop.downstreams[loop.exchanges[id.slot].downstream].output.count
        }
        XCTAssertLessThanOrEqual(most ?? .max, Limits.highWater + Limits.readSize + 1024)
        _ = house.inLoop { $0.release(id) }
        let seen = pump(rest, from: upstream, to: client, until: body.utf8.count + 200)
        XCTAssertTrue(seen.text == body)
        XCTAssertTrue(seen.isWhole)
    }

    func testAHoldEndsByItselfAndTheConnectionsLaterDeadlinesStand() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: holding()) { $0.keepAliveTimeout = 50 }
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(Say.reply("late"))
        XCTAssertEqual(client.readReply().text, "late")
        XCTAssertEqual(house.count(.holdsExpired), 1)
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    func testAClientThatLeavesWhileItsResponseIsHeld() throws {
        let backend = Backend()
        let held = Board<ExchangeID?>(nil)
        let house = try LoopHouse(backend, script: holding(held))
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(Say.reply("x"))
        XCTAssertTrue(held.await { $0 != nil })
        client.reset()
        house.await("the client is gone") { $0.downstreams.count == 0 }
        let id = held.now!
        _ = house.inLoop { $0.release(id) }
    }

    func testAHeldResponseThatBreaksOffIs502() throws {
        let backend = Backend()
        let held = Board<ExchangeID?>(nil)
        let house = try LoopHouse(backend, script: holding(held))
        defer { house.close() }
        let client = house.client()
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno size",
        ] {
            held.change { $0 = nil }
            client.send(Say.get("/logout"))
            let upstream = backend.accept()
            _ = upstream.readRequest()
            // What is not held has left before it.
            upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            XCTAssertEqual(client.readReply().status, 103)
            upstream.send(response)
            XCTAssertTrue(held.await { $0 != nil })
            upstream.close()
            let answer = client.readReply()
            XCTAssertEqual(answer.status, 502, response)
            XCTAssertTrue(answer.isWhole)
            if let id = held.now { _ = house.inLoop { $0.release(id) } }
        }
        XCTAssertEqual(house.count(.errorTruncated), 2)
        // The application has heard of it once, and the client's connection is as good as new.
        client.send(Say.get("/logout"))
        let upstream = backend.accept()
        _ = upstream.readRequest()
        upstream.send(Say.reply("kept", status: "201 Created"))
        XCTAssertEqual(client.readReply().text, "kept")
        let sighted = house.record.now.filter {
            if case .sighted = $0 { true } else { false }
        }
        XCTAssertEqual(sighted.count, 4)
    }

    /// Bytes that were there before it stay where they are.
    func testWhatCameBeforeAHeldResponseIsNotTakenBack() throws {
        let backend = Backend()
        let held = Board<ExchangeID?>(nil)
        var script = Script()
        script.sight = { host, id, status in
            guard status == 200, let loop = host as? ProxyLoop else { return .pass }
            // As if the client had not taken the interim response that came with it.
            let slot = loop.exchanges[id.slot].downstream
            loop.downstreams[slot].output.append("HTTP/1.1 103 Early Hints\r\n\r\n")
            held.change { $0 = id }
            return .hold
        }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        XCTAssertTrue(held.await { $0 != nil })
        upstream.close()
        XCTAssertEqual(client.readReply().status, 103)
        XCTAssertEqual(client.readReply().status, 502)
    }

    /// Releasing, answering and watching in the middle of one another: nobody gets what belongs
    /// to somebody else.
    func testReleasingAndAnsweringInsideOtherCalls() throws {
        let backend = Backend()
        let held = Board<ExchangeID?>(nil)
        let later = Board<ExchangeID?>(nil)
        var script = Script()
        script.admit = { label in
            label.contains("/own")
                ? .serve(Ticket(), bodyLimit: 100) : .forward(Ticket(), watch: Watch(body: 100))
        }
        script.serve = { host, id, label in
            if label.hasSuffix("later") {
                later.change { $0 = id }
                return .later
            }
            // In the middle of `serve`, with its request in the buffers.
            if let other = held.now { host.release(other) }
            return .answer(.plain("served"))
        }
        script.sight = { _, id, status in
            guard status == 201 else { return .pass }
            held.change { $0 = id }
            return .hold
        }
        script.watched = { host, _ in
            // With the end of a response written and not yet sent.
            if let other = later.now { host.answer(other, with: .plain("answered")) }
        }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let waiting = house.client()
        waiting.send(Say.get("/own/later") + Say.get("/own/pipelined"))
        XCTAssertTrue(later.await { $0 != nil })
        let (client, upstream) = house.warmUp(backend)
        // `warmUp` was watched, and that has answered the first client.
        XCTAssertEqual(waiting.readReply().text, "answered")
        XCTAssertEqual(waiting.readReply().text, "served")
        client.send(Say.get("/held") + Say.get("/behind"))
        _ = upstream.readRequest()
        upstream.send(Say.reply("held", status: "201 Created"))
        XCTAssertTrue(held.await { $0 != nil })
        // Two requests in one read: the second must survive what the first sets off.
        waiting.send(Say.post("/own", "one") + Say.post("/own", "two"))
        XCTAssertEqual(waiting.readReply().text, "served")
        XCTAssertEqual(waiting.readReply().text, "served")
        XCTAssertEqual(client.readReply().text, "held")
        XCTAssertEqual(upstream.readRequest().start, "GET /behind HTTP/1.1")
        upstream.send(Say.reply("behind"))
        XCTAssertEqual(client.readReply().text, "behind")
        house.expect { $0.contains(.served("POST /own", "two")) }
    }

    // MARK: Watching

    func testWatchedBodies() throws {
        let backend = Backend()
        var script = Script()
        script.admit = { _ in .forward(Ticket(), watch: Watch(body: 8)) }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let client = house.client()
        var upstream: Wire?
        for (response, shown) in [
            (Say.reply("12345678"), "12345678"),
            (Say.reply("123456789"), nil),
            (Say.reply("zip", fields: "Content-Encoding: gzip\r\n"), nil),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + Say.chunked(["ab", "cd"]), "abcd"
            ),
        ] as [(String, String?)] {
            house.record.change { $0 = [] }
            client.send(Say.get("/"))
            let wire = upstream ?? backend.accept()
            upstream = wire
            _ = wire.readRequest()
            wire.send(response)
            XCTAssertTrue(client.readReply().isWhole)
            house.expect { $0.contains(.watched(200, shown)) }
        }
    }

    func testHeadsThatAreAskedFor() throws {
        let backend = Backend()
        var script = Script()
        script.admit = { label in
            .forward(Ticket(), watch: Watch(fields: label.hasSuffix("/login")))
        }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        house.record.change { $0 = [] }
        client.send(Say.get("/login"))
        _ = upstream.readRequest()
        upstream.send("HTTP/1.1 103 Early Hints\r\nSet-Cookie: no\r\n\r\n")
        upstream.send(Say.reply("ok", fields: "Set-Cookie: sessionid=1\r\n"))
        XCTAssertEqual(client.readReply().status, 103)
        let answer = client.readReply()
        XCTAssertEqual(answer["set-cookie"], "sessionid=1")
        XCTAssertEqual(
            house.record.now,
            [
                .admitted("GET /login"), .answered(200, "sessionid=1"),
                .sighted(200, byUpstream: true, "GET /login"),
            ])
        // A backend that says nothing has no head.
        client.send(Say.post("/login", ""))
        _ = upstream.readRequest()
        upstream.close()
        XCTAssertEqual(client.readReply().status, 502)
        house.expect { $0.contains(.sighted(502, byUpstream: false, "POST /login")) }
        XCTAssertEqual(house.record.now.filter { $0 == .answered(502, nil) }, [])
    }

    // MARK: Serving

    func testServedBodiesInEverySplit() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        let client = house.client()
        for request in [
            Say.post("/own", "abcdef"),
            "POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Say.chunked(["abc", "def"]),
        ] {
            let bytes = Array((request + Say.get("/own/next")).utf8)
            for split in 1..<bytes.count {
                house.record.change { $0 = [] }
                client.send(Array(bytes[..<split]))
                XCTAssertEqual(house.inLoop { _ in 1 }, 1)
                client.send(Array(bytes[split...]))
                XCTAssertEqual(client.readReply().text, "POST /own", "\(split)")
                XCTAssertEqual(client.readReply().text, "GET /own/next", "\(split)")
                XCTAssertTrue(house.record.now.contains(.served("POST /own", "abcdef")))
            }
        }
    }

    func testALargeServedBodyThatCameAtOnce() throws {
        let house = try LoopHouse(script: .serving(200_000))
        defer { house.close() }
        let client = house.client()
        let body = String(repeating: "x", count: 150_000)
        house.whileStopped { client.send(Say.post("/own", body)) }
        XCTAssertEqual(client.readReply().text, "POST /own")
        house.expect { $0.contains(.served("POST /own", body)) }
    }

    func testServedBodiesHaveALimit() throws {
        let house = try LoopHouse(script: .serving(4))
        defer { house.close() }
        let exact = house.client()
        exact.send(Say.post("/own", "1234"))
        XCTAssertEqual(exact.readReply().status, 200)
        for request in [
            Say.post("/own", "12345"),
            "POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + Say.chunked(["123", "45"]),
        ] {
            let client = house.client()
            client.send(request)
            XCTAssertEqual(client.readReply().status, 413)
            XCTAssertEqual(client.awaitEnd(), .finished)
        }
        // Nobody was asked about a response: the upstream had nothing to do with it.
        XCTAssertFalse(sighted(house.record.now))
    }

    func testAnswersToHeadHaveNoBody() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        let client = house.client()
        client.send("HEAD /own HTTP/1.1\r\nHost: a\r\n\r\n" + Say.get("/own"))
        XCTAssertEqual(client.readReply(toHead: true)["content-length"], "9")
        XCTAssertEqual(client.readReply().text, "GET /own")
    }

    func testALaterAnswer() throws {
        let asked = Board<ExchangeID?>(nil)
        let house = try LoopHouse(script: answeringLater(asked))
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/1") + Say.get("/own/2"))
        for number in 1...2 {
            XCTAssertTrue(asked.await { $0 != nil })
            let id = asked.change { $0.take()! }
            _ = house.inLoop { loop in
                loop.answer(id, with: .plain("answer \(number)"))
                // A second time nobody waits for it.
                loop.answer(id, with: .plain("again"))
            }
            XCTAssertEqual(client.readReply().text, "answer \(number)")
        }
    }

    func testALaterAnswerWhoseClientLeaves() throws {
        let asked = Board<ExchangeID?>(nil)
        let house = try LoopHouse(script: answeringLater(asked))
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own"))
        XCTAssertTrue(asked.await { $0 != nil })
        client.reset()
        house.expect { $0.contains(.abandoned(asked.now!)) }
        let id = asked.now!
        // The slot serves somebody else now; the late answer is nobody's.
        asked.change { $0 = nil }
        let other = house.client()
        other.send(Say.get("/own"))
        XCTAssertTrue(asked.await { $0 != nil })
        let second = asked.now!
        XCTAssertEqual(second.slot, id.slot)
        _ = house.inLoop { loop in
            loop.answer(id, with: .plain("wrong"))
            loop.answer(second, with: .plain("right"))
        }
        XCTAssertEqual(other.readReply().text, "right")
    }

    func testALaterAnswerThatNeverComes() throws {
        var script = Script.serving()
        script.serve = { _, _, _ in .later }
        let house = try LoopHouse(script: script) { $0.responseTimeout = 50 }
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own"))
        XCTAssertEqual(client.awaitEnd(), .finished)
        house.expect { $0.contains(where: \.isAbandoned) }
    }
}
