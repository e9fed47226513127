// Owns the tests of requests whose admission the application has put off.
// Called by XCTest.
// Never waits out a time: deadlines are moved to now.

import XCTest

@testable import ProxyCore

final class AdmissionTests: XCTestCase {
    /// Who waits, in the order of their arrival.
    private typealias Waiting = Board<[ConnectionID]>

    /// Puts off everything whose path begins with `/wait`, once.
    private func script(
        _ waiting: Waiting, then: @escaping (String) -> Admission = Script.serving().admit
    ) -> Script {
        var script = Script.serving()
        script.arrived = { _, arrival, label in
            guard !arrival.hasWaited, label.contains("/wait") else { return then(label) }
            waiting.change { $0.append(arrival.connection) }
            return .wait
        }
        return script
    }

    private func resume(_ house: LoopHouse, _ waiting: Waiting) {
        XCTAssertTrue(waiting.await { !$0.isEmpty })
        let connection = waiting.change { $0.removeFirst() }
        _ = house.inLoop { $0.resume(connection) }
    }

    /// The time of everybody who waits is over.
    private func expire(_ house: LoopHouse, _ waiting: Waiting) {
        XCTAssertTrue(waiting.await { !$0.isEmpty })
        _ = house.inLoop { loop in
            for slot in loop.downstreams.slots where loop.downstreams[slot].phase == .waiting {
                loop.setDeadline(downstream: slot, after: 0)
            }
        }
    }

    func testARequestIsAskedForAgainAndGoesOn() throws {
        let backend = Backend()
        let waiting = Waiting([])
        let house = try LoopHouse(backend, script: script(waiting))
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/wait?q=1", fields: "A: b\r\n") + Say.get("/behind"))
        XCTAssertTrue(waiting.await { $0.count == 1 })
        XCTAssertFalse(backend.isWaitedFor(20), "nothing goes up before")
        resume(house, waiting)
        let upstream = backend.accept()
        let seen = upstream.readRequest()
        XCTAssertEqual(seen.start, "GET /wait?q=1 HTTP/1.1")
        XCTAssertEqual(seen["a"], "b")
        upstream.send(Say.reply("waited"))
        XCTAssertEqual(client.readReply().text, "waited")
        XCTAssertEqual(upstream.readRequest().start, "GET /behind HTTP/1.1")
        upstream.send(Say.reply("behind"))
        XCTAssertEqual(client.readReply().text, "behind")
        house.expect {
            $0.filter { if case .sighted = $0 { false } else { true } } == [
                .admitted("GET /wait"), .admittedAgain("GET /wait"), .admitted("GET /behind"),
            ]
        }
        XCTAssertEqual(house.count(.requests), 2)
        house.await("both are counted") { $0.metrics.total(.status2xx) == 2 }
    }

    func testBodiesOfEveryKind() throws {
        let backend = Backend()
        let waiting = Waiting([])
        let house = try LoopHouse(backend, script: script(waiting))
        defer { house.close() }
        let client = house.client()
        var upstream: Wire?
        let head = "POST /wait HTTP/1.1\r\nHost: a\r\n"
        for (first, rest) in [
            (head + "Content-Length: 6\r\n\r\nabcdef", ""),
            (head + "Content-Length: 6\r\n\r\nabc", "def"),
            (head + "Content-Length: 6\r\n\r\n", "abcdef"),
            (head + "Transfer-Encoding: chunked\r\n\r\n3\r\na", "bc\r\n3\r\ndef\r\n0\r\n\r\n"),
        ] {
            for sendsEarly in [true, false] {
                client.send(first)
                XCTAssertTrue(waiting.await { !$0.isEmpty })
                if sendsEarly { client.send(rest) }
                resume(house, waiting)
                if !sendsEarly { client.send(rest) }
                let wire = upstream ?? backend.accept()
                upstream = wire
                XCTAssertEqual(wire.readRequest().text, "abcdef", first)
                wire.send(Say.reply("got it"))
                XCTAssertEqual(client.readReply().text, "got it")
            }
        }
    }

    func testALargeBodyBehindTheHead() throws {
        let backend = Backend()
        let waiting = Waiting([])
        let house = try LoopHouse(backend, script: script(waiting))
        defer { house.close() }
        let client = house.client()
        let body = String(repeating: "0123456789abcdef", count: 20_000)
        house.whileStopped { client.send(Say.post("/wait", body)) }
        resume(house, waiting)
        let upstream = backend.accept()
        XCTAssertTrue(upstream.readRequest().text == body)
        upstream.send(Say.reply("ok"))
        XCTAssertEqual(client.readReply().text, "ok")
    }

