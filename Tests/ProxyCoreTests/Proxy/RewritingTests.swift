// Owns the tests of responses that the application changes on their way.
// Called by XCTest.
// Never tests what the application of this product makes of a body.

import Glibc
import XCTest

@testable import ProxyCore

final class RewritingTests: XCTestCase {
    private static let fields =
        "ETag: \"one\"\r\nAccept-Ranges: bytes\r\nDigest: sha-256=x\r\nContent-MD5: y\r\n"
        + "Content-Digest: z\r\nRepr-Digest: w\r\nX-Kept:  as it is\r\n"

    private func script(_ rewriting: @escaping (Int) -> Rewriting) -> Script {
        var script = Script()
        script.admit = { _ in .forward(Ticket(), watch: Watch(rewrites: true)) }
        script.rewriting = rewriting
        script.rewrite = { $0.contains("change") ? "<" + $0.uppercased() + ">" : nil }
        script.piece = { $0.map { $0.uppercased() } ?? "!" }
        return script
    }

    private func collecting(_ limit: Int = 1024) -> Script { script { _ in .whole(limit: limit) } }
    private func streaming() -> Script { script { _ in .stream } }

    private func reply(_ body: String, chunks: [String]? = nil) -> String {
        var text = "HTTP/1.1 200 OK\r\n" + Self.fields
        guard let chunks else {
            return text + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
        }
        text += "Transfer-Encoding: chunked\r\n\r\n"
        for chunk in chunks {
            text += String(chunk.utf8.count, radix: 16) + "\r\n" + chunk + "\r\n"
        }
        return text + "0\r\n\r\n"
    }

    private func assertRewrittenHead(
        _ seen: Message, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertEqual(seen["etag"], "W/\"one\"", file: file, line: line)
        XCTAssertEqual(seen["x-kept"], "as it is", file: file, line: line)
        for name in ["accept-ranges", "digest", "content-md5", "content-digest", "repr-digest"] {
            XCTAssertNil(seen[name], file: file, line: line)
        }
    }

    private func assertUntouchedHead(
        _ seen: Message, file: StaticString = #filePath, line: UInt = #line
    ) {
        XCTAssertEqual(seen["etag"], "\"one\"", file: file, line: line)
        XCTAssertEqual(seen["accept-ranges"], "bytes", file: file, line: line)
        XCTAssertEqual(seen["digest"], "sha-256=x", file: file, line: line)
    }

    /// Nothing is collected, and no exchange waits for anything.
    private func assertAllLetGo(
        _ house: LoopHouse, file: StaticString = #filePath, line: UInt = #line
    ) {
        let held = house.inLoop { $0.rewritingBytes }
        XCTAssertEqual(held, 0, file: file, line: line)
    }

    // MARK: The request

