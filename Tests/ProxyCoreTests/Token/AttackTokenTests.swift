// Owns the tokens that must be refused, and for which reason.
// Called by the test run.
// Never holds one that a right issuer would make.

import XCTest

@testable import ProxyCore

final class AttackTokenTests: XCTestCase {
    private typealias Fixture = TokenFixture
    private typealias Case = (what: String, token: String, fault: TokenFault)

    private func check(_ cases: [Case], _ verifier: Verifier = Fixture.verifier()) {
        for (what, token, fault) in cases {
            XCTAssertEqual(verifier.fault(token), fault, what)
            // A good token in between must not change the answer.
            XCTAssertNotNil(verifier.claims(Fixture.token()), "good token after \(what)")
            XCTAssertEqual(verifier.fault(token), fault, "\(what), again")
        }
    }

    private func header(_ text: String, _ fault: TokenFault) -> Case {
        ("header \(text)", Fixture.token(header: text), fault)
    }

    private func claims(_ text: String, _ fault: TokenFault) -> Case {
        ("claims \(text)", Fixture.token(claims: text), fault)
    }

    func testTheGoodOneIsGood() throws {
        let claims = try XCTUnwrap(Fixture.verifier().claims(Fixture.token()))
        XCTAssertEqual(claims.user, "42")
        XCTAssertFalse(claims.isAdmin)
        XCTAssertEqual(claims.expires, 1_700_003_600_000)
        XCTAssertEqual(claims.goodUntil, 1_700_003_630_000)
    }