    func testNoBodyIsAskedForBeforeTheAdmission() throws {
        let backend = Backend()
        let waiting = Waiting([])
        let house = try LoopHouse(backend, script: script(waiting))
        defer { house.close() }
        for path in ["/wait", "/own/wait"] {
            let client = house.client()
            client.send(
                "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    + "Content-Length: 2\r\n\r\n")
            XCTAssertTrue(waiting.await { $0.count == 1 })
            XCTAssertFalse(client.receive(atMost: 20))
            resume(house, waiting)
            XCTAssertEqual(client.readReply().status, 100)
            client.send("hi")
            guard path == "/wait" else {
                XCTAssertEqual(client.readReply().text, "POST /own/wait")
                house.expect { $0.contains(.served("POST /own/wait", "hi")) }
                house.expect { $0.contains(.servedAfterWait("POST /own/wait")) }
                continue
            }
            let upstream = backend.accept()
            XCTAssertEqual(upstream.readRequest().text, "hi")
            upstream.send(Say.reply("ok"))
            XCTAssertEqual(client.readReply().text, "ok")
        }
    }

    func testARefusalAfterwardsLeavesTheConnection() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(
            script: script(waiting) { label in
                label.hasSuffix("/own")
                    ? .serve(Ticket(), bodyLimit: 10)
                    : .refuse(.plain("no", status: 401))
            })
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/wait/1") + Say.get("/wait/2") + Say.get("/own"))
        for _ in 1...2 {
            resume(house, waiting)
            XCTAssertEqual(client.readReply().status, 401)
        }
        XCTAssertEqual(client.readReply().text, "GET /own")
        XCTAssertEqual(house.count(.requests), 3)
    }

    // MARK: Time

