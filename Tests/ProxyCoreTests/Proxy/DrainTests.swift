// Owns the tests of how a loop ends.
// Called by XCTest.
// Never ends a loop while a test still asks it something.

import XCTest

@testable import ProxyCore

final class DrainTests: XCTestCase {
    func testIdleConnectionsCloseAndExchangesFinish() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let idle = house.client()
        let (used, upstream) = house.warmUp(backend)
        let busy = house.client()
        busy.send(Say.get("/busy"))
        XCTAssertEqual(upstream.readRequest().start, "GET /busy HTTP/1.1")
        house.drain()
        XCTAssertEqual(idle.awaitEnd(), .finished)
        XCTAssertEqual(used.awaitEnd(), .finished)
        upstream.send(Say.reply("finished"))
        let answer = busy.readReply()
        XCTAssertEqual(answer.text, "finished")
        XCTAssertEqual(answer["connection"], "close")
        XCTAssertEqual(busy.awaitEnd(), .finished)
        busy.close()
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 0)
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testWhatHasComeBeforeTheDrainIsAnswered() throws {
        let house = try LoopHouse(script: .serving())
        defer { house.close() }
        let kept = house.client()
        kept.send(Say.get("/own/first"))
        XCTAssertEqual(kept.readReply().status, 200)
        var fresh: [Wire] = []
        house.whileStopped {
            // The order in which the loop will see these is the kernel's.
            house.drain()
            kept.send(Say.get("/own/kept"))
            for number in 0..<5 {
                let client = house.client()
                client.send(Say.get("/own/\(number)"))
                fresh.append(client)
            }
        }
        XCTAssertEqual(kept.readReply().text, "GET /own/kept")
        for (number, client) in fresh.enumerated() {
            let answer = client.readReply()
            XCTAssertEqual(answer.text, "GET /own/\(number)")
            XCTAssertEqual(answer["connection"], "close")
            XCTAssertEqual(client.awaitEnd(), .finished)
        }
    }

    func testNobodyIsTakenInAnyMore() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        house.drain()
        XCTAssertEqual(house.inLoop { $0.listeners.count }, 0)
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(descriptor) }
        var address = Wire.loopback(house.port)
        let failed = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        XCTAssertEqual(failed, -1)
        upstream.send(Say.reply("x"))
        XCTAssertEqual(busy.readReply().text, "x")
    }

    func testTheDeadlineCutsWhatIsLeft() throws {
        let backend = Backend()
        var script = Script.serving()
        script.serve = { _, _, _ in .later }
        let house = try LoopHouse(backend, script: script) { $0.drainTime = 100 }
        defer { house.close() }
        let waiting = house.client()
        waiting.send(Say.get("/own"))
        let (busy, upstream) = house.ask(backend, Say.get("/busy"))
        defer { upstream.close() }
        let partial = house.client()
        partial.send("GET / HT")
        house.expect { $0.contains(.served("GET /own", "")) }
        house.await("the partial head is read") { loop in
            loop.downstreams.slots.contains { loop.downstreams[$0].scanned > 0 }
        }
        house.drain()
        for client in [waiting, busy, partial] { XCTAssertNotNil(client.awaitEnd()) }
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 3)
        house.expect { $0.contains(where: \.isAbandoned) }
    }

    func testDrainingAgainCutsAtOnce() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        house.drain()
        XCTAssertEqual(house.inLoop { $0.downstreams.count }, 1)
        house.drain()
        XCTAssertNotNil(client.awaitEnd())
        XCTAssertTrue(house.awaitDrained())
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testServedSocketsAreToldToGo() throws {
        var script = Script.serving()
        script.serve = { _, _, _ in .webSocket(fields: []) }
        let house = try LoopHouse(script: script)
        defer { house.close() }
        let handshake =
            "GET /own HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        let client = house.client()
        client.send(handshake)
        XCTAssertEqual(client.readReply().status, 101)
        let late = house.client()
        late.send("GET /own HT")
        house.await("the partial head is read") { loop in
            loop.downstreams.slots.contains { loop.downstreams[$0].scanned > 0 }
        }
        house.drain()
        XCTAssertEqual(client.take(4), [0x88, 0x0c, 0x03, 0xe9])
        _ = client.take(10)
        client.send(ClientFrame.close(1001))
        XCTAssertEqual(client.awaitEnd(), .finished)
        // One that comes now goes to the next process.
        late.send(String(handshake.dropFirst(11)))
        XCTAssertEqual(late.readReply().status, 503)
        XCTAssertEqual(late.awaitEnd(), .finished)
        late.close()
        client.close()
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 0)
    }

    func testTunnelsAreCutAtTheDeadline() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.drainTime = 100 }
        defer { house.close() }
        let client = house.client()
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        let upstream = backend.accept()
        _ = upstream.readRequest()
        upstream.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        XCTAssertEqual(client.readReply().status, 101)
        house.drain()
        client.send("still")
        XCTAssertEqual(upstream.take(5), Array("still".utf8))
        XCTAssertNotNil(client.awaitEnd())
        XCTAssertNotNil(upstream.awaitEnd())
        XCTAssertTrue(house.awaitDrained())
        XCTAssertEqual(house.count(.drainsCut), 1)
    }

    /// Several loops on one address, and the group's own way to end.
    func testAGroup() throws {
        var settings = ProxySettings(trusted: TrustedNetworks())
        settings.listen = [SocketAddress(numeric: "127.0.0.1", port: 0)!]
        let record = Board<[Asked]>([])
        let metrics = ProxyMetrics(loops: 2)
        let group = try ProxyGroup(
            settings: settings, count: 2, metrics: metrics,
            health: UpstreamHealth(servers: []), accessLog: { nil },
            makeApplication: { ScriptedApplication($0, .serving(), record) })
        try group.start()
        for number in 0..<32 {
            let client = Wire.connect(port: group.ports[0])
            client.send(Say.get("/own/\(number)"))
            XCTAssertEqual(client.readReply().text, "GET /own/\(number)")
        }
        group.drain()
        group.drain()
        group.join()
        XCTAssertEqual(metrics.total(.connectionsAccepted), 32)
        XCTAssertEqual(metrics.total(.connectionsClosed), 32)
        // The port is bound by one group at a time.
        let taken = try SocketAddress(numeric: "127.0.0.1", port: 0)!.listen(reusePort: false)
        defer { taken.close() }
        settings.listen = [SocketAddress(numeric: "127.0.0.1", port: taken.boundPort()!)!]
        XCTAssertThrowsError(
            try ProxyGroup(
                settings: settings, count: 2, metrics: metrics,
                health: UpstreamHealth(servers: []), accessLog: { nil },
                makeApplication: { ScriptedApplication($0, .serving(), record) }))
    }
}
