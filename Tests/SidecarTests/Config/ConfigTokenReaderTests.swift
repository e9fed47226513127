// Owns the tests of good sections `tokens`: what their values mean.
// Called by XCTest.
// Never tests the wording of findings: those are in ConfigTokenFindingTests and its neighbours.

import ProxyCore
import StatusAPI
import XCTest

@testable import Sidecar

final class ConfigTokenReaderTests: XCTestCase {
    private func config(_ tokens: String, routes: String = "[]") throws -> Config {
        let outcome = ConfigSample.read(
            "{upstream:{servers:['http://127.0.0.1:9']},tokens:\(tokens),routes:\(routes)}")
        return try XCTUnwrap(
            outcome.config, outcome.findings.map { $0.text(file: "c") }.joined(separator: "\n"))
    }

    private func key(_ text: String) throws -> Config.Key {
        try XCTUnwrap(try config("{keys:[\(text)]}").tokens.keys.first)
    }

    func testSecretsFromFiles() throws {
        for path in ["/run/secrets/jwt", "$CREDENTIALS_DIRECTORY/jwt"] {
            let key = try key(
                "{algorithms:['HS256','HS512'],secret_file:'\(path)',issuer:'i',audience:'a',kid:'k'}"
            )
            XCTAssertEqual(key.issuer.algorithms, [.hs256, .hs512])
            guard case .shared(let secret, let keyID) = key.issuer.keys else {
                return XCTFail("no secret")
            }
            XCTAssertEqual(secret, Array(ConfigSample.secret.utf8))
            XCTAssertEqual(keyID, "k")
            XCTAssertEqual(key.issuer.name, "i")
            XCTAssertEqual(key.issuer.audiences, ["a"])
            XCTAssertFalse(key.issuer.isFetched)
            XCTAssertEqual(key.source, .given)
        }
    }

    func testPublicKeys() throws {
        for (path, algorithm) in [
            ("/k/rsa.pem", "PS256"), ("$CREDENTIALS_DIRECTORY/rsa.pem", "RS512"),
            ("/k/p256.pem", "ES256"), ("/k/ed.pem", "EdDSA"),
        ] {
            let key = try key("{algorithms:['\(algorithm)'],public_key_file:'\(path)',kid:'k'}")
            guard case .published(let keys) = key.issuer.keys else { return XCTFail("no key") }
            XCTAssertEqual(keys.map(\.keyID), ["k"])
            XCTAssertEqual(keys.first?.key.fits(try XCTUnwrap(.init(rawValue: algorithm))), true)
            XCTAssertNil(key.sharedSecret)
            XCTAssertFalse(key.issuer.isFetched)
        }
    }

    func testR14_KeySets() throws {
        let file = try key("{algorithms:['RS256','ES256'],jwks:'/k/set.json'}")
        guard case .published(let keys) = file.issuer.keys else { return XCTFail("no keys") }
        XCTAssertEqual(keys.map(\.keyID), ["rsa-1", "ec-1"])
        XCTAssertTrue(file.issuer.isFetched)
        XCTAssertEqual(file.source, .published(.file(path: "/k/set.json"), caFile: nil))

        let url = try key(
            "{algorithms:['RS256'],jwks:'https://id.example/jwks',jwks_ca_file:'/k/ca.pem'}")
        XCTAssertTrue(url.issuer.isFetched)
        let target = try FetchTarget("https://id.example/jwks")
        XCTAssertEqual(url.source, .published(.server(target), caFile: "/k/ca.pem"))
        XCTAssertEqual(
            try config("{keys:[{algorithms:['RS256'],jwks:'http://localhost:9/j'}]}").keySources
                .map(\.issuer), [0])
    }

    func testWhatAnIssuerDemands() throws {
        let config = try config(
            """
            {claims: {user: ['uid'], admin: {claim: 'scope', contains: 'presence:admin'}},
             keys: [
              {algorithms: ['HS256'], secret_env: 'JWT_SECRET', max_lifetime: '1h', typ: 'at+jwt',
               audience: ['a', 'b'], claims: {user: ['sub'], session: ['s']}},
              {algorithms: ['HS384'], secret_env: 'JWT_SECRET', kid: 'x'},
             ]}
            """)
        let issuer = config.tokens.keys[0].issuer
        XCTAssertEqual(issuer.maximumLifetime, 3_600_000)
        XCTAssertEqual(issuer.type, "at+jwt")
        XCTAssertEqual(issuer.audiences, ["a", "b"])
        XCTAssertEqual(issuer.claims?.user.map(\.text), ["sub"])
        XCTAssertEqual(issuer.claims?.session.map(\.text), ["s"])
        // What an issuer does not say is as for all.
        XCTAssertEqual(issuer.claims?.admin?.text, "scope")
        XCTAssertEqual(issuer.claims?.adminEquals, .word("presence:admin"))
        XCTAssertNil(config.tokens.keys[1].issuer.claims)
        XCTAssertEqual(config.tokens.claims.user.map(\.text), ["uid"])
        XCTAssertNoThrow(try config.keyRing())
    }

