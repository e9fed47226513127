// Owns the tests of findings about addresses: upstreams, listeners, networks.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigReaderTests.

import XCTest

@testable import Sidecar

final class ConfigAddressFindingTests: XCTestCase {
    func testUpstreams() {
        ConfigSample.expect(
            #"""
            {
              upstream: {
                servers: ["127.0.0.1:8000", "http://app:70000", "http://app/api", "http://u:p@app", "ftp://x",
                  "unix:app.sock", "http://", "http://a b", "http://app:x", "https://app", "http://[::1"],
              },
            }
            """#,
            [
                #"c:3: upstream.servers[0]: "127.0.0.1:8000" is no upstream: write "http://127.0.0.1:8000" or "unix:/run/app.sock""#,
                #"c:3: upstream.servers[1]: "http://app:70000" has a port out of range: write one from 1 to 65535"#,
                #"c:3: upstream.servers[2]: "http://app/api" has more than a host and a port: write "http://app""#,
                #"c:3: upstream.servers[3]: "…@app" has more than a host and a port: write "http://app""#,
                #"c:3: upstream.servers[4]: "ftp://x" is no upstream: write "http://127.0.0.1:8000" or "unix:/run/app.sock""#,
                #"c:4: upstream.servers[5]: "unix:app.sock" needs an absolute path: write "unix:/run/app.sock""#,
                #"c:4: upstream.servers[6]: "http://" names no host: write one like 127.0.0.1"#,
                #"c:4: upstream.servers[7]: "http://a b" names no host: write one like 127.0.0.1"#,
                #"c:4: upstream.servers[8]: "http://app:x" has no number for a port: write one"#,
                #"c:4: upstream.servers[9]: an https upstream is not supported by this version: write http:// or unix:"#,
                #"c:4: upstream.servers[10]: "http://[::1" lacks a ']': write one like "[::1]:8080""#,
            ])
    }

    func testNoUpstream() {
        ConfigSample.expect(
            #"""
            { listen: ["127.0.0.1:80"] }
            """#,
            [
                #"c:1: upstream: is missing: write upstream: { servers: ["http://127.0.0.1:8000"] }"#
            ])
    }

    func testNoServers() {
        ConfigSample.expect(
            #"""
            { upstream: {} }
            """#,
            [
                #"c:1: upstream: servers is missing: write servers: ["http://127.0.0.1:8000"]"#
            ])
    }

    func testEmptyServers() {
        ConfigSample.expect(
            #"""
            { upstream: { servers: [] } }
            """#,
            [
                #"c:1: upstream.servers: is empty: write ["http://127.0.0.1:8000"]"#
            ])
    }

    func testUpstreamAsText() {
        ConfigSample.expect(
            #"""
            { upstream: "http://127.0.0.1:8000" }
            """#,
            [
                #"c:1: upstream: expected an object, found "http://127.0.0.1:8000": write { servers: ["http://127.0.0.1:8000"] }"#
            ])
    }

    func testUpstreamNull() {
        ConfigSample.expect(
            #"""
            { upstream: null }
            """#,
            [
                #"c:1: upstream: is missing: write upstream: { servers: ["http://127.0.0.1:8000"] }"#
            ])
    }

    func testListen() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://127.0.0.1:9000", "unix:/run/own.sock"] },
              listen: [
                "127.0.0.1:99999",
                ":8080",
                "*:80",
                "::1:8080",
                "[::1]",
                "[nonsense]:80",
                "example.org:80",
                "http://127.0.0.1:80",
                "unix:",
                "systemd",
                "127.0.0.1:8080",
                "127.0.0.1:8080",
                "127.0.0.1:9000",
                "unix:/run/own.sock",
                8080,
                "8080",
              ],
            }
            """#,
            [
                #"c:2: upstream.servers[0]: "http://127.0.0.1:9000" is where the sidecar itself listens: write the address of the backend"#,
                #"c:2: upstream.servers[1]: "unix:/run/own.sock" is where the sidecar itself listens: write the address of the backend"#,
                #"c:4: listen[0]: "127.0.0.1:99999" has a port out of range: write one from 0 to 65535"#,
                #"c:5: listen[1]: ":8080" names no address: write "127.0.0.1:8080", or for everybody "0.0.0.0:8080" (IPv4) or "[::]:8080""#,
                #"c:6: listen[2]: "*:80" names no address: write "127.0.0.1:80", or for everybody "0.0.0.0:80" (IPv4) or "[::]:80""#,
                #"c:7: listen[3]: "::1:8080" has several colons: an IPv6 address stands in brackets, like "[::1]:8080""#,
                #"c:8: listen[4]: "[::1]" has no port: write one like "[::1]:8080""#,
                #"c:9: listen[5]: "[nonsense]:80" has no IPv6 address between '[' and ']': write one like "[::1]:8080""#,
                #"c:10: listen[6]: "example.org:80" is no numeric address: write one like "127.0.0.1:8080""#,
                #"c:11: listen[7]: "http://127.0.0.1:80" is a URL: write only the address, like "127.0.0.1:8080""#,
                #"c:12: listen[8]: "unix:" needs an absolute path: write "unix:/run/app.sock""#,
                #"c:13: listen[9]: socket activation is not supported by this version: write an address like "127.0.0.1:8080""#,
                #"c:15: listen[11]: "127.0.0.1:8080" stands twice: keep one of them"#,
                #"c:18: listen[14]: expected a string, found the number 8080: write "127.0.0.1:8080""#,
                #"c:19: listen[15]: "8080" names no address: write "127.0.0.1:8080", or for everybody "0.0.0.0:8080" (IPv4) or "[::]:8080""#,
            ])
    }

    func testNetworks() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              trusted_proxies: ["127.0.0.1", "10.0.0.0/8", "10.0.0.0/33", "proxy.example", "::1/129", "unix"],
            }
            """#,
            [
                #"c:3: trusted_proxies[2]: "10.0.0.0/33" is no network: no prefix length; write /0 to /32"#,
                #"c:3: trusted_proxies[3]: "proxy.example" is no network: no address; write 127.0.0.1, 10.0.0.0/8 or unix"#,
                #"c:3: trusted_proxies[4]: "::1/129" is no network: no prefix length; write /0 to /128"#,
            ])
    }
}
