// Owns the vectors that the RFCs print.
// Called by the test run.
// Never makes a vector with the code under test.

import XCTest

@testable import ProxyCore

final class TokenVectorTests: XCTestCase {
    private let vector =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    private let vectorKey =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    private let expiry: Milliseconds = 1_300_819_380_000

    private func vectorVerifier() throws -> Verifier {
        var secret = ByteBuffer()
        XCTAssertTrue(Base64URL.decode(vectorKey.rawSpan, into: &secret))
        let rules = try ClaimRules(
            user: ["iss"], name: [], session: [], adminClaim: "http://example.com/is_root",
            adminEquals: .bool(true))
        return Verifier(
            try KeyRing(
                [TokenKey(.hs256, secret: secret.array())], claims: rules, leeway: 0))
    }

    func testRFC7515AppendixA1() throws {
        let verifier = try vectorVerifier()
        let claims = try XCTUnwrap(verifier.claims(vector, at: expiry - 1))
        XCTAssertEqual(claims.user, "joe")
        XCTAssertTrue(claims.isAdmin)
        XCTAssertEqual(claims.expires, expiry)
        XCTAssertEqual(verifier.fault(vector, at: expiry), .expired)
    }

    func testRFC7515AppendixA1WithEveryBitOfTheSignatureTurned() throws {
        let verifier = try vectorVerifier()
        var signature = ByteBuffer()
        let cut = try XCTUnwrap(vector.lastIndex(of: "."))
        let text = String(vector[vector.index(after: cut)...])
        XCTAssertTrue(Base64URL.decode(text.rawSpan, into: &signature))
        let good = signature.array()
        for bit in 0..<(good.count * 8) {
            var bad = good
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            let token = String(vector[...cut]) + TokenFixture.base64(bad)
            XCTAssertEqual(verifier.fault(token, at: expiry - 1), .signatureMismatch)
        }
    }

    func testRFC7519Section61IsUnsecured() throws {
        let token =
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
            + "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        XCTAssertEqual(try vectorVerifier().fault(token, at: 0), .algorithmNone)
    }

    /// RFC 4231 §4.3.
    func testHMACVectors() {
        let wanted: [(TokenAlgorithm, String)] = [
            (.hs256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                .hs384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                    + "8e2240ca5e69e2c78b3239ecfab21649"
            ),
            (
                .hs512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                    + "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            ),
        ]
        for (algorithm, text) in wanted {
            let mac = KeyedMAC(algorithm, secret: Array("Jefe".utf8))
            for _ in 0..<3 {  // a context that was initialised again still holds its key
                var tag = ByteBuffer()
                mac.sign("what do ya want for nothing?".rawSpan, into: &tag)
                XCTAssertEqual(hex(tag.array()), text)
                XCTAssertTrue(mac.verifies("what do ya want for nothing?".rawSpan, tag.bytes))
                XCTAssertFalse(mac.verifies("what do ya want for nothing!".rawSpan, tag.bytes))
                XCTAssertFalse(mac.verifies("".rawSpan, tag.bytes))
                tag.truncate(to: tag.count - 1)
                XCTAssertFalse(mac.verifies("what do ya want for nothing?".rawSpan, tag.bytes))
            }
        }
    }

    /// FIPS 180-4 examples.
    func testDigests() {
        let digest = TokenDigest.of("abc".rawSpan)
        XCTAssertEqual(
            hex(digest.bytes), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        XCTAssertEqual(TokenDigest(bytes: digest.bytes.rawSpan), digest)
        XCTAssertNil(TokenDigest(bytes: Array(digest.bytes.dropLast()).rawSpan))
        XCTAssertNotEqual(TokenDigest.of("abd".rawSpan), digest)
        var sha1 = ByteBuffer()
        DigestContext(.sha1).append("abc".rawSpan, to: &sha1)
        XCTAssertEqual(hex(sha1.array()), "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    func testSecrets() {
        XCTAssertTrue(Secret.equals("".rawSpan, "".rawSpan))
        XCTAssertTrue(Secret.equals("abc".rawSpan, "abc".rawSpan))
        XCTAssertFalse(Secret.equals("abc".rawSpan, "abd".rawSpan))
        XCTAssertFalse(Secret.equals("abc".rawSpan, "ab".rawSpan))
        XCTAssertEqual(Secret.random(0).count, 0)
        XCTAssertNotEqual(Secret.random(16), Secret.random(16))
    }
}
