// Owns the tests of upgrades that the backend accepts, and of what passes then.
// Called by XCTest.
// Never looks into what passes: bytes are bytes.

import XCTest

@testable import ProxyCore

final class TunnelTests: XCTestCase {
    private static let offer =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    private static let accept =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

    private func open(_ house: LoopHouse, _ backend: Backend) -> (client: Wire, upstream: Wire) {
        let client = house.client()
        client.send(Self.offer)
        let upstream = backend.accept()
        let seen = upstream.readRequest()
        XCTAssertEqual(seen["upgrade"], "websocket")
        XCTAssertEqual(seen["connection"], "upgrade")
        upstream.send(Self.accept)
        XCTAssertEqual(client.readReply().status, 101)
        return (client, upstream)
    }

    func testBytesPassBothWays() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = open(house, backend)
        client.send("to the backend")
        XCTAssertEqual(upstream.take(14), Array("to the backend".utf8))
        upstream.send("to the client\r\n\r\n")
        XCTAssertEqual(client.take(17), Array("to the client\r\n\r\n".utf8))
        client.dribble("drip")
        XCTAssertEqual(upstream.take(4), Array("drip".utf8))
        client.close()
        XCTAssertEqual(upstream.awaitEnd(), .finished)
        upstream.close()
        house.await("both are gone") { $0.downstreams.count + $0.upstreams.count == 0 }
        XCTAssertEqual(house.count(.tunnelsOpened), 1)
        XCTAssertEqual(house.count(.tunnelsClosed), 1)
        house.expect { $0.contains(.sighted(101, byUpstream: true, "GET /chat")) }
    }

    func testBytesAroundTheHandshake38() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        // Not a byte of it reaches the backend before it has agreed.
        client.send(Self.offer + "early from the client")
        let upstream = backend.accept()
        _ = upstream.readRequest()
        XCTAssertFalse(upstream.receive(atMost: 30))
        upstream.send(Self.accept + "early from the backend")
        XCTAssertEqual(client.readReply().status, 101)
        XCTAssertEqual(client.take(22), Array("early from the backend".utf8))
        XCTAssertEqual(upstream.take(21), Array("early from the client".utf8))
    }

    func testHalfCloseEachWay41() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let much = [UInt8](repeating: 120, count: 4 << 20)
        do {
            let (client, upstream) = open(house, backend)
            client.send("last words")
            client.finishSending()
            XCTAssertEqual(upstream.takeAll(), Array("last words".utf8))
            XCTAssertEqual(upstream.end, .finished)
            var rest = much[...]
            while !rest.isEmpty {
                let count = upstream.trySend(rest) ?? 0
                rest = rest.dropFirst(count)
                if client.wait(POLLIN, count == 0 ? 1 : 0) { client.receive() }
            }
            upstream.finishSending()
            XCTAssertEqual(client.takeAll().count, much.count)
            XCTAssertEqual(client.end, .finished)
        }
        do {
            let (client, upstream) = open(house, backend)
            upstream.send("last words")
            upstream.finishSending()
            XCTAssertEqual(client.takeAll(), Array("last words".utf8))
            XCTAssertEqual(client.end, .finished)
            var rest = much[...]
            while !rest.isEmpty {
                let count = client.trySend(rest) ?? 0
                rest = rest.dropFirst(count)
                if upstream.wait(POLLIN, count == 0 ? 1 : 0) { upstream.receive() }
            }
            client.finishSending()
            XCTAssertEqual(upstream.takeAll().count, much.count)
            XCTAssertEqual(upstream.end, .finished)
        }
        house.await("all are gone") { $0.downstreams.count + $0.upstreams.count == 0 }
    }

    func testHalfCloseWaitsForASlowReader41() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for fromClient in [true, false] {
            let (client, upstream) = open(house, backend)
            let (from, to) = fromClient ? (client, upstream) : (upstream, client)
            let limit = 64 << 20
            let sent = fill(from, atMost: limit)
            XCTAssertLessThan(sent, limit, "the sender was never paused")
            from.finishSending()
            let held = house.inLoop { loop in
                loop.downstreams.slots.reduce(0) { $0 + loop.downstreams[$1].output.count }
                    + loop.upstreams.slots.reduce(0) { $0 + loop.upstreams[$1].output.count }
            }
            XCTAssertLessThan(held ?? .max, 4 * Limits.readSize)
            XCTAssertEqual(to.takeAll().count, sent)
            XCTAssertEqual(to.end, .finished)
        }
    }

    func testABad101Is502And39() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for bad in [
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: AAAALMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        ] {
            let (client, upstream) = house.ask(backend, Self.offer)
            upstream.send(bad)
            XCTAssertEqual(client.readReply().status, 502, bad)
            XCTAssertNotNil(upstream.awaitEnd())
        }
        XCTAssertEqual(house.count(.tunnelsOpened), 0)
    }

    func testAnAnswerThatIsNo101StaysHTTP38() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend, Self.offer + Say.get("/behind"))
        upstream.send(Say.reply("no", status: "403 Forbidden"))
        XCTAssertEqual(client.readReply().status, 403)
        XCTAssertEqual(upstream.readRequest().start, "GET /behind HTTP/1.1")
        upstream.send(Say.reply("behind"))
        XCTAssertEqual(client.readReply().text, "behind")
    }

    func testATunnelOnAKeptConnection() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        client.send(Self.offer)
        _ = upstream.readRequest()
        upstream.send(Self.accept)
        XCTAssertEqual(client.readReply().status, 101)
        client.send("ping")
        XCTAssertEqual(upstream.take(4), Array("ping".utf8))
        upstream.send("pong")
        XCTAssertEqual(client.take(4), Array("pong".utf8))
    }

    func testABrokenSideEndsTheOther() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        do {
            let (client, upstream) = open(house, backend)
            client.reset()
            XCTAssertNotNil(upstream.awaitEnd())
        }
        do {
            let (client, upstream) = open(house, backend)
            upstream.reset()
            XCTAssertNotNil(client.awaitEnd())
        }
        do {
            // A client that is gone while much is on its way to it.
            let (client, upstream) = open(house, backend)
            _ = fill(upstream, atMost: 64 << 20)
            client.close()
            while upstream.end == nil {
                if upstream.trySend(Array("more".utf8)[...]) == nil { break }
                upstream.receive(atMost: 1)
            }
        }
        house.await("all are gone") { $0.downstreams.count == 0 }
    }

    func testAnIdleTunnelEnds41() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.tunnelTimeout = 60 }
        defer { house.close() }
        let (client, upstream) = open(house, backend)
        XCTAssertNotEqual(client.awaitEnd(), .silence)
        XCTAssertNotEqual(upstream.awaitEnd(), .silence)
    }
}
