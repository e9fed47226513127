// Owns the tests of findings about tokens: secrets, claims, service tokens, forwarded claims.
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
                #"c:10: tokens.keys[5].secret_env: the secret has 7 bytes, fewer than the 32 of HS256 (RFC 7518 §3.2), so that it could be guessed: use a longer one, or write allow_weak_secret: true"#,
                #"c:11: tokens.keys[6].secret_env: is no name of an environment variable: write one like "JWT_SECRET"; the secret itself never stands in the file"#,
                #"c:12: tokens.keys[7].secret_env: this is a public key and no shared secret: write another secret"#,
                #"c:13: tokens.keys[8].secret_env: contradicts secret_file: keep one of them"#,
                #"c:14: tokens.keys[9]: no secret is named: write secret_env: "JWT_SECRET""#,
                #"c:14: tokens.keys[9].secret: unknown key: a secret never stands in the file; write secret_env: "NAME" or secret_file: "PATH""#,
            ])
    }

    func testR05_WeakSecrets() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                keys: [
                  { algorithms: ["HS512"], secret_env: "MIDDLING" },
                  { algorithms: ["HS256", "HS512"], secret_env: "MIDDLING" },
                  { algorithms: ["HS256", "HS512"], secret_env: "MIDDLING", allow_weak_secret: true },
                  { algorithms: ["HS256", "HS384"], secret_env: "SHORT", allow_weak_secret: true },
                  { algorithms: ["HS256", "HS384"], secret_env: "MIDDLING" },
                  { algorithms: ["HS256"], secret_env: "SHORT", allow_weak_secret: false },
                  { algorithms: ["HS256"], secret_env: "SHORT", allow_weak_secret: "yes" },
                ],
              },
            }
            """#,
            [
                #"c:5: tokens.keys[0].secret_env: the secret has 48 bytes, fewer than the 64 of HS512 (RFC 7518 §3.2), so that it could be guessed: use a longer one, or write allow_weak_secret: true"#,
                #"c:6: tokens.keys[1].secret_env: the secret has 48 bytes, fewer than the 64 of HS512 (RFC 7518 §3.2), so that it could be guessed: use a longer one, leave HS512 out, or write allow_weak_secret: true"#,
                #"c:8: tokens.keys[3].secret_env: warning: the secret has 7 bytes, fewer than the 32 of HS256 (RFC 7518 §3.2): such secrets can be guessed, use a longer one"#,
                #"c:10: tokens.keys[5].secret_env: the secret has 7 bytes, fewer than the 32 of HS256 (RFC 7518 §3.2), so that it could be guessed: use a longer one, or write allow_weak_secret: true"#,
                #"c:11: tokens.keys[6].secret_env: the secret has 7 bytes, fewer than the 32 of HS256 (RFC 7518 §3.2), so that it could be guessed: use a longer one, or write allow_weak_secret: true"#,
                #"c:11: tokens.keys[6].allow_weak_secret: expected true or false, found "yes": write true or false, without quotes"#,
            ])
    }

    func testClaims() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                claims: { user: [], name: "name", admin: { equals: 1.5 } },
                keys: [
                  { algorithms: ["HS256"], secret_env: "JWT_SECRET",
                    claims: { user: ["$.a["], admin: { claim: "scope", contains: "a b" } } },
                  { algorithms: ["HS256"], secret_env: "JWT_SECRET",
                    claims: { admin: { claim: "scope", contains: "a", equals: true } } },
                  { algorithms: ["HS256"], secret_env: "JWT_SECRET",
                    claims: { usr: ["x"], admin: { claim: "scope", contains: 1 } } },
                ],
              },
            }
            """#,
            [
                #"c:4: tokens.claims.user: is empty: write ["user_id"]"#,
                #"c:4: tokens.claims.name: expected a list, found "name": write ["username"]"#,
                #"c:4: tokens.claims.admin: claim is missing: write { claim: "is_staff", equals: true }"#,
                #"c:4: tokens.claims.admin.equals: expected true, a string or a whole number, found the number 1.5: write true"#,
                #"c:7: tokens.keys[0].claims.user[0]: "$.a[" is no path: within '[ ]' stands a number from 0, '*' or a quoted name"#,
                #"c:7: tokens.keys[0].claims.admin.contains: "a b" is several words, of which none can be looked for: write one, like { claim: "scope", contains: "presence:admin" }"#,
                #"c:9: tokens.keys[1].claims.admin.contains: contradicts equals: keep one of them"#,
                #"c:11: tokens.keys[2].claims.usr: unknown key: did you mean "user"?"#,
                #"c:11: tokens.keys[2].claims.admin.contains: expected a string, found the number 1: write "presence:admin""#,
            ])
    }

    func testAPathThatIsTakenForAName() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                keys: [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }],
                claims: {
                  user: ["account.id", "$.account.id", "https://app.example/id", "urn:a.b"],
                  name: ["$['a.b']", "a"],
                  admin: { claim: "realm_access.roles", contains: "admin" },
                },
              },
            }
            """#,
            [
                #"c:6: tokens.claims.user[0]: warning: "account.id" is looked for as one name, dots and all: did you mean "$.account.id"?"#,
                #"c:8: tokens.claims.admin.claim: warning: "realm_access.roles" is looked for as one name, dots and all: did you mean "$.realm_access.roles"?"#,
            ])
    }

    func testNoKeys() {
        let warning =
            #"c:1: tokens.keys: warning: no key is configured, so that nobody is recognised: write [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }]"#
        ConfigSample.expect(
            #"{ upstream: { servers: ["http://app"] }, tokens: { keys: [] } }"#, [warning])
        ConfigSample.expect(#"{ upstream: { servers: ["http://app"] } }"#, [warning])
        // Others may say who somebody is.
        for more in [
            #"tokens: { introspect: { path: "/me/", user: "$.id" } }"#,
            #"routes: [{ match: "POST /in", on: "login", token: "cookie:sessionid", user: "$.id" }]"#,
        ] {
            XCTAssertEqual(
                ConfigSample.lines("{ upstream: { servers: ['http://app'] }, \(more) }"), [], more)
        }
    }

    func testR22_ServiceTokens() {
        ConfigSample.expect(
            #"""
            {
              upstream: { servers: ["http://app"] },
              tokens: {
                keys: [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }],
                service: [
                  { name: "wallboard", token_env: "WALLBOARD_TOKEN" },
                  { name: "short", token_env: "SHORT" },
                  { name: "twin", token_env: "WALLBOARD_TOKEN" },
                  { name: "wallboard", token_env: "OTHER_TOKEN" },
                  { token_env: "NOT_SET" },
                  { name: "none" },
                  { name: "blank", token_env: "SPACED_TOKEN" },
                  { name: "secret", token_env: "JWT_SECRET" },
                  { name: "both", token_env: "OTHER_TOKEN", token_file: "/x", admin: "yes" },
                  { name: "bare", token: "0123456789abcdef" },
                ],
              },
            }
            """#,
            [
                #"c:7: tokens.service[1].token_env: the token has 7 bytes, so that it could be guessed: write one of 16 or more, like those of "openssl rand -hex 16""#,
                #"c:8: tokens.service[2].token_env: is the token of "wallboard" as well: give each its own"#,
                #"c:9: tokens.service[3].name: "wallboard" stands twice: give each its own name"#,
                #"c:10: tokens.service[4]: name is missing: write { name: "wallboard", token_env: "WALLBOARD_TOKEN" }"#,
                #"c:10: tokens.service[4].token_env: the environment variable NOT_SET is not set: set it to the token"#,
                #"c:11: tokens.service[5]: no token is named: write token_env: "WALLBOARD_TOKEN""#,
                #"c:12: tokens.service[6].token_env: the token holds spaces or characters that no field can carry: write letters and digits, like those of "openssl rand -hex 16""#,
                #"c:13: tokens.service[7].token_env: is a secret of tokens.keys as well: make a token of its own"#,
                #"c:14: tokens.service[8].token_env: contradicts token_file: keep one of them"#,
                #"c:14: tokens.service[8].admin: expected true or false, found "yes": write true or false, without quotes"#,
                #"c:15: tokens.service[9]: no token is named: write token_env: "WALLBOARD_TOKEN""#,
                #"c:15: tokens.service[9].token: unknown key: a secret never stands in the file; write token_env: "NAME" or token_file: "PATH""#,
            ])
    }

    private func forward(_ fields: String, _ expected: [String]) {
        ConfigSample.expect(
            "{upstream:{servers:['http://app']},tokens:{from:['header:X-Auth-Token'],forward:"
                + fields + "}}",
            expected.map { "c:1: tokens.forward" + $0 })
    }

    func testForwardedClaims() {
        forward(#"{ user: "X-Auth-User", name: "X-Auth-Name", admin: "X-Auth-Admin" }"#, [])
        forward("{}", [#": names no field: write { user: "X-Auth-User" }"#])
        forward(
            #"{ user: "Authorization", name: "X-Forwarded-User", admin: "content_type" }"#,
            [
                #".user: "Authorization" means something else already, and would be taken from every request: write a name of your own, like "X-Auth-User""#,
                #".name: "X-Forwarded-User" means something else already, and would be taken from every request: write a name of your own, like "X-Auth-Name""#,
                #".admin: "content_type" means something else already, and would be taken from every request: write a name of your own, like "X-Auth-Admin""#,
            ])
        forward(
            #"{ user: "X-Auth-User", name: "x_auth_user", admin: "X Admin" }"#,
            [
                #".name: "x_auth_user" and "X-Auth-User" are one field to many applications, which take '-' and '_' for the same: write "X-Auth-Name""#,
                #".admin: "X Admin" is no name of a field: write letters, digits and '-'"#,
            ])
        forward(
            #"{ user: "X_Auth_Token", nam: "X-Name" }"#,
            [
                #".user: "X_Auth_Token" carries tokens (tokens.from), and would be taken from every request: write another name, like "X-Auth-User""#,
                #".nam: unknown key: did you mean "name"?"#,
            ])
        forward(
            #"{ user: "X_User", name: "X.Name" }"#,
            [
                #".user: "X_User" has other characters than letters, digits and '-' in it, and many servers take no such field: write a name like "X-Auth-User""#,
                #".name: "X.Name" has other characters than letters, digits and '-' in it, and many servers take no such field: write a name like "X-Auth-Name""#,
            ])
        for name in [
            "Host", "connection", "Cookie", "Transfer-Encoding", "TE", "Upgrade", "Content-Length",
            "X-Forwarded-For", "X-Forwarded-Proto", "Sec-WebSocket-Key", "Proxy-Authorization",
            "Forwarded", "X-Real-IP", "Origin", "Keep_Alive",
        ] {
            XCTAssertTrue(FieldRule.isFixed(name), name)
        }
        for name in ["X-Auth-User", "Remote-User", "X-User-Id"] {
            XCTAssertFalse(FieldRule.isFixed(name), name)
        }
    }
}
