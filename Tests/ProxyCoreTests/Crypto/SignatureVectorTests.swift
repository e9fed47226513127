// Owns the tests of signatures against what RFCs print, and of their form.
// Called by the test run.
// Never tests claims: the tests of tokens do.

import XCTest

@testable import ProxyCore

final class SignatureVectorTests: XCTestCase {
    private func key(_ vector: SignatureVector) throws -> PublicKey {
        try XCTUnwrap(WebKeySet.read(vector.key.rawSpan).first).key
    }

    private func bytes(_ text: Substring) throws -> [UInt8] {
        var bytes = ByteBuffer()
        XCTAssertTrue(Base64URL.decode(String(text).rawSpan, into: &bytes))
        return bytes.array()
    }

    /// RFC 7515 A.2, A.3, A.4; RFC 7520 4.1 to 4.3; RFC 8037 A.4.
    func testR01_PrintedSignatures() throws {
        for vector in SignatureVector.all {
            let check = try XCTUnwrap(SignatureCheck(key(vector), vector.algorithm), vector.name)
            let parts = vector.token.split(separator: ".")
            let signed = "\(parts[0]).\(parts[1])"
            let good = try bytes(parts[2])
            for _ in 0..<3 {  // a context that has been used is as good as new
                XCTAssertEqual(
                    check.outcome(signed.rawSpan, good.rawSpan), .good, vector.name)
                XCTAssertEqual(
                    check.outcome("\(signed)A".rawSpan, good.rawSpan), .mismatch, vector.name)
                XCTAssertEqual(check.outcome("".rawSpan, good.rawSpan), .mismatch, vector.name)
            }
            for place in stride(from: 0, to: good.count, by: 7) {
                var bad = good
                bad[place] ^= 1
                XCTAssertFalse(check.verifies(signed.rawSpan, bad.rawSpan), vector.name)
            }
            XCTAssertTrue(check.verifies(signed.rawSpan, good.rawSpan), vector.name)
        }
    }

    /// Only A.2 and A.3 carry claims; what the others carry is none, which is said only after
    /// their signature has been found good.
    func testR01_PrintedTokens() throws {
        let rules = try ClaimRules(
            user: ["iss"], name: [], session: [], adminClaim: "http://example.com/is_root",
            adminEquals: .bool(true))
        for vector in SignatureVector.all {
            let keys = try WebKeySet.read(vector.key.rawSpan)
            let ring = try KeyRing(
                [TokenIssuer([vector.algorithm], keys: .published(keys))], claims: rules,
                leeway: 0)
            let verifier = Verifier(ring)
            let time: Milliseconds = 1_300_819_380_000
            if ["RFC 7515 A.2", "RFC 7515 A.3"].contains(vector.name) {
                let claims = try XCTUnwrap(verifier.claims(vector.token, at: time - 1))
                XCTAssertEqual(claims.user, "joe")
                XCTAssertTrue(claims.isAdmin)
                XCTAssertEqual(verifier.fault(vector.token, at: time), .expired)
            } else {
                XCTAssertEqual(verifier.fault(vector.token), .badClaims, vector.name)
            }
        }
    }

    func testR04_EveryAlgorithmRoundTrips() throws {
        let message = Array("what do ya want for nothing?".utf8)
        for (algorithm, signer) in TestSigner.all {
            let key = try signer.publicKey()
            let check = try XCTUnwrap(SignatureCheck(key, algorithm))
            for _ in 0..<20 {  // r and s of all sorts, with and without leading zeros
                let good = signer.signature(message, algorithm)
                XCTAssertEqual(good.count, key.signatureLength)
                XCTAssertEqual(check.outcome(message.rawSpan, good.rawSpan), .good)
                for other in [Array(good.dropLast()), good + [0], [0] + good, [], [0]] {
                    XCTAssertEqual(
                        check.outcome(message.rawSpan, other.rawSpan), .malformed,
                        "\(algorithm) of \(other.count) bytes")
                }
            }
            let zeros = [UInt8](repeating: 0, count: key.signatureLength)
            XCTAssertFalse(check.verifies(message.rawSpan, zeros.rawSpan))
            let ones = [UInt8](repeating: 0xff, count: key.signatureLength)
            XCTAssertFalse(check.verifies(message.rawSpan, ones.rawSpan))
        }
    }