    func testPlaces() throws {
        let config = try config(
            "{from:['header:Authorization','header:X-Auth Token','cookie:access_token','query:t']}")
        XCTAssertEqual(
            config.tokens.from,
            [
                .header(name: "Authorization", scheme: nil),
                .header(name: "X-Auth", scheme: "Token"), .cookie("access_token"), .query("t"),
            ])
        XCTAssertEqual(
            config.tokens.from.map(\.text),
            ["header:Authorization", "header:X-Auth Token", "cookie:access_token", "query:t"])
        XCTAssertEqual(Config().tokens.from, TokenSettings(ring: try KeyRing([TokenKey]())).places)
    }

    func testR20_Introspection() throws {
        let asked = try XCTUnwrap(
            try config(
                "{introspect:{path:'/me/',user:'$.id',name:'$.n',admin:'$.a',session:'$.s',"
                    + "cache:'30s',timeout:'2s',concurrency:8}}"
            ).tokens.introspect)
        XCTAssertEqual(asked.source, .path("/me/"))
        XCTAssertEqual(asked.user.text, "$.id")
        XCTAssertEqual(asked.name?.text, "$.n")
        XCTAssertEqual(asked.admin?.text, "$.a")
        XCTAssertEqual(asked.session?.text, "$.s")
        XCTAssertEqual(asked.cache, 30_000)
        XCTAssertEqual(asked.timeout, 2_000)
        XCTAssertEqual(asked.concurrency, 8)

        let standard = try config(
            "{introspect:{url:'https://id.example/i',client_id:'me',client_secret_env:'SHORT'}}")
        let settings = try XCTUnwrap(try standard.introspection())
        guard case .standard(let target, let id, let secret, let caFile) = settings.mode else {
            return XCTFail("mode")
        }
        XCTAssertEqual(target, try FetchTarget("https://id.example/i"))
        XCTAssertEqual(id, "me")
        XCTAssertEqual(secret, Array("hunter2".utf8))
        XCTAssertNil(caFile)
        XCTAssertEqual(settings.user.text, "$.sub")
        XCTAssertEqual(settings.name?.text, "$.username")

        let backend = try XCTUnwrap(
            try config("{introspect:{path:'/me/',user:'$.id'}}").introspection())
        guard case .backend(let servers, let path) = backend.mode else { return XCTFail("mode") }
        XCTAssertEqual(servers, [try FetchTarget("http://127.0.0.1:9")])
        XCTAssertEqual(path, "/me/")
    }

    func testR22_ServiceTokensAndForwardedClaims() throws {
        let config = try config(
            """
            {service: [{name: 'wallboard', token_env: 'WALLBOARD_TOKEN'},
                       {name: 'ops', token_env: 'OTHER_TOKEN', admin: true}],
             forward: {user: 'X-Auth-User', admin: 'X-Auth-Admin'}}
            """)
        let settings = try config.tokenSettings(try config.keyRing())
        XCTAssertEqual(
            settings.service,
            [
                ServiceToken(name: "wallboard", token: Array("0123456789abcdef".utf8)),
                ServiceToken(
                    name: "ops", token: Array("a-dashboard's-own-token".utf8), isAdmin: true),
            ])
        XCTAssertEqual(settings.forwarded.user, "X-Auth-User")
        XCTAssertNil(settings.forwarded.name)
        XCTAssertEqual(
            try config.proxySettings().reservedFields, ["X-Auth-User", "X-Auth-Admin"])
        XCTAssertFalse(settings.learns)
    }

    func testR19_LoginsThatHandOutTokens() throws {
        let config = try config(
            "{}",
            routes: """
                [{match: 'POST /in', on: 'login', token: ['$.access', 'header:Authorization',
                  'cookie:sessionid'], user: '$.id', expires: '$.expires_in'},
                 {match: 'POST /re', on: 'refresh', token: '$.access', expires: ['$.a', '$.b']},
                 {match: 'GET /api/**', require: true, activity: false}]
                """)
        guard case .login(let login) = config.routes[0].action,
            case .refresh(let refresh) = config.routes[1].action
        else { return XCTFail("actions") }
        XCTAssertEqual(login.tokenPaths.map(\.text), ["$.access"])
        XCTAssertTrue(login.readsHead)
        guard case .header("Authorization") = login.token[1],
            case .cookie("sessionid") = login.token[2]
        else { return XCTFail("\(login.token)") }
        XCTAssertEqual(login.expires.map(\.text), ["$.expires_in"])
        XCTAssertEqual(refresh.expires.map(\.text), ["$.a", "$.b"])
        XCTAssertTrue(config.learns)
        XCTAssertEqual(config.apiSettings().routes.map(\.require), [false, false, true])
        XCTAssertFalse(config.routes[2].activity)
        guard case .refresh = config.apiSettings().routes[1].effect else { return XCTFail("pass") }
    }
}
