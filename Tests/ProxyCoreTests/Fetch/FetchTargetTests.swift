// Owns the tests of URLs to ask: which are read, how, and which are refused in what words.
// Called by XCTest.
// Never connects.

import XCTest

@testable import ProxyCore

final class FetchTargetTests: XCTestCase {
    private func fault(_ url: String) -> String {
        do throws(FetchURLError) {
            return "read as \(try FetchTarget(url).text)"
        } catch {
            return "\(error)"
        }
    }

    func testURLsAreReadApart() throws {
        let cases: [(url: String, host: String, port: UInt16, authority: String, path: String)] = [
            ("https://a.example", "a.example", 443, "a.example", "/"),
            ("HTTPS://A.Example/Keys?a=B", "a.example", 443, "a.example", "/Keys?a=B"),
            ("https://a.example:443/", "a.example", 443, "a.example", "/"),
            ("https://a.example:8443/x", "a.example", 8443, "a.example:8443", "/x"),
            ("http://127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1", "/"),
            ("http://[::1]:81/k", "::1", 81, "[::1]:81", "/k"),
            ("https://[2001:DB8::1]?q", "2001:db8::1", 443, "[2001:db8::1]", "/?q"),
        ]
        for expected in cases {
            let target = try FetchTarget(expected.url)
            XCTAssertEqual(target.host, expected.host, expected.url)
            XCTAssertEqual(target.port, expected.port, expected.url)
            XCTAssertEqual(target.authority, expected.authority, expected.url)
            XCTAssertEqual(target.path, expected.path, expected.url)
            XCTAssertEqual(try FetchTarget(target.text), target)
        }
        let socket = try FetchTarget("unix:/run/app.sock")
        XCTAssertEqual(socket.scheme, .unix)
        XCTAssertEqual(socket.with(path: "/me").path, "/me")
        XCTAssertEqual(socket.text, "unix:/run/app.sock")
    }

    func testOtherTextsAreRefusedInExactWords() {
        for text in ["", "a.example", "ftp://a/", "//a/", "https:/a", "https//a"] {
            XCTAssertEqual(
                fault(text), "is no URL: write one like \"https://host/path\"", text)
        }
        for text in [
            "https://", "https:///keys", "https://a b/", "https://a:0/", "https://a:/",
            "https://a:65536/", "https://.a/", "https://a./", "https://a..b/", "https://[::1",
            "https://[127.0.0.1]/", "https://münchen.example/", "https://a%2e/", "https://a,b/",
        ] {
            XCTAssertEqual(
                fault(text), "names no host: write one like \"https://host/path\"", text)
        }
        XCTAssertEqual(
            fault("https://user:word@a/"),
            "holds a user name or password: write the URL without it")
        XCTAssertEqual(
            fault("https://a/#top"), "has a fragment (#…), which is never sent: leave it out")
        for text in ["https://a/ b", "https://a/\r\nX: y", "https://a/ü", "https://a/\u{0}"] {
            XCTAssertEqual(
                fault(text),
                "holds a byte that no URL holds: write it as %XX (a space is %20)", text)
        }
        let long = "https://a/" + String(repeating: "a", count: Limits.fetchURL)
        XCTAssertEqual(fault(long), "is a URL of more than 2048 bytes")
        XCTAssertEqual(
            fault("unix:app.sock"), "needs an absolute path: write \"unix:/run/app.sock\"")
    }

    /// TLS may be left out only where nothing leaves the machine.
    func testR14OnlyLoopbackIsFetchedWithoutTLS() throws {
        for text in [
            "http://127.0.0.1/k", "http://127.1.2.3/k", "http://[::1]:8/k", "http://localhost/k",
            "https://anybody.example/k",
        ] {
            XCTAssertNoThrow(try KeySource.Place(text), text)
        }
        for host in [
            "a.example", "10.0.0.1", "127.1", "127.0.0.1.a.example", "localhost.a.example",
            "0.0.0.0", "[::]", "[::ffff:127.0.0.1]",
        ] {
            XCTAssertThrowsError(try KeySource.Place("http://\(host)/k"), host) { error in
                XCTAssertEqual(
                    "\(error)",
                    "would be fetched without TLS, and whoever stands on the way could sign: write"
                        + " \"https://\(host)/k\" (http is for 127.0.0.1, [::1] and localhost)")
            }
        }
        XCTAssertEqual(try KeySource.Place("/etc/keys.json"), .file(path: "/etc/keys.json"))
        XCTAssertEqual(try KeySource.Place("file:///etc/keys.json"), .file(path: "/etc/keys.json"))
        XCTAssertEqual(try KeySource.Place("keys.json"), .file(path: "keys.json"))
        for text in ["", "unix:/run/a", "file://host/a", "ftp://a/b"] {
            XCTAssertThrowsError(try KeySource.Place(text), text)
        }
    }

    func testLocationsAreFollowedFromWhereTheyStand() throws {
        let base = try FetchTarget("https://a.example:8443/one/two?q=1")
        let cases = [
            ("https://b.example/x", "https://b.example/x"),
            ("//b.example/x", "https://b.example/x"),
            ("/x?y", "https://a.example:8443/x?y"),
            ("x", "https://a.example:8443/one/x"),
            ("?z", "https://a.example:8443/one/two?z"),
            ("x#part", "https://a.example:8443/one/x"),
            ("./a:b", "https://a.example:8443/one/./a:b"),
        ]
        for (location, expected) in cases {
            XCTAssertEqual(try base.following(location).text, expected, location)
        }
        for location in ["ftp://a/", "mailto:a", "/a b", "/a\r\nb", "https://u@a/"] {
            XCTAssertThrowsError(try base.following(location), location)
        }
        XCTAssertTrue(base.isSameOrigin(as: try FetchTarget("https://A.example:8443/")))
        for other in ["https://a.example/", "http://a.example:8443/", "https://b.example:8443/"] {
            XCTAssertFalse(base.isSameOrigin(as: try FetchTarget(other)), other)
        }
    }
}
