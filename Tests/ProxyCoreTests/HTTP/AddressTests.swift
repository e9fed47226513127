// Owns the tests of addresses, trusted networks, and who the client is (requirement 51).
// Called by XCTest.
// Never resolves a name.

import Support
import XCTest

@testable import ProxyCore

final class AddressTests: XCTestCase {
    func testText() {
        for (text, canonical) in [
            ("1.2.3.4", "1.2.3.4"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1", "2001:db8::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8"),
            ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("0:2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("fe80::0001", "fe80::1"), ("::ffff:1.2.3.4", "1.2.3.4"),
            ("::ffff:102:304", "1.2.3.4"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
            ("::1.2.3.4", "::102:304"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("1::1.2.3.4", "1::102:304"),
            (
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
            ),
        ] {
            XCTAssertEqual(ClientAddress.parse(text)?.description, canonical, text)
            XCTAssertEqual(ClientAddress.parse(canonical)?.description, canonical)
        }
        XCTAssertEqual(ClientAddress.local.description, "unix")
    }

    func testNoAddress() {
        for text in [
            "", "1", ".", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1",
            "1.2.3.999", "01.2.3.4", "1.2.3.04", "00.0.0.0", "1.2.3.4 ", " 1.2.3.4", "1.2.3.a",
            "0x1.2.3.4", "+1.2.3.4", "1.2.3.4:80", "unix", "localhost", ":", ":::", "1:::2",
            "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:", ":1:2:3:4:5:6:7", "12345::", "g::", "fe80::1%eth0", "[::1]",
            "::1.2.3", "::1.2.3.4.5", "::256.1.1.1", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5",
            "1.2.3.4::", "::01.2.3.4", "::\u{e9}", "1.2.3.\u{0}",
        ] {
            XCTAssertNil(ClientAddress.parse(text), text)
        }
    }

    func testEveryLengthAgainstTheGuardPage() {
        for text in ["255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "::ff"] {
            let bytes = latin1(text)
            let page = GuardPage(capacity: bytes.count)
            for count in 0...bytes.count {
                page.with(bytes, count: count) { _ = ClientAddress.parse($0) }
            }
        }
    }

    func testMaking() {
        XCTAssertEqual(ClientAddress(v4: [10, 0, 0, 1], port: 80).description, "10.0.0.1")
        XCTAssertEqual(
            ClientAddress(v4: UInt32(0x0a00_0001).bigEndian, port: 80),
            ClientAddress(v4: [10, 0, 0, 1], port: 80))
        XCTAssertEqual(
            ClientAddress(v6: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], port: 80),
            ClientAddress(v4: [10, 0, 0, 1], port: 80), "one client, however it came")
        let six = ClientAddress(
            v6: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], port: 7)
        XCTAssertEqual(six.description, "2001:db8::9")
        XCTAssertEqual(six.port, 7)
        XCTAssertEqual(six.withoutPort, ClientAddress.parse("2001:db8::9"))
        XCTAssertEqual(ClientAddress(), .local)
    }

    func testNetworks() throws {
        let networks = try TrustedNetworks(parsing: [
            "127.0.0.1/32", "10.0.0.0/8", "192.168.1.77/24", "::1", "2001:db8::/33",
            "::ffff:172.16.0.0/108",
        ])
        for address in [
            "127.0.0.1", "10.0.0.0", "10.255.255.255", "192.168.1.1", "::1", "2001:db8::1",
            "2001:db8:7fff::1", "::ffff:10.1.1.1", "172.16.0.1", "172.31.255.255",
        ] {
            XCTAssert(networks.contains(.parse(address)!), address)
        }
        for address in [
            "127.0.0.2", "11.0.0.0", "9.255.255.255", "192.168.2.1", "::2", "2001:db8:8000::1",
            "2001:db9::", "172.32.0.0", "::10.0.0.1",
        ] {
            XCTAssertFalse(networks.contains(.parse(address)!), address)
        }
        XCTAssertFalse(networks.contains(.local), "only by name")
        XCTAssert(try TrustedNetworks(parsing: ["unix"]).contains(.local))
        let all = try TrustedNetworks(parsing: ["0.0.0.0/0", "::/0"])
        XCTAssert(all.contains(.parse("1.2.3.4")!) && all.contains(.parse("ff::")!))
        XCTAssertFalse(TrustedNetworks().contains(.parse("127.0.0.1")!))
        for entry in [
            "", "localhost", "1.2.3.4/", "1.2.3.4/33", "::/129", "1.2.3.4/-1", "1.2.3.4/a",
            "1.2.3/8", "::ffff:1.2.3.4/95", "/8", "1.2.3.4/8/8", " 1.2.3.4",
        ] {
            XCTAssertThrowsError(try TrustedNetworks(parsing: [entry]), entry) { error in
                XCTAssertEqual((error as? TrustedNetworksError)?.entry, entry)
            }
        }
    }

    private func client(_ peer: String, _ lines: String...) throws -> String {
        let networks = try TrustedNetworks(parsing: ["127.0.0.0/8", "10.0.0.0/8", "unix"])
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        let bytes = latin1(text)
        var head = RequestHead()
        XCTAssertEqual(
            head.parse(bytes.rawSpan, limits: HeadLimits(), trustedPeer: false), .complete)
        let address = peer == "unix" ? .local : ClientAddress.parse(peer)!
        let forwarded = ForwardedFields(
            peer: address, trusted: networks.contains(address), secure: false)
        return forwarded.client(of: head, bytes.rawSpan, networks: networks).description
    }

    func testTrust51Client() throws {
        let field = "X-Forwarded-For: "
        XCTAssertEqual(try client("9.9.9.9", field + "1.1.1.1"), "9.9.9.9", "not trusted")
        XCTAssertEqual(try client("127.0.0.1"), "127.0.0.1")
        XCTAssertEqual(try client("127.0.0.1", field + "1.1.1.1"), "1.1.1.1")
        XCTAssertEqual(try client("unix", field + "1.1.1.1"), "1.1.1.1")
        XCTAssertEqual(try client("127.0.0.1", field + "1.1.1.1, 2.2.2.2"), "2.2.2.2")
        XCTAssertEqual(
            try client("127.0.0.1", field + "1.1.1.1, 2.2.2.2,10.0.0.3 , 10.0.0.4"), "2.2.2.2")
        XCTAssertEqual(
            try client("127.0.0.1", field + "1.1.1.1", field + "2.2.2.2", field + "10.0.0.9"),
            "2.2.2.2")
        XCTAssertEqual(try client("127.0.0.1", field + "10.0.0.1, 10.0.0.2"), "10.0.0.1")
        XCTAssertEqual(try client("127.0.0.1", field + "1.1.1.1, junk, 10.0.0.2"), "10.0.0.2")
        XCTAssertEqual(try client("127.0.0.1", field + "junk"), "127.0.0.1")
        XCTAssertEqual(try client("127.0.0.1", field), "127.0.0.1")
        XCTAssertEqual(try client("127.0.0.1", field + ",, 1.1.1.1 ,"), "1.1.1.1")
        XCTAssertEqual(try client("127.0.0.1", field + "1.1.1.1:4711"), "1.1.1.1")
        XCTAssertEqual(try client("127.0.0.1", field + "[2001:db8::1]:4711"), "2001:db8::1")
        XCTAssertEqual(try client("127.0.0.1", field + "[2001:db8::1]"), "2001:db8::1")
        XCTAssertEqual(try client("127.0.0.1", field + "2001:db8::1"), "2001:db8::1")
        XCTAssertEqual(try client("127.0.0.1", field + "["), "127.0.0.1")
        XCTAssertEqual(try client("127.0.0.1", field + ":"), "127.0.0.1")
        XCTAssertEqual(try client("::ffff:127.0.0.1", field + "::ffff:1.1.1.1"), "1.1.1.1")
        XCTAssertEqual(
            try client("127.0.0.1", "Connection: X-Forwarded-For", field + "1.1.1.1"),
            "127.0.0.1", "nominated: taken out before it is read")
        let many = Array(repeating: "10.0.0.1", count: 40).joined(separator: ",")
        XCTAssertEqual(try client("127.0.0.1", field + "1.1.1.1," + many), "10.0.0.1", "bounded")
    }

    func testDate() {
        func text(_ seconds: Int64) -> String? {
            var out = ByteBuffer()
            HTTPDate.write(seconds * 1000 + 999, into: &out)
            return out.bytes.text()
        }
        XCTAssertEqual(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT")
        XCTAssertEqual(text(0), "Thu, 01 Jan 1970 00:00:00 GMT")
        XCTAssertEqual(text(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT")
        XCTAssertEqual(text(951_868_799), "Tue, 29 Feb 2000 23:59:59 GMT")
        XCTAssertEqual(text(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT")
        XCTAssertEqual(text(1_798_761_599), "Thu, 31 Dec 2026 23:59:59 GMT")
        XCTAssertEqual(text(-5), "Thu, 01 Jan 1970 00:00:00 GMT")
        XCTAssertEqual(text(999_999_999_999), "Fri, 31 Dec 9999 23:59:59 GMT")
    }
}
