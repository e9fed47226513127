// Owns the tests of issuers and their keys: what is taken, what changes, which key is chosen.
// Called by the test run.
// Never tests claims beyond those that select.

import Synchronization
import XCTest

@testable import ProxyCore

final class KeyRingTests: XCTestCase {
    private typealias Fixture = TokenFixture
    private let rsa = TestSigner.rsa
    private let otherRSA = TestSigner.otherRSA
    private let curve = TestSigner.p256

    private func key(
        _ signer: TestSigner, _ id: String?, _ algorithm: TokenAlgorithm? = nil
    ) throws -> PublishedKey {
        PublishedKey(try signer.publicKey(), keyID: id, algorithm: algorithm)
    }

    private func fetched(
        _ algorithms: [TokenAlgorithm], _ keys: [PublishedKey], name: String? = nil
    ) throws -> TokenIssuer {
        try TokenIssuer(algorithms, keys: .published(keys), name: name, isFetched: true)
    }

    private func head(_ algorithm: TokenAlgorithm, _ id: String?) -> String {
        let kid = id.map { #","kid":"\#($0)""# } ?? ""
        return #"{"alg":"\#(algorithm.rawValue)"\#(kid)}"#
    }

    private func token(
        _ signer: TestSigner, _ algorithm: TokenAlgorithm, _ id: String?, issuer: String? = nil
    ) -> String {
        let iss = issuer.map { #","iss":"\#($0)""# } ?? ""
        return signer.token(
            algorithm, header: head(algorithm, id),
            claims: #"{"user_id":42,"exp":1700003600\#(iss)}"#)
    }

    // MARK: Issuers

    func testR01_IssuersThatAreRefused() throws {
        let secret = TokenIssuer.Keys.shared(secret: Fixture.secret, keyID: nil)
        let published = TokenIssuer.Keys.published([try key(rsa, nil)])
        func fault(
            _ algorithms: [TokenAlgorithm], _ keys: TokenIssuer.Keys, name: String? = nil,
            audiences: [String] = [], lifetime: Milliseconds? = nil, fetched: Bool = false
        ) -> KeyError? {
            do throws(KeyError) {
                _ = try TokenIssuer(
                    algorithms, keys: keys, name: name, audiences: audiences,
                    maximumLifetime: lifetime, isFetched: fetched)
                return nil
            } catch {
                return error
            }
        }
        XCTAssertNil(fault([.hs256, .hs512], secret, name: "i", audiences: ["a", "b"]))
        XCTAssertNil(fault([.rs256, .es256], published))
        XCTAssertNil(fault([.rs256], .published([]), fetched: true))
        XCTAssertEqual(fault([], secret), .noAlgorithm)
        XCTAssertEqual(fault([.hs256, .rs256], secret), .mixedAlgorithms)
        XCTAssertEqual(fault([.rs256], secret), .otherSort(.rs256))
        XCTAssertEqual(fault([.hs256], published), .otherSort(.hs256))
        XCTAssertEqual(fault([.hs256], secret, fetched: true), .otherSort(.hs256))
        XCTAssertEqual(fault([.es256, .eddsa], published), .fitsNone)
        XCTAssertEqual(fault([.rs256], .published([])), .fitsNone)
        XCTAssertEqual(fault([.ps256], .published([try key(rsa, nil, .rs256)])), .fitsNone)
        XCTAssertEqual(fault([.hs256], .shared(secret: [], keyID: nil)), .emptySecret)
        XCTAssertEqual(fault([.hs256], .shared(secret: [1], keyID: "")), .badKeyID)
        let twins = [try key(rsa, "a"), try key(otherRSA, "a")]
        XCTAssertEqual(fault([.rs256], .published(twins)), .duplicateKeyID("a"))
        XCTAssertEqual(fault([.rs256], .published([try key(rsa, "")])), .badKeyID)
        let many = [PublishedKey](repeating: try key(rsa, nil), count: 101)
        XCTAssertEqual(fault([.rs256], .published(many)), .tooMany(limit: 100))
        XCTAssertEqual(fault([.hs256], secret, name: ""), .badIssuerName)
        XCTAssertEqual(fault([.hs256], secret, audiences: ["a", ""]), .badAudience)
        XCTAssertEqual(fault([.hs256], secret, lifetime: 0), .badLifetime)
    }

    func testR01_PublicKeysAreNoSecrets() {
        let texts = [
            rsa.pem, " \n" + curve.pem, KeyTexts.rsaPublicKey, KeyTexts.p256Certificate,
            rsa.jwk(), #" {"keys":[\#(curve.jwk())]}"#, "ssh-rsa AAAA",
        ]
        for secret in texts.map({ Array($0.utf8) }) + [rsa.der, curve.der, TestSigner.ed25519.der] {
            XCTAssertThrowsError(
                try TokenIssuer([.hs256], keys: .shared(secret: secret, keyID: nil))
            ) { XCTAssertEqual($0 as? KeyError, .publicKeyAsSecret) }
            XCTAssertThrowsError(try TokenKey(.hs256, secret: secret))
        }
        XCTAssertFalse(SharedSecret.isPublicKey(Array(#"{"a":1}"#.utf8)))
        XCTAssertFalse(SharedSecret.isPublicKey(Array("{".utf8)))
    }

    func testR05_WeakSecrets() throws {
        func weakness(_ count: Int, _ algorithms: TokenAlgorithm...) throws -> SecretWeakness? {
            let secret = [UInt8](repeating: 7, count: count)
            return try TokenIssuer(algorithms, keys: .shared(secret: secret, keyID: nil)).weakness
        }
        XCTAssertNil(try weakness(32, .hs256))
        XCTAssertEqual(try weakness(31, .hs256), SecretWeakness(algorithm: .hs256, count: 31))
        XCTAssertEqual(
            try weakness(40, .hs512, .hs384, .hs256), SecretWeakness(algorithm: .hs384, count: 40))
        XCTAssertNil(try rsa.issuer(.rs256).weakness)
    }

    func testRingsThatAreRefused() throws {
        let a = try rsa.issuer(.rs256, name: "a", keyID: "k")
        let b = try otherRSA.issuer(.rs256, name: "b", keyID: "k")
        XCTAssertNoThrow(try KeyRing([a, b]))
        let nobody = try otherRSA.issuer(.rs256, keyID: "k")
        for pair in [[a, nobody], [nobody, nobody], [a, a]] {
            XCTAssertThrowsError(try KeyRing(pair)) {
                XCTAssertEqual($0 as? KeyError, .duplicateKeyID("k"))
            }
        }
        XCTAssertNoThrow(try KeyRing([a, curve.issuer(.es256, keyID: "k")]))
        XCTAssertThrowsError(
            try KeyRing([TokenIssuer](repeating: rsa.issuer(.rs256), count: 33))
        ) { XCTAssertEqual($0 as? KeyError, .tooMany(limit: 32)) }
        // A value can be changed after it was checked.
        var spoilt = a
        spoilt.algorithms = [.hs256]
        XCTAssertThrowsError(try KeyRing([spoilt]))
    }

    // MARK: Changes

    func testR16_OnlyKeysThatGoRetireVerdicts() throws {
        let ring = try KeyRing([fetched([.rs256, .es256], []), rsa.issuer(.rs256)])
        let a = try key(rsa, "a")
        let b = try key(curve, "b")
        func step(_ keys: [PublishedKey]) throws -> (changed: Bool, version: Bool, retired: Bool) {
            let version = ring.version
            let retirement = ring.retirement
            let changed = try ring.replace(keys, of: 0)
            return (changed, ring.version != version, ring.retirement != retirement)
        }
        XCTAssert(try step([a]) == (true, true, false), "the first keys")
        XCTAssert(try step([a]) == (false, false, false), "the same")
        XCTAssert(try step([a, b]) == (true, true, false), "one more")
        XCTAssert(try step([b]) == (true, true, true), "one less")
        XCTAssert(try step([try key(otherRSA, "b")]) == (true, true, true), "another of its id")
        XCTAssert(try step([try key(otherRSA, "c")]) == (true, true, true), "another id")
        XCTAssert(
            try step([try key(otherRSA, "c", .rs256)]) == (true, true, true), "another use")
        guard case .published(let now) = ring.snapshot()[0].keys else { return XCTFail("secret") }
        XCTAssertEqual(now, [try key(otherRSA, "c", .rs256)])
    }

    func testKeysThatFitNothingChangeNothing() throws {
        let ring = try KeyRing([
            fetched([.rs256], [try key(rsa, "a")]),
            TokenIssuer([.hs256], keys: .shared(secret: Fixture.secret, keyID: nil)),
        ])
        let version = ring.version
        for keys in [[], [try key(curve, "b")], [try key(rsa, "b", .ps256)]] {
            XCTAssertThrowsError(try ring.replace(keys, of: 0)) {
                XCTAssertEqual($0 as? KeyError, .fitsNone)
            }
        }
        XCTAssertThrowsError(try ring.replace([try key(rsa, "a")], of: 1))
        XCTAssertThrowsError(try ring.replace([try key(rsa, "a")], of: 2))
        XCTAssertEqual(ring.version, version)
    }

    func testR16_VerifiersFollowTheRing() throws {
        let ring = try KeyRing([fetched([.rs256], [])])
        let verifier = Verifier(ring)
        let old = token(rsa, .rs256, "old")
        let new = token(otherRSA, .rs256, "new")
        XCTAssertEqual(verifier.fault(old), .keysMissing)
        XCTAssertTrue(try ring.replace([try key(rsa, "old")], of: 0))
        XCTAssertNotNil(verifier.claims(old))
        XCTAssertEqual(verifier.fault(new), .unknownKeyID)
        XCTAssertTrue(try ring.replace([try key(rsa, "old"), try key(otherRSA, "new")], of: 0))
        XCTAssertNotNil(verifier.claims(old))
        XCTAssertNotNil(verifier.claims(new))
        XCTAssertTrue(try ring.replace([try key(otherRSA, "new")], of: 0))
        XCTAssertEqual(verifier.fault(old), .unknownKeyID)
        XCTAssertNotNil(verifier.claims(new))
    }

    func testR15_WhoAsksForKeys() throws {
        let ring = try KeyRing([
            rsa.issuer(.rs256, name: "a"), fetched([.es256], [try key(curve, "k")]),
            fetched([.eddsa], []),
        ])
        let asked = Lock([Int]())
        ring.wanted = { issuer in asked.withLock { $0.append(issuer) } }
        let verifier = Verifier(ring)
        func asks(_ token: String) -> [Int] {
            asked.withLock { $0 = [] }
            _ = verifier.verify(token.rawSpan, now: testNow)
            let seen = asked.withLock { $0 }
            XCTAssertEqual(seen.last, verifier.missed)
            return seen
        }
        XCTAssertEqual(asks(token(rsa, .rs256, "x", issuer: "a")), [])
        XCTAssertEqual(asks(token(curve, .es256, "k")), [])
        XCTAssertEqual(asks(token(TestSigner.otherP256, .es256, "k")), [], "a wrong signature")
        XCTAssertEqual(asks(token(curve, .es256, "x")), [1])
        XCTAssertEqual(asks(token(curve, .es256, nil)), [])
        XCTAssertEqual(asks(token(TestSigner.ed25519, .eddsa, nil)), [2])
        XCTAssertEqual(asks(token(TestSigner.ed25519, .eddsa, "y")), [2])
        XCTAssertEqual(asks("a.b.c"), [])
        XCTAssertEqual(asks(token(curve, .es384, "x")), [])
    }

    func testManyThreadsSeeWholeSets() throws {
        let ring = try KeyRing([fetched([.rs256], [try key(rsa, "a")])])
        let a = [try key(rsa, "a")]
        let b = [try key(rsa, "b"), try key(otherRSA, "c")]
        let stop = Atomic(false)
        let torn = Atomic(0)
        let readers = try (0..<2).map { _ in
            try Thread(name: "reader") {
                while !stop.load(ordering: .relaxed) {
                    guard case .published(let keys) = ring.snapshot()[0].keys,
                        keys == a || keys == b
                    else {
                        torn.wrappingAdd(1, ordering: .relaxed)
                        continue
                    }
                }
            }
        }
        for turn in 0..<2_000 { _ = try ring.replace(turn % 2 == 0 ? b : a, of: 0) }
        stop.store(true, ordering: .relaxed)
        for reader in readers { reader.join() }
        XCTAssertEqual(torn.load(ordering: .relaxed), 0)
        XCTAssertEqual(ring.version, 2_001)
        XCTAssertEqual(ring.retirement, 2_001)
    }

    // MARK: Which key

    func testR07_WithoutAnIDThereMustBeOneKey() throws {
        let two = try KeyRing([fetched([.rs256, .es256], [key(rsa, "a"), key(otherRSA, "b")])])
        let verifier = Verifier(two)
        XCTAssertEqual(verifier.fault(token(rsa, .rs256, nil)), .ambiguousKey)
        XCTAssertNotNil(verifier.claims(token(rsa, .rs256, "a")))
        XCTAssertEqual(verifier.fault(token(rsa, .rs256, "b")), .signatureMismatch)
        XCTAssertNotNil(verifier.claims(token(otherRSA, .rs256, "b")))
        // One of each kind is one for each algorithm.
        let mixed = try KeyRing([fetched([.rs256, .es256], [key(rsa, "a"), key(curve, "b")])])
        XCTAssertNotNil(Verifier(mixed).claims(token(rsa, .rs256, nil)))
        XCTAssertNotNil(Verifier(mixed).claims(token(curve, .es256, nil)))
        XCTAssertEqual(Verifier(mixed).fault(token(rsa, .rs256, "b")), .unknownKeyID)
        // A key that says another algorithm is none for this one.
        let said = try KeyRing([
            fetched([.rs256, .ps256], [key(rsa, "a", .rs256), key(otherRSA, "b", .ps256)])
        ])
        XCTAssertNotNil(Verifier(said).claims(token(rsa, .rs256, nil)))
        XCTAssertNotNil(Verifier(said).claims(token(otherRSA, .ps256, nil)))
        XCTAssertEqual(Verifier(said).fault(token(rsa, .ps256, "a")), .unknownKeyID)
        // A fetched key without an id answers to none, one that was configured to any.
        let anonymous = try KeyRing([fetched([.rs256], [key(rsa, nil)])])
        XCTAssertNotNil(Verifier(anonymous).claims(token(rsa, .rs256, nil)))
        XCTAssertEqual(Verifier(anonymous).fault(token(rsa, .rs256, "a")), .unknownKeyID)
        let configured = try KeyRing([rsa.issuer(.rs256)])
        XCTAssertNotNil(Verifier(configured).claims(token(rsa, .rs256, "whatever")))
    }

    func testR11_TheIssuerSelectsTheKeys() throws {
        let ring = try KeyRing([
            rsa.issuer(.rs256, name: "https://a.example"),
            otherRSA.issuer(.rs256, name: "https://b.example"),
            curve.issuer(.es256, name: "https://c.example"),
        ])
        let verifier = Verifier(ring)
        let a = verifier.claims(token(rsa, .rs256, nil, issuer: "https://a.example"))
        XCTAssertEqual(a?.issuer, 0)
        let b = verifier.claims(token(otherRSA, .rs256, nil, issuer: "https://b.example"))
        XCTAssertEqual(b?.issuer, 1)
        func fault(_ signer: TestSigner, _ algorithm: TokenAlgorithm, _ iss: String?) -> TokenFault?
        {
            verifier.fault(token(signer, algorithm, nil, issuer: iss))
        }
        // Whoever holds one issuer's key is not another.
        XCTAssertEqual(fault(rsa, .rs256, "https://b.example"), .signatureMismatch)
        XCTAssertEqual(fault(curve, .es256, "https://a.example"), .issuerMismatch)
        for other in [nil, "", "https://a.example/", "HTTPS://A.EXAMPLE", "https://c.example"] {
            XCTAssertEqual(fault(rsa, .rs256, other), .unknownIssuer, other ?? "none")
        }
        let list = rsa.token(
            .rs256, claims: #"{"user_id":1,"exp":1700003600,"iss":["https://a.example"]}"#)
        XCTAssertEqual(verifier.fault(list), .unknownIssuer)
        XCTAssertEqual(verifier.fault(rsa.token(.rs256, claims: "{")), .unknownIssuer)
        // One name needs no selection: it is compared once the signature is good.
        let one = Verifier(try KeyRing([rsa.issuer(.rs256, name: "https://a.example")]))
        XCTAssertEqual(one.fault(token(otherRSA, .rs256, nil)), .signatureMismatch)
        XCTAssertEqual(one.fault(token(rsa, .rs256, nil)), .issuerMismatch)
    }

    func testR11_IssuersHaveTheirOwnClaims() throws {
        var a = try rsa.issuer(.rs256, name: "a")
        a.claims = try ClaimRules(
            user: ["email"], name: [], session: [], adminClaim: "scope",
            adminEquals: .word("admin"))
        let ring = try KeyRing([a, otherRSA.issuer(.rs256, name: "b")])
        let verifier = Verifier(ring)
        let exp = #""exp":1700003600"#
        let own = rsa.token(
            .rs256, claims: #"{"iss":"a","email":"x@y","scope":"read admin",\#(exp)}"#)
        XCTAssertEqual(verifier.claims(own)?.user, "x@y")
        XCTAssertEqual(verifier.claims(own)?.isAdmin, true)
        let usual = otherRSA.token(
            .rs256, claims: #"{"iss":"b","email":"x@y","sub":"7","scope":"admin",\#(exp)}"#)
        XCTAssertEqual(verifier.claims(usual)?.user, "7")
        XCTAssertEqual(verifier.claims(usual)?.isAdmin, false)
    }

    func testCostIsAddedUp() throws {
        let verifier = Verifier(
            try KeyRing([rsa.issuer(.rs256), otherRSA.issuer(.rs256), curve.issuer(.es256)]))
        func spent(_ token: String) -> Int {
            _ = verifier.verify(token.rawSpan, now: testNow)
            return verifier.spent
        }
        let once = TokenAlgorithm.rs256.cost
        XCTAssertEqual(spent(token(rsa, .rs256, nil)), once)
        XCTAssertEqual(spent(token(otherRSA, .rs256, nil)), 2 * once)
        XCTAssertEqual(spent(token(TestSigner(.rsa(bits: 2048)), .rs256, nil)), 2 * once)
        XCTAssertEqual(spent(token(curve, .es256, nil)), TokenAlgorithm.es256.cost)
        XCTAssertEqual(spent("a.b.c"), 0)
        let large = try TestSigner(.rsa(bits: 4096)).publicKey()
        XCTAssertEqual(large.cost(of: .rs256), 4 * once)
        XCTAssertEqual(spent(token(curve, .es384, nil)), 0)
    }
}
