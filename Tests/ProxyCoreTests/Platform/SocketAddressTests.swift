// Owns the tests of addresses, and of the sockets made of them.
// Called by XCTest.
// Never leaves a path behind.

import Foundation
import XCTest

@testable import ProxyCore

final class SocketAddressTests: XCTestCase {
    private static let patience = Milliseconds(Wire.patience)

    private func path(_ kind: String) -> String {
        let path = NSTemporaryDirectory() + "proxy-\(UUID().uuidString.prefix(8)).\(kind)"
        addTeardownBlock { unlink(path) }
        return path
    }

    func testNumericAddresses() {
        for (host, text) in [
            ("127.0.0.1", "127.0.0.1:80"), ("0.0.0.0", "0.0.0.0:80"), ("::1", "[::1]:80"),
            ("2001:db8::1", "[2001:db8::1]:80"),
        ] {
            let address = SocketAddress(numeric: host, port: 80)
            XCTAssertEqual(address?.text, text)
            XCTAssertEqual(address?.isUnix, false)
            XCTAssertNotEqual(address, address?.withPort(81))
            XCTAssertEqual(address, address?.withPort(81).withPort(80))
        }
        for host in [
            "", "localhost", "127.0.0.1:80", "[::1]", "1.2.3", "1.2.3.4.5", "256.1.1.1",
            "1.2.3.4 ", " ::1", "::1%lo", "0x7f.1",
        ] {
            XCTAssertNil(SocketAddress(numeric: host, port: 80), host)
        }
    }

    func testUnixPaths() {
        XCTAssertNil(SocketAddress(unixPath: ""))
        XCTAssertNil(SocketAddress(unixPath: "/a\0b"))
        XCTAssertNil(SocketAddress(unixPath: String(repeating: "a", count: 108)))
        let longest = SocketAddress(unixPath: String(repeating: "a", count: 107))
        XCTAssertEqual(longest?.isUnix, true)
        let address = SocketAddress(unixPath: "/run/a")
        XCTAssertEqual(address?.text, "unix:/run/a")
        XCTAssertEqual(address?.withPort(1), address)
    }

    func testResolving() throws {
        XCTAssertEqual(
            try SocketAddress.resolve(host: "127.0.0.1", port: 9),
            [SocketAddress(numeric: "127.0.0.1", port: 9)!])
        XCTAssertFalse(try SocketAddress.resolve(host: "localhost", port: 9).isEmpty)
    }

    /// Accepts, moves bytes, ends: for an address of each family.
    private func converse(_ address: SocketAddress) throws {
        let listener = try address.listen(reusePort: false)
        defer { listener.close() }
        guard case .none = listener.accept() else { return XCTFail("nobody has come") }
        let target = address.isUnix ? address : address.withPort(listener.boundPort()!)
        let client = try target.connect()
        defer { client.close() }
        XCTAssertTrue(client.wait(.writable, atMost: Self.patience))
        XCTAssertNil(client.connectError())
        XCTAssertTrue(listener.wait(.readable, atMost: Self.patience))
        guard case .connection(let server, let peer) = listener.accept() else {
            return XCTFail("somebody has come")
        }
        defer { server.close() }
        XCTAssertEqual(peer == .unix, address.isUnix)
        XCTAssertEqual(client.send("hello".rawSpan), .bytes(5))
        XCTAssertEqual(client.send(" wor".rawSpan, "ld".rawSpan), .bytes(6))
        client.shutdownWrite()
        var buffer = ByteBuffer()
        while buffer.count < 11, server.wait(.readable, atMost: Self.patience) {
            _ = server.receive(into: &buffer, atMost: 100)
        }
        XCTAssertEqual(buffer.array(), Array("hello world".utf8))
        XCTAssertTrue(server.wait(.readable, atMost: Self.patience))
        XCTAssertEqual(server.receive(into: &buffer, atMost: 100), .bytes(0))
        XCTAssertEqual(client.receive(into: &buffer, atMost: 100), .blocked)
    }

    func testEachFamilyConverses() throws {
        try converse(SocketAddress(numeric: "127.0.0.1", port: 0)!)
        if let v6 = SocketAddress(numeric: "::1", port: 0),
            let made = try? v6.listen(reusePort: false)
        {
            made.close()
            try converse(v6)
        }
        let address = SocketAddress(unixPath: path("sock"))!
        try converse(address)
        // The path of one that is gone is no hindrance, that of one that answers is.
        let again = try address.listen(reusePort: false)
        defer { again.close() }
        XCTAssertThrowsError(try address.listen(reusePort: false)) {
            XCTAssertEqual(($0 as? SystemError)?.code, EADDRINUSE)
        }
    }

    func testAFileIsNoStaleSocket() throws {
        let path = path("txt")
        try "precious".write(toFile: path, atomically: true, encoding: .utf8)
        XCTAssertThrowsError(try SocketAddress(unixPath: path)!.listen(reusePort: false))
        XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8), "precious")
    }

    func testARefusedConnectSaysSo() throws {
        let listener = try SocketAddress(numeric: "127.0.0.1", port: 0)!.listen(reusePort: false)
        let port = listener.boundPort()!
        listener.close()
        let address = SocketAddress(numeric: "127.0.0.1", port: port)!
        XCTAssertEqual(address.tryConnecting(timeout: Self.patience)?.code, ECONNREFUSED)
        XCTAssertThrowsError(try SocketAddress(unixPath: "/no/such/folder/socket")!.connect())
    }

    func testABrokenPipeIsAnOutcome() throws {
        var ends: [CInt] = [0, 0]
        XCTAssertEqual(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends), 0)
        FileDescriptor(ends[1]).close()
        let one = FileDescriptor(ends[0])
        defer { one.close() }
        XCTAssertEqual(one.send("x".rawSpan), .failed(EPIPE))
        XCTAssertEqual(one.send("x".rawSpan, "y".rawSpan), .failed(EPIPE))
    }
}