    func testUnsigned() {
        let body = Fixture.base64(Fixture.claims)
        var cases: [Case] = []
        for name in ["none", "None", "NONE", "nOnE"] {
            let head = Fixture.base64(#"{"alg":"\#(name)","typ":"JWT"}"#)
            cases.append((name, "\(head).\(body).", .algorithmNone))
            cases.append(header(#"{"alg":"\#(name)"}"#, .algorithmNone))
        }
        let head = Fixture.base64(Fixture.header)
        cases.append(("no signature", "\(head).\(body).", .signatureMissing))
        cases.append(("no signature, no dot", "\(head).\(body)", .notThreeSegments))
        check(cases)
    }

    func testShape() {
        let good = Fixture.token()
        let parts = good.split(separator: ".").map(String.init)
        let long = String(repeating: "a", count: Limits.tokenBytes)
        let json =
            #"{"payload":"\#(parts[1])","protected":"\#(parts[0])","signature":"\#(parts[2])"}"#
        check([
            ("nothing", "", .empty),
            ("one segment", "abc", .notThreeSegments),
            ("dots", "..", .badHeader),
            ("three dots", "...", .notThreeSegments),
            ("four segments", good + ".", .notThreeSegments),
            ("four full segments", good + ".AAAA", .notThreeSegments),
            ("JWE: five segments", "\(good).AAAA.AAAA", .notThreeSegments),
            ("JSON form", json, .notThreeSegments),
            ("no header", ".\(parts[1]).\(parts[2])", .badHeader),
            ("no claims", "\(parts[0])..\(parts[2])", .badClaims),
            ("one byte too many", "\(parts[0]).\(parts[1]).\(long)", .tooLong),
            ("only dots, huge", String(repeating: ".", count: 100_000), .tooLong),
            ("space before", " " + good, .badEncoding),
            ("space after", good + " ", .badEncoding),
            ("newline after", good + "\n", .badEncoding),
            ("NUL after", good + "\0", .badEncoding),
            ("Bearer twice", "Bearer " + good, .badEncoding),
            ("quotes", "\"\(good)\"", .badEncoding),
        ])
    }

    func testEncoding() {
        let parts = Fixture.token().split(separator: ".").map(String.init)
        // The last of 43 characters carries 4 bits that mean something and 2 that must be 0.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = parts[2].last.flatMap { alphabet.firstIndex(of: $0) } ?? 0
        var cases: [Case] = (1...3).map { bits in
            let twin = String(parts[2].dropLast()) + String(alphabet[last + bits])
            return ("trailing bits \(bits)", "\(parts[0]).\(parts[1]).\(twin)", .badEncoding)
        }
        cases += [
            ("padding", "\(parts[0]).\(parts[1]).\(parts[2])=", .badEncoding),
            ("padded header", "\(parts[0])=.\(parts[1]).\(parts[2])", .badEncoding),
            ("padded claims", "\(parts[0]).\(parts[1])=.\(parts[2])", .badEncoding),
            ("plain alphabet", "\(parts[0]).\(parts[1]).\(parts[2].dropLast(2))+/", .badEncoding),
            ("cut", "\(parts[0]).\(parts[1]).\(parts[2].dropLast(3))", .signatureMismatch),
            ("one character", "\(parts[0]).\(parts[1]).A", .badEncoding),
            ("one zero byte", "\(parts[0]).\(parts[1]).AA", .signatureMismatch),
            ("not ASCII", "\(parts[0]).\(parts[1]).\(parts[2].dropLast())é", .badEncoding),
        ]
        check(cases)
    }

    func testSignedClaimsInBadBase64() {
        // The signature is right: it is made over the text, whatever it decodes to.
        let head = Fixture.base64(Fixture.header)
        for body in ["e30=", "e31", "!!!!", "e"] {
            var signature = ByteBuffer()
            let mac = KeyedMAC(.hs256, secret: Fixture.secret)
            mac.sign("\(head).\(body)".rawSpan, into: &signature)
            let token = "\(head).\(body).\(Fixture.base64(signature.array()))"
            XCTAssertEqual(Fixture.verifier().fault(token), .badEncoding, body)
        }
    }

    func testAlgorithms() {
        let long = String(repeating: "H", count: 5000)
        var cases = [
            "RS256", "ES256", "PS256", "EdDSA", "HS1", "HS384", "HS512", "hs256", "HS256 ", "",
            "HS256\\u0000", "Hs256", "A128KW", "dir", long,
        ].map { header(#"{"alg":"\#($0)"}"#, .algorithmRefused) }
        cases += [
            header(#"{"typ":"JWT"}"#, .badHeader), header(#"{"alg":null}"#, .badHeader),
            header(#"{"alg":256}"#, .badHeader), header(#"{"alg":["HS256"]}"#, .badHeader),
            header(#"{"alg":{"HS256":1}}"#, .badHeader), header(#"{"ALG":"HS256"}"#, .badHeader),
        ]
        check(cases)
    }

    func testTheAlgorithmOfAnotherKey() {
        // A token of the HS512 key that says HS256, and the other way round.
        let keys = [Fixture.key(.hs256), Fixture.key(.hs512, Array("another secret".utf8))]
        let verifier = Fixture.verifier(keys)
        let wrong = Fixture.token(header: Fixture.header, key: keys[1])
        XCTAssertEqual(verifier.fault(wrong), .signatureMismatch)
        let right = Fixture.token(header: #"{"alg":"HS512"}"#, key: keys[1])
        XCTAssertEqual(verifier.claims(right)?.user, "42")
        let swapped = Fixture.token(header: #"{"alg":"HS512"}"#, key: keys[0])
        XCTAssertEqual(verifier.fault(swapped), .signatureMismatch)
    }

    func testHeaders() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        check([
            header("", .badHeader), header("null", .badHeader), header("[]", .badHeader),
            header(#""HS256""#, .badHeader), header("{", .badHeader),
            header(#"{"alg":"HS256"}x"#, .badHeader),
            header(#"{"alg":"HS256","alg":"HS256"}"#, .badHeader),
            header(#"{"alg":"none","alg":"HS256"}"#, .badHeader),
            header(#"{"alg":"HS256","\u0061lg":"none"}"#, .badHeader),
            header(#"{"alg":"HS256","x":\#(deep)}"#, .badHeader),
            header(#"{"alg":"HS256","crit":["exp"]}"#, .criticalExtension),
            header(#"{"alg":"HS256","crit":[]}"#, .criticalExtension),
            header(#"{"alg":"HS256","crit":null}"#, .criticalExtension),
            header(#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, .criticalExtension),
            header(#"{"alg":"HS256","b64":false}"#, .unencodedPayload),
            header(#"{"alg":"HS256","b64":"false"}"#, .unencodedPayload),
            header(#"{"alg":"HS256","zip":"DEF"}"#, .compressed),
            header("\u{feff}" + Fixture.header, .badHeader),
            (
                "invalid UTF-8",
                Fixture.token(
                    headerBytes: Array(#"{"alg":"HS256","x":""#.utf8) + [0xff] + Array("\"}".utf8),
                    claimBytes: Array(Fixture.claims.utf8)), .badHeader
            ),
        ])
    }

    func testKeysThatTokensBring() {
        // Signed by the attacker's key, which the header offers in every way there is.
        let mine = Fixture.key(.hs256, Array("the attacker's own secret, long enough".utf8))
        let offers = [
            #""jwk":{"kty":"oct","k":"dGhlIGF0dGFja2VyJ3Mgb3duIHNlY3JldA"}"#,
            #""jku":"https://evil.example/keys.json""#, #""jku":"file:///dev/null""#,
            #""x5u":"https://evil.example/c.pem""#, #""x5c":["MIIB"]"#,
            #""kid":"../../../../dev/null""#, #""kid":"' UNION SELECT 'key""#,
            #""kid":"https://evil.example/k""#, #""kid":"|/bin/true""#,
        ]
        check(
            offers.map {
                let head = #"{"alg":"HS256",\#($0)}"#
                return ($0, Fixture.token(header: head, key: mine), .signatureMismatch)
            })
        // Signed with an empty secret, as of a `kid` that points to an empty file.
        let nobody = KeyedMAC(.hs256, secret: [0])
        var signature = ByteBuffer()
        let signed = "\(Fixture.base64(Fixture.header)).\(Fixture.base64(Fixture.claims))"
        nobody.sign(signed.rawSpan, into: &signature)
        let token = "\(signed).\(Fixture.base64(signature.array()))"
        XCTAssertEqual(Fixture.verifier().fault(token), .signatureMismatch)
    }

    func testKeyIDs() {
        let long = String(repeating: "k", count: 257)
        check([
            header(#"{"alg":"HS256","kid":1}"#, .badKeyID),
            header(#"{"alg":"HS256","kid":null}"#, .badKeyID),
            header(#"{"alg":"HS256","kid":""}"#, .badKeyID),
            header(#"{"alg":"HS256","kid":["a"]}"#, .badKeyID),
            header(#"{"alg":"HS256","kid":"\#(long)"}"#, .badKeyID),
        ])
    }

    func testClaimsThatAreNone() {
        let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        let fine = String(repeating: "[", count: 15) + String(repeating: "]", count: 15)
        let exp = #""exp":1700003600"#
        check([
            claims("null", .badClaims), claims("[]", .badClaims), claims("42", .badClaims),
            claims(#""x""#, .badClaims), claims("{", .badClaims), claims("{}{}", .badClaims),
            claims(#"{"user_id":1,\#(exp)},"#, .badClaims),
            claims(#"{"user_id":1,"user_id":2,\#(exp)}"#, .badClaims),
            claims(#"{"user_id":1,"user\u005fid":2,\#(exp)}"#, .badClaims),
            claims(#"{"user_id":1,"exp":1,\#(exp)}"#, .badClaims),
            claims(#"{"user_id":1,\#(exp),"x":\#(deep)}"#, .badClaims),
            claims(#"{"user_id":"\ud800",\#(exp)}"#, .badClaims),
            claims(#"{'user_id':1,\#(exp)}"#, .badClaims),
            claims(#"{"user_id":1,\#(exp),}"#, .badClaims),
            claims(#"{"user_id":1,"exp":NaN}"#, .badClaims),
            claims("\u{feff}" + Fixture.claims, .badClaims),
            ("a token in a token", Fixture.token(claims: Fixture.token()), .badClaims),
            (
                "invalid UTF-8",
                Fixture.token(
                    headerBytes: Array(Fixture.header.utf8),
                    claimBytes: Array(#"{"user_id":""#.utf8) + [0xc0, 0x80]
                        + Array("\",\(exp)}".utf8)), .badClaims
            ),
        ])
        let token = Fixture.token(claims: #"{"user_id":1,\#(exp),"x":\#(fine)}"#)
        XCTAssertEqual(Fixture.verifier().claims(token)?.user, "1")
    }

    func testTimes() {
        let id = #""user_id":42"#
        let exp = #""exp":1700003600"#
        check([
            claims("{\(id)}", .expiryMissing),
            claims(#"{\#(id),"exp":null}"#, .badTime), claims(#"{\#(id),"exp":true}"#, .badTime),
            claims(#"{\#(id),"exp":"1700003600"}"#, .badTime),
            claims(#"{\#(id),"exp":[1700003600]}"#, .badTime),
            claims(#"{\#(id),"exp":1e999}"#, .badTime),
            claims(#"{\#(id),"exp":-1e999}"#, .badTime),
            claims(#"{\#(id),"exp":0}"#, .expired), claims(#"{\#(id),"exp":-1}"#, .expired),
            claims(#"{\#(id),"exp":-1e300}"#, .expired),
            claims(#"{\#(id),"exp":1699999970}"#, .expired),
            claims(#"{\#(id),"exp":1699999969.9}"#, .expired),
            claims(#"{\#(id),\#(exp),"nbf":1700000031}"#, .notYetValid),
            claims(#"{\#(id),\#(exp),"nbf":1e300}"#, .notYetValid),
            claims(#"{\#(id),\#(exp),"nbf":"0"}"#, .badTime),
            claims(#"{\#(id),\#(exp),"nbf":null}"#, .badTime),
            claims(#"{\#(id),\#(exp),"iat":1700000031}"#, .issuedInFuture),
            claims(#"{\#(id),\#(exp),"iat":1700000030.5}"#, .issuedInFuture),
            claims(#"{\#(id),\#(exp),"iat":{}}"#, .badTime),
        ])
    }

    func testUsers() {
        let exp = #""exp":1700003600"#
        let long = String(repeating: "u", count: 257)
        check([
            claims("{\(exp)}", .userMissing),
            claims(#"{"user_id":null,\#(exp)}"#, .userMissing),
            claims(#"{"User_ID":1,\#(exp)}"#, .userMissing),
        ])
        let bad = [
            "42.0", "42.5", "4.2e1", "42e0", "420e-1", "-0", "1e3", "-1e-3",
            "9223372036854775808", "-9223372036854775809", "1e400", "true", "[]", "[42]",
            "{}", #""""#, #""a\u0000b""#, #""a\nb""#, #""\u007f""#, #""\u0085""#,
            "\"\(long)\"",
        ]
        check(bad.map { claims(#"{"user_id":\#($0),\#(exp)}"#, .badUser) })
        // A bad first choice is not made good by the second: the two would name two people.
        check([claims(#"{"user_id":1.5,"sub":"42",\#(exp)}"#, .badUser)])
    }

    func testRefreshTokens() {
        check(
            ["token_type", "type", "typ"].flatMap { name in
                ["refresh", "Refresh"].map {
                    claims(#"{"user_id":1,"exp":1700003600,"\#(name)":"\#($0)"}"#, .refreshToken)
                }
            })
    }
}
