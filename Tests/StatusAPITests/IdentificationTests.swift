// Owns whose a signed token is, what judging it may cost, and when a request without one is refused.
// Called by nobody: XCTest finds it.
// Never opens a socket.

import Presence
import ProxyCore
import XCTest

@testable import StatusAPI

final class IdentificationTests: XCTestCase {
    private static let curve = """
        -----BEGIN PUBLIC KEY-----
        MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQALCQ/Ses64E+WiUHK1b5C+uB+/LCn
        +n82sdGwCQAp0LAprozutMGB5sZ/1KG6qt7tcs3YrDqM+WcUNLRwri8SgIwBvRBf
        /JPfi6g4vXonUEdMZp0PQArKAU2JgrjNLyEkEe1PTUS8mpggf0lGxv0XlYsCH5oq
        ghwFEHFuYtuD5ubwTDc=
        -----END PUBLIC KEY-----
        """
    static let edwards = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAacTJOw7emB+AD2ncSFGMgRQIcHnjGBkGULddRYkGcoI=
        -----END PUBLIC KEY-----
        """
    /// `{"alg":"EdDSA","kid":"one"}`, `{"sub":"7","exp":1790003600,"iat":1790000000}`.
    static let signed =
        "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSJ9"
        + ".eyJzdWIiOiI3IiwiZXhwIjoxNzkwMDAzNjAwLCJpYXQiOjE3OTAwMDAwMDB9"
        + ".aTi_hvRsETMfRz2E5WqRRzyHlJf9Y4hdk19MTCLUZVoxL4XYkv31kA-PD2P93rgy1CMQOEUzNvK_wHGq0HHSDw"
    /// `{"alg":"ES512"}`, the same claims, and a signature that nobody made.
    private static let forged =
        "eyJhbGciOiJFUzUxMiJ9"
        + ".eyJzdWIiOiI3IiwiZXhwIjoxNzkwMDAzNjAwLCJpYXQiOjE3OTAwMDAwMDB9."
        + String(repeating: "AAAAAAAA" + String(repeating: "x", count: 80), count: 2)

    static func key(_ pem: String, _ id: String? = nil) throws -> PublishedKey {
        PublishedKey(try PublicKey(pem: pem.rawSpan), keyID: id)
    }

    static func ring(_ issuers: [TokenIssuer]) throws -> KeyRing {
        try KeyRing([try TokenIssuer(TokenKey(.hs256, secret: Harness.secret))] + issuers)
    }

    private func harness(requires: Bool = false, rate: Bool = false) throws -> Harness {
        let settings = try Harness.settings {
            if rate { $0.rateLimit = Rate(count: 1_000, period: 1_000) }
            $0.routes = [
                PassingRoute(match: try RoutePattern("* /closed/**"), require: requires),
                PassingRoute(match: try RoutePattern("POST /logout"), effect: .logout),
            ]
        }
        return try Harness(settings) {
            $0.ring = try Self.ring([
                TokenIssuer([.es512], keys: .published([Self.key(Self.curve)]))
            ])
        }
    }

    private func peer(_ text: String) throws -> ClientAddress {
        try XCTUnwrap(ClientAddress.parse(text.rawSpan))
    }

    // MARK: R12

    func testR12ATokenTooLongIsNotLookedAt() throws {
        let harness = try harness()
        let long = String(repeating: "a", count: Limits.tokenBytes + 1)
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: long).status, 401)
        harness.forward("GET", "/", token: long)
        XCTAssertEqual(harness.service.metrics.total(TokenFault.tooLong), 2)
    }

    func testR12BadSignaturesAreLimitedByPeer() throws {
        let harness = try harness()
        let from = try peer("192.0.2.1")
        let good = try harness.token("42")
        XCTAssertEqual(
            harness.send("GET", "/_presence/users", token: good, client: from).status, 200)
        // As many as fit 50 ms of work, and the one that is over it.
        let allowed = 50_000 / TokenAlgorithm.es512.cost + 1
        for judged in 0...allowed {
            XCTAssertEqual(
                harness.send("GET", "/_presence/users", token: Self.forged, client: from).status,
                judged < allowed ? 401 : 429)
        }
        XCTAssertEqual(
            harness.service.metrics.total(TokenFault.signatureMismatch), Int64(allowed))
        XCTAssertEqual(harness.total(.tokenLimited), 1)
        let refused = harness.send("GET", "/_presence/users", token: Self.forged, client: from)
        XCTAssertNotNil(refused.response?.field("Retry-After"))
        // Traffic passes all the same, and what is remembered counts.
        guard
            case .forwarded(let ticket, _) = harness.send(
                "GET", "/", token: Self.forged, client: from)
        else { return XCTFail("not forwarded") }
        XCTAssertEqual(ticket.flags & Mark.identified, 0)
        XCTAssertEqual(
            harness.send("GET", "/_presence/users", token: good, client: from).status, 200)
        // Others are judged, and so is this one when some work is allowed again.
        let other = try peer("192.0.2.2")
        XCTAssertEqual(
            harness.send("GET", "/_presence/users", token: Self.forged, client: other).status, 401)
        harness.now += 200
        let new = try harness.token("43")
        XCTAssertEqual(
            harness.send("GET", "/_presence/users", token: new, client: from).status, 200)
    }

    func testR12ATokenThatIsOverCostsItsSenderToo() throws {
        for isRevoked in [true, false] {
            let harness = try Harness {
                $0.ring = try KeyRing([
                    TokenIssuer([.eddsa], keys: .published([Self.key(Self.edwards)]))
                ])
            }
            let from = try peer("192.0.2.1")
            func send() -> Int? {
                harness.send("GET", "/_presence/users", token: Self.signed, client: from).status
            }
            XCTAssertEqual(send(), 200)
            if isRevoked, let entry = harness.app.identification.find(Self.signed, harness.now) {
                let identity = harness.app.identification.identity(entry)
                harness.engine.logout(identity, now: harness.now) { _ in }
            } else {
                harness.now += 10_000_000
            }
            for judged in 0...(50_000 / TokenAlgorithm.eddsa.cost + 1) {
                guard send() == 429 else { continue }
                XCTAssertGreaterThan(judged, 100)
                break
            }
            XCTAssertEqual(harness.total(.tokenLimited), 1)
        }
    }

    func testR12APeerIsAnAddressOrAnIPv6Network() throws {
        for (one, two, isSame) in [
            ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "192.0.2.2", false), ("::ffff:192.0.2.1", "192.0.2.1", true),
        ] {
            let left = RateKey(try peer(one))?.word
            XCTAssertNotNil(left)
            XCTAssertEqual(left == RateKey(try peer(two))?.word, isSame, "\(one) \(two)")
        }
        XCTAssertNil(RateKey(.local))
    }

    func testR12TheAllowanceIsOfTheClientBehindATrustedProxy() throws {
        let harness = try harness()
        let proxy = try peer("127.0.0.1")
        for index in 0..<200 {
            let fields = [("X-Forwarded-For", "198.51.100.\(index)")]
            let outcome = harness.send(
                "GET", "/_presence/users", token: Self.forged, fields: fields, trusted: true,
                client: proxy)
            XCTAssertEqual(outcome.status, 401)
        }
        XCTAssertEqual(harness.total(.tokenLimited), 0)
    }

    func testR12BadSignaturesFromManyAddressesAreLimitedTogether() throws {
        let harness = try harness()
        let known = try harness.token("42")
        let reader = try peer("203.0.113.1")
        func send(_ token: String, _ from: ClientAddress) -> Int? {
            harness.send("GET", "/_presence/users", token: token, client: from).status
        }
        XCTAssertEqual(send(known, reader), 200)
        // As many as fit 500 ms of work, and the one that is over it: each from another address.
        let allowed = 500_000 / TokenAlgorithm.es512.cost + 1
        for judged in 0..<allowed {
            let from = try peer("192.0.\(judged >> 8).\(judged & 255)")
            XCTAssertEqual(send(Self.forged, from), 401, "\(judged)")
        }
        XCTAssertEqual(send(Self.forged, try peer("198.51.100.1")), 429)
        XCTAssertEqual(send(Self.forged, .local), 429, "nor from where nobody can be told")
        XCTAssertEqual(harness.total(.tokenLimited), 2)
        // What is remembered counts, traffic passes, and a second later others are judged again.
        XCTAssertEqual(send(known, reader), 200)
        guard case .forwarded = harness.send("GET", "/", token: Self.forged, client: reader)
        else { return XCTFail("not forwarded") }
        harness.now += 1_000
        XCTAssertEqual(send(try harness.token("43"), reader), 200)
        XCTAssertEqual(send(Self.forged, try peer("198.51.100.1")), 401)
    }

    func testR12VainWorkIsForgottenInTime() {
        let limiter = RateLimiter(vainWork: 20_000, ahead: 100_000, keys: 64)
        let key = RateKey(subject: 1)
        limiter.spend(100_000, key, now: 1_000_000)
        XCTAssertNil(limiter.wait(key, now: 1_000_000))
        limiter.spend(1_500, key, now: 1_000_000)
        XCTAssertEqual(limiter.wait(key, now: 1_000_000), 75, "1.5 ms of work at 20 ms a second")
        XCTAssertNil(limiter.wait(key, now: 1_000_075))
        XCTAssertNil(limiter.wait(RateKey(subject: 2), now: 1_000_000))
        // However much was spent, and even if the clock is set back, it ends.
        limiter.spend(1 << 30, key, now: 1_000_000)
        XCTAssertEqual(limiter.wait(key, now: 900_000), 5_000)
    }

    // MARK: R13, R21

    func testR13R21AConflictIsAnonymous() throws {
        let harness = try Harness {
            $0.places = [.header(name: "Authorization", scheme: nil), .cookie("c")]
        }
        let token = try harness.token("42")
        let other = try harness.token("43")
        for fields in [
            [("Authorization", "Bearer \(token)")], [("Cookie", "c=\(other)")],
            [("Cookie", "x=y"), ("Cookie", "c=\(token)")],
        ] {
            harness.forward("GET", "/", token: token, fields: fields)
            XCTAssertEqual(
                harness.send("GET", "/_presence/users", token: token, fields: fields).status, 401)
        }
        XCTAssertEqual(harness.total(.tokenConflict), 6)
        XCTAssertEqual(harness.total(.sightAnonymous), 3)
        XCTAssertEqual(harness.status("42"), .offline)
        harness.forward("GET", "/", token: token, fields: [("Cookie", "c=\(token)")])
        XCTAssertEqual(harness.status("42"), .online)
    }

    // MARK: R16

    func testR16ATokenDiesWithItsKey() throws {
        let ring = try Self.ring([
            TokenIssuer(
                [.eddsa], keys: .published([Self.key(Self.edwards, "one")]), isFetched: true)
        ])
        let harness = try Harness { $0.ring = ring }
        func status() -> Int? {
            harness.send("GET", "/_presence/users", token: Self.signed).status
        }
        XCTAssertEqual(status(), 200)
        XCTAssertEqual(status(), 200)
        XCTAssertEqual(harness.total(.tokenVerified), 1)
        // A further key changes nothing for it.
        let keys = [try Self.key(Self.edwards, "one"), try Self.key(Self.edwards, "two")]
        XCTAssertTrue(try ring.replace(keys, of: 1))
        XCTAssertEqual(status(), 200)
        XCTAssertEqual(harness.total(.tokenVerified), 1)
        XCTAssertTrue(try ring.replace([keys[1]], of: 1))
        XCTAssertEqual(status(), 401)
        XCTAssertEqual(harness.service.metrics.total(TokenFault.unknownKeyID), 1)
    }

    func testR16ATokenDiesAtItsEnd() throws {
        let harness = try harness()
        let token = try harness.token("42", lifetime: 60_000)
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: token).status, 200)
        harness.now += 89_999
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: token).status, 200)
        harness.now += 1
        XCTAssertEqual(harness.send("GET", "/_presence/users", token: token).status, 401)
    }

    func testR16AFloodOfTokensStaysWithinBothBounds() throws {
        let harness = try harness()
        let enrolled = harness.engine.enroll(
            user: "42", name: nil, session: 7, revocation: RevocationKey(1, 2, 3, 4),
            expires: Harness.start + 1_000_000, isAdmin: false, now: Harness.start)
        guard case .identity(let identity) = enrolled else { return XCTFail("no room") }
        let known = Known(
            identity: identity, retirement: 1, isJudged: false, isProvisional: false)
        for length in [40, 6_000] {
            let cache = VerdictCache<Known>(
                entries: APILimits.verdicts, bytes: APILimits.verdictBytes)
            let flood =
                min(APILimits.verdicts, APILimits.verdictBytes / length) + 1_000
            var token = [UInt8](repeating: 0x61, count: length)
            var found = 0
            for number in 0..<flood {
                for place in 0..<8 {
                    token[length - 1 - place] = UInt8(0x41 + (number >> (place * 4)) & 15)
                }
                cache.insert(
                    token.rawSpan, known, expires: Harness.start + 1_000, now: Harness.start)
                found += cache.find(token.rawSpan, now: Harness.start) == nil ? 0 : 1
                guard number % 1_000 == 0 || number > flood - 10 else { continue }
                XCTAssertLessThanOrEqual(cache.count, APILimits.verdicts)
                XCTAssertLessThanOrEqual(cache.byteCount, APILimits.verdictBytes)
            }
            XCTAssertEqual(found, flood, "each is remembered at first")
            XCTAssertGreaterThan(cache.count, min(APILimits.verdicts, flood) / 2)
        }
    }

    func testR16OnlyTokensThatCountAreRemembered() throws {
        let harness = try harness()
        for index in 0..<50 {
            harness.forward("GET", "/", token: "\(index).bad.token")
            harness.forward("GET", "/", token: try harness.token("\(index)", secret: [1, 2, 3]))
        }
        XCTAssertEqual(harness.app.identification.load.entries, 0)
        let token = try harness.token("42")
        harness.forward("GET", "/", token: token)
        XCTAssertEqual(harness.app.identification.load.entries, 1)
        XCTAssertEqual(harness.app.identification.load.bytes, token.utf8.count)
    }

    // MARK: R18

    private func bad(_ harness: Harness) throws -> [String?] {
        let over = try harness.token("42", lifetime: 60_000)
        let revoked = try harness.token("43")
        harness.forward("GET", "/", token: revoked)
        harness.forward("POST", "/logout", token: revoked)
        harness.now += 120_000
        return [
            nil, "nonsense", "a.b.c", over, revoked, Self.forged,
            try harness.token("42", secret: Array("another secret, quite as long".utf8)),
            String(repeating: "a", count: Limits.tokenBytes + 1),
        ]
    }

    func testR18ObservingNeverAltersAStatus() throws {
        let harness = try harness(requires: false)
        for token in try bad(harness) {
            for path in ["/", "/closed/page"] {
                guard case .forwarded(let ticket, _) = harness.send("GET", path, token: token)
                else { return XCTFail("\(token ?? "none") was not forwarded") }
                XCTAssertEqual(ticket.flags & Mark.identified, 0)
            }
        }
        let twice = [("Authorization", "Bearer x"), ("Authorization", "Bearer y")]
        guard case .forwarded = harness.send("GET", "/", fields: twice) else {
            return XCTFail("a conflict was not forwarded")
        }
    }

    func testR18RequireRefusesUniformly() throws {
        let harness = try harness(requires: true)
        var bodies: Set<[UInt8]> = []
        for token in try bad(harness) {
            // Not forwarded: nothing of it reaches the application.
            let response = try XCTUnwrap(
                harness.send("POST", "/closed/page", token: token).response, token ?? "none")
            XCTAssertEqual(response.status, 401)
            XCTAssertEqual(response.field("WWW-Authenticate"), "Bearer")
            bodies.insert(response.body)
            guard case .forwarded = harness.send("GET", "/open", token: token) else {
                return XCTFail("an open route was refused")
            }
        }
        XCTAssertEqual(bodies.count, 1, "the text tells nothing of the reason")
        XCTAssertEqual(harness.total(.requireRefused), 8)
        let token = try harness.token("42")
        for _ in 0..<2 {
            guard case .forwarded = harness.send("POST", "/closed/page", token: token) else {
                return XCTFail("a good token was refused")
            }
        }
    }

    func testR18AnotherReadingOfThePathDoesNotLeadPastTheGate() throws {
        let harness = try harness(requires: true)
        for path in ["/closed//page", "/x/..%2fclosed/page", "/%63losed/page", "/x/../closed/a"] {
            let outcome = harness.send("GET", path)
            XCTAssertTrue([400, 401].contains(outcome.status), "\(path): \(outcome)")
        }
    }

    /// Backends that match the path as it stands (Django, Flask, Express) run the gate's view.
    func testR18APathThatResolvesOutOfTheGateIsRefused() throws {
        let harness = try harness(requires: true)
        let good = try harness.token("42")
        for path in [
            "/closed/../x", "/closed/..", "/closed/./../x", "/closed/x/../../y",
            "/closed/%2e%2e/x", "/closed/a/..%2f..%2fx", "/closed/..;/x", "/clos%65d/../x",
            "/closed%2f../x", "/closed\\../x", "/closed//../../x", "/closed//../x",
            "/closed;a/../x", "/closed/%2e%2e/../x", "/CLOSED/../x", "/Clos%65d/..;/x",
            "/_presence/../x", "/logout/../x/../../y",
        ] {
            let outcome = harness.send("POST", path)
            XCTAssertEqual(outcome.status, path.hasPrefix("/logout") ? nil : 400, path)
        }
        XCTAssertEqual(harness.send("POST", "/closed/../x", token: good).status, 400)
        XCTAssertEqual(harness.send("POST", "/logout/a/..").status, 400)
        XCTAssertEqual(harness.send("POST", "/logout/.").status, 400)
        for path in ["/open/../x", "/x/%2e%2e/closedx", "/closedx//../a;b", "/open%2fclosed"] {
            guard case .forwarded = harness.send("GET", path) else {
                XCTFail("\(path) was refused")
                continue
            }
        }
    }

    /// Each doubt doubles the ways of reading a path, and somebody must not be able to buy so many
    /// of them with one request.
    func testAPathInTooMuchDoubtIsRefused() throws {
        let harness = try harness(requires: true)
        let doubts = "/aB%2e;x/./\\//%2f"
        XCTAssertEqual(
            harness.send("GET", String(repeating: doubts, count: 480)).status, 400)
        let plain = String(repeating: "/abc", count: 2_000)
        let spaces = String(repeating: "/a%20%2fb", count: 800)
        for path in [String(repeating: doubts, count: 30), plain, spaces] {
            guard case .forwarded = harness.send("GET", path) else {
                return XCTFail("refused: \(path.prefix(40))")
            }
        }
    }

    func testR18RequireHoldsWhateverTheCase() throws {
        let settings = try Harness.settings {
            $0.routes = [
                PassingRoute(match: try RoutePattern("* /closed/open/**")),
                PassingRoute(match: try RoutePattern("* /closed/**"), require: true),
                PassingRoute(match: try RoutePattern("GET /Mixed/{id}"), require: true),
                PassingRoute(match: try RoutePattern("* /**")),
            ]
        }
        let harness = try Harness(settings)
        for path in [
            "/closed/x", "/CLOSED/x", "/Closed", "/c%4Cosed/x", "/mixed/A", "/MIXED/a",
            "/%6dixed/a/",
        ] {
            XCTAssertEqual(harness.send("GET", path).status, 401, path)
        }
        for path in ["/closed/open/x", "/CLOSED/Open/x", "/closedx", "/mixed", "/mixed/a/b"] {
            guard case .forwarded = harness.send("GET", path) else {
                XCTFail("\(path) was refused")
                continue
            }
        }
        guard case .forwarded = harness.send("POST", "/mixed/a") else {
            return XCTFail("another method was refused")
        }
        guard case .forwarded = harness.send("GET", "/CLOSED/x", token: try harness.token("42"))
        else { return XCTFail("a good token was refused") }
        XCTAssertEqual(harness.send("GET", "/_presence/healthz").status, 200)
    }
}

extension Identification {
    func find(_ token: String, _ now: Milliseconds) -> Int32? { find(token.rawSpan, now: now) }
}
