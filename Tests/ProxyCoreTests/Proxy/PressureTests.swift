// Owns the tests of slow readers: who does not take pauses who sends, and nothing grows.
// Called by XCTest.
// Never waits for a slow reader by the clock, but to see that nothing moves.

import XCTest

@testable import ProxyCore

final class PressureTests: XCTestCase {
    /// More than all kernel buffers on the way hold together.
    private static let much = 64 << 20
    private static let bound = Limits.highWater + 2 * Limits.readSize

    func testAStalledClientPausesTheUpstreamAndGoesOn49() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for head in ["Content-Length: \(Self.much)\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
            let isChunked = head.hasPrefix("T")
            let (client, upstream) = house.ask(backend, receiveBuffer: 32 * 1024)
            upstream.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\(head)")
            if isChunked { upstream.send(String(Self.much, radix: 16) + "\r\n") }
            let sent = fill(upstream, atMost: Self.much)
            XCTAssertLessThan(sent, Self.much, "the upstream was never paused")
            let held = house.inLoop { loop in
                loop.downstreams.slots.reduce(0) { $0 + loop.downstreams[$1].output.count }
                    + loop.upstreams.slots.reduce(0) { $0 + loop.upstreams[$1].input.count }
            }
            XCTAssertLessThan(held ?? .max, Self.bound)
            XCTAssertLessThan(house.inLoop { $0.outgoing.capacity } ?? .max, 4 * Self.bound)
            // The client takes it now: all of it comes.
            var rest = [UInt8](repeating: 120, count: Self.much - sent)
            if isChunked { rest += Array("\r\n0\r\n\r\n".utf8) }
            let answer = pump(rest[...], from: upstream, to: client, until: Self.much)
            XCTAssertTrue(answer.isWhole)
            XCTAssertEqual(answer.body.count, Self.much)
        }
    }

    func testAStalledUpstreamPausesTheClientAndGoesOn() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for isChunked in [false, true] {
            let client = house.client()
            client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n")
            client.send(
                isChunked
                    ? "Transfer-Encoding: chunked\r\n\r\n" + String(Self.much, radix: 16) + "\r\n"
                    : "Content-Length: \(Self.much)\r\n\r\n")
            let upstream = backend.accept()
            let sent = fill(client, atMost: Self.much)
            XCTAssertLessThan(sent, Self.much, "the client was never paused")
            let held = house.inLoop { loop in
                loop.downstreams.slots.reduce(0) { $0 + loop.downstreams[$1].input.count }
                    + loop.upstreams.slots.reduce(0) { $0 + loop.upstreams[$1].output.count }
            }
            XCTAssertLessThan(held ?? .max, Self.bound)
            var rest = [UInt8](repeating: 120, count: Self.much - sent)
            if isChunked { rest += Array("\r\n0\r\n\r\n".utf8) }
            var left = rest[...]
            while !left.isEmpty {
                guard let count = client.trySend(left.prefix(1 << 20)) else { break }
                left = left.dropFirst(count)
                if upstream.wait(POLLIN, count == 0 ? 1 : 0) { upstream.receive() }
            }
            let seen = upstream.readRequest()
            XCTAssertTrue(seen.isWhole)
            XCTAssertEqual(seen.body.count, Self.much)
            upstream.send(Say.reply("took it", fields: "Connection: close\r\n"))
            XCTAssertEqual(client.readReply().text, "took it")
        }
    }

    func testAStalledClientIsGivenUp() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.responseTimeout = 300 }
        defer { house.close() }
        let (client, upstream) = house.ask(backend, receiveBuffer: 32 * 1024)
        defer { client.close() }
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.much)\r\n\r\n")
        _ = fill(upstream, atMost: Self.much)
        house.await("the client is given up") { $0.downstreams.count == 0 }
        XCTAssertEqual(house.count(.errorClientGone), 1)
        XCTAssertEqual(house.count(.errorTimeout), 0)
        XCTAssertNotNil(upstream.awaitEnd())
    }

    func testAStalledReaderOfManyPipelinedAnswers() throws {
        var script = Script.serving()
        let large = String(repeating: "y", count: 60_000)
        script.serve = { _, _, _ in .answer(.plain(large)) }
        let house = try LoopHouse(script: script)
        defer { house.close() }
        let client = house.client(receiveBuffer: 16 * 1024)
        let count = 300
        client.send((0..<count).map { Say.get("/own/\($0)") }.joined())
        // Whatever the kernel takes, the loop holds at most one answer that is not sent.
        var settled = 0
        var last = -1
        while settled < 50 {
            let served = house.record.now.count
            settled = served == last ? settled + 1 : 0
            last = served
            _ = house.inLoop { _ in 1 }
        }
        let held = house.inLoop { loop in
            loop.downstreams.slots.reduce(0) {
                $0 + loop.downstreams[$1].output.count + loop.downstreams[$1].input.count
            }
        }
        XCTAssertLessThan(held ?? .max, Self.bound)
        for _ in 0..<count { XCTAssertEqual(client.readReply().body.count, 60_000) }
    }
}
