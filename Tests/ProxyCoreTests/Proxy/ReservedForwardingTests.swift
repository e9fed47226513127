// Owns the tests of fields that a backend may believe: the client's are gone, ours are there.
// Called by XCTest.
// Never repeats which names are alike: the tests of the names do.

import XCTest

@testable import ProxyCore

final class ReservedForwardingTests: XCTestCase {
    private static let attempt =
        "X-Auth-User: evil\r\nx-auth-user: evil\r\nX_Auth_User: evil\r\nX!Auth-User: evil\r\n"
        + "X-AUTH-ADMIN: true\r\nConnection: X-Auth-User, X-Auth-Admin\r\nX-Other: kept\r\n"

    private func house(
        _ backend: Backend, own: String = "", change: @escaping (inout Script) -> Void = { _ in }
    )
        throws -> LoopHouse
    {
        var script = Script()
        script.writeFields = { $0.append(own) }
        change(&script)
        return try LoopHouse(backend, script: script) {
            $0.reservedFields = ["X-Auth-User", "X-Auth-Admin"]
        }
    }

    private func evil(_ message: Message) -> [String] {
        message.fields.filter { $0.contains("evil") || $0.contains("true") }
    }

    func testTheClientsAreStrippedAndOursAreWritten() throws {
        let backend = Backend()
        let house = try house(backend, own: "X-Auth-User: 7\r\n")
        defer { house.close() }
        let client = house.client()
        var upstream: Wire?
        for request in [
            Say.get("/", fields: Self.attempt), Say.post("/", "body", fields: Self.attempt),
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\(Self.attempt)\r\n",
        ] {
            client.send(request)
            let wire = upstream ?? backend.accept()
            upstream = wire
            let seen = wire.readRequest()
            XCTAssertEqual(evil(seen), [])
            XCTAssertEqual(seen["x-auth-user"], "7")
            XCTAssertNil(seen["x-auth-admin"])
            XCTAssertEqual(seen["x-other"], "kept")
            wire.send(Say.reply("ok"))
            XCTAssertEqual(client.readReply().text, "ok")
        }
        XCTAssertEqual(house.count(.fieldsOmitted), 0)
    }

    func testNobodyIsNobody() throws {
        let backend = Backend()
        let house = try house(backend)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/", fields: Self.attempt))
        let seen = backend.accept().readRequest()
        XCTAssertEqual(seen.fields.filter { $0.lowercased().contains("auth") }, [])
    }

    func testTunnelsToo() throws {
        let backend = Backend()
        let house = try house(backend, own: "X-Auth-User: 7\r\n")
        defer { house.close() }
        let client = house.client()
        client.send(
            Say.get(
                "/chat",
                fields: "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + Self.attempt))
        let upstream = backend.accept()
        let seen = upstream.readRequest()
        XCTAssertEqual(seen["upgrade"], "websocket")
        XCTAssertEqual(evil(seen), [])
        XCTAssertEqual(seen["x-auth-user"], "7")
    }

    func testWhoeverWaitsForAConnectionHasThemToo() throws {
        let backend = Backend()
        let waiting = Board<ConnectionID?>(nil)
        var script = Script()
        script.writeFields = { $0.append("X-Auth-User: 7\r\n") }
        script.arrived = { _, arrival, label in
            guard label.hasSuffix("/asked"), !arrival.hasWaited else { return nil }
            waiting.change { $0 = arrival.connection }
            return .wait
        }
        let house = try LoopHouse(backend, script: script) {
            $0.reservedFields = ["X-Auth-User"]
            $0.upstreamConnections = 1
        }
        defer { house.close() }
        let (first, upstream) = house.ask(backend, Say.get("/first"))
        let second = house.client()
        second.send(Say.get("/asked", fields: Self.attempt))
        XCTAssertTrue(waiting.await { $0 != nil })
        let connection = waiting.now!
        _ = house.inLoop { $0.resume(connection) }
        house.await("the second is queued") { !$0.waiters.isEmpty }
        upstream.send(Say.reply("first"))
        XCTAssertEqual(first.readReply().text, "first")
        let seen = upstream.readRequest()
        XCTAssertEqual(evil(seen), [])
        XCTAssertEqual(seen["x-auth-user"], "7")
        upstream.send(Say.reply("second"))
        XCTAssertEqual(second.readReply().text, "second")
    }

    func testLinesThatAreNoneAreLeftOut() throws {
        let backend = Backend()
        let house = try house(backend, own: "X-Auth-User: 7\r\nX-Injected: 1\r\n")
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/", fields: Self.attempt))
        let seen = backend.accept().readRequest()
        XCTAssertNil(seen["x-auth-user"])
        XCTAssertNil(seen["x-injected"])
        XCTAssertEqual(evil(seen), [])
        XCTAssertEqual(house.count(.fieldsOmitted), 1)
    }

    func testWithoutNamesNothingIsAskedOrTaken() throws {
        let backend = Backend()
        var script = Script()
        script.writeFields = { $0.append("X-Auth-User: 7\r\n") }
        let house = try LoopHouse(backend, script: script)
        defer { house.close() }
        let client = house.client()
        client.send(Say.get("/", fields: "X-Auth-User: client\r\n"))
        XCTAssertEqual(backend.accept().readRequest()["x-auth-user"], "client")
    }
}
