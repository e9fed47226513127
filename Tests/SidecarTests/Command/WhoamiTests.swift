// Owns the tests of `whoami`: each check explained, in its order, and never the token.
// Called by XCTest.
// Never reaches a server: what is asked of one is in the end-to-end tests.

import Presence
import ProxyCore
import XCTest

@testable import Sidecar

final class WhoamiTests: XCTestCase {
    private static let now: Milliseconds = 1_795_253_400_000

    private func config(
        _ tokens: String, routes: String = "[]", store: String = "null"
    ) throws -> Config {
        let outcome = ConfigSample.read(
            "{upstream:{servers:['http://127.0.0.1:9']},tokens:{\(tokens)},routes:\(routes),"
                + "store:{path:\(store)}}")
        return try XCTUnwrap(
            outcome.config, outcome.findings.map { $0.text(file: "c") }.joined(separator: "\n"))
    }

    private func token(
        _ claims: String, _ algorithm: TokenAlgorithm = .hs256, kid: String? = nil,
        secret: String = ConfigSample.secret
    ) throws -> String {
        let key = try TokenKey(algorithm, secret: Array(secret.utf8), keyID: kid)
        return TokenSigner(key).sign(claims: claims.rawSpan)
    }

    /// The lines without their places, and the verdict.
    private func look(
        _ config: Config, _ token: String, file: StaticString = #filePath, line: UInt = #line
    ) throws -> (lines: [String], verdict: WhoamiCommand.Verdict) {
        var lines: [String] = []
        let command = WhoamiCommand(config, token: Array(token.utf8), now: Self.now) {
            lines.append($0.text)
        }
        let verdict = try command.judge()
        XCTAssertTrue(lines[0].hasPrefix("places        ok          looked for in "), lines[0])
        for line in lines {
            for part in token.split(separator: ".") where part.count > 8 {
                XCTAssertFalse(line.contains(part), line)
            }
            XCTAssertFalse(line.contains("\n"), line)
        }
        return (Array(lines.dropFirst()), verdict)
    }

    private static let keys = "keys:[{algorithms:['HS256'],secret_env:'JWT_SECRET'}]"