    func testTheUpstreamIsAskedForAllOfItWithoutCoding() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/", fields: "Accept-Encoding: gzip, br\r\nRange: bytes=0-5\r\n"))
        let upstream = backend.accept()
        let seen = upstream.readRequest()
        XCTAssertEqual(seen["accept-encoding"], "identity")
        XCTAssertNil(seen["range"])
        upstream.send(reply("change"))
        XCTAssertEqual(client.readReply().text, "<CHANGE>")
    }

    func testOtherRoutesAreAskedAsTheClientAsked() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/", fields: "Accept-Encoding: gzip\r\nRange: bytes=0-5\r\n"))
        let seen = backend.accept().readRequest()
        XCTAssertEqual(seen["accept-encoding"], "gzip")
        XCTAssertEqual(seen["range"], "bytes=0-5")
    }

    // MARK: Collected

    func testAWholeBodyIsReplacedAndItsHeadTellsTheTruth() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/a") + Say.get("/b") + Say.get("/c"))
        let upstream = backend.accept()
        for answer in [
            reply("change me"), reply("", chunks: ["chan", "g", "e me"]), reply("change me"),
        ] {
            _ = upstream.readRequest()
            upstream.send(answer)
            let seen = client.readReply()
            XCTAssertEqual(seen.text, "<CHANGE ME>")
            XCTAssertEqual(seen["content-length"], "11")
            XCTAssertNil(seen["transfer-encoding"])
            assertRewrittenHead(seen)
        }
        XCTAssertEqual(house.count(.upstreamConnects), 1)
        assertAllLetGo(house)
    }

    func testWhatIsNotChangedPassesAsItCame() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/a") + Say.get("/b"))
        let upstream = backend.accept()
        for answer in [reply("leave me"), reply("", chunks: ["l", "eave m", "e"])] {
            _ = upstream.readRequest()
            upstream.send(answer)
            let seen = client.readReply()
            XCTAssertEqual(seen.text, "leave me")
            XCTAssertEqual(seen["content-length"], "8")
            assertUntouchedHead(seen)
        }
        assertAllLetGo(house)
    }

    func testNothingLeavesBeforeTheBodyIsWhole() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let whole = reply("change")
        upstream.send(String(whole.dropLast(1)))
        XCTAssertFalse(client.receive(atMost: 30))
        upstream.send(String(whole.suffix(1)))
        XCTAssertEqual(client.readReply().text, "<CHANGE>")
    }

    func testAnAnnouncedLengthBeyondTheLimitStreams() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting(5))
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let whole = reply("change")
        upstream.send(String(whole.dropLast(1)))
        let head = client.readHead()
        assertUntouchedHead(head)
        XCTAssertEqual(client.take(5), Array("chang".utf8))
        upstream.send(String(whole.suffix(1)))
        XCTAssertEqual(client.take(1), Array("e".utf8))
        XCTAssertEqual(house.record.now.filter { $0 == .rewritten(nil) }.count, 1)
        assertAllLetGo(house)
    }

    func testABodyThatGrowsBeyondTheLimitPassesWithEveryByte() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting(8))
        defer { house.close() }
        let client = house.client()
        let upstream: Wire
        client.send(Say.get("/"))
        upstream = backend.accept()
        _ = upstream.readRequest()
        upstream.send(reply("", chunks: ["change", "chan", "ge"]))
        let seen = client.readReply()
        XCTAssertEqual(seen.text, "changechange")
        XCTAssertTrue(seen.isWhole)
        assertUntouchedHead(seen)
        XCTAssertEqual(house.record.now.filter { $0 == .rewritten(nil) }.count, 1)
        // And the connections go on.
        client.send(Say.get("/"))
        _ = upstream.readRequest()
        upstream.send(reply("change"))
        XCTAssertEqual(client.readReply().text, "<CHANGE>")
        assertAllLetGo(house)
    }

    func testABodyThatBreaksOffIsA502() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(String(reply("change").dropLast(2)))
        upstream.close()
        XCTAssertEqual(client.readReply().status, 502)
        assertAllLetGo(house)
    }

    func testAClientThatLeavesMeanwhileLeavesNothing() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(String(reply("change").dropLast(2)))
        client.reset()
        XCTAssertEqual(upstream.awaitEnd(), .finished)
        assertAllLetGo(house)
    }

    func testALargeBodyReachesASlowReaderWhole() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting(4 << 20))
        defer { house.close() }
        let (client, upstream) = house.ask(
            backend, Say.get("/") + Say.get("/next"), receiveBuffer: 4096)
        let body = String(repeating: "change 0123456789", count: 60_000)
        let whole = Array(reply(body).utf8)
        let seen = pump(whole[...], from: upstream, to: client, until: body.utf8.count)
        XCTAssertTrue(seen.text == "<" + body.uppercased() + ">")
        _ = upstream.readRequest()
        upstream.send(reply("change"))
        XCTAssertEqual(client.readReply().text, "<CHANGE>")
        assertAllLetGo(house)
    }

    /// What is changed is complete before it leaves: whoever takes of it is not idle.
    func testAReaderThatTakesIsNotIdle() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting(8 << 20))
        defer { house.close() }
        let (slow, upstream) = house.ask(backend, receiveBuffer: 4096)
        upstream.send(reply(String(repeating: "change 0123456789", count: 400_000)))
        house.await("the answer waits for its reader") { loop in
            loop.downstreams.slots.contains { slot in
                loop.downstreams[slot].phase == .head && !loop.downstreams[slot].output.isEmpty
            }
        }
        let first = deadline(house)
        house.await("time goes by") { $0.loop.now > first.now }
        _ = slow.take(4 << 20)
        house.await("it may take its time anew") { loop in
            loop.downstreams.slots.contains { loop.downstreams[$0].deadline > first.deadline }
        }
        slow.reset()
    }

    private func deadline(_ house: LoopHouse) -> (deadline: Milliseconds, now: Milliseconds) {
        house.inLoop { loop in
            let all = loop.downstreams.slots.map { loop.downstreams[$0].deadline }
            return (all.max() ?? 0, loop.loop.now)
        } ?? (0, 0)
    }

    func testWhatAReaderDoesNotTakeCountsUntilItIsGone() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting(8 << 20))
        defer { house.close() }
        let body = String(repeating: "change 0123456789", count: 400_000)
        let (slow, first) = house.ask(backend, receiveBuffer: 4096)
        first.send(reply(body))
        first.close()
        let (other, upstream) = house.ask(backend)
        let unsent = house.inLoop { $0.rewritingBytes } ?? 0
        XCTAssertGreaterThan(unsent, 1 << 20)
        // At the bound nothing more is collected; what passes is as it came.
        _ = house.inLoop { $0.rewritingBytes += Limits.rewritingBytes }
        upstream.send(reply("change"))
        let seen = other.readReply()
        XCTAssertEqual(seen.text, "change")
        assertUntouchedHead(seen)
        _ = house.inLoop { $0.rewritingBytes -= Limits.rewritingBytes }
        slow.reset()
        for _ in 0..<1_000 where house.inLoop({ $0.rewritingBytes }) != 0 { sched_yield() }
        assertAllLetGo(house)
    }

    // MARK: Without a body

    func testAHeadWithoutABodySpeaksOfTheChangedOne() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: collecting())
        defer { house.close() }
        let (client, upstream) = house.ask(
            backend, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + Say.get("/"))
        upstream.send("HTTP/1.1 200 OK\r\n" + Self.fields + "Content-Length: 6\r\n\r\n")
        let head = client.readReply(toHead: true)
        XCTAssertNil(head["content-length"])
        assertRewrittenHead(head)
        // A connection on which a HEAD announced a body is not used again.
        let other = backend.accept()
        _ = other.readRequest()
        other.send("HTTP/1.1 304 Not Modified\r\n" + Self.fields + "\r\n")
        let notModified = client.readReply()
        XCTAssertEqual(notModified.status, 304)
        assertRewrittenHead(notModified)
        XCTAssertFalse(house.record.now.contains { $0 == .rewritten(nil) })
    }

    func testAnUntouchedHeadIsAsItCame() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: script { _ in .untouched })
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(reply("change"))
        let seen = client.readReply()
        XCTAssertEqual(seen.text, "change")
        assertUntouchedHead(seen)
    }

    // MARK: Streamed

    func testAStreamPassesPieceByPieceUndelayed() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: streaming())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send("HTTP/1.1 200 OK\r\n" + Self.fields + "Content-Length: 4\r\n\r\na")
        let head = client.readHead()
        XCTAssertEqual(head["transfer-encoding"], "chunked")
        XCTAssertNil(head["content-length"])
        assertRewrittenHead(head)
        XCTAssertEqual(client.take(6), Array("1\r\nA\r\n".utf8))
        upstream.send("bcd")
        XCTAssertEqual(client.take(19), Array("3\r\nBCD\r\n1\r\n!\r\n0\r\n\r\n".utf8))
        client.send(Say.get("/"))
        _ = upstream.readRequest()
        upstream.send(reply("", chunks: ["x", "yz"]))
        XCTAssertEqual(client.readReply().text, "XYZ!")
        XCTAssertFalse(house.record.now.contains(.brokeOff))
    }

    func testAStreamThatIsChangedAtItsBeginningPassesOn() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: streaming())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        let rest = String(repeating: "as it came ", count: 20_000)
        upstream.send(reply("", chunks: ["one", "two.", "three", rest]))
        let seen = client.readReply()
        XCTAssertTrue(seen.text == "ONETWO.three" + rest, String(seen.text.prefix(40)))
        assertRewrittenHead(seen)
        client.send(Say.get("/"))
        _ = upstream.readRequest()
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nend.")
        XCTAssertEqual(client.readHead()["transfer-encoding"], "chunked")
        XCTAssertEqual(client.take(9), Array("4\r\nEND.\r\n".utf8))
        client.reset()
        XCTAssertEqual(upstream.awaitEnd(), .finished)
        _ = house.inLoop { _ in }
        XCTAssertFalse(house.record.now.contains(.brokeOff), "it was over for the application")
    }

    func testAnOldClientGetsAStreamUntilTheEnd() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: streaming())
        defer { house.close() }
        let (client, upstream) = house.ask(
            backend, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        upstream.send(reply("", chunks: ["x", "yz"]))
        let seen = client.readReply()
        XCTAssertNil(seen["transfer-encoding"])
        XCTAssertNil(seen["content-length"])
        XCTAssertEqual(seen.text, "XYZ!")
        XCTAssertTrue(seen.isWhole)
    }

    func testAStreamThatBreaksOffIsSaidOnce() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: streaming())
        defer { house.close() }
        for clientLeaves in [true, false] {
            house.record.change { $0.removeAll() }
            let (client, upstream) = house.ask(backend)
            upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na")
            _ = client.readHead()
            if clientLeaves { client.reset() } else { upstream.close() }
            XCTAssertTrue(house.record.await { $0.contains(.brokeOff) })
            if !clientLeaves { XCTAssertFalse(client.readReply().isWhole) }
            _ = house.inLoop { _ in }
            XCTAssertEqual(house.record.now.filter { $0 == .brokeOff }.count, 1)
        }
    }

    func testAnEmptyBodyIsNoStream() throws {
        let backend = Backend()
        let house = try LoopHouse(backend, script: streaming())
        defer { house.close() }
        let (client, upstream) = house.ask(backend)
        upstream.send(reply(""))
        let seen = client.readReply()
        XCTAssertEqual(seen["content-length"], "0")
        assertUntouchedHead(seen)
    }
}
