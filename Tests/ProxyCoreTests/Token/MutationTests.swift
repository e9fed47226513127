// Owns showing spoilt tokens, keys and key sets to what reads them.
// Called by the test run.
// Never runs without a bound or without a seed: what fails once fails again.

import Support
import XCTest

@testable import ProxyCore

/// SplitMix64.
private struct Dice {
    var state: UInt64

    mutating func roll(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((word ^ (word >> 31)) % UInt64(max(bound, 1)))
    }

    /// `bytes` with a few things done to them.
    mutating func spoil(_ bytes: [UInt8], with pieces: [[UInt8]]) -> [UInt8] {
        var out = bytes
        for _ in 0...roll(3) {
            let place = roll(out.count + 1)
            switch roll(8) {
            case 0 where !out.isEmpty: out[roll(out.count)] ^= 1 << UInt8(roll(8))
            case 1 where !out.isEmpty: out[roll(out.count)] = UInt8(roll(256))
            case 2: out.insert(UInt8(roll(256)), at: place)
            case 3 where !out.isEmpty: out.remove(at: roll(out.count))
            case 4: out.removeSubrange(place..<min(out.count, place + roll(40)))
            case 5: out.insert(contentsOf: pieces[roll(pieces.count)], at: place)
            case 6:
                let end = min(out.count, place + roll(60))
                out.insert(contentsOf: out[place..<end], at: roll(out.count + 1))
            default:
                let piece = pieces[roll(pieces.count)]
                let end = min(out.count, place + piece.count)
                out.replaceSubrange(place..<end, with: piece)
            }
        }
        return out
    }
}

final class MutationTests: XCTestCase {
    private let page = GuardPage(capacity: 128 * 1024)

    func testR03_NoSpoiltTokenIsGood() throws {
        let verifier = try AttackTable.verifierWithSecret()
        let good = [
            AttackTable.rsaToken(),
            AttackTable.curve.token(
                .es256, header: #"{"alg":"ES256","kid":"ec-1"}"#, claims: AttackTable.good),
            AttackTable.edwards.token(.eddsa, claims: AttackTable.good),
            AttackTable.shared(TokenFixture.secret),
        ].map { Array($0.utf8) }
        let pieces =
            good
            + [".", "..", "eyJhbGciOiJub25lIn0", "e30", "=", "A", "\0", "é"].map { Array($0.utf8) }
        var dice = Dice(state: 7)
        var faults: Set<TokenFault> = []
        for turn in 0..<20_000 {
            let token = good[turn % good.count]
            let spoilt = dice.spoil(token, with: pieces)
            switch page.with(spoilt, { verifier.verify($0, now: testNow) }) {
            case .valid:
                XCTAssertTrue(good.contains(spoilt), String(decoding: spoilt, as: UTF8.self))
            case .refused(let fault): faults.insert(fault)
            }
        }
        XCTAssertGreaterThan(faults.count, 6, "\(faults)")
        for token in good {
            guard case .valid = verifier.verify(token.rawSpan, now: testNow) else {
                return XCTFail("no longer good")
            }
        }
    }

    /// Spoilt inside: header and claims are JSON that is spoilt before it is encoded and signed.
    func testR09_SpoiltJSONUnderAGoodSignature() throws {
        let verifier = try AttackTable.verifierWithSecret()
        let pieces = ["{", "}", "[", "\"", ",", ":", "1e999", "null", "\\u0000", "\\ud800", "alg"]
            .map { Array($0.utf8) }
        var dice = Dice(state: 11)
        for turn in 0..<8_000 {
            var header = Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)
            var claims = Array(AttackTable.good.utf8)
            if turn % 2 == 0 {
                header = dice.spoil(header, with: pieces)
            } else {
                claims = dice.spoil(claims, with: pieces)
            }
            let token = Array(TokenFixture.token(headerBytes: header, claimBytes: claims).utf8)
            guard
                case .valid(let said, _) = page.with(token, { verifier.verify($0, now: testNow) })
            else { continue }
            XCTAssertFalse(said.user.isEmpty)
            XCTAssertLessThanOrEqual(said.user.utf8.count, Limits.tokenField)
            XCTAssertGreaterThan(said.goodUntil, testNow)
        }
    }

