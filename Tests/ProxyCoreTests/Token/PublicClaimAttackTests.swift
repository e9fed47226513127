// Owns attacks by headers and claims under a good signature of a public key, or an attacker's.
// Called by the test run.
// Never attacks signatures themselves: PublicAttackTests does.

import XCTest

@testable import ProxyCore

final class PublicClaimAttackTests: XCTestCase {
    private typealias Table = AttackTable

    private func header(_ more: String, _ fault: TokenFault) -> Attack {
        Attack(more, Table.rsaToken(header: #"{"alg":"RS256",\#(more)}"#), fault)
    }

    private func claims(_ text: String, _ fault: TokenFault) -> Attack {
        Attack(text, Table.claims(text), fault)
    }

    func testR06_KeyIDsAreNames() throws {
        let long = String(repeating: "k", count: 257)
        let unknown = [
            "rsa-2", "RSA-1", "rsa-1 ", " rsa-1", "rsa-1\\u0000", "\\u0000", "rsa-1\\n", "rsa-",
            "../../../../dev/null", "/etc/passwd", "file:///dev/null", "https://evil.example/k",
            "' OR '1'='1", "x' UNION SELECT 'key", "rsa-1'; DROP TABLE keys; --", "|/bin/true",
            "$(id)", "rsa-1,ec-1", "*", "rsa\u{2010}1", String(repeating: "k", count: 256),
        ]
        let malformed = [
            #""""#, "1", "0", "null", "true", #"["rsa-1"]"#, #"{"kid":"rsa-1"}"#, "\"\(long)\"",
        ]
        try Table.check(
            unknown.map { header(#""kid":"\#($0)""#, .unknownKeyID) }
                + malformed.map { header(#""kid":\#($0)"#, .badKeyID) })
    }

    func testR06_KeysThatTokensBring() throws {
        let jwk = Table.mine.jwk(#""kid":"rsa-1""#)
        let certificate = KeyTexts.p256Certificate.split(separator: "\n").dropFirst().dropLast()
            .joined()
        let offers = [
            #""jwk":\#(jwk)"#, #""jwk":\#(jwk),"kid":"rsa-1""#,
            #""jku":"https://evil.example/keys""#, #""jku":"http://127.0.0.1/keys","kid":"rsa-1""#,
            #""jku":"https://id.example@evil.example/keys""#, #""jku":"file:///dev/stdin""#,
            #""x5u":"https://evil.example/c.pem""#, #""x5c":["\#(certificate)"]"#,
            #""x5c":["\#(certificate)"],"x5t":"AAAA","kid":"rsa-1""#,
            #""x5t#S256":"AAAA""#, #""jwk":\#(jwk),"jku":"x","x5u":"y","x5c":[]"#,
        ]
        try Table.check(
            offers.map { offer in
                let head = #"{"alg":"RS256",\#(offer)}"#
                let token = Table.mine.token(.rs256, header: head, claims: Table.good)
                return Attack(offer, token, .signatureMismatch)
            } + [
                Attack(
                    "jwk of another kind",
                    Table.myCurve.token(
                        .es256, header: #"{"alg":"ES256","jwk":\#(Table.myCurve.jwk())}"#,
                        claims: Table.good), .signatureMismatch),
                Attack(
                    "a secret in jwk",
                    Table.shared(
                        TokenFixture.secret, more: #","jwk":{"kty":"oct","k":"MDEyMw"}"#),
                    .algorithmRefused),
            ])
        // They are not looked at: the right key may come with any of them.
        let noisy = Table.rsaToken(header: #"{"alg":"RS256","jwk":\#(jwk),"jku":"x","x5c":1}"#)
        XCTAssertNotNil(try Table.verifier().claims(noisy))
    }

    func testR08_ExtensionsAndTypes() throws {
        try Table.check([
            header(#""crit":["exp"],"exp":1"#, .criticalExtension),
            header(#""crit":["b64"],"b64":false"#, .criticalExtension),
            header(#""crit":["b64"],"b64":true"#, .criticalExtension),
            header(#""crit":[]"#, .criticalExtension), header(#""crit":null"#, .criticalExtension),
            header(#""crit":"x""#, .criticalExtension),
            header(#""b64":false"#, .unencodedPayload), header(#""b64":0"#, .unencodedPayload),
            header(#""b64":null"#, .unencodedPayload), header(#""zip":"DEF""#, .compressed),
            header(#""zip":null"#, .compressed), header(#""zip":"""#, .compressed),
        ])
        // Unencoded for good (RFC 7797): the claims stand as they are.
        let unencoded = Table.token(header: #"{"alg":"RS256","b64":false,"crit":["b64"]}"#) {
            Table.rsa.signature($0, .rs256)
        }
        XCTAssertEqual(try Table.verifier().fault(unencoded), .criticalExtension)
        let typed = Verifier(try KeyRing([Table.rsa.issuer(.rs256, type: "at+jwt")]))
        func fault(_ type: String) -> TokenFault? {
            typed.fault(Table.rsa.token(.rs256, header: #"{"alg":"RS256"\#(type)}"#))
        }
        for fine in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            XCTAssertNil(fault(#","typ":"\#(fine)""#), fine)
        }
        for other in [
            "", #","typ":"JWT""#, #","typ":"""#, #","typ":null"#, #","typ":["at+jwt"]"#,
            #","typ":"at+jwt ""#, #","typ":"x/at+jwt""#,
            #","typ":"application/application/at+jwt""#,
            #","typ":"id+jwt""#, #","cty":"at+jwt""#,
        ] {
            XCTAssertEqual(fault(other), .typeMismatch, other)
        }
    }

    func testR09_StrictJSON() throws {
        let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        let fine = String(repeating: "[", count: 15) + String(repeating: "]", count: 15)
        let exp = Table.exp
        XCTAssertNotNil(
            try Table.verifier().claims(Table.claims(#""sub":"1",\#(exp),"x":\#(fine)"#)))
        try Table.check([
            header(#""kid":"rsa-1","kid":"ec-1""#, .badHeader),
            header(#""alg":"RS256""#, .badHeader), header(#""alg":"none""#, .badHeader),
            header(#""\u0061lg":"none""#, .badHeader), header(#""x":\#(deep)"#, .badHeader),
            header(#""x":NaN"#, .badHeader), header(#""x":01"#, .badHeader),
            header(#""x":"\ud800""#, .badHeader), header(#""x":1,"#, .badHeader),
            claims(#""sub":"1","sub":"2",\#(exp)"#, .badClaims),
            claims(#""sub":"1",\#(exp),"iss":"https://evil.example""#, .badClaims),
            claims(#""sub":"1",\#(exp),\#(exp)"#, .badClaims),
            claims(#""sub":"1","s\u0075b":"2",\#(exp)"#, .badClaims),
            claims(#""sub":"1",\#(exp),"x":{"a":1,"a":2}"#, .badClaims),
            claims(#""sub":"1",\#(exp),"x":\#(deep)"#, .badClaims),
            claims(#""sub":"1",\#(exp),"x":"\udc00\ud800""#, .badClaims),
            claims(#""sub":"1",\#(exp),"x":'a'"#, .badClaims),
            claims(#""sub":"1",\#(exp), // comment"#, .badClaims),
            claims(#""sub":"1",\#(exp),"x":+1"#, .badClaims),
            claims(#""sub":"1",\#(exp)}{"a":1"#, .badClaims),
            Attack("a mark", Table.rsaToken(claims: "\u{feff}" + Table.good), .badClaims),
            Attack("an array", Table.rsaToken(claims: "[\(Table.good)]"), .badClaims),
            Attack("a string", Table.rsaToken(claims: #""42""#), .badClaims),
            Attack("a token", Table.rsaToken(claims: Table.rsaToken()), .badClaims),
        ])
        // Not UTF-8, in header and claims.
        for bytes: [UInt8] in [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
        ] {
            let text = Array(#"{"sub":"\#(1)","x":""#.utf8) + bytes + Array("\",\(exp)}".utf8)
            let signed = "\(TokenFixture.base64(Table.head)).\(TokenFixture.base64(text))"
            let signature = Table.rsa.signature(Array(signed.utf8), .rs256)
            let token = "\(signed).\(TokenFixture.base64(signature))"
            XCTAssertEqual(try Table.verifier().fault(token), .badClaims, hex(bytes))
        }
    }

    func testR10_Times() throws {
        let id = #""sub":"42""#
        var attacks = [
            claims(id, .expiryMissing), claims(#"\#(id),"EXP":1700003600"#, .expiryMissing),
        ]
        for bad in [
            #""1700003600""#, #""1.7e9""#, "null", "true", "[1700003600]", "{}", "1e400", "-1e400",
            #""NaN""#, #""Infinity""#, #""""#,
        ] {
            attacks.append(claims(#"\#(id),"exp":\#(bad)"#, .badTime))
            attacks.append(claims(#"\#(id),\#(Table.exp),"nbf":\#(bad)"#, .badTime))
        }
        for past in ["0", "-0", "-1", "-1e300", "1699999970", "1699999969.999", "1e-300"] {
            attacks.append(claims(#"\#(id),"exp":\#(past)"#, .expired))
        }
        for far in ["1700086401", "1e18", "1e300", "9223372036854775807", "99999999999999999999"] {
            attacks.append(claims(#"\#(id),"exp":\#(far)"#, .lifetimeTooLong))
        }
        attacks += [
            claims(#"\#(id),\#(Table.exp),"nbf":1700000031"#, .notYetValid),
            claims(#"\#(id),\#(Table.exp),"nbf":1e300"#, .notYetValid),
        ]
        let parties = #""iss":"https://id.example","aud":"app","sub":"42""#
        func issued(_ text: String, _ fault: TokenFault) -> Attack {
            Attack("iat \(text)", Table.rsaToken(claims: "{\(parties),\(text)}"), fault)
        }
        attacks += [
            issued(#""exp":1700003600,"iat":1700000031"#, .issuedInFuture),
            issued(#""exp":1700003600,"iat":"1700000000""#, .badTime),
            issued(#""exp":1700003600,"iat":1699917199"#, .lifetimeTooLong),
            issued(#""exp":1700003600,"iat":-1"#, .lifetimeTooLong),
            issued(#""exp":1700086401"#, .lifetimeTooLong),
        ]
        try Table.check(attacks)
        let verifier = try Table.verifier()
        for fine in [
            #""exp":1700003600"#, #""exp":1.7000036e9"#, #""exp":1700003600.5,"iat":1700000000"#,
            #""exp":1700086400"#, #""exp":1700003600,"iat":1699917200"#,
        ] {
            XCTAssertNotNil(verifier.claims(Table.rsaToken(claims: "{\(parties),\(fine)}")), fine)
        }
    }

    func testR10_ARefreshMayComeLate() throws {
        let verifier = try Table.verifier()
        let day: Milliseconds = 86_400_000
        let token = Table.rsaToken()
        let end: Milliseconds = 1_700_003_630_000
        func verdict(_ token: String, _ now: Milliseconds, _ past: Milliseconds) -> Verdict {
            verifier.verify(token.rawSpan, now: now, expiredFor: past)
        }
        XCTAssertEqual(verdict(token, end, 0), .refused(.expired))
        XCTAssertEqual(verdict(token, end + day, day), .refused(.expired))
        guard case .valid(let claims, _) = verdict(token, end + day - 1, day) else {
            return XCTFail("refused")
        }
        XCTAssertEqual(claims.goodUntil, end)
        // Everything else holds as ever.
        let forged = Table.mine.token(.rs256, header: Table.head, claims: Table.good)
        XCTAssertEqual(verdict(forged, end, day), .refused(.signatureMismatch))
        XCTAssertEqual(verifier.fault(token, at: end), .expired)
    }

    func testR11_PartiesAndUsers() throws {
        let exp = #"\#(Table.exp),"iat":1700000000,"sub":"42""#
        let iss = #""iss":"https://id.example""#
        func parties(_ text: String, _ fault: TokenFault) -> Attack {
            Attack(text, Table.rsaToken(claims: "{\(text),\(exp)}"), fault)
        }
        var attacks = [
            #""aud":"app""#, #""iss":"","aud":"app""#, #""iss":"https://id.example/","aud":"app""#,
            #""iss":"https://ID.example","aud":"app""#, #""iss":"id.example","aud":"app""#,
            #""iss":["https://id.example"],"aud":"app""#, #""iss":null,"aud":"app""#,
            #""iss":"https://id.example\u0000","aud":"app""#, #""iss":1,"aud":"app""#,
        ].map { parties($0, .issuerMismatch) }
        attacks += [
            iss, #"\#(iss),"aud":"App""#, #"\#(iss),"aud":"""#, #"\#(iss),"aud":[]"#,
            #"\#(iss),"aud":["x","y"]"#, #"\#(iss),"aud":{"app":1}"#, #"\#(iss),"aud":1"#,
            #"\#(iss),"aud":null"#, #"\#(iss),"aud":"app other""#, #"\#(iss),"aud":[["app"]]"#,
        ].map { parties($0, .audienceMismatch) }
        XCTAssertNotNil(
            try Table.verifier().claims(
                Table.rsaToken(claims: #"{\#(iss),"aud":["x","other"],\#(exp)}"#)))
        let long = String(repeating: "u", count: 257)
        for bad in [
            #""""#, #""a\u0000""#, #""a\nb""#, #""a\r\nSet-Cookie: x""#, #""\u007f""#, #""\u0085""#,
            #""\u001b[2J""#, "\"\(long)\"", "1.5", "42.0", "1e3", "-0", "true", "[]", "{}",
            "9223372036854775808",
        ] {
            attacks.append(claims(#""sub":\#(bad),\#(Table.exp)"#, .badUser))
        }
        attacks += [
            claims(Table.exp, .userMissing), claims(#""sub":null,\#(Table.exp)"#, .userMissing),
            claims(#""SUB":"42",\#(Table.exp)"#, .userMissing),
            claims(#""sub":"42",\#(Table.exp),"token_type":"refresh""#, .refreshToken),
            claims(#""sub":"42",\#(Table.exp),"typ":"Refresh""#, .refreshToken),
        ]
        try Table.check(attacks)
    }

    func testR12_LengthComesBeforeCryptography() throws {
        let verifier = try Table.verifier()
        func padded(_ count: Int) -> String {
            Table.claims(
                #""sub":"42",\#(Table.exp),"x":"\#(String(repeating: "x", count: count))""#)
        }
        var count = 5_000
        while padded(count + 4).utf8.count <= Limits.tokenBytes { count += 4 }
        XCTAssertNotNil(verifier.claims(padded(count)))
        XCTAssertGreaterThan(verifier.spent, 0)
        for more in [8, 100, 100_000] {
            XCTAssertEqual(verifier.fault(padded(count + more)), .tooLong)
            XCTAssertEqual(verifier.spent, 0)
        }
    }

    /// What `sidecar whoami` prints relies on it: a check that failed was preceded by no other
    /// failure.
    func testFaultsComeInTheOrderOfTheirChecks() throws {
        let verifier = try Table.verifier()
        // Everything is wrong; then it is put right from front to back.
        let bad = #"{"user_id":1.5,"exp":1,"iss":"x","aud":"y"}"#
        let steps: [(String, TokenFault)] = [
            ("x", .notThreeSegments),
            (
                Table.mine.token(.rs256, header: #"{"alg":"x","crit":1,"kid":"x"}"#, claims: bad),
                .criticalExtension
            ),
            (
                Table.mine.token(.rs256, header: #"{"alg":"x","kid":"x"}"#, claims: bad),
                .algorithmRefused
            ),
            (
                Table.mine.token(.rs256, header: #"{"alg":"RS256","kid":"x"}"#, claims: bad),
                .unknownKeyID
            ),
            (Table.mine.token(.rs256, header: Table.head, claims: bad), .signatureMismatch),
            (Table.rsaToken(claims: bad + "x"), .badClaims),
            (Table.rsaToken(claims: bad), .expired),
            (
                Table.rsaToken(claims: #"{"user_id":1.5,"exp":1700003600,"iss":"x","aud":"y"}"#),
                .issuerMismatch
            ),
            (Table.claims(#""user_id":1.5,"exp":1700003600"#), .badUser),
        ]
        var last = -1
        for (token, fault) in steps {
            XCTAssertEqual(verifier.fault(token), fault)
            let place = try XCTUnwrap(TokenCheck.allCases.firstIndex(of: fault.check))
            XCTAssertGreaterThan(place, last, "\(fault)")
            last = place
        }
    }
}
