// Owns the tests of which published key sets are taken, and which of their keys.
// Called by the test run.
// Never fetches one.

import Support
import XCTest

@testable import ProxyCore

final class WebKeySetTests: XCTestCase {
    private func read(_ text: String) -> Result<[PublishedKey], KeyError> {
        read(Array(text.utf8))
    }

    private func read(_ bytes: [UInt8]) -> Result<[PublishedKey], KeyError> {
        GuardPage(capacity: bytes.count).with(bytes) { span in
            do throws(KeyError) {
                return .success(try WebKeySet.read(span))
            } catch {
                return .failure(error)
            }
        }
    }

    private func set(_ keys: String...) -> String {
        #"{"keys":[\#(keys.joined(separator: ","))]}"#
    }

    private let rsa = TestSigner.rsa
    private let curve = TestSigner.p256

    func testR07_SetsAndSingleKeys() throws {
        let keys = try read(
            set(
                rsa.jwk(#""kid":"a","use":"sig","alg":"RS256","x5t":"x","x5c":["MIIB"]"#),
                curve.jwk(#""kid":"b","key_ops":["verify"]"#), TestSigner.ed25519.jwk(),
                TestSigner.p384.jwk(), TestSigner.p521.jwk(), TestSigner.ed448.jwk())
        ).get()
        XCTAssertEqual(keys.count, 6)
        XCTAssertEqual(
            keys[0],
            PublishedKey(try rsa.publicKey(), keyID: "a", algorithm: .rs256))
        XCTAssertEqual(keys[1], PublishedKey(try curve.publicKey(), keyID: "b"))
        XCTAssertEqual(keys[2], PublishedKey(try TestSigner.ed25519.publicKey()))
        XCTAssertEqual(keys[5].key.kind, .ed448)
        XCTAssertEqual(try read(curve.jwk()).get(), [PublishedKey(try curve.publicKey())])
        XCTAssertEqual(
            try read(#" {"note":1,"keys": [ \#(curve.jwk()) ]} "#).get().count, 1)
    }

    func testR07_KeysThatAreLeftOut() throws {
        let good = curve.jwk(#""kid":"good""#)
        let weak = TestSigner(.rsa(bits: 1024))
        let n = TokenFixture.base64(rsa.number("n"))
        let others = [
            rsa.jwk(#""use":"enc""#), rsa.jwk(#""use":1"#), rsa.jwk(#""use":null"#),
            rsa.jwk(#""key_ops":["encrypt","wrapKey"]"#), rsa.jwk(#""key_ops":[]"#),
            rsa.jwk(#""key_ops":"verify""#), rsa.jwk(#""use":"sig","key_ops":["sign"]"#),
            rsa.jwk(#""alg":"RSA-OAEP""#), rsa.jwk(#""alg":"HS256""#), rsa.jwk(#""alg":"ES256""#),
            rsa.jwk(#""alg":"none""#), rsa.jwk(#""alg":256"#), curve.jwk(#""alg":"ES384""#),
            rsa.jwk(#""kid":1"#), rsa.jwk(#""kid":"""#),
            rsa.jwk(#""kid":"\#(String(repeating: "k", count: 257))""#),
            weak.jwk(), #"{"kty":"RSA","n":"\#(n)","e":"AQ"}"#,
            #"{"kty":"RSA","n":"\#(n)","e":"Ag"}"#, #"{"kty":"RSA","n":"\#(n)"}"#,
            #"{"kty":"RSA","n":"\#(n)=","e":"AQAB"}"#, #"{"kty":"RSA","n":1,"e":"AQAB"}"#,
            #"{"kty":"RSA","n":"","e":"AQAB"}"#, #"{"kty":"RSA","e":"AQAB"}"#,
            #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
            #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#, #"{"kty":"EC","crv":"P-256"}"#,
            #"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, #"{"kty":"EC"}"#,
            #"{"kty":"OKP","crv":"X25519","x":"AA"}"#, #"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
            #"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#, #"{"kty":1}"#, #"{"kty":null}"#, "{}",
        ]
        for other in others {
            XCTAssertEqual(try read(set(other, good)).get().map(\.keyID), ["good"], other)
            guard case .failure(let error) = read(set(other)) else {
                XCTFail("taken: \(other)")
                continue
            }
            switch error {
            case .noUsableKey, .noneUsable: break
            default: XCTFail("\(error): \(other)")
            }
        }
        XCTAssertEqual(
            read(set(weak.jwk())), .failure(.noneUsable(first: .weakRSA(bits: 1024))))
    }

    func testR07_SetsThatAreRefusedAsAWhole() {
        let good = curve.jwk(#""kid":"good""#)
        let cases: [(String, KeyError)] = [
            (set(), .noUsableKey), ("{}", .notKeySet), ("[]", .notKeySet), ("1", .notKeySet),
            (#"{"keys":{}}"#, .notKeySet), (#"{"keys":null}"#, .notKeySet),
            (#"{"keys":[1]}"#, .notKeySet), (set(good, "[]"), .notKeySet),
            (set(good, #"{"kty":"oct","k":"AAAA"}"#), .secretInSet),
            (set(good, #"{"kty":"oct"}"#), .secretInSet),
            (set(good, #"{"kty":"XYZ","k":"AAAA","use":"enc"}"#), .secretInSet),
            (#"{"kty":"oct","k":"AAAA"}"#, .secretInSet),
            (set(good, rsa.jwk(#""d":"AAAA""#)), .privateKeyInSet),
            (set(good, rsa.jwk(#""use":"enc","p":"AAAA""#)), .privateKeyInSet),
            (set(good, rsa.jwk(#""oth":[]"#)), .privateKeyInSet),
            (set(curve.jwk(#""d":null"#)), .privateKeyInSet),
            (set(good, rsa.jwk(#""kid":"good""#)), .duplicateKeyID("good")),
            (set(good, rsa.jwk(#""use":"enc","kid":"good""#)), .duplicateKeyID("good")),
            (set(good, good), .duplicateKeyID("good")),
        ]
        for (text, error) in cases { XCTAssertEqual(read(text), .failure(error), text) }
        let many = [String](repeating: curve.jwk(), count: 101).joined(separator: ",")
        XCTAssertEqual(read(#"{"keys":[\#(many)]}"#), .failure(.tooMany(limit: 100)))
        let large = good.dropLast() + #","x5c":["\#(String(repeating: "A", count: 262_144))"]}"#
        XCTAssertEqual(read(set(String(large))), .failure(.setTooLarge(limit: 262_144)))
        for broken in ["", "{", "<html></html>", #"{"keys":[],"keys":[]}"#, set(good) + "x"] {
            guard case .failure(.notJSON) = read(broken) else {
                XCTFail("\(read(broken)): \(broken)")
                continue
            }
        }
    }

    /// Composed and decomposed are one String and two ids.
    func testR06_KeyIDsAreBytes() throws {
        let keys = try read(
            set(curve.jwk("\"kid\":\"\u{e9}\""), rsa.jwk("\"kid\":\"e\u{301}\""))
        ).get()
        XCTAssertEqual(keys.count, 2)
    }
}