    func testAfterItsTimeTheApplicationIsAskedAgain() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting)) { $0.keepAliveTimeout = 600_000 }
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/wait"))
        XCTAssertTrue(waiting.await { !$0.isEmpty })
        let rest = house.inLoop { loop in
            loop.downstreams[waiting.now[0].slot].deadline - loop.loop.now
        }
        XCTAssertLessThanOrEqual(rest ?? .max, Limits.admissionTime)
        expire(house, waiting)
        XCTAssertEqual(client.readReply().text, "GET /own/wait")
        house.expect { $0.contains(.admittedAgain("GET /own/wait")) }
        // Too late, and the next request is not the one that was meant.
        let late = waiting.change { $0.removeFirst() }
        client.send(Say.get("/own/wait/2"))
        XCTAssertTrue(waiting.await { !$0.isEmpty })
        _ = house.inLoop { $0.resume(late) }
        _ = house.inLoop { _ in }
        XCTAssertFalse(client.receive(atMost: 20))
        resume(house, waiting)
        XCTAssertEqual(client.readReply().text, "GET /own/wait/2")
    }

    func testNobodyWaitsTwice() throws {
        var script = Script.serving()
        script.arrived = { _, _, label in label.contains("/wait") ? .wait : nil }
        let house = try LoopHouse(script: script)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/wait") + Say.get("/own"))
        house.expect { !$0.isEmpty }
        _ = house.inLoop { loop in
            for slot in loop.downstreams.slots { loop.setDeadline(downstream: slot, after: 0) }
        }
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 503)
        XCTAssertEqual(answer["retry-after"], "1")
        XCTAssertEqual(client.readReply().text, "GET /own")
    }

    // MARK: Clients that leave

    func testAClientThatResetsFreesItsSlot() throws {
        let backend = Backend()
        let waiting = Waiting([])
        let house = try LoopHouse(backend, script: script(waiting))
        defer { house.close() }
        let client = house.client()
        client.send(Say.post("/wait", "body"))
        XCTAssertTrue(waiting.await { $0.count == 1 })
        client.reset()
        house.await("the slot is free") { $0.downstreams.count == 0 }
        XCTAssertEqual(house.count(.errorClientGone), 1)
        // The same slot, somebody else: the late news is not for them.
        let other = house.client()
        other.send(Say.get("/own/wait"))
        XCTAssertTrue(waiting.await { $0.count == 2 })
        XCTAssertEqual(waiting.now[0].slot, waiting.now[1].slot)
        resume(house, waiting)
        _ = house.inLoop { _ in }
        XCTAssertFalse(other.receive(atMost: 20))
        resume(house, waiting)
        XCTAssertEqual(other.readReply().text, "GET /own/wait")
        XCTAssertFalse(house.record.now.contains(.admittedAgain("POST /wait")))
    }

    func testAClientThatEndsItsSideWaitsForALittleWhile() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting))
        defer { house.close() }
        for isAnswered in [true, false] {
            let client = house.client()
            client.send(Say.get("/own/wait"))
            client.finishSending()
            XCTAssertTrue(waiting.await { !$0.isEmpty })
            let slot = waiting.now[0].slot
            house.await("the end is noticed") { loop in
                loop.downstreams[slot].deadline - loop.loop.now <= Limits.halfClose
            }
            house.record.change { $0 = [] }
            if isAnswered {
                resume(house, waiting)
                XCTAssertEqual(client.readReply().text, "GET /own/wait")
            } else {
                expire(house, waiting)
                house.await("the slot is free") { $0.downstreams.count == 0 }
                XCTAssertEqual(house.record.now, [])
            }
            XCTAssertEqual(client.awaitEnd(), .finished)
        }
    }

    // MARK: Many, and inside other calls

    func testManyWaitAtOnce() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting))
        defer { house.close() }
        let clients = (0..<60).map { _ in house.client() }
        for (number, client) in clients.enumerated() {
            client.send(Say.post("/own/wait/\(number)", "body \(number)"))
        }
        XCTAssertTrue(waiting.await { $0.count == clients.count })
        let all = waiting.now
        _ = house.inLoop { loop in
            for connection in all.reversed() {
                loop.resume(connection)
                loop.resume(connection)
            }
        }
        for (number, client) in clients.enumerated() {
            XCTAssertEqual(client.readReply().text, "POST /own/wait/\(number)")
            house.expect {
                $0.contains(.served("POST /own/wait/\(number)", "body \(number)"))
            }
        }
    }

    func testTheBytesOfThoseWhoWaitAreBounded() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting))
        defer { house.close() }
        let first = house.client()
        first.send(Say.post("/own/wait/1", "body"))
        XCTAssertTrue(waiting.await { $0.count == 1 })
        let held = house.inLoop { loop in
            let held = loop.waitingBytes
            loop.waitingBytes = Limits.waitingBytes
            return held
        }
        XCTAssertEqual(held, Say.post("/own/wait/1", "body").utf8.count)
        let second = house.client()
        second.send(Say.post("/own/wait/2", "body"))
        XCTAssertEqual(second.readReply().status, 503)
        resume(house, waiting)
        XCTAssertEqual(first.readReply().status, 200)
        let left = house.inLoop { $0.waitingBytes }
        XCTAssertEqual(left, Limits.waitingBytes - (held ?? 0))
    }

    func testResumingInsideAdmitTurnAndServe() throws {
        let other = Board<ConnectionID?>(nil)
        var script = Script.serving()
        script.arrived = { host, arrival, label in
            guard !arrival.hasWaited else { return nil }
            if label.hasSuffix("/at-once") {
                // Known before it has begun to wait.
                host.resume(arrival.connection)
                return .wait
            }
            guard label.hasSuffix("/turn") || label.hasSuffix("/serve") else { return nil }
            other.change { $0 = arrival.connection }
            return .wait
        }
        script.turn = { host in
            if let connection = other.now { host.resume(connection) }
        }
        script.serve = { host, _, label in
            if let connection = other.now { host.resume(connection) }
            return .answer(.plain(label))
        }
        let house = try LoopHouse(script: script)
        defer { house.close() }
        let client = house.client()
        let second = house.client()
        let began = Clock.monotonic()
        for path in ["/own/at-once", "/own/turn", "/own/serve"] {
            client.send(Say.get(path) + Say.get("\(path)/behind"))
            second.send(Say.get("/own/other"))
            XCTAssertEqual(client.readReply().text, "GET \(path)")
            XCTAssertEqual(client.readReply().text, "GET \(path)/behind")
            XCTAssertEqual(second.readReply().text, "GET /own/other")
        }
        // None of them was lost, and found again by the clock.
        XCTAssertLessThan(Clock.monotonic() - began, Limits.admissionTime)
    }

    // MARK: Upgrades

    func testUpgradesWaitLikeOtherRequests() throws {
        let backend = Backend()
        let waiting = Waiting([])
        var script = script(waiting)
        script.serve = { _, _, _ in .webSocket(fields: []) }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let fields =
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        let own = house.client()
        own.send(
            Array(Say.get("/own/wait", fields: fields).utf8) + ClientFrame.text("behind"))
        resume(house, waiting)
        XCTAssertEqual(own.readReply().status, 101)
        house.expect { $0.contains(.message("behind")) }
        let client = house.client()
        client.send(Say.get("/wait", fields: fields) + "early")
        resume(house, waiting)
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest()["upgrade"], "websocket")
        upstream.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        XCTAssertEqual(client.readReply().status, 101)
        XCTAssertEqual(upstream.take(5), Array("early".utf8))
    }

    // MARK: The end of the loop

    func testADrainWaitsForThoseWhoWait() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting))
        defer { house.close() }
        let resumed = house.client()
        resumed.send(Say.get("/own/wait/1"))
        XCTAssertTrue(waiting.await { $0.count == 1 })
        let expired = house.client()
        expired.send(Say.get("/own/wait/2"))
        XCTAssertTrue(waiting.await { $0.count == 2 })
        house.drain()
        resume(house, waiting)
        for client in [resumed, expired] {
            let answer = client.readReply()
            XCTAssertEqual(answer.status, 200)
            XCTAssertEqual(answer["connection"], "close")
            client.close()
            if client === resumed { expire(house, waiting) }
        }
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 0)
    }

    func testASecondDrainCutsThoseWhoWait() throws {
        let waiting = Waiting([])
        let house = try LoopHouse(script: script(waiting))
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/wait"))
        XCTAssertTrue(waiting.await { $0.count == 1 })
        house.drain()
        XCTAssertEqual(house.inLoop { $0.downstreams.count }, 1)
        house.drain()
        XCTAssertNotNil(client.awaitEnd())
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 1)
    }
}
