// Owns the tests of answers that go on.
// Called by XCTest.
// Never knows what is said in them.

import XCTest

@testable import ProxyCore

final class StreamTests: XCTestCase {
    private func script(_ first: String = "first\n") -> Script {
        var script = Script.serving()
        script.serve = { _, _, label in
            guard label.hasSuffix("stream") else { return .answer(.plain(label)) }
            let response = LocalResponse(
                status: 200, contentType: "text/event-stream",
                fields: [("Cache-Control", "no-store")], body: Array(first.utf8))
            return .stream(response, idle: ":\n\n")
        }
        return script
    }

    private func opened(_ house: LoopHouse) -> SocketID? {
        var id: SocketID?
        house.expect { asked in
            for case .opened(let socket) in asked { id = socket }
            return id != nil
        }
        return id
    }

    private func say(_ text: String, _ id: SocketID?, in house: LoopHouse) -> Bool? {
        house.inLoop { loop in id.map { loop.send($0, frames: text.rawSpan) } ?? false }
    }

    func testChunkedFor11() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let client = house.client()
        // What is pipelined behind it is not answered: the connection ends with the stream.
        client.send(Say.get("/own/stream") + Say.get("/own"))
        let head = client.readHead()
        XCTAssertEqual(head.status, 200)
        XCTAssertEqual(head["transfer-encoding"], "chunked")
        XCTAssertEqual(head["connection"], "close")
        XCTAssertEqual(head["content-type"], "text/event-stream")
        XCTAssertNil(head["content-length"])
        let id = opened(house)
        XCTAssertEqual(client.take(through: "first\n\r\n"), Array("6\r\nfirst\n\r\n".utf8))
        XCTAssertEqual(say("hello", id, in: house), true)
        XCTAssertEqual(client.take(10), Array("5\r\nhello\r\n".utf8))
        XCTAssertEqual(say("", id, in: house), true, "which must not be the last chunk")
        XCTAssertEqual(say("x", id, in: house), true)
        XCTAssertEqual(client.take(6), Array("1\r\nx\r\n".utf8))
        _ = house.inLoop { loop in id.map { loop.close($0, code: 1001, reason: "") } }
        XCTAssertEqual(client.take(5), Array("0\r\n\r\n".utf8))
        XCTAssertEqual(client.awaitEnd(), .finished)
        house.expect { $0.contains(.closed(.closed(code: 1001))) }
        XCTAssertEqual(say("late", id, in: house), false)
        XCTAssertFalse(house.record.now.contains(.served("GET /own", "")))
    }

    func testToTheEndOfTheConnectionFor10() throws {
        let house = try LoopHouse(script: script(""))
        defer { house.close() }
        let client = house.client()
        client.send("GET /own/stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let head = client.readHead()
        XCTAssertEqual(head.status, 200)
        XCTAssertNil(head["transfer-encoding"])
        XCTAssertNil(head["content-length"])
        XCTAssertEqual(head["connection"], "close")
        let id = opened(house)
        XCTAssertEqual(say("plain", id, in: house), true)
        XCTAssertEqual(client.take(5), Array("plain".utf8))
        _ = house.inLoop { loop in id.map { loop.close($0, code: 1000, reason: "") } }
        XCTAssertEqual(client.takeAll(), [])
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    func testHeadHasTheHeadAlone() throws {
        let house = try LoopHouse(script: script()) { $0.streamIdle = 600_000 }
        defer { house.close() }
        let client = house.client()
        client.send("HEAD /own/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = client.readHead()
        XCTAssertEqual(head.status, 200)
        XCTAssertEqual(head["transfer-encoding"], "chunked")
        XCTAssertEqual(head["content-type"], "text/event-stream")
        XCTAssertEqual(client.takeAll(), [])
        XCTAssertEqual(client.awaitEnd(), .finished)
        XCTAssertFalse(house.record.now.contains { if case .opened = $0 { true } else { false } })
    }

    func testWhoLeavesOrEndsItsSideIsGone() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        for leave in [{ (wire: Wire) in wire.reset() }, { $0.finishSending() }, { $0.close() }] {
            house.record.change { $0 = [] }
            let client = house.client()
            client.send(Say.get("/own/stream"))
            XCTAssertNotNil(opened(house))
            leave(client)
            house.expect { $0.contains(.closed(.lost)) }
        }
    }

    func testASignOfLife() throws {
        let house = try LoopHouse(script: script()) { $0.streamIdle = 40 }
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/stream"))
        _ = client.readHead()
        XCTAssertEqual(client.take(through: "first\n\r\n"), Array("6\r\nfirst\n\r\n".utf8))
        for _ in 0..<3 { XCTAssertEqual(client.take(8), Array("3\r\n:\n\n\r\n".utf8)) }
    }

    /// A stream of which nothing is read, after one message: within the bound, and more than the
    /// kernel takes.
    private func jammed(_ house: LoopHouse) -> (client: Wire, id: SocketID?) {
        let client = house.client(receiveBuffer: 16 * 1024)
        client.send(Say.get("/own/stream"))
        let id = opened(house)
        XCTAssertEqual(say(String(repeating: "x", count: 8 << 20), id, in: house), true)
        return (client, id)
    }

    func testWhoTakesNothingIsCutOff() throws {
        let house = try LoopHouse(script: script()) { $0.streamIdle = 60 }
        defer { house.close() }
        let (client, _) = jammed(house)
        defer { client.close() }
        house.expect { $0.contains(.closed(.lost)) }
    }

    func testTheBoundOfASlowReader() throws {
        let house = try LoopHouse(script: script()) { $0.streamIdle = 600_000 }
        defer { house.close() }
        let (client, id) = jammed(house)
        // A long message does not use up the room of those behind it.
        let piece = String(repeating: "y", count: 10_000)
        let accepted =
            house.inLoop { loop in
                var count = 0
                while count < 10_000, let id, loop.send(id, frames: piece.rawSpan) { count += 1 }
                return count
            } ?? 0
        XCTAssertGreaterThanOrEqual(accepted, Limits.socketBacklog / 10_010)
        XCTAssertLessThan(accepted, 1_000)
        _ = house.inLoop { loop in id.map { loop.close($0, code: 4429, reason: "") } }
        let all = String(decoding: client.takeAll(), as: UTF8.self)
        XCTAssertTrue(all.hasSuffix("\r\n0\r\n\r\n"), "a proper end")
        XCTAssertEqual(
            all.drop { $0 != "x" }.filter { $0 == "y" }.count, accepted * 10_000)
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    func testTooManyAre503() throws {
        let house = try LoopHouse(script: script()) { $0.sockets = 1 }
        defer { house.close() }
        let first = house.client()
        first.send(Say.get("/own/stream"))
        XCTAssertNotNil(opened(house))
        let second = house.client()
        second.send(Say.get("/own/stream") + Say.get("/own"))
        XCTAssertEqual(second.readReply().status, 503)
        XCTAssertEqual(second.readReply().text, "GET /own", "the connection goes on")
    }

    func testADrainEndsItProperly() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/stream"))
        XCTAssertNotNil(opened(house))
        house.drain()
        let all = String(decoding: client.takeAll(), as: UTF8.self)
        XCTAssertTrue(all.hasSuffix("6\r\nfirst\n\r\n0\r\n\r\n"), all)
        house.expect { $0.contains(.closed(.closed(code: 1001))) }
    }

    /// The response may take longer than the upstream's may.
    func testAParkedAnswerHasItsOwnTime() throws {
        let parked = Board<ExchangeID?>(nil)
        var script = Script.serving()
        script.serve = { _, id, _ in
            parked.change { $0 = id }
            return .parked(upTo: 600_000)
        }
        let house = try LoopHouse(script: script) { $0.responseTimeout = 60 }
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/parked"))
        parked.await { $0 != nil }
        let due = house.inLoop { loop in
            loop.downstreams.slots.map { loop.downstreams[$0].deadline - loop.loop.now }.max()
        }
        XCTAssertGreaterThan((due ?? nil) ?? 0, 500_000)
        _ = house.inLoop { loop in parked.now.map { loop.answer($0, with: .plain("now")) } }
        XCTAssertEqual(client.readReply().text, "now")
    }
}