    func testR04_BoundsOfRAndS() throws {
        let message = Array("message".utf8)
        let orders: [(TokenAlgorithm, TestSigner, String)] = [
            (
                .es256, .p256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
            ),
            (
                .es384, .p384,
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
                    + "581a0db248b0a77aecec196accc52973"
            ),
            (
                .es512, .p521,
                "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
                    + "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
            ),
        ]
        for (algorithm, signer, order) in orders {
            let n = unhex(order)
            let half = n.count
            let zero = [UInt8](repeating: 0, count: half)
            let one = Array(zero.dropLast()) + [1]
            var below = n
            below[half - 1] -= 1
            var above = n
            above[half - 1] += 1
            let most = [UInt8](repeating: 0xff, count: half)
            let check = try XCTUnwrap(SignatureCheck(signer.publicKey(), algorithm))
            for bad in [zero, n, above, most] {
                for pair in [bad + one, one + bad, bad + bad] {
                    XCTAssertEqual(
                        check.outcome(message.rawSpan, pair.rawSpan), .malformed,
                        "\(algorithm) \(hex(pair))")
                }
            }
            for fine in [one + below, below + one, one + one, below + below] {
                XCTAssertEqual(check.outcome(message.rawSpan, fine.rawSpan), .mismatch)
            }
            let framed = signer.plainSignature(message, algorithm)
            XCTAssertEqual(check.outcome(message.rawSpan, framed.rawSpan), .malformed)
            let padded = framed + [UInt8](repeating: 0, count: max(0, 2 * half - framed.count))
            XCTAssertFalse(check.verifies(message.rawSpan, padded.rawSpan))
        }
    }

    func testR05_TheSaltIsAsLongAsTheHash() throws {
        let message = Array("message".utf8)
        let key = try TestSigner.rsa.publicKey()
        for algorithm in [TokenAlgorithm.ps256, .ps384, .ps512] {
            let check = try XCTUnwrap(SignatureCheck(key, algorithm))
            let right = algorithm.digest.length
            for salt in [0, 1, 20, right - 1, right, right + 1, 100] {
                let signature = TestSigner.rsa.signature(message, algorithm, salt: salt)
                XCTAssertEqual(
                    check.verifies(message.rawSpan, signature.rawSpan), salt == right,
                    "\(algorithm) with a salt of \(salt)")
            }
            let masked = TestSigner.rsa.signature(message, algorithm, mask: "SHA1")
            XCTAssertFalse(check.verifies(message.rawSpan, masked.rawSpan), "mask of SHA-1")
            let plain = try XCTUnwrap(SignatureCheck(key, .rs256))
            let pss = TestSigner.rsa.signature(message, .ps256)
            XCTAssertEqual(plain.outcome(message.rawSpan, pss.rawSpan), .mismatch)
        }
    }

    func testR01_NoCheckWithoutAFittingKey() throws {
        for (own, signer) in TestSigner.all {
            let key = try signer.publicKey()
            for algorithm in TokenAlgorithm.allCases {
                XCTAssertEqual(key.fits(algorithm), SignatureCheck(key, algorithm) != nil)
            }
            XCTAssertTrue(key.fits(own))
        }
        XCTAssertNil(SignatureCheck(try TestSigner.p256.publicKey(), .es384))
        XCTAssertNil(SignatureCheck(try TestSigner.p256.publicKey(), .rs256))
        XCTAssertNil(SignatureCheck(try TestSigner.rsa.publicKey(), .hs256))
    }
}

func unhex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
