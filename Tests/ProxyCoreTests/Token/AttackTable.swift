// Owns the house that attacks are made on, and how they are made.
// Called by PublicAttackTests and PublicClaimAttackTests.
// Never makes a token that is good, but one.

import XCTest

@testable import ProxyCore

/// A token that must be refused, and for what.
struct Attack {
    let what: String
    let token: String
    let fault: TokenFault

    init(_ what: String, _ token: String, _ fault: TokenFault) {
        self.what = what
        self.token = token
        self.fault = fault
    }
}

/// An issuer with one key of each kind, and one who shares a secret.
enum AttackTable {
    static let rsa = TestSigner.rsa
    static let curve = TestSigner.p256
    static let edwards = TestSigner.ed25519
    /// Keys that the attacker has made himself.
    static let mine = TestSigner.otherRSA
    static let myCurve = TestSigner.otherP256

    static let exp = #""exp":1700003600"#
    static let parties = #""iss":"https://id.example","aud":"app","iat":1700000000"#
    static let good = #"{"sub":"42",\#(exp),\#(parties)}"#
    static let head = #"{"alg":"RS256","kid":"rsa-1"}"#

    /// Each attack, before and after a good token: what was remembered must not help it.
    static func check(_ attacks: [Attack], _ verifier: Verifier? = nil) throws {
        let verifier = try verifier ?? Self.verifier()
        let good = rsaToken()
        for attack in attacks {
            XCTAssertEqual(verifier.fault(attack.token), attack.fault, attack.what)
            XCTAssertEqual(verifier.claims(good)?.user, "42", "good after \(attack.what)")
            XCTAssertEqual(verifier.fault(attack.token), attack.fault, "\(attack.what), again")
        }
    }

    /// RS256, ES256 and EdDSA; tokens of at most a day.
    static func verifier() throws -> Verifier {
        Verifier(try KeyRing([issuer()]))
    }

    static func issuer() throws -> TokenIssuer {
        try TokenIssuer(
            [.rs256, .es256, .eddsa],
            keys: .published([
                PublishedKey(try rsa.publicKey(), keyID: "rsa-1"),
                PublishedKey(try curve.publicKey(), keyID: "ec-1"),
                PublishedKey(try edwards.publicKey(), keyID: "ed-1"),
            ]), name: "https://id.example", audiences: ["app", "other"],
            maximumLifetime: 86_400_000)
    }

    /// The same with an issuer of shared secrets beside it.
    static func verifierWithSecret() throws -> Verifier {
        let secret = TokenIssuer.Keys.shared(secret: TokenFixture.secret, keyID: nil)
        return Verifier(
            try KeyRing([
                issuer(), TokenIssuer([.hs256, .hs384, .hs512], keys: secret),
            ]))
    }

    /// Signed by the right key whatever the header and the claims say.
    static func rsaToken(header: String = head, claims: String = good) -> String {
        rsa.token(.rs256, header: header, claims: claims)
    }

    /// Claims of the right parties with something else.
    static func claims(_ text: String) -> String { rsaToken(claims: "{\(parties),\(text)}") }

    /// A token around any signature.
    static func token(
        header: String = head, claims: String = good, signature: ([UInt8]) -> [UInt8]
    ) -> String {
        let signed = "\(TokenFixture.base64(header)).\(TokenFixture.base64(claims))"
        return "\(signed).\(TokenFixture.base64(signature(Array(signed.utf8))))"
    }

    static func curveToken(_ signature: ([UInt8]) -> [UInt8]) -> String {
        token(header: #"{"alg":"ES256","kid":"ec-1"}"#, signature: signature)
    }

    static func edwardsToken(_ signature: ([UInt8]) -> [UInt8]) -> String {
        token(header: #"{"alg":"EdDSA","kid":"ed-1"}"#, signature: signature)
    }

    /// An HMAC under anything.
    static func shared(
        _ secret: [UInt8], _ algorithm: TokenAlgorithm = .hs256, more: String = ""
    ) -> String {
        token(header: #"{"alg":"\#(algorithm.rawValue)"\#(more)}"#) { signed in
            var tag = ByteBuffer()
            KeyedMAC(algorithm, secret: secret).sign(signed.rawSpan, into: &tag)
            return tag.array()
        }
    }

    /// Public keys in every form in which a library could take them for a secret.
    static func publicBytes() -> [(String, [UInt8])] {
        let pem = Array(rsa.pem.utf8)
        return [
            ("PEM", pem), ("PEM without its last newline", pem.dropLast()),
            ("PEM in one line", pem.filter { $0 != 0x0a }), ("DER", rsa.der),
            ("modulus", rsa.number("n")), ("exponent", rsa.number("e")),
            ("JWK", Array(rsa.jwk().utf8)),
            (
                "n of the JWK",
                Array(
                    TokenFixture.base64(rsa.number("n")).utf8)
            ),
            ("EC PEM", Array(curve.pem.utf8)), ("EC DER", curve.der),
            ("EC x", curve.number("qx")), ("Ed25519 key", edwards.raw),
        ]
    }
}
