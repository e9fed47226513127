// Owns the tests of everything that may take only so long.
// Called by XCTest.
// Never measures how long it took: what follows is awaited.

import XCTest

@testable import ProxyCore

final class TimeTests: XCTestCase {
    func testAHeadThatDripsIs408AndItsConnectionEnds48() throws {
        let house = try LoopHouse { $0.headerTimeout = 60 }
        defer { house.close() }
        let client = house.client()
        client.send("GET / HTTP/1.1\r\nHos")
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 408)
        XCTAssertEqual(answer["connection"], "close")
        XCTAssertEqual(client.awaitEnd(), .finished)
        // The client never closes: the lingering ends by itself.
        house.await("the connection is closed") { $0.downstreams.count == 0 }
    }

    func testAClientThatSaysNothingIsClosed() throws {
        let house = try LoopHouse(script: .serving()) {
            $0.headerTimeout = 60
            $0.keepAliveTimeout = 60
        }
        defer { house.close() }
        let silent = house.client()
        XCTAssertEqual(silent.awaitEnd(), .finished)
        let idle = house.client()
        idle.send(Say.get("/own"))
        XCTAssertEqual(idle.readReply().status, 200)
        XCTAssertEqual(idle.awaitEnd(), .finished)
    }

    func testABodyThatStopsIs408() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: .serving()) { $0.bodyTimeout = 60 }
        defer { house.close() }
        let client = house.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        XCTAssertEqual(client.readReply().status, 408)
        XCTAssertEqual(client.awaitEnd(), .finished)
        // A body that long has a connection already.
        let long = house.client()
        let beginning = String(repeating: "x", count: Limits.highWater)
        long.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + beginning)
        let upstream = backend.accept()
        _ = upstream.readHead()
        XCTAssertEqual(long.readReply().status, 408)
        XCTAssertEqual(long.awaitEnd(), .finished)
        XCTAssertTrue(upstream.takeAll() == Array(beginning.utf8))
        XCTAssertFalse(backend.isWaitedFor(), "the short one has none")
        // The body of a served request likewise.
        let served = house.client()
        served.send("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        XCTAssertEqual(served.readReply().status, 408)
        XCTAssertEqual(served.awaitEnd(), .finished)
        house.await("all are closed") { $0.downstreams.count == 0 }
        XCTAssertEqual(
            house.record.now.filter { if case .sighted = $0 { true } else { false } },
            [
                .sighted(408, byUpstream: false, "POST /"),
                .sighted(408, byUpstream: false, "POST /"),
            ])
    }

    func testABodyThatDripsIs408() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) {
            $0.bodyTimeout = 100
            $0.minimumRate = 1_000_000
        }
        defer { house.close() }
        let client = house.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
        // Each byte comes in time; all together are too slow.
        for _ in 0..<100_000 where client.held.isEmpty && client.end == nil {
            guard client.trySend([120]) != nil else { break }
            _ = client.receive(atMost: 5)
        }
        XCTAssertEqual(client.readReply().status, 408)
        XCTAssertNotEqual(client.end, .silence)
    }

    func testResponseTimeoutIs504AndTheConnectionGoesOn() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) {
            $0.responseTimeout = 60
            $0.keepAliveTimeout = 60
        }
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 504)
        XCTAssertNil(answer["connection"])
        XCTAssertNotNil(upstream.awaitEnd())
        house.expect { $0.contains(.sighted(504, byUpstream: false, "GET /")) }
        // The next deadline of the same connection comes too.
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    func testAResponseThatStopsInItsBodyIsAborted() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.responseTimeout = 100 }
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        let answer = client.readReply()
        XCTAssertEqual(answer.body, Array("abc".utf8))
        XCTAssertFalse(answer.isWhole)
        XCTAssertNotEqual(client.end, .silence)
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testAnUploadThatTheBackendDoesNotTakeIs504() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.bodyTimeout = 150 }
        defer { house.close() }
        let client = house.client()
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        let piece = [UInt8](repeating: 120, count: 65536)
        client.send(piece)
        let upstream = backend.accept()
        // The backend reads nothing: everything fills up, and then the answer comes.
        while client.end == nil, client.held.isEmpty {
            guard client.trySend(piece[...]) != nil else { break }
            client.receive(atMost: 1)
        }
        XCTAssertEqual(client.readReply().status, 504)
        upstream.close()
    }

    func testIdleUpstreamConnectionsAreClosed47() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamIdle = 50 }
        defer { house.close() }
        for _ in 0..<3 {
            let (_, upstream) = house.warmUp(backend)
            XCTAssertEqual(upstream.awaitEnd(), .finished)
        }
        XCTAssertEqual(house.count(.upstreamConnects), 3)
    }

    func testAConnectThatHangsIs504() throws {
        let backend = Backend()
        // Nobody accepts: with its queue full, the kernel leaves further connects unanswered.
        listen(backend.descriptor, 0)
        var fillers: [Wire] = []
        let house = try LoopHouse(backend) { $0.connectTimeout = 100 }
        defer { house.close() }
        var status = 0
        for _ in 0..<8 where status != 504 {
            let client = house.client()
            client.send(Say.get("/"))
            if client.wait(POLLIN, 1_000) { status = client.readReply().status }
            fillers.append(client)
        }
        XCTAssertEqual(status, 504)
        XCTAssertGreaterThan(house.count(.errorTimeout), 0)
    }

    /// Each earlier deadline leaves a note in the wheel; they must not beget each other.
    func testDeadlinesThatMoveToAndFroLeaveFewNotes() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) {
            $0.keepAliveTimeout = 400
            $0.responseTimeout = 200
            $0.headerTimeout = 300
            $0.upstreamIdle = 200
        }
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        var most = 0
        let end = Clock.monotonic() + 3_000
        while Clock.monotonic() < end {
            client.send(Say.get("/"))
            _ = upstream.readRequest()
            upstream.send(Say.reply("x"))
            // A machine that stops us for longer than these deadlines can prove nothing here.
            guard client.readReply().status == 200 else { throw XCTSkip("too busy a machine") }
            most = max(most, house.inLoop { $0.loop.wheel.count } ?? .max)
        }
        XCTAssertLessThan(most, 16)
    }
}
