// Owns the tests of WebSockets that end here.
// Called by XCTest.
// Never repeats the vectors of frames: the tests of the decoder do.

import XCTest

@testable import ProxyCore

final class SocketTests: XCTestCase {
    private static let handshake =
        "GET /own/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

    private func script(_ fields: [(name: StaticString, value: String)] = []) -> Script {
        var script = Script.serving()
        script.serve = { _, _, label in
            label.hasSuffix("socket") ? .webSocket(fields: fields) : .answer(.plain(label))
        }
        script.message = { host, socket, text in
            var frame = ByteBuffer()
            FrameEncoder.text(Array("echo \(text)".utf8).rawSpan, into: &frame)
            _ = host.send(socket, frames: frame.bytes)
        }
        return script
    }

    private func open(
        _ house: LoopHouse, behind: [UInt8] = [], receiveBuffer: CInt? = nil
    ) -> (Wire, SocketID) {
        let client = house.client(receiveBuffer: receiveBuffer)
        client.send(Array(Self.handshake.utf8) + behind)
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 101)
        // RFC 6455 §1.3.
        XCTAssertEqual(answer["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        var id: SocketID?
        house.expect { asked in
            for case .opened(let socket) in asked { id = socket }
            return id != nil
        }
        return (client, id!)
    }

    private struct Frame: Equatable {
        var first: UInt8
        var payload: [UInt8]
        static func text(_ text: String) -> Frame { Frame(first: 0x81, payload: Array(text.utf8)) }
        static func close(_ code: Int, _ reason: String = "") -> Frame {
            Frame(first: 0x88, payload: [UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8))
        }
    }

    /// An unmasked frame of ours; nil at the end.
    private func frame(_ wire: Wire) -> Frame? {
        let head = wire.take(2)
        guard head.count == 2 else { return nil }
        var length = Int(head[1])
        if length == 126 { length = wire.take(2).reduce(0) { $0 << 8 | Int($1) } }
        if length == 127 { length = wire.take(8).reduce(0) { $0 << 8 | Int($1) } }
        return Frame(first: head[0], payload: wire.take(length))
    }

    func testMessagesWholeFragmentedAndDribbled() throws {
        let house = try LoopHouse(script: script([("Sec-WebSocket-Protocol", "p")]))
        defer { house.close() }
        // The first message comes behind the handshake.
        let (client, _) = open(house, behind: ClientFrame.text("early"))
        XCTAssertEqual(frame(client), .text("echo early"))
        client.send(ClientFrame.text("one") + ClientFrame.text("two"))
        XCTAssertEqual(frame(client), .text("echo one"))
        XCTAssertEqual(frame(client), .text("echo two"))
        client.send(ClientFrame.text("fra", final: false))
        client.send(ClientFrame.frame(9, Array("ping".utf8)))
        XCTAssertEqual(frame(client), Frame(first: 0x8a, payload: Array("ping".utf8)))
        client.send(ClientFrame.more("gm", final: false) + ClientFrame.more("ents"))
        XCTAssertEqual(frame(client), .text("echo fragments"))
        for byte in ClientFrame.text("drip") { client.send([byte]) }
        XCTAssertEqual(frame(client), .text("echo drip"))
        client.send(ClientFrame.close(1000))
        XCTAssertEqual(frame(client), .close(1000))
        XCTAssertEqual(client.awaitEnd(), .finished)
        house.expect { $0.contains(.closed(.closed(code: 1000))) }
    }

    func testFieldsOfThe101AreChecked45() throws {
        let house = try LoopHouse(
            script: script([("X-Good", "good"), ("X-Bad", "a\r\nX-Worse: b")]))
        defer { house.close() }
        let client = house.client()
        client.send(Self.handshake)
        let answer = client.readReply()
        XCTAssertEqual(answer["x-good"], "good")
        XCTAssertNil(answer["x-bad"])
        XCTAssertNil(answer["x-worse"])
        XCTAssertEqual(house.count(.fieldsOmitted), 1)
    }

    func testNoHandshakeIs426AndTheConnectionGoesOn() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/own/socket") + Say.get("/own"))
        let answer = client.readReply()
        XCTAssertEqual(answer.status, 426)
        XCTAssertEqual(answer["upgrade"], "websocket")
        XCTAssertEqual(client.readReply().text, "GET /own")
    }

