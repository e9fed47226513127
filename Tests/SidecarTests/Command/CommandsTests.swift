// Owns the tests of `check`, `token`, `routes` and the options that stand for a file.
// Called by XCTest.
// Never starts the service.

import ProxyCore
import XCTest

@testable import Sidecar

final class CommandsTests: XCTestCase {
    private static let config = """
        {
          upstream: { servers: ["http://127.0.0.1:8000"] },
          tokens: { keys: [{ algorithms: ["HS256"], secret_env: "JWT_SECRET", issuer: "me" }] },
          routes: [
            { match: "POST /login/", on: "login", token: "$.access", user: "$.user.id" },
            { match: "POST /logout", on: "logout" },
            { match: "GET /users/{id}/status", serve: "user" },
            { match: "GET /poll", activity: false },
            { match: "* /static/**", track: false },
            { match: "POST /beat", on: "heartbeat" },
            { match: "POST /refresh", on: "refresh", token: ["$.access", "cookie:access"],
              expires: "$.expires_in" },
            { match: "GET /private/**", require: true, activity: false },
          ],
        }
        """

    /// The path of a file that exists while the test runs.
    private func write(_ text: String) throws -> String {
        let path = NSTemporaryDirectory() + "sidecar-\(UUID().uuidString).json5"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
        return path
    }

    func testCheck() throws {
        let good = try write(Self.config)
        let clean = Check.report(file: good, surroundings: ConfigSample.surroundings)
        XCTAssertEqual(clean.lines, ["\(good): ok"])
        XCTAssertEqual(clean.code, .success)

        let warned = try write("{upstream: {servers: ['http://app']}}")
        let warnings = Check.report(file: warned, surroundings: ConfigSample.surroundings)
        XCTAssertEqual(warnings.lines.count, 1)
        XCTAssertEqual(warnings.code, .success)

        let bad = try write("{\n workers: 'x'\n}")
        let broken = Check.report(file: bad, surroundings: ConfigSample.surroundings)
        XCTAssertEqual(broken.code, .failure)
        XCTAssertTrue(broken.lines.contains { $0.hasPrefix("\(bad):2: workers: ") })

        let missing = Check.report(file: "/nonexistent/c", surroundings: .system)
        XCTAssertEqual(missing.code, .failure)
        XCTAssertEqual(
            missing.lines,
            [
                "/nonexistent/c:1: cannot read the file (open: No such file or directory (2)):"
                    + " write the path of a readable one"
            ])
    }

    private func order(_ line: String) throws -> TokenOrder {
        guard case .token(let order) = try Invocation(line.split(separator: " ").map(String.init))
        else { throw UsageError(message: "no token") }
        return order
    }

    func testAMintedTokenIsAccepted() throws {
        let file = try write(Self.config)
        let order = try order("token --config \(file) --user 42 --name Ann --admin --ttl 1h")
        let now: Milliseconds = 1_795_253_400_000
        let minted = TokenCommand.mint(
            order, now: now, surroundings: ConfigSample.surroundings)
        let token = try minted.get()
        let config = try XCTUnwrap(
            ConfigSource.file(file).load(ConfigSample.surroundings).config)
        let verifier = Verifier(try config.keyRing())
        guard case .valid(let claims, _) = verifier.verify(token.rawSpan, now: now) else {
            return XCTFail("refused")
        }
        XCTAssertEqual(claims.user, "42")
        XCTAssertEqual(claims.name, "Ann")
        XCTAssertTrue(claims.isAdmin)
        let later = now + 3_600_000 + config.tokens.leeway + 1_000
        guard case .refused(.expired) = verifier.verify(token.rawSpan, now: later) else {
            return XCTFail("still good")
        }
    }