    /// Whatever is taken for a key can be used without harm.
    private func use(_ key: PublicKey) {
        let message = Array("message".utf8)
        // One algorithm of each kind: the others differ in the hash alone.
        for algorithm in [TokenAlgorithm.rs256, .ps256, .es256, .es384, .es512, .eddsa] {
            guard let check = SignatureCheck(key, algorithm) else { continue }
            let signature = [UInt8](repeating: 1, count: key.signatureLength)
            XCTAssertNotEqual(check.outcome(message.rawSpan, signature.rawSpan), .good)
        }
    }

    func testSpoiltPEM() {
        let good = [
            KeyTexts.rsa, KeyTexts.rsaPublicKey, KeyTexts.p256, KeyTexts.p256Compressed,
            KeyTexts.p256Certificate, KeyTexts.p256Explicit, KeyTexts.ed25519, KeyTexts.ed448,
            KeyTexts.rsaPSS, KeyTexts.dsa, KeyTexts.privateKey,
        ].map { Array($0.utf8) }
        let pieces =
            good
            + [
                "-----BEGIN ", "-----END ", "PRIVATE KEY", "\n", "=", "AAAA",
                "Proc-Type: 4,ENCRYPTED\n\n",
            ].map { Array($0.utf8) }
        var dice = Dice(state: 13)
        for turn in 0..<4_000 {
            let spoilt = dice.spoil(good[turn % good.count], with: pieces)
            page.with(spoilt) { bytes in
                do throws(KeyError) {
                    use(try PublicKey(pem: bytes))
                } catch {
                    XCTAssertFalse(error.description.isEmpty)
                }
            }
        }
    }

    func testSpoiltDER() {
        let good = [
            TestSigner.rsa.der, TestSigner.p256.der, TestSigner.p521.der, TestSigner.ed25519.der,
        ]
        let pieces: [[UInt8]] = [
            [0x30, 0x80], [0x02, 0x01, 0x00], [0x03, 0x84, 0xff, 0xff, 0xff, 0xff], [0], [0xff],
            [0x02, 0x81, 0x80], [0x05, 0x00],
        ]
        var dice = Dice(state: 17)
        for turn in 0..<4_000 {
            let spoilt = dice.spoil(good[turn % good.count], with: pieces)
            page.with(spoilt) { bytes in
                do throws(KeyError) {
                    use(try PublicKey(der: bytes))
                } catch {
                    XCTAssertFalse(error.description.isEmpty)
                }
            }
        }
    }

    func testSpoiltKeySets() {
        let (rsa, curve, edwards) = (TestSigner.rsa, TestSigner.p256, TestSigner.ed25519)
        let set =
            #"{"keys":[\#(rsa.jwk(#""kid":"a""#)),\#(curve.jwk(#""kid":"b","use":"sig""#)),"#
            + #"\#(edwards.jwk(#""kid":"c","key_ops":["verify"],"alg":"EdDSA""#))]}"#
        let good = Array(set.utf8)
        let pieces = [
            #""d":"AA","#, #""k":"AA","#, "{", "}", "[", "]", "\"", ",", "null", "AAAA", "-_", "=",
            #""kid":"a","#, "\\u0000", "P-384", "Ed448", "oct", "RSA",
        ].map { Array($0.utf8) }
        var dice = Dice(state: 19)
        var taken = 0
        for _ in 0..<1_500 {
            let spoilt = dice.spoil(good, with: pieces)
            page.with(spoilt) { bytes in
                do throws(KeyError) {
                    let keys = try WebKeySet.read(bytes)
                    taken += 1
                    XCTAssertTrue((1...Limits.publishedKeys).contains(keys.count))
                    for key in keys { use(key.key) }
                } catch {
                    XCTAssertFalse(error.description.isEmpty)
                }
            }
        }
        XCTAssertGreaterThan(taken, 100)
        XCTAssertLessThan(taken, 1_400)
    }
}
