// Owns the tests of findings about keys: algorithms, PEM files, key sets, and what goes together.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigTokenReaderTests.

import XCTest

@testable import Sidecar

final class ConfigKeyFindingTests: XCTestCase {
    /// Each entry of `tokens.keys` in a line of its own, from line 2 on.
    private func expect(
        _ keys: [String], _ expected: [String], file: StaticString = #filePath, line: UInt = #line
    ) {
        ConfigSample.expect(
            "{upstream:{servers:['http://app']},tokens:{keys:[\n" + keys.joined(separator: ",\n")
                + "]}}", expected, file: file, line: line)
    }

    func testR01_Algorithms() {
        expect(
            [
                #"{ algorithms: ["HS265"], secret_env: "JWT_SECRET" }"#,
                #"{ algorithms: ["none"], secret_env: "JWT_SECRET" }"#,
                #"{ algorithms: ["hs256"], secret_env: "JWT_SECRET" }"#,
                #"{ algorithms: "HS256", secret_env: "JWT_SECRET" }"#,
                #"{ algorithms: [], secret_env: "JWT_SECRET" }"#,
                #"{ secret_env: "JWT_SECRET" }"#,
                #"{ algorithms: ["RS256"], secret_env: "JWT_SECRET", secret_file: "/x" }"#,
                #"{ algorithms: ["HS256"], jwks: "https://x" }"#,
                #"{ algorithms: ["HS256", "RS256"], jwks: "https://x" }"#,
                #"{ algorithms: ["ROT13"], secret_env: "JWT_SECRET" }"#,
                #"{ jwks: "https://id.example/jwks" }"#,
            ],
            [
                #"c:2: tokens.keys[0].algorithms[0]: unknown algorithm "HS265": did you mean "HS256"?"#,
                #"c:3: tokens.keys[1].algorithms[0]: a token without a signature proves nothing: write "HS256""#,
                #"c:4: tokens.keys[2].algorithms[0]: unknown algorithm "hs256": did you mean "HS256"?"#,
                #"c:5: tokens.keys[3].algorithms: expected a list, found "HS256": write ["HS256"]"#,
                #"c:6: tokens.keys[4].algorithms: is empty: write ["HS256"]"#,
                #"c:7: tokens.keys[5]: algorithms is missing: write algorithms: ["HS256"]"#,
                #"c:8: tokens.keys[6].secret_env: a secret does not go with a public key's algorithm: write jwks or public_key_file"#,
                #"c:9: tokens.keys[7].jwks: does not go with HS256: write secret_env or secret_file"#,
                #"c:10: tokens.keys[8].algorithms[1]: a public key and a shared secret cannot be one key: make two entries of it"#,
                #"c:11: tokens.keys[9].algorithms[0]: unknown algorithm "ROT13": known are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"#,
                #"c:12: tokens.keys[10]: algorithms is missing: write algorithms: ["RS256"]"#,
            ])
    }

    func testR05_PublicKeyFiles() {
        expect(
            [
                #"{ algorithms: ["RS256"], public_key_file: "/k/missing.pem" }"#,
                #"{ algorithms: ["RS256"], public_key_file: "/k/text" }"#,
                #"{ algorithms: ["ES256"], public_key_file: "/k/private.pem" }"#,
                #"{ algorithms: ["ES256"], public_key_file: "/k/rsa.pem" }"#,
                #"{ algorithms: ["RS256"], public_key_file: "/k/weak.pem" }"#,
                #"{ algorithms: ["RS256"], public_key_file: "/k/two.pem" }"#,
                #"{ algorithms: ["ES384"], public_key_file: "/k/p256.pem" }"#,
                #"{ algorithms: ["ES256"], public_key_file: "/run/secrets/empty2" }"#,
                #"{ algorithms: ["RS256"], public_key_file: "/k/rsa.pem", allow_weak_secret: true }"#,
                #"{ algorithms: ["RS256"] }"#,
                #"{ algorithms: ["RS256"], public_key_file: "/k/rsa.pem", jwks_ca_file: "/k/ca.pem" }"#,
                #"{ algorithms: ["RS256"], public_key_file: 5 }"#,
            ],
            [
                #"c:2: tokens.keys[0].public_key_file: cannot read the file /k/missing.pem (open: No such file or directory (2)): write the path of a readable one"#,
                #"c:3: tokens.keys[1].public_key_file: the file /k/text: this is no PEM text (-----BEGIN PUBLIC KEY-----)"#,
                #"c:4: tokens.keys[2].public_key_file: the file /k/private.pem: this is a private key, which must not lie here: write the public one"#,
                #"c:5: tokens.keys[3].public_key_file: the key is RSA of 2048 bits, which goes with none of ES256: write algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], or those of them in use"#,
                #"c:6: tokens.keys[4].public_key_file: the file /k/weak.pem: an RSA key of 1024 bits is too weak: it must have 2048"#,
                #"c:7: tokens.keys[5].public_key_file: the file /k/two.pem: more than one key stands here: keep the one that is meant"#,
                #"c:8: tokens.keys[6].public_key_file: the key is EC on P-256, which goes with none of ES384: write algorithms: ["ES256"]"#,
                #"c:9: tokens.keys[7].public_key_file: the file /run/secrets/empty2 is empty: put the key into it"#,
                #"c:10: tokens.keys[8].allow_weak_secret: goes with a secret alone: leave it out"#,
                #"c:11: tokens.keys[9]: no key is named: write jwks: "https://id.example/.well-known/jwks.json" or public_key_file: "/etc/sidecar/public.pem""#,
                #"c:12: tokens.keys[10].jwks_ca_file: goes with jwks alone: leave it out"#,
                #"c:13: tokens.keys[11].public_key_file: expected a string, found the number 5: write "/etc/sidecar/public.pem""#,
            ])
    }