    func testATokenAsItsIssuerDemands() throws {
        let file = try write(
            """
            {upstream: {servers: ['http://app']}, tokens: {keys: [
              {algorithms: ['RS256'], public_key_file: '/k/rsa.pem', issuer: 'b'},
              {algorithms: ['HS512', 'HS256'], secret_env: 'JWT_SECRET', issuer: 'me', kid: 'k',
               audience: ['a', 'b'], max_lifetime: '1h',
               claims: {user: ['uid'], admin: {claim: 'scope', contains: 'admin'}}},
            ]}}
            """)
        let now: Milliseconds = 1_795_253_400_000
        let token = try TokenCommand.mint(
            try order("token --config \(file) --user 42 --admin"), now: now,
            surroundings: ConfigSample.surroundings
        ).get()
        let config = try XCTUnwrap(ConfigSource.file(file).load(ConfigSample.surroundings).config)
        guard
            case .valid(let claims, _) = Verifier(try config.keyRing()).verify(
                token.rawSpan, now: now)
        else { return XCTFail("refused") }
        XCTAssertEqual(claims.user, "42")
        XCTAssertTrue(claims.isAdmin)
        XCTAssertEqual(claims.issuer, 1)
        let long = TokenCommand.mint(
            try order("token --config \(file) --user 42 --ttl 2h"), now: now,
            surroundings: ConfigSample.surroundings)
        guard case .failure(let problem) = long else { return XCTFail("minted") }
        XCTAssertEqual(
            problem.lines, ["\(file): tokens.keys[1].max_lifetime: write --ttl 1h"])
    }

    func testNoTokenWithoutASecret() throws {
        let file = try write("{upstream: {servers: ['http://app']}}")
        let minted = TokenCommand.mint(
            try order("token --config \(file) --user 1"), now: 0,
            surroundings: ConfigSample.surroundings)
        guard case .failure(let problem) = minted else { return XCTFail("minted") }
        XCTAssertEqual(problem.lines, ["\(file): tokens.keys: there is no secret to sign with"])
    }

