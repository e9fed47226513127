// Owns the tests of good configurations and of the contract's sample.
// Called by XCTest.
// Never tests the wording of findings: that is ConfigFindingTests.

import ProxyCore
import StatusAPI
import XCTest

@testable import Sidecar

final class ConfigReaderTests: XCTestCase {
    func testTheSampleHasOnlyUnsupportedFeatures() {
        let lines = ConfigSample.lines(ConfigSample.contract)
        for line in lines {
            XCTAssertTrue(line.contains("is not supported by this version"), line)
        }
        let errors = lines.filter { !$0.contains(" warning: ") }
        XCTAssertEqual(
            errors.map { String($0.prefix { $0 != " " }) },
            ["c:4:", "c:8:", "c:42:"], errors.joined(separator: "\n"))
        let warnings = lines.filter { $0.contains(" warning: ") }
        XCTAssertEqual(
            warnings.map { $0.split(separator: " ")[1] },
            [
                "upstream.health:", "webhooks[0]:",
            ])
    }

    func testTheSampleWithoutThemIsRead() throws {
        let text = ConfigSample.contract.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated().filter { ![4, 8, 42].contains($0.offset + 1) }
            .map(\.element).joined(separator: "\n")
        let config = try XCTUnwrap(ConfigSample.read(text).config)
        XCTAssertEqual(config.listen.map(\.address), [.tcp(host: "127.0.0.1", port: 8080)])
        XCTAssertEqual(
            config.upstream.servers.map(\.address), [.tcp(host: "127.0.0.1", port: 8000)])
        XCTAssertEqual(config.upstream.idleTimeout, 1_500)
        XCTAssertEqual(
            config.tokens.keys.map(\.issuer.algorithms), [[.hs256], [.rs256, .es256], [.eddsa]])
        XCTAssertEqual(config.tokens.keys.first?.sharedSecret, Array(ConfigSample.secret.utf8))
        XCTAssertEqual(config.tokens.leeway, 30_000)
        XCTAssertEqual(config.tokens.claims, ClaimRules())
        XCTAssertEqual(config.presence, Config.Presence())
        XCTAssertEqual(config.api, Config.API())
        XCTAssertEqual(config.websocket.origins, ["https://app.example"])
        XCTAssertEqual(config.store, Config.Store())
        XCTAssertEqual(config.limits, Config.Bounds())
        XCTAssertEqual(config.routes.count, 11)
        guard case .login(let paths) = config.routes[0].action else { return XCTFail("login") }
        XCTAssertEqual(paths.tokenPaths.map(\.text), ["$.access"])
        XCTAssertEqual(paths.user.map(\.text), ["$.user.id"])
        XCTAssertEqual(paths.name.map(\.text), ["$.user.username"])
        guard case .serve(.setStatus) = config.routes[5].action else { return XCTFail("serve") }
        XCTAssertFalse(config.routes[8].activity)
        XCTAssertFalse(config.routes[9].track)
        XCTAssertEqual(config.routes[10].inject, [])
        XCTAssertEqual(config.routes[0].line, 25)
    }

    func testEveryPieceOfTheSampleGivesAFinding() {
        let bytes = Array(ConfigSample.contract.utf8)
        for count in 0..<bytes.count {
            let piece = Array(bytes[..<count])
            let outcome = ConfigReader.read(
                piece.rawSpan, surroundings: ConfigSample.surroundings)
            XCTAssertNil(outcome.config, "\(count)")
            XCTAssertFalse(outcome.findings.isEmpty, "\(count)")
        }
    }

    func testBrokenBytesNeverTrap() {
        let bytes = Array(ConfigSample.contract.utf8)
        var seed: UInt64 = 7
        for _ in 0..<1_500 {
            var broken = bytes
            for _ in 0..<3 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int(seed >> 33) % broken.count
                broken[place] = UInt8(truncatingIfNeeded: seed >> 20)
            }
            let outcome = ConfigReader.read(
                broken.rawSpan, surroundings: ConfigSample.surroundings)
            for finding in outcome.findings {
                let line = finding.text(file: "c")
                XCTAssertFalse(line.contains("\n"), line)
            }
        }
    }

    func testTheSmallestConfig() throws {
        let outcome = ConfigSample.read("{upstream:{servers:['http://app']}}")
        let config = try XCTUnwrap(outcome.config)
        XCTAssertEqual(config.upstream.servers.map(\.address), [.tcp(host: "app", port: 80)])
        XCTAssertEqual(config.listen.map(\.address), [.tcp(host: "127.0.0.1", port: 8080)])
        XCTAssertEqual(config.presence.offlineAfter, 120_000)
        XCTAssertEqual(outcome.findings.map(\.severity), [.warning])
    }

    func testAddresses() throws {
        let cases: [(String, ListenAddress)] = [
            ("0.0.0.0:80", .tcp(host: "0.0.0.0", port: 80)),
            ("[::1]:8080", .tcp(host: "::1", port: 8080)),
            ("127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)),
            ("localhost:8080", .tcp(host: "127.0.0.1", port: 8080)),
            ("unix:/run/sidecar.sock", .unix(path: "/run/sidecar.sock")),
            ("systemd", .systemd),
        ]
        for (text, address) in cases {
            XCTAssertEqual(try AddressText.listener(text), address, text)
        }
        let servers: [(String, ServerAddress, Bool)] = [
            ("http://127.0.0.1:8000", .tcp(host: "127.0.0.1", port: 8000), false),
            ("http://127.0.0.1:8000/", .tcp(host: "127.0.0.1", port: 8000), false),
            ("http://[::1]:8000", .tcp(host: "::1", port: 8000), false),
            ("http://[::1]", .tcp(host: "::1", port: 80), false),
            ("https://app.internal", .tcp(host: "app.internal", port: 443), true),
            ("unix:/run/gunicorn.sock", .unix(path: "/run/gunicorn.sock"), false),
        ]
        for (text, address, secure) in servers {
            let read = try AddressText.server(text)
            XCTAssertEqual(read.address, address, text)
            XCTAssertEqual(read.secure, secure, text)
        }
    }

    func testNullMeansNoLimit() throws {
        let text = """
            {upstream: {servers: ["http://app"]}, store: {path: null}, api: {rate_limit: null},
             limits: {body: null}, presence: {away_after: null}, log: {access: null},
             tokens: {claims: {admin: null}}, tls: null, cluster: null}
            """
        let config = try XCTUnwrap(ConfigSample.read(text).config)
        XCTAssertNil(config.store.path)
        XCTAssertNil(config.api.rateLimit)
        XCTAssertNil(config.limits.body)
        XCTAssertNil(config.tokens.claims.admin)
        XCTAssertEqual(config.log.access, .off)
    }
}
