// Owns the tests of what good tokens say, and of keys that live side by side.
// Called by the test run.
// Never tests a refusal by shape: AttackTokenTests does.

import XCTest

@testable import ProxyCore

final class VerifierTests: XCTestCase {
    private typealias Fixture = TokenFixture
    private let exp = #""exp":1700003600"#

    private func user(_ claims: String, _ rules: ClaimRules = ClaimRules()) -> TokenClaims? {
        Fixture.verifier(rules: rules).claims(Fixture.token(claims: "{\(claims),\(exp)}"))
    }

    func testNumbersAndTextsAreOneUser() {
        XCTAssertEqual(user(#""user_id":42"#)?.user, "42")
        XCTAssertEqual(user(#""user_id":"42""#)?.user, "42")
        XCTAssertEqual(user(#""user_id":-7"#)?.user, "-7")
        XCTAssertEqual(user(#""user_id":0"#)?.user, "0")
        XCTAssertEqual(user(#""user_id":9223372036854775807"#)?.user, "9223372036854775807")
        XCTAssertEqual(user(#""user_id":9007199254740993"#)?.user, "9007199254740993")
        XCTAssertEqual(user(#""sub":"a|b""#)?.user, "a|b")
        XCTAssertEqual(user(#""user_id":null,"sub":"s""#)?.user, "s")
        XCTAssertEqual(user(#""sub":"s","user_id":"u""#)?.user, "u")
        let long = String(repeating: "é", count: 128)
        XCTAssertEqual(user(#""user_id":"\#(long)""#)?.user, long)
    }

    func testNamesAndSessions() {
        let full = user(#""user_id":1,"name":"Ann","username":"a","sid":"S","jti":"J""#)
        XCTAssertEqual(full?.name, "Ann")
        XCTAssertEqual(full?.session, "S")
        XCTAssertEqual(full?.tokenID, "J")
        let bare = user(#""user_id":1"#)
        XCTAssertNil(bare?.name)
        XCTAssertNil(bare?.session)
        XCTAssertNil(bare?.tokenID)
        let odd = user(#""user_id":1,"name":[],"username":"a","sid":"","jti":7"#)
        XCTAssertEqual(odd?.name, "a")
        XCTAssertEqual(odd?.session, "7")
        XCTAssertEqual(odd?.tokenID, "7")
        let long = String(repeating: "n", count: 300)
        XCTAssertNil(user(#""user_id":1,"name":"\#(long)""#)?.name)
    }

    func testAdmins() throws {
        XCTAssertEqual(user(#""user_id":1,"is_staff":true"#)?.isAdmin, true)
        for other in ["false", "1", #""true""#, "null", "[true]", "{}"] {
            XCTAssertEqual(user(#""user_id":1,"is_staff":\#(other)"#)?.isAdmin, false, other)
        }
        let role = try ClaimRules(
            user: ["$.realm.user"], name: [], session: [], adminClaim: "https://x.example/roles",
            adminEquals: .string("admin"))
        let realm = #""realm":{"user":9}"#
        for (value, wanted) in [
            (#""admin""#, true), (#"["a","admin"]"#, true), (#""Admin""#, false), ("[]", false),
            (#"["administrator"]"#, false), (#"[["admin"]]"#, false), ("true", false),
        ] {
            let claims = user(#"\#(realm),"https://x.example/roles":\#(value)"#, role)
            XCTAssertEqual(claims?.user, "9")
            XCTAssertEqual(claims?.isAdmin, wanted, value)
        }
        let level = try ClaimRules(
            user: ["sub"], name: [], session: [], adminClaim: "level", adminEquals: .integer(3))
        XCTAssertEqual(user(#""sub":"s","level":3"#, level)?.isAdmin, true)
        XCTAssertEqual(user(#""sub":"s","level":3.0"#, level)?.isAdmin, false)
        let scope = try ClaimRules(
            user: ["sub"], name: [], session: [], adminClaim: "scope", adminEquals: .word("admin"))
        for (value, wanted) in [
            (#""admin""#, true), (#""read admin""#, true), (#""admin read""#, true),
            (#"" a  admin  b ""#, true), (#"["read","admin"]"#, true), (#""administrator""#, false),
            (#""read,admin""#, false), (#""Admin""#, false), (#"["read admin"]"#, false),
            (#""""#, false), ("true", false), ("{}", false), (#"{"admin":true}"#, false),
        ] {
            XCTAssertEqual(user(#""sub":"s","scope":\#(value)"#, scope)?.isAdmin, wanted, value)
        }
        let nobody = try ClaimRules(
            user: ["sub"], name: [], session: [], adminClaim: nil, adminEquals: .bool(true))
        XCTAssertEqual(user(#""sub":"s","is_staff":true"#, nobody)?.isAdmin, false)
        XCTAssertThrowsError(
            try ClaimRules(
                user: ["$."], name: [], session: [], adminClaim: nil, adminEquals: .bool(true)))
    }

    func testTimesWithLeeway() {
        let verifier = Fixture.verifier(leeway: 30_000)
        let token = Fixture.token(claims: #"{"user_id":1,"exp":1700000000.25,"nbf":1699999000}"#)
        XCTAssertEqual(verifier.claims(token)?.expires, 1_700_000_000_250)
        XCTAssertNotNil(verifier.claims(token, at: 1_700_000_030_249))
        XCTAssertEqual(verifier.fault(token, at: 1_700_000_030_250), .expired)
        XCTAssertNotNil(verifier.claims(token, at: 1_699_998_970_000))
        XCTAssertEqual(verifier.fault(token, at: 1_699_998_969_999), .notYetValid)
        let early = Fixture.token(claims: #"{"user_id":1,"exp":1700003600,"iat":1700000030}"#)
        XCTAssertNotNil(verifier.claims(early))
        XCTAssertEqual(Fixture.verifier(leeway: 0).fault(early), .issuedInFuture)
        let endless = Fixture.token(claims: #"{"user_id":1,"exp":1e300}"#)
        XCTAssertEqual(verifier.claims(endless)?.expires, TokenClaims.endOfTime)
        let whole = Fixture.token(claims: #"{"user_id":1,"exp":1.7000036e9}"#)
        XCTAssertEqual(verifier.claims(whole)?.expires, 1_700_003_600_000)
    }

    func testAnAccessTokenMayNameItsKind() {
        XCTAssertNotNil(user(#""user_id":1,"token_type":"access","typ":"Bearer","type":"access""#))
    }

    func testRotation() {
        let old = Fixture.key(.hs256, Array("an old secret of the application".utf8))
        let new = Fixture.key(.hs256, Array("a new secret of the application!".utf8))
        let verifier = Fixture.verifier([new, old])
        for _ in 0..<2 {
            XCTAssertNotNil(verifier.claims(Fixture.token(key: old)))
            XCTAssertNotNil(verifier.claims(Fixture.token(key: new)))
            XCTAssertEqual(verifier.fault(Fixture.token()), .signatureMismatch)
        }
    }

    func testKeyIDs() {
        let a = Fixture.key(.hs256, Array("secret a of the application .....".utf8), id: "a")
        let b = Fixture.key(.hs256, Array("secret b of the application .....".utf8), id: "b")
        let verifier = Fixture.verifier([a, b])
        func token(_ id: String?, _ key: TokenKey) -> String {
            let kid = id.map { #","kid":"\#($0)""# } ?? ""
            return Fixture.token(header: #"{"alg":"HS256"\#(kid)}"#, key: key)
        }
        XCTAssertNotNil(verifier.claims(token("a", a)))
        XCTAssertNotNil(verifier.claims(token("b", b)))
        XCTAssertEqual(verifier.fault(token("a", b)), .signatureMismatch)
        XCTAssertEqual(verifier.fault(token("A", a)), .unknownKeyID)
        XCTAssertEqual(verifier.fault(token("c", a)), .unknownKeyID)
        XCTAssertNotNil(verifier.claims(token(nil, a)))
        XCTAssertNotNil(verifier.claims(token(nil, b)))
        // Composed and decomposed are one String and two names.
        let composed = Fixture.key(.hs256, Fixture.secret, id: "\u{e9}")
        XCTAssertEqual(
            Fixture.verifier([composed]).fault(token("e\u{301}", composed)), .unknownKeyID)
        XCTAssertNotNil(Fixture.verifier([composed]).claims(token("\u{e9}", composed)))
        XCTAssertNotNil(Fixture.verifier().claims(token("whatever", Fixture.key())))
    }

    func testIssuersAndAudiences() {
        let key = Fixture.key(issuer: "https://id.example", audience: "app")
        let verifier = Fixture.verifier([key])
        func fault(_ claims: String) -> TokenFault? {
            verifier.fault(Fixture.token(claims: #"{"user_id":1,\#(exp),\#(claims)}"#))
        }
        XCTAssertNil(fault(#""iss":"https://id.example","aud":"app""#))
        XCTAssertNil(fault(#""iss":"https://id.example","aud":["x","app"]"#))
        XCTAssertEqual(fault(#""aud":"app""#), .issuerMismatch)
        XCTAssertEqual(fault(#""iss":"https://id.example/","aud":"app""#), .issuerMismatch)
        XCTAssertEqual(fault(#""iss":["https://id.example"],"aud":"app""#), .issuerMismatch)
        for aud in [#""aud":"App""#, #""aud":[]"#, #""aud":["x"]"#, #""aud":{}"#, #""x":1"#] {
            XCTAssertEqual(fault(#""iss":"https://id.example",\#(aud)"#), .audienceMismatch, aud)
        }
        // One secret for two issuers.
        let both = Fixture.verifier([Fixture.key(issuer: "a"), Fixture.key(issuer: "b")])
        let token = Fixture.token(claims: #"{"user_id":1,\#(exp),"iss":"b"}"#)
        XCTAssertNotNil(both.claims(token))
    }

    func testKeySets() throws {
        let nobody = Verifier(try KeyRing([TokenKey]()))
        XCTAssertEqual(nobody.fault(Fixture.token()), .algorithmRefused)
        XCTAssertThrowsError(try TokenKey(.hs256, secret: []))
        for text in [
            "-----BEGIN PUBLIC KEY-----\nMIIB", "-----BEGIN CERTIFICATE-----", "ssh-rsa AAAA",
            "ssh-ed25519 AAAA", "ecdsa-sha2-nistp256 AAAA",
        ] {
            XCTAssertThrowsError(try TokenKey(.hs256, secret: Array(text.utf8))) {
                XCTAssertEqual($0 as? KeyError, .publicKeyAsSecret)
            }
        }
        // The DER head of an Ed25519 key, and of an RSA one with a long length.
        let ed25519: [UInt8] =
            [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]
            + [UInt8](repeating: 7, count: 32)
        XCTAssertThrowsError(try TokenKey(.hs256, secret: ed25519))
        XCTAssertNoThrow(try TokenKey(.hs256, secret: Array(ed25519.dropLast())))
        let rsa: [UInt8] = [0x30, 0x82, 0x01, 0x0a, 0x02] + [UInt8](repeating: 7, count: 265)
        XCTAssertThrowsError(try TokenKey(.hs256, secret: rsa))
        let twin = Fixture.key(id: "k")
        XCTAssertThrowsError(try KeyRing([twin, twin])) {
            XCTAssertEqual($0 as? KeyError, .duplicateKeyID("k"))
        }
        XCTAssertThrowsError(
            try KeyRing([TokenKey](repeating: Fixture.key(), count: Limits.tokenKeys + 1)))
        XCTAssertThrowsError(try TokenKey(.hs256, secret: [1], keyID: ""))
        XCTAssertTrue(Fixture.key(.hs256, [UInt8](repeating: 1, count: 31)).isWeak)
        XCTAssertFalse(Fixture.key(.hs256, [UInt8](repeating: 1, count: 32)).isWeak)
        XCTAssertTrue(Fixture.key(.hs512, [UInt8](repeating: 1, count: 63)).isWeak)
        XCTAssertThrowsError(try TokenKey(.rs256, secret: [1]))
    }

    func testMintedTokensAreGood() throws {
        for algorithm in TokenAlgorithm.allCases where algorithm.isShared {
            let key = Fixture.key(algorithm, id: "k", issuer: "i", audience: "a")
            let subject = TokenSigner.Subject(
                user: "4\"2", name: "Ann \u{2028}é", isAdmin: true, session: "s")
            let token = try TokenSigner(key).mint(subject, now: testNow, lifetime: 1500)
            let verdict = Fixture.verifier([key], leeway: 0).verdict(token)
            guard case .valid(let claims, let digest) = verdict else {
                XCTFail("\(verdict)")
                continue
            }
            XCTAssertEqual(digest, TokenDigest.of(token.rawSpan))
            XCTAssertEqual(claims.user, "4\"2")
            XCTAssertEqual(claims.name, "Ann \u{2028}é")
            XCTAssertEqual(claims.session, "s")
            XCTAssertEqual(claims.tokenID?.utf8.count, 22)
            XCTAssertTrue(claims.isAdmin)
            XCTAssertEqual(claims.expires, testNow + 2000)
        }
        let byID = try ClaimRules(
            user: ["sub"], name: [], session: ["jti"], adminClaim: nil, adminEquals: .bool(true))
        let token = try TokenSigner(Fixture.key()).mint(
            .init(user: "1", session: "s"), rules: byID, now: testNow, lifetime: 1000)
        XCTAssertEqual(Fixture.verifier(rules: byID).claims(token)?.session, "s")
        let rules = try ClaimRules(
            user: ["$.a.b"], name: [], session: [], adminClaim: nil, adminEquals: .bool(true))
        XCTAssertThrowsError(
            try TokenSigner(Fixture.key()).mint(
                .init(user: "1"), rules: rules, now: testNow, lifetime: 1))
    }

    func testFaultsSayNothingOfTheToken() {
        for fault in TokenFault.allCases { XCTAssertFalse(fault.text.isEmpty) }
        XCTAssertEqual(Set(TokenFault.allCases.map(\.text)).count, TokenFault.allCases.count)
    }
}
