// Owns the tests of findings about tokens: secrets, algorithms, places, claims.
// Called by XCTest.
// Never tests what a good configuration means: that is ConfigReaderTests.

import XCTest

@testable import Sidecar

final class ConfigTokenFindingTests: XCTestCase {
    func testUnreadableSecrets() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                keys: [
                  { algorithms: ["HS256"], secret_env: "NOT_SET" },
                  { algorithms: ["HS256"], secret_file: "/missing" },
                  { algorithms: ["HS256"], secret_file: "/root/jwt" },
                  { algorithms: ["HS256"], secret_env: "EMPTY" },
                  { algorithms: ["HS256"], secret_file: "/run/secrets/empty" },
                  { algorithms: ["HS256"], secret_env: "SHORT" },
                  { algorithms: ["HS256"], secret_env: "my secret!" },
                  { algorithms: ["HS256"], secret_env: "PUBLIC" },
                  { algorithms: ["HS256"], secret_env: "SHORT", secret_file: "/x" },
                  { algorithms: ["HS256"], secret: "hunter2" },
                ],
              },
            }
            """#,
            [
                #"c:5: tokens.keys[0].secret_env: the environment variable NOT_SET is not set: set it to the secret"#,
                #"c:6: tokens.keys[1].secret_file: cannot read the file /missing (open: No such file or directory (2)): write the path of a readable one"#,
                #"c:7: tokens.keys[2].secret_file: cannot read the file /root/jwt (open: Permission denied (13)): write the path of a readable one"#,
                #"c:8: tokens.keys[3].secret_env: the environment variable EMPTY is empty: set it to the secret"#,
                #"c:9: tokens.keys[4].secret_file: the file /run/secrets/empty is empty: put the secret into it"#,
                #"c:10: tokens.keys[5].secret_env: warning: the secret has 7 bytes, fewer than the 32 of HS256 (RFC 7518 §3.2): such secrets can be guessed, use a longer one"#,
                #"c:11: tokens.keys[6].secret_env: is no name of an environment variable: write one like "JWT_SECRET"; the secret itself never stands in the file"#,
                #"c:12: tokens.keys[7].secret_env: this is a public key and no shared secret: write another secret"#,
                #"c:13: tokens.keys[8].secret_env: contradicts secret_file: keep one of them"#,
                #"c:14: tokens.keys[9]: no secret is named: write secret_env: "JWT_SECRET""#,
                #"c:14: tokens.keys[9].secret: unknown key: a secret never stands in the file; write secret_env: "NAME" or secret_file: "PATH""#,
            ])
    }

    func testAlgorithms() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                keys: [
                  { algorithms: ["HS265"], secret_env: "JWT_SECRET" },
                  { algorithms: ["none"], secret_env: "JWT_SECRET" },
                  { algorithms: ["hs256"], secret_env: "JWT_SECRET" },
                  { algorithms: "HS256", secret_env: "JWT_SECRET" },
                  { algorithms: [], secret_env: "JWT_SECRET" },
                  { secret_env: "JWT_SECRET" },
                  { algorithms: ["RS256"], secret_env: "JWT_SECRET" },
                  { algorithms: ["HS256"], jwks: "https://x" },
                  { algorithms: ["HS256", "RS256"], jwks: "https://x" },
                  { algorithms: ["PS256"], public_key_file: "k.pem" },
                  { algorithms: ["ROT13"], secret_env: "JWT_SECRET" },
                ],
                from: ["Authorization", "cooky:x", "cookie:", "header:X-Token"],
                claims: { user: [], name: "name", admin: { equals: 1.5 } },
              },
            }
            """#,
            [
                #"c:5: tokens.keys[0].algorithms[0]: unknown algorithm "HS265": did you mean "HS256"?"#,
                #"c:6: tokens.keys[1].algorithms[0]: a token without a signature proves nothing: write "HS256""#,
                #"c:7: tokens.keys[2].algorithms[0]: unknown algorithm "hs256": did you mean "HS256"?"#,
                #"c:8: tokens.keys[3].algorithms: expected a list, found "HS256": write ["HS256"]"#,
                #"c:9: tokens.keys[4].algorithms: is empty: write ["HS256"]"#,
                #"c:10: tokens.keys[5]: algorithms is missing: write algorithms: ["HS256"]"#,
                #"c:11: tokens.keys[6].secret_env: a secret does not go with a public key's algorithm: write jwks or public_key_file"#,
                #"c:12: tokens.keys[7].jwks: does not go with HS256: write secret_env or secret_file"#,
                #"c:13: tokens.keys[8].algorithms[1]: a public key and a shared secret cannot be one key: make two entries of it"#,
                #"c:14: tokens.keys[9].algorithms[0]: verifying by public keys is not supported by this version: use HS256, HS384 or HS512 with a secret"#,
                #"c:15: tokens.keys[10].algorithms[0]: unknown algorithm "ROT13": write "HS256", "HS384" or "HS512""#,
                #"c:17: tokens.from: warning: leaving out "header:Authorization" is not supported by this version and is ignored"#,
                #"c:17: tokens.from[0]: "Authorization" names no place: write "header:NAME", "cookie:NAME" or "query:NAME""#,
                #"c:17: tokens.from[1]: "cooky:x" is no place for a token: write "header:x", "cookie:x" or "query:x""#,
                #"c:17: tokens.from[2]: "cookie:" names no place: write "header:NAME", "cookie:NAME" or "query:NAME""#,
                #"c:17: tokens.from[3]: warning: a token elsewhere than in "header:Authorization" and "query:token" is not supported by this version and is ignored"#,
                #"c:18: tokens.claims.user: is empty: write ["user_id"]"#,
                #"c:18: tokens.claims.name: expected a list, found "name": write ["username"]"#,
                #"c:18: tokens.claims.admin: claim is missing: write { claim: "is_staff", equals: true }"#,
                #"c:18: tokens.claims.admin.equals: expected true, a string or a whole number, found the number 1.5: write true"#,
            ])
    }

    func testNoKeys() {
        ConfigSample.expect(
            #"""
            { upstream: { servers: ["http://app"] }, tokens: { keys: [] } }
            """#,
            [
                #"c:1: tokens.keys: warning: no key is configured, so that nobody is recognised: write [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }]"#
            ])
    }
}