    func testRoutes() throws {
        let config = try XCTUnwrap(ConfigSample.read(Self.config).config)
        let cases: [(String, String, [String])] = [
            (
                "POST", "/login",
                [
                    #"routes[0] in line 5: "POST /login/""#,
                    "forwarded; 2xx or a redirect is a login: token from $.access, user from"
                        + " $.user.id",
                ]
            ),
            (
                "POST", "/logout",
                [
                    #"routes[1] in line 6: "POST /logout""#,
                    "forwarded; 2xx or a redirect is a logout",
                ]
            ),
            (
                "GET", "/users/7/status/?x=1",
                [
                    #"routes[2] in line 7: "GET /users/{id}/status""#,
                    #"answered by the sidecar itself: serve "user" for user "7""#,
                ]
            ),
            (
                "GET", "/poll",
                [#"routes[3] in line 8: "GET /poll""#, "forwarded; contact, not activity"]
            ),
            (
                "HEAD", "/static/a/b.css",
                [#"routes[4] in line 9: "* /static/**""#, "forwarded; counts for nothing"]
            ),
            (
                "POST", "/refresh",
                [
                    #"routes[6] in line 11: "POST /refresh""#,
                    "forwarded; a 2xx answer continues the session with a new token: token from"
                        + " $.access or cookie:access, expires from $.expires_in",
                ]
            ),
            (
                "GET", "/private/x",
                [
                    #"routes[7] in line 13: "GET /private/**""#,
                    "without a good token 401, and nothing reaches the backend",
                    "forwarded; contact, not activity",
                ]
            ),
            ("GET", "/login", ["no route matches", "forwarded; counts as activity"]),
            (
                "GET", "/_presence/users/7",
                [
                    "under api.prefix (/_presence)",
                    #"answered by the sidecar itself: serve "user" for user "7""#,
                ]
            ),
            (
                "DELETE", "/_presence/users/",
                [
                    "under api.prefix (/_presence)",
                    "answered by the sidecar itself: 405, since it takes GET, HEAD",
                ]
            ),
            (
                "GET", "/_presence/nothing",
                ["under api.prefix (/_presence)", "answered by the sidecar itself: 404"]
            ),
            (
                "GET", "/%5Fpresence/healthz",
                [
                    "under api.prefix (/_presence)",
                    #"answered by the sidecar itself: serve "healthz""#,
                ]
            ),
            ("GET", "/_presencex", ["no route matches", "forwarded; counts as activity"]),
        ]
        for (method, path, lines) in cases {
            XCTAssertEqual(
                RoutesCommand.explain(config, method: method, path: path), lines, path)
        }
        let odd = RoutesCommand.explain(config, method: "POST", path: "/x/../logout")
        XCTAssertEqual(odd.last, "refused with 400", "\(odd)")
        let gate = RoutesCommand.explain(config, method: "GET", path: "/x/../private/y")
        XCTAssertEqual(gate.last, "refused with 400", "\(gate)")
        for path in ["/private/../y", "/private/%2e%2e/y", "/PRIVATE/./y"] {
            let out = RoutesCommand.explain(config, method: "GET", path: path)
            XCTAssertEqual(
                out,
                [
                    "servers read this path in several ways; one of them is routes[7] in line 13:"
                        + #" "GET /private/**""#,
                    "refused with 400",
                ], path)
        }
        XCTAssertEqual(
            RoutesCommand.explain(config, method: "GET", path: "/Private/y"),
            [
                #"routes[7] in line 13: "GET /private/**", for servers that take letters without"#
                    + " their case",
                "without a good token 401, and nothing reaches the backend",
                "forwarded; contact, not activity",
            ])
        XCTAssertEqual(
            RoutesCommand.explain(config, method: "GET", path: "/a//b").last,
            "forwarded; counts as activity")
        let slashes = RoutesCommand.explain(config, method: "GET", path: "//_presence/healthz")
        XCTAssertEqual(slashes.last, "refused with 400", "\(slashes)")
    }

    func testOptionsForAFile() throws {
        let flags = ConfigFlags(
            upstreams: ["http://127.0.0.1:8000"], listen: ["127.0.0.1:9090"],
            secretVariables: ["JWT_SECRET"])
        let loaded = ConfigSource.flags(flags).load(ConfigSample.surroundings)
        XCTAssertEqual(loaded.lines, [])
        let config = try XCTUnwrap(loaded.config)
        XCTAssertEqual(config.listen.map(\.address), [.tcp(host: "127.0.0.1", port: 9090)])
        XCTAssertEqual(config.tokens.keys.map(\.issuer.algorithms), [[.hs256, .hs384, .hs512]])
        XCTAssertEqual(config.presence, Config.Presence())
    }

    func testOptionsForPublicKeys() throws {
        let flags = ConfigFlags(
            upstreams: ["http://127.0.0.1:8000"],
            keySets: ["/k/set.json", "https://id.example/jwks"],
            publicKeys: ["/k/rsa.pem", "/k/p256.pem", "/k/ed.pem"])
        let loaded = ConfigSource.flags(flags).load(ConfigSample.surroundings)
        XCTAssertEqual(loaded.lines, [])
        let config = try XCTUnwrap(loaded.config)
        XCTAssertEqual(config.tokens.keys.count, 5)
        XCTAssertEqual(config.tokens.keys[0].issuer.algorithms.count, 10)
        XCTAssertEqual(config.keySources.map(\.issuer), [0, 1])
        XCTAssertNoThrow(try config.keyRing())
    }

    func testAShortSecretWithoutAFileIsAWarning() {
        let flags = ConfigFlags(upstreams: ["http://127.0.0.1:8000"], secretVariables: ["SHORT"])
        let loaded = ConfigSource.flags(flags).load(ConfigSample.surroundings)
        XCTAssertNotNil(loaded.config)
        XCTAssertEqual(
            loaded.lines,
            [
                "sidecar run: --jwt-secret-env: warning: the secret has 7 bytes, fewer than the 32"
                    + " of HS256 (RFC 7518 §3.2): such secrets can be guessed, use a longer one"
            ])
    }

    func testFindingsNameTheOption() {
        let flags = ConfigFlags(
            upstreams: ["127.0.0.1:8000"], listen: ["localhost"], secretVariables: ["MISSING"],
            keySets: ["k.json"], publicKeys: ["k.pem"])
        let loaded = ConfigSource.flags(flags).load(ConfigSample.surroundings)
        XCTAssertNil(loaded.config)
        XCTAssertEqual(
            Set(loaded.lines),
            [
                #"sidecar run: --upstream: "127.0.0.1:8000" is no upstream: write"#
                    + #" "http://127.0.0.1:8000" or "unix:/run/app.sock""#,
                #"sidecar run: --listen: "localhost" has no port: write one like"#
                    + #" "localhost:8080""#,
                "sidecar run: --jwt-secret-env: the environment variable MISSING is not set: set"
                    + " it to the secret",
                "sidecar run: --jwks: cannot read the file k.json (open: No such file or directory"
                    + " (2)): write the path of a readable one",
                "sidecar run: --public-key: cannot read the file k.pem (open: No such file or"
                    + " directory (2)): write the path of a readable one",
            ])
        let none = ConfigSource.flags(ConfigFlags(upstreams: ["http://app"]))
            .load(ConfigSample.surroundings)
        XCTAssertNotNil(none.config)
        XCTAssertEqual(
            none.lines,
            [
                "sidecar run: --jwt-secret-env: warning: no key is configured, so that nobody is"
                    + " recognised: write --jwt-secret-env NAME, --jwks URL_OR_FILE or"
                    + " --public-key FILE"
            ])
    }
}
