// Owns the tests of bodies that come slowly: when a backend hears of them.
// Called by XCTest.
// Never waits out a time where one can be moved.

import XCTest

@testable import ProxyCore

final class UploadTests: XCTestCase {
    private static let chunkedHead =
        "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func head(_ length: Int, _ fields: String = "") -> String {
        "POST /up HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(length)\r\n\r\n"
    }

    /// A client that sends slowly holds no connection: the only one serves somebody else.
    func testASlowBodyHoldsNoConnection() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let slow = house.client()
        slow.send(head(10) + "01234")
        house.await("it is collected") { $0.collecting == 1 }
        XCTAssertFalse(backend.isWaitedFor())
        let (_, upstream) = house.warmUp(backend)
        slow.dribble("56789")
        let seen = upstream.readRequest()
        XCTAssertEqual(seen["content-length"], "10")
        XCTAssertEqual(seen.text, "0123456789")
        upstream.send(Say.reply("ok"))
        XCTAssertEqual(slow.readReply().text, "ok")
        XCTAssertEqual(house.count(.upstreamConnects), 1)
        XCTAssertEqual(house.inLoop { $0.collecting }, 0)
    }

    func testABodyOfKnownLengthHasNoTimeOfItsOwn() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(head(Limits.highWater) + "a")
        house.await("it is collected") { $0.collecting == 1 }
        let rest = house.inLoop { loop in
            loop.downstreams[loop.downstreams.slots[0]].deadline - loop.loop.now
        }
        XCTAssertGreaterThan(rest ?? 0, Limits.collectTime * 2)
        client.send(String(repeating: "a", count: Limits.highWater - 1))
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().body.count, Limits.highWater)
    }

    func testTheBeginningOfALongBodyIsEnough() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let beginning = String(repeating: "x", count: Limits.highWater)
        for request in [
            head(200_000) + beginning,
            Self.chunkedHead + "\(String(Limits.highWater, radix: 16))\r\n\(beginning)\r\n",
        ] {
            let client = house.client()
            client.send(request)
            let upstream = backend.accept()
            XCTAssertEqual(upstream.readHead().start, "POST /up HTTP/1.1")
            XCTAssertGreaterThanOrEqual(upstream.take(Limits.highWater).count, Limits.highWater)
            client.reset()
            XCTAssertNotNil(upstream.takeAll())
        }
    }

    /// Whoever streams, and waits for an answer to what it has sent, gets one.
    func testAStreamGoesOnAfterAMoment() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        for (request, sent) in [
            (Self.chunkedHead + "5\r\nhello\r\n", "5\r\nhello\r\n"),
            (head(1_000_000) + "hello", "hello"),
            // Not even a byte of it yet.
            (Self.chunkedHead, ""),
        ] {
            let client = house.client()
            client.send(request)
            house.await("it is collected") { $0.collecting == 1 }
            let upstream = backend.accept()
            XCTAssertEqual(upstream.readHead().start, "POST /up HTTP/1.1")
            XCTAssertEqual(upstream.take(sent.utf8.count), Array(sent.utf8))
            // From now on each piece passes at once.
            client.send(request.contains("chunked") ? "3\r\nabc\r\n" : "abc")
            XCTAssertNotNil(upstream.take(through: "abc"))
            upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            XCTAssertEqual(client.readReply().text, "hi")
        }
    }

    func testAShortStreamIsSentAsSoonAsItIsWhole() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let (client, upstream) = house.warmUp(backend)
        client.send(Self.chunkedHead + Say.chunked(["hello"]))
        XCTAssertEqual(upstream.readRequest().text, "hello")
        upstream.send(Say.reply("ok"))
        XCTAssertEqual(client.readReply().text, "ok")
        XCTAssertEqual(house.count(.upstreamConnects), 1)
    }

    /// A 100 costs no connection either.
    func testAnExpectationIsMetWhileTheBodyIsCollected() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(head(2, "Expect: 100-continue\r\n"))
        XCTAssertEqual(client.readReply().status, 100)
        XCTAssertFalse(backend.isWaitedFor())
        client.send("h")
        XCTAssertFalse(backend.isWaitedFor(20))
        client.send("i")
        XCTAssertEqual(backend.accept().readRequest().text, "hi")
    }

    func testABackendThatIsNotThereIs502AfterTheBody() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        backend.close()
        let client = house.client()
        client.send(head(4) + "ab")
        house.await("it is collected") { $0.collecting == 1 }
        client.send("cd" + Say.get("/next"))
        XCTAssertEqual(client.readReply().status, 502)
        // The body was read: the connection goes on.
        XCTAssertEqual(client.readReply().status, 502)
    }

    func testWhatIsCollectedWaitsForAConnectionLikeOthers() throws {
        let backend = Backend()
        let house = try LoopHouse(backend) { $0.upstreamConnections = 1 }
        defer { house.close() }
        let (first, upstream) = house.ask(backend, Say.get("/first"))
        let second = house.client()
        second.send(head(4) + "ab")
        house.await("it is collected") { $0.collecting == 1 }
        second.send("cd")
        house.await("it is queued") { $0.waiters.count == 1 && $0.collecting == 0 }
        upstream.send(Say.reply("first"))
        XCTAssertEqual(first.readReply().text, "first")
        XCTAssertEqual(upstream.readRequest().text, "abcd")
        upstream.send(Say.reply("second"))
        XCTAssertEqual(second.readReply().text, "second")
    }

    /// Memory for collecting is bounded: beyond that a body is passed on as it comes.
    func testCollectingHasABound() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        _ = house.inLoop { $0.collecting = Limits.collecting }
        let client = house.client()
        client.send(head(4) + "ab")
        let upstream = backend.accept()
        _ = upstream.readHead()
        XCTAssertEqual(upstream.take(2), Array("ab".utf8))
        client.send("cd")
        XCTAssertEqual(upstream.take(2), Array("cd".utf8))
        _ = house.inLoop { $0.collecting = 0 }
    }

    func testADrainWaitsForTheBody() throws {
        let backend = Backend()
        let house = try LoopHouse(backend)
        defer { house.close() }
        let client = house.client()
        client.send(head(4) + "ab")
        house.await("it is collected") { $0.collecting == 1 }
        house.drain()
        client.send("cd")
        let upstream = backend.accept()
        XCTAssertEqual(upstream.readRequest().text, "abcd")
        upstream.send(Say.reply("ok"))
        let answer = client.readReply()
        XCTAssertEqual(answer.text, "ok")
        XCTAssertEqual(answer["connection"], "close")
        client.close()
        XCTAssertTrue(house.awaitDrained())
    }
}