    func testTooManySocketsAre503() throws {
        let house = try LoopHouse(script: script()) { $0.sockets = 1 }
        defer { house.close() }
        let (first, _) = open(house)
        let second = house.client()
        second.send(Self.handshake)
        XCTAssertEqual(second.readReply().status, 503)
        first.send(ClientFrame.close(1001))
        XCTAssertEqual(frame(first), .close(1001))
        XCTAssertEqual(first.awaitEnd(), .finished)
        house.record.change { $0 = [] }
        second.send(Self.handshake)
        XCTAssertEqual(second.readReply().status, 101)
    }

    func testViolationsCloseWithTheirCode() throws {
        let house = try LoopHouse(script: script()) { $0.socketMessage = 100 }
        defer { house.close() }
        for (bytes, code) in [
            (ClientFrame.raw(first: 0x81, length: [1], masked: false, payload: [97]), 1002),
            (ClientFrame.raw(first: 0xc1, length: [1], payload: [97]), 1002),
            (ClientFrame.frame(1, [0xff]), 1007),
            (ClientFrame.frame(1, [UInt8](repeating: 97, count: 101)), 1009),
        ] {
            house.record.change { $0 = [] }
            let (client, _) = open(house)
            client.send(bytes + ClientFrame.text("ignored"))
            XCTAssertEqual(frame(client), .close(code))
            XCTAssertEqual(client.awaitEnd(), .finished)
            house.expect { $0.contains(.closed(.closed(code: UInt16(code)))) }
            XCTAssertFalse(house.record.now.contains(.message("ignored")))
        }
        // A binary message is none of a protocol's violations: the closing handshake is done.
        house.record.change { $0 = [] }
        let (client, _) = open(house)
        client.send(ClientFrame.frame(2, [1]) + ClientFrame.text("late"))
        XCTAssertEqual(frame(client)?.payload.prefix(2), [0x03, 0xeb])
        client.send(ClientFrame.close(1003))
        XCTAssertEqual(client.awaitEnd(), .finished)
        XCTAssertFalse(house.record.now.contains(.message("late")))
    }

