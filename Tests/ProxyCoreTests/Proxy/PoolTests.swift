// Owns the tests of which upstream connection a request gets, and of what happens without one.
// Called by XCTest.
// Never tests the pool's arithmetic: UpstreamPoolTests does.

import XCTest

@testable import ProxyCore

final class PoolTests: XCTestCase {
    /// A kept connection that the backend closes at the moment that the request comes.
    private func stale(_ request: String, house: LoopHouse, backend: Backend) -> Wire {
        let (client, upstream) = house.warmUp(backend)
        house.whileStopped {
            // Both wait when the loop looks, the request first.
            client.send(request)
            upstream.reset()
        }
        return client
    }

    func testARequestOnAStaleConnectionIsSentAgainOnce46() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        // The loop may see the reset before it sends: then there is nothing to retry.
        for _ in 0..<20 {
            let client = stale(Say.get("/again"), house: house, backend: backend)
            let fresh = backend.accept()
            XCTAssertEqual(fresh.readRequest().start, "GET /again HTTP/1.1")
            fresh.send(Say.reply("fresh", fields: "Connection: close\r\n"))
            XCTAssertEqual(client.readReply().text, "fresh")
            client.close()
        }
    }

    func testARetryIsDoneOnce46() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        client.send(Say.get("/twice"))
        XCTAssertEqual(upstream.readRequest().start, "GET /twice HTTP/1.1")
        upstream.close()
        let fresh = backend.accept()
        XCTAssertEqual(fresh.readRequest().start, "GET /twice HTTP/1.1")
        fresh.close()
        XCTAssertEqual(client.readReply().status, 502)
        XCTAssertFalse(backend.isWaitedFor())
        XCTAssertEqual(house.count(.retries), 1)
        // And the client's connection goes on.
        client.send(Say.get("/next"))
        let next = backend.accept()
        _ = next.readRequest()
        next.send(Say.reply("next"))
        XCTAssertEqual(client.readReply().text, "next")
    }

    func testWhatMayNotBeSentTwiceIsNot46() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        // Not idempotent; with a body; answered in part; not on a kept connection.
        for (request, answer) in [
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", ""),
            ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", ""),
            (Say.get("/"), "HTTP/1.1 200"),
            (Say.get("/"), "HTTP/1.1 103 Early Hints\r\n\r\n"),
        ] {
            let (client, upstream) = house.warmUp(backend)
            client.send(request)
            _ = upstream.readRequest()
            if !answer.isEmpty {
                upstream.send(answer)
                if answer.hasSuffix("\r\n") { XCTAssertEqual(client.readReply().status, 103) }
            }
            upstream.finishSending()
            XCTAssertEqual(client.readReply().status, 502, request)
            XCTAssertFalse(backend.isWaitedFor())
        }
        let client = house.client()
        client.send(Say.get("/"))
        backend.accept().close()
        XCTAssertEqual(client.readReply().status, 502)
        XCTAssertEqual(house.count(.retries), 0)
        XCTAssertEqual(house.count(.errorUpstreamClosed), 5)
    }

    func testRefusedConnectIs502() throws {
        let backend = Backend()
        backend.close()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        for _ in 0..<3 {
            client.send(Say.get("/"))
            let answer = client.readReply()
            XCTAssertEqual(answer.status, 502)
            XCTAssertEqual(answer["content-type"], "application/problem+json")
            XCTAssertFalse(answer.text.contains("127.0.0.1"))
        }
        XCTAssertEqual(house.count(.errorConnect), 3)
        house.expect { $0.contains(.sighted(502, byUpstream: false, "GET /")) }
    }

    func testAServerThatRefusesIsPassedOver() throws {
        let dead = Backend()
        dead.close()
        let backend = Backend()
        let house = try LoopHouse(dead, backend)
        defer { house.close() }
        let client = house.client()
        for number in 0..<8 {
            // Whatever its method: nothing has left when a connect fails.
            client.send(Say.post("/\(number)", "body"))
            let upstream = backend.accept()
            let seen = upstream.readRequest()
            XCTAssertEqual(seen.start, "POST /\(number) HTTP/1.1")
            XCTAssertEqual(seen.text, "body")
            upstream.send(Say.reply("\(number)", fields: "Connection: close\r\n"))
            XCTAssertEqual(client.readReply().text, "\(number)")
        }
        XCTAssertEqual(house.count(.errorConnect), 0)
    }

    func testServersShareTheWork() throws {
        let backends = [Backend(), Backend()]
        let house = try LoopHouse(backends[0], backends[1])
        defer { house.close() }
        let clients = (0..<4).map { _ in house.client() }
        for client in clients { client.send(Say.get("/")) }
        for backend in backends {
            for _ in 0..<2 {
                let upstream = backend.accept()
                _ = upstream.readRequest()
                upstream.send(Say.reply("x", fields: "Connection: close\r\n"))
            }
        }
        for client in clients { XCTAssertEqual(client.readReply().text, "x") }
    }

    // MARK: The queue

    func testRequestsWaitForAFreeConnectionInOrder() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let body = String(repeating: "0123456789", count: 50_000)
        let clients = (0..<4).map { _ in house.client() }
        clients[0].send(Say.get("/0"))
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().start, "GET /0 HTTP/1.1")
        clients[1].send(Say.get("/1"))
        house.await("it waits") { $0.waiters.count == 1 }
        // Longer than may be kept of it: the rest stays with its client.
        var rest = Array(Say.post("/2", body).utf8)[...]
        rest = rest.dropFirst(clients[2].trySend(rest) ?? 0)
        house.await("it waits") { $0.waiters.count == 2 }
        while let count = clients[2].trySend(rest), count > 0 { rest = rest.dropFirst(count) }
        clients[3].send(Say.get("/3"))
        house.await("it waits") { $0.waiters.count == 3 }
        let kept = house.inLoop { loop in
            loop.waiters.reduce(0) { $0 + loop.exchanges[$1].waiting.count }
        }
        XCTAssertLessThan(kept ?? .max, Limits.highWater + 2 * Limits.readSize)
        upstream.send(Say.reply("0"))
        XCTAssertEqual(upstream.readRequest().start, "GET /1 HTTP/1.1")
        upstream.send(Say.reply("1"))
        let sending = rest
        let sender = Board<ArraySlice<UInt8>>(sending)
        while !sender.now.isEmpty {
            guard let count = clients[2].trySend(sender.now) else { break }
            sender.change { $0 = $0.dropFirst(count) }
            if upstream.wait(POLLIN, count == 0 ? 1 : 0) { upstream.receive() }
        }
        let seen = upstream.readRequest()
        XCTAssertEqual(seen.start, "POST /2 HTTP/1.1")
        XCTAssertTrue(seen.text == body)
        upstream.send(Say.reply("2"))
        XCTAssertEqual(upstream.readRequest().start, "GET /3 HTTP/1.1")
        upstream.send(Say.reply("3"))
        for (number, client) in clients.enumerated() {
            XCTAssertEqual(client.readReply().text, "\(number)")
        }
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    func testWaitingEndsInTime() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) {
            $0.upstreamConnections = 1
            $0.responseTimeout = 400
            $0.bodyTimeout = 400
        }
        defer { house.close() }
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        XCTAssertEqual(busy.readHead().status, 200)
        let clients = (0..<2).map { _ in house.client() }
        clients[0].send(Say.get("/waits"))
        clients[1].send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        clients[1].send([UInt8](repeating: 120, count: 100_000))
        // The busy one goes on meanwhile.
        for client in clients {
            while client.held.isEmpty, client.end == nil {
                upstream.send("x")
                client.receive(atMost: 20)
            }
            XCTAssertEqual(client.readReply().status, 503)
        }
        XCTAssertEqual(house.count(.errorOverloaded), 2)
        XCTAssertEqual(house.inLoop { $0.waiters.count }, 0)
        upstream.close()
    }

    func testAWaiterThatLeavesIsForgotten() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        let leaving = house.client()
        leaving.send(Say.get("/leaves"))
        house.await("it waits") { $0.waiters.count == 1 }
        let staying = house.client()
        staying.send(Say.get("/stays"))
        house.await("it waits") { $0.waiters.count == 2 }
        leaving.reset()
        house.await("it has left") { $0.waiters.count == 1 }
        upstream.send(Say.reply("busy"))
        XCTAssertEqual(busy.readReply().text, "busy")
        XCTAssertEqual(upstream.readRequest().start, "GET /stays HTTP/1.1")
        upstream.send(Say.reply("stays"))
        XCTAssertEqual(staying.readReply().text, "stays")
    }

    func testAWaiterOnAStaleConnectionIsSentAgain46() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        let waiting = house.client()
        waiting.send(Say.get("/waits"))
        house.await("it waits") { $0.waiters.count == 1 }
        upstream.send(Say.reply("busy"))
        XCTAssertEqual(busy.readReply().text, "busy")
        XCTAssertEqual(upstream.readRequest().start, "GET /waits HTTP/1.1")
        upstream.close()
        let fresh = backend.accept()
        XCTAssertEqual(fresh.readRequest().start, "GET /waits HTTP/1.1")
        fresh.send(Say.reply("fresh"))
        XCTAssertEqual(waiting.readReply().text, "fresh")
    }

    func testWaitersWhoseServerDies() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        let clients = (0..<50).map { _ in house.client() }
        for client in clients { client.send(Say.get("/")) }
        house.await("all wait") { $0.waiters.count == 50 }
        backend.close()
        upstream.close()
        for client in [busy] + clients { XCTAssertEqual(client.readReply().status, 502) }
    }
}