    func testAnAcceptedToken() throws {
        let seconds = Self.now / 1000
        let text = try token(
            #"{"user_id":7,"name":"Ann","is_staff":true,"iat":\#(seconds - 60),"exp":\#(seconds + 3_661),"iss":"me","aud":["a","b"],"sid":"s"}"#,
            kid: "k")
        let (lines, verdict) = try look(
            try config("keys:[{algorithms:['HS256'],secret_env:'JWT_SECRET',issuer:'me',kid:'k'}]"),
            text)
        XCTAssertEqual(
            lines,
            [
                "form          ok          \(text.utf8.count) bytes",
                #"header        ok          alg "HS256", kid "k", typ "JWT""#,
                "algorithm     ok          HS256 is allowed by tokens.keys[0]",
                #"key           ok          tokens.keys[0], kid "k""#,
                "signature     ok          made with the key of tokens.keys[0]",
                "claims        ok          JSON",
                "lifetime      ok          iat 2026-11-21T09:29:00.000Z, 1m ago;"
                    + " exp 2026-11-21T10:31:01.000Z, in 1h 1m; leeway 30s",
                #"issuer        ok          iss "me"; demanded is "me""#,
                #"audience      ok          aud ["a", "b"]; tokens.keys[0] demands none"#,
                "type          ok          no refresh token",
                #"user          ok          "7", name "Ann", an admin"#,
                "revocation    not reached store.path is null: only the running service knows",
            ])
        XCTAssertEqual(verdict, .accepted(#"user "7", an admin"#))
    }

    /// The lines of a refused token: so many checks passed, one failed, the rest not reached.
    private func expectRefusal(
        _ config: Config, _ token: String, at check: TokenCheck, _ detail: String,
        file: StaticString = #filePath, line: UInt = #line
    ) throws {
        let (lines, verdict) = try look(config, token)
        let checks = TokenCheck.allCases.map(\.rawValue)
        let place = try XCTUnwrap(checks.firstIndex(of: check.rawValue))
        for (index, name) in checks.enumerated() {
            let outcome = index < place ? "ok" : index == place ? "refused" : "not reached"
            let wanted = ReportLine(name, .init(rawValue: outcome) ?? .ok).text
            XCTAssertTrue(lines[index].hasPrefix(wanted), lines[index], file: file, line: line)
        }
        XCTAssertEqual(
            lines[place], ReportLine(check.rawValue, .refused, detail).text, file: file, line: line)
        XCTAssertEqual(lines.count, checks.count, file: file, line: line)
        XCTAssertFalse(verdict.isAccepted, file: file, line: line)
    }

    func testEveryCheckCanRefuse() throws {
        let plain = try config(Self.keys)
        let strict = try config(
            "keys:[{algorithms:['HS256'],secret_env:'JWT_SECRET',issuer:'me',audience:['a','b'],"
                + "typ:'at+jwt',max_lifetime:'1h',kid:'k'}]")
        let seconds = Self.now / 1000
        let times = #""iat":\#(seconds),"exp":\#(seconds + 60)"#
        let cases: [(Config, String, TokenCheck, String)] = [
            (plain, "a.b!.c", .form, "not base64url: 6 bytes"),
            (
                plain, try token("{}", .hs512), .algorithm,
                #"algorithm not configured: "HS512"; tokens.keys allow HS256"#
            ),
            (
                strict, try token("{}", kid: "other"), .key,
                #"unknown key id: kid "other"; tokens.keys[0] of "me" has "k""#
            ),
            (
                plain, try token("{}", secret: String(repeating: "x", count: 40)), .signature,
                "signature does not match: tried with tokens.keys[0]"
            ),
            (plain, try token("[1]"), .claims, "malformed claims: JSON"),
            (
                plain, try token(#"{"exp":\#(seconds - 1_800)}"#), .lifetime,
                "expired: exp 2026-11-21T09:00:00.000Z, 30m ago; leeway 30s"
            ),
            (
                strict, try token(#"{"exp":\#(seconds + 7_200),"iat":\#(seconds)}"#, kid: "k"),
                .lifetime,
                "lifetime too long: iat 2026-11-21T09:30:00.000Z, in 0s; exp"
                    + " 2026-11-21T11:30:00.000Z, in 2h; leeway 30s, at most 1h"
            ),
            (
                strict, try token(#"{"iss":"you",\#(times)}"#, kid: "k"), .issuer,
                #"wrong issuer: iss "you"; demanded is "me""#
            ),
            (
                strict, try token(#"{"iss":"me","aud":"c",\#(times)}"#, kid: "k"), .audience,
                #"wrong audience: aud "c"; demanded is "a" or "b""#
            ),
            (
                strict, try token(#"{"iss":"me","aud":"a",\#(times)}"#, kid: "k"), .type,
                #"wrong type (typ): typ "JWT"; demanded is "at+jwt""#
            ),
            (plain, try token("{\(times)}"), .user, "no user id"),
        ]
        for (config, token, check, detail) in cases {
            try expectRefusal(config, token, at: check, detail)
        }
    }

    func testATokenCannotSteerTheTerminal() throws {
        let (lines, _) = try look(
            try config(Self.keys), try token(#"{"exp":1,"iss":"\u001b[31m\nred"}"#, kid: "a\u{1b}b")
        )
        XCTAssertTrue(lines.contains { $0.contains(#"kid "a?b""#) }, "\(lines)")
        XCTAssertTrue(lines.allSatisfy { !$0.utf8.contains(0x1B) })
    }

    func testR22_AServiceToken() throws {
        let config = try config("service:[{name:'wallboard',token_env:'WALLBOARD_TOKEN'}]")
        let (lines, verdict) = try look(config, "0123456789abcdef")
        XCTAssertEqual(
            lines,
            [
                #"service       ok          the service "wallboard": reads alone, is never online"#
            ])
        XCTAssertEqual(verdict, .accepted(#"the service "wallboard""#))
    }

    func testAnOpaqueTokenThatNobodyKnows() throws {
        let login = "[{match:'POST /in',on:'login',token:'$.t',user:'$.id'}]"
        let cases: [(String, String)] = [
            (Self.keys, "8 bytes, and no two dots"), ("keys:[]", "there are no tokens.keys"),
        ]
        for (keys, why) in cases {
            let (lines, verdict) = try look(try config(keys, routes: login), "opaque-1")
            XCTAssertEqual(
                lines,
                [
                    "form          not reached not taken for a signed token: \(why)",
                    "learnt        not reached store.path is null: only the running service knows",
                ])
            XCTAssertEqual(verdict, .refused("nobody knows it"))
        }
        // Where nobody could know it, it can only be meant as a signed one.
        try expectRefusal(
            try config(Self.keys), "opaque", at: .form, "not three segments: 6 bytes")
    }

    func testATokenOfAnImpossibleLength() throws {
        let login = "[{match:'POST /in',on:'login',token:'$.t',user:'$.id'}]"
        let config = try config("keys:[]", routes: login)
        let (short, tooShort) = try look(config, "1234567")
        XCTAssertEqual(
            short.last,
            "learnt        refused     logins teach tokens of 8 bytes at least, this one has 7")
        XCTAssertEqual(tooShort, .refused("too short to be learnt"))
        for text in [
            String(repeating: "x", count: 8_193), "a.b." + String(repeating: "x", count: 8_189),
        ] {
            let (long, tooLong) = try look(config, text)
            XCTAssertEqual(
                long, ["form          refused     a token has 8192 bytes at most, this one 8193"])
            XCTAssertEqual(tooLong, .refused(TokenFault.tooLong.text))
        }
    }

    func testWhereNobodyCanBeAskedItIsNotKnown() throws {
        let asking = "from:['cookie:s'],introspect:{path:'/me/',user:'$.id'}"
        let (_, verdict) = try look(try config(asking), "opaque-1")
        XCTAssertEqual(verdict, .unknown("the application could not be asked"))
        XCTAssertEqual(verdict.text, "not known: the application could not be asked")
        // Whatever is wrong with it as a signed token of ours is known without asking.
        let both = try config("\(Self.keys),\(asking)")
        let (_, expired) = try look(both, try token(#"{"exp":1}"#))
        XCTAssertEqual(expired, .refused("expired"))
        let (_, foreign) = try look(both, try token("{}", .hs512))
        XCTAssertEqual(foreign, .unknown("the application could not be asked"))
        // A key set that is not there may hold the very key.
        let (lines, keyless) = try look(
            try config(
                "keys:[{algorithms:['HS512'],secret_env:'JWT_SECRET',allow_weak_secret:true},"
                    + "{algorithms:['RS256'],jwks:'http://127.0.0.1:9/jwks'}]"),
            "eyJhbGciOiJSUzI1NiJ9.e30.AAAA")
        XCTAssertTrue(lines[0].hasPrefix("keys          refused"), lines[0])
        XCTAssertEqual(keyless, .unknown("the keys of tokens.keys[1] could not be fetched"))
    }

    func testASignedTokenIsNobodyElsesMatter() throws {
        let login = "[{match:'POST /in',on:'login',token:'$.t',user:'$.id'}]"
        let config = try config(Self.keys, routes: login)
        // With our signature the last word is spoken; without it, it may be somebody else's.
        let (expired, _) = try look(config, try token(#"{"exp":1}"#))
        XCTAssertEqual(expired.count, TokenCheck.allCases.count)
        let (foreign, _) = try look(config, try token("{}", .hs512))
        XCTAssertTrue(foreign.last?.hasPrefix("learnt ") == true, "\(foreign)")
    }

    func testR19_ALearntToken() throws {
        let path = NSTemporaryDirectory() + "whoami-\(UUID().uuidString).sqlite3"
        addTeardownBlock {
            for end in ["", "-wal", "-shm", ".lock"] {
                try? FileManager.default.removeItem(atPath: path + end)
            }
        }
        let (store, problem) = PresenceStore.open(path: path)
        XCTAssertNil(problem)
        let engine = PresenceEngine(
            settings: PresenceSettings(startedAt: Self.now), epoch: 1, sink: store)
        try store.start(source: engine, flushEvery: 100, healthChanged: { _ in })
        _ = engine.learn(
            LearntToken(
                digest: TokenDigest.of("opaque-1".rawSpan), user: "5", name: "Eve", session: 9,
                seenAt: Self.now), now: Self.now)
        store.stop()

        let config = try config(
            Self.keys, routes: "[{match:'POST /in',on:'login',token:'$.t',user:'$.id'}]",
            store: "'\(path)'")
        let (lines, verdict) = try look(config, "opaque-1")
        XCTAssertEqual(
            Array(lines.dropFirst()),
            [
                #"learnt        ok          a login gave it to "5", name "Eve", no admin; good until"#
                    + " 2026-12-21T09:30:00.000Z, in 30d, last shown in 0s, by \(path)",
                "revocation    ok          not revoked, by \(path)",
            ])
        XCTAssertEqual(verdict, .accepted(#"user "5""#))
        // Where somebody can be asked he is asked first; a login's word is for when he is away.
        let asking = try self.config(
            "from:['cookie:s'],introspect:{path:'/me/',user:'$.id'}",
            routes: "[{match:'POST /in',on:'login',token:'$.t',user:'$.id'}]", store: "'\(path)'")
        let (both, word) = try look(asking, "opaque-1")
        let checks = both.map { $0.prefix { $0 != " " } }
        XCTAssertEqual(checks, ["form", "introspection", "learnt", "revocation"])
        XCTAssertTrue(both[1].hasPrefix("introspection not reached shown in cookie:s"), both[1])
        XCTAssertTrue(both[2].hasSuffix("; this counts while nobody can be asked"), both[2])
        XCTAssertEqual(word, .accepted(#"user "5""#))
        let (others, unknown) = try look(config, "opaque-2")
        XCTAssertEqual(
            others[1], "learnt        refused     no login has handed it out, by \(path)")
        XCTAssertFalse(unknown.isAccepted)
    }

    func testWhatStandsAroundATokenIsLeftOut() {
        for text in [
            "a.b.c", " a.b.c\n", "Bearer a.b.c", "Authorization: Bearer a.b.c", "token a.b.c",
            "JWT  a.b.c",
        ] {
            XCTAssertEqual(
                WhoamiCommand.token(WhoamiOrder(file: "c", token: text)), Array("a.b.c".utf8), text)
        }
        XCTAssertNil(WhoamiCommand.token(WhoamiOrder(file: "c", token: " ")))
    }

    func testLengthsOfTime() {
        let cases: [(Milliseconds, String)] = [
            (0, "in 0s"), (999, "in 0s"), (-1_000, "1s ago"), (61_000, "in 1m 1s"),
            (3_600_000, "in 1h"), (-90_061_000, "1d 1h ago"), (-86_400_000 * 400, "400d ago"),
        ]
        for (span, text) in cases { XCTAssertEqual(SpanText.text(span), text) }
    }
}