    func testTheApplicationCloses() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let (client, id) = open(house)
        _ = house.inLoop { loop in
            loop.close(id, code: 4401, reason: "expired")
            loop.close(id, code: 1000, reason: "again")
        }
        XCTAssertEqual(frame(client), .close(4401, "expired"))
        let sent = house.inLoop { loop in
            var text = ByteBuffer()
            FrameEncoder.text(RawSpan(), into: &text)
            return loop.send(id, frames: text.bytes)
        }
        XCTAssertEqual(sent, false)
        client.send(ClientFrame.text("too late") + ClientFrame.close(4401))
        XCTAssertEqual(client.awaitEnd(), .finished)
        house.expect { $0.contains(.closed(.closed(code: 4401))) }
        XCTAssertFalse(house.record.now.contains(.message("too late")))
    }

    func testAPeerThatDoesNotAnswerOurCloseIsCutOff() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let (client, id) = open(house)
        _ = house.inLoop { $0.close(id, code: 1001, reason: "") }
        XCTAssertEqual(frame(client), .close(1001))
        XCTAssertNotEqual(client.awaitEnd(), .silence)
        house.expect { $0.contains(.closed(.closed(code: 1001))) }
    }

    func testALostConnection() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let (reset, _) = open(house)
        reset.reset()
        house.expect { $0.contains(.closed(.lost)) }
        house.record.change { $0 = [] }
        let (ended, _) = open(house)
        ended.finishSending()
        XCTAssertNotNil(ended.awaitEnd())
        house.expect { $0.contains(.closed(.lost)) }
    }

    func testPingsGoOnAndAPeerWithoutPongIsClosed() throws {
        let house = try LoopHouse(script: script()) { $0.pingEvery = 40 }
        defer { house.close() }
        let (client, _) = open(house)
        let ping = Frame(first: 0x89, payload: [])
        for _ in 0..<5 {
            XCTAssertEqual(frame(client), ping)
            client.send(ClientFrame.frame(10, []))
        }
        // Anything that comes is a sign of life.
        XCTAssertEqual(frame(client), ping)
        client.send(ClientFrame.text("here"))
        var next = frame(client)
        while next == ping { next = frame(client) }
        XCTAssertEqual(next, .text("echo here"))
        var last = frame(client)
        while last == ping { last = frame(client) }
        XCTAssertEqual(last?.payload.prefix(2), [UInt8(4408 >> 8), UInt8(4408 & 255)])
        XCTAssertNotEqual(client.awaitEnd(), .silence)
        house.expect { $0.contains(.closed(.closed(code: 4408))) }
    }

    func testASlowReaderIsTold() throws {
        var silent = script()
        silent.message = { _, _, _ in }
        let house = try LoopHouse(script: silent)
        defer { house.close() }
        let (client, id) = open(house, receiveBuffer: 16 * 1024)
        let piece = [UInt8](repeating: 97, count: 10_000)
        // Sends until it is refused; what was accepted all comes.
        let accepted =
            house.inLoop { loop in
                var count = 0
                var frame = ByteBuffer()
                FrameEncoder.text(piece.rawSpan, into: &frame)
                while count < 10_000, loop.send(id, frames: frame.bytes) { count += 1 }
                return count
            } ?? 0
        XCTAssertLessThan(accepted, 10_000)
        let held = house.inLoop { loop in
            loop.downstreams[loop.sockets[id.slot].downstream].output.count
        }
        XCTAssertLessThanOrEqual(held ?? .max, Limits.socketBacklog + 16)
        // A message from it is read all the same, and a close fits behind everything.
        client.send(ClientFrame.text("still here"))
        house.expect { $0.contains(.message("still here")) }
        _ = house.inLoop { $0.close(id, code: 1008, reason: "slow") }
        for _ in 0..<accepted { XCTAssertEqual(frame(client)?.payload.count, piece.count) }
        XCTAssertEqual(frame(client), .close(1008, "slow"))
        client.send(ClientFrame.close(1008))
        XCTAssertEqual(client.awaitEnd(), .finished)
    }

    /// What the application does about one socket may end another, in the middle of a walk.
    func testSocketsThatEndEachOther() throws {
        let sockets = Board<[SocketID]>([])
        var wanted = script()
        wanted.opened = { _, id in sockets.change { $0.append(id) } }
        wanted.closed = { host, id in
            for other in sockets.now where other != id {
                host.close(other, code: 1000, reason: "")
                var text = ByteBuffer()
                FrameEncoder.text(RawSpan(), into: &text)
                _ = host.send(other, frames: text.bytes)
            }
        }
        let house = try LoopHouse(script: wanted)
        defer { house.close() }
        let clients = (0..<6).map { _ in open(house).0 }
        house.whileStopped { for client in clients { client.reset() } }
        house.await("all are gone") { $0.sockets.count == 0 }
    }

    func testManyMessagesAreReadInTurns() throws {
        let house = try LoopHouse(script: script())
        defer { house.close() }
        let (client, _) = open(house)
        let text = String(repeating: "m", count: 1000)
        let count = 1000
        var rest = (0..<count).flatMap { _ in ClientFrame.text(text) }[...]
        var seen = 0
        while seen < count, client.end == nil {
            rest = rest.dropFirst(client.trySend(rest) ?? 0)
            if client.held.count > 1009 || rest.isEmpty {
                XCTAssertEqual(frame(client)?.payload.count, 1005)
                seen += 1
            } else if client.wait(POLLIN, 1) {
                client.receive()
            }
        }
        XCTAssertEqual(seen, count)
    }
}