    func testR07_KeySetFiles() {
        expect(
            [
                #"{ algorithms: ["RS256"], jwks: "/k/missing.json" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/twins.json" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/secret.json" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/text" }"#,
                #"{ algorithms: ["EdDSA"], jwks: "/k/set.json" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/set.json", kid: "a" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/set.json", public_key_file: "/k/rsa.pem" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/set.json", jwks_ca_file: "/k/ca.pem" }"#,
                #"{ algorithms: ["RS256"], jwks: "/k/weak.json" }"#,
            ],
            [
                #"c:2: tokens.keys[0].jwks: cannot read the file /k/missing.json (open: No such file or directory (2)): write the path of a readable one"#,
                #"c:3: tokens.keys[1].jwks: the file /k/twins.json: two keys have the id rsa-1"#,
                #"c:4: tokens.keys[2].jwks: the file /k/secret.json: the key set holds a shared secret, so that it is no public one"#,
                #"c:5: tokens.keys[3].jwks: the file /k/text: the key set is not JSON: @"#,
                #"c:6: tokens.keys[4].jwks: none of its keys goes with EdDSA: write algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256"], or those of them in use"#,
                #"c:7: tokens.keys[5].kid: the keys of a set have ids of their own: leave it out"#,
                #"c:8: tokens.keys[6].jwks: contradicts public_key_file: keep one of them"#,
                #"c:9: tokens.keys[7].jwks_ca_file: goes with an https:// URL alone: leave it out"#,
                #"c:10: tokens.keys[8].jwks: the file /k/weak.json: the key set holds no key for verifying signatures: an RSA key of 1024 bits is too weak: it must have 2048"#,
            ])
    }

    func testR14_KeySetAddresses() {
        expect(
            [
                #"{ algorithms: ["RS256"], jwks: "https://id.example/jwks" }"#,
                #"{ algorithms: ["RS256"], jwks: "http://127.0.0.1:9/jwks", issuer: "b" }"#,
                #"{ algorithms: ["RS256"], jwks: "http://id.example/jwks", issuer: "c" }"#,
                #"{ algorithms: ["RS256"], jwks: "ftp://id.example/jwks", issuer: "d" }"#,
                #"{ algorithms: ["RS256"], jwks: "https://id.example/jwks", jwks_ca_file: "/k/text" }"#,
                #"{ algorithms: ["RS256"], jwks: "https://id.example/jwks", jwks_ca_file: "/k/no" }"#,
                #"{ algorithms: ["RS256"], jwks: "http://[::1]/jwks", jwks_ca_file: "/k/ca.pem" }"#,
            ],
            [
                #"c:4: tokens.keys[2].jwks: "http://id.example/jwks" would be fetched without TLS, and whoever stands on the way could sign: write "https://id.example/jwks" (http is for 127.0.0.1, [::1] and localhost)"#,
                #"c:5: tokens.keys[3].jwks: @"#,
                #"c:6: tokens.keys[4].jwks_ca_file: the file /k/text holds no certificate: write the path of one that begins with -----BEGIN CERTIFICATE-----"#,
                #"c:7: tokens.keys[5].jwks_ca_file: cannot read the file /k/no (open: No such file or directory (2)): write the path of a readable one"#,
                #"c:8: tokens.keys[6].jwks_ca_file: goes with an https:// URL alone: leave it out"#,
            ])
    }

    func testWhatAnIssuerDemands() {
        let long = String(repeating: "k", count: 257)
        expect(
            [
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", audience: [] }"#,
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", audience: 5, issuer: "" }"#,
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", max_lifetime: "0s", typ: 1 }"#,
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", kid: "\#(long)" }"#,
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", jwk: "x" }"#,
            ],
            [
                #"c:2: tokens.keys[0].audience: is empty: write "app""#,
                #"c:3: tokens.keys[1].audience: expected a string, found the number 5: write "app""#,
                #"c:3: tokens.keys[1].issuer: is empty: write something like "https://id.example""#,
                #"c:4: tokens.keys[2].max_lifetime: "0s" is too short: write "1s" or more"#,
                #"c:4: tokens.keys[2].typ: expected a string, found the number 1: write "at+jwt""#,
                #"c:5: tokens.keys[3].kid: a key id must have 1 to 256 bytes: write another id"#,
                #"c:6: tokens.keys[4].jwk: unknown key: did you mean "jwks"?"#,
            ])
    }

    func testKeysThatNothingTellsApart() {
        expect(
            [
                #"{ algorithms: ["HS256"], secret_env: "JWT_SECRET", kid: "a" }"#,
                #"{ algorithms: ["HS256"], secret_env: "MIDDLING", kid: "a" }"#,
            ],
            [
                #"c:1: tokens.keys: two keys have the id a: give each an id of its own, or an issuer"#
            ])
    }
}
