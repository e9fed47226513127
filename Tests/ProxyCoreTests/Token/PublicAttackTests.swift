// Owns attacks on tokens that are signed with public keys, each with the fault it must meet.
// Called by the test run.
// Never trusts that a refusal has the right reason: each names it.

import XCTest

@testable import ProxyCore

final class PublicAttackTests: XCTestCase {
    private typealias Table = AttackTable
    private let order = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")

    func testTheGoodOnesAreGood() throws {
        let verifier = try Table.verifier()
        for (algorithm, signer, id) in [
            (TokenAlgorithm.rs256, Table.rsa, "rsa-1"), (.es256, Table.curve, "ec-1"),
            (.eddsa, Table.edwards, "ed-1"),
        ] {
            for kid in [#","kid":"\#(id)""#, ""] {
                let head = #"{"alg":"\#(algorithm.rawValue)"\#(kid)}"#
                let token = signer.token(algorithm, header: head, claims: Table.good)
                XCTAssertEqual(verifier.claims(token)?.user, "42", head)
            }
        }
    }

    func testR01_ConfusedAlgorithms() throws {
        var attacks: [Attack] = []
        for (form, bytes) in Table.publicBytes() {
            attacks.append(Attack("HS256 by \(form)", Table.shared(bytes), .algorithmRefused))
        }
        let pem = Array(Table.rsa.pem.utf8)
        attacks += [
            Attack("HS384 by PEM", Table.shared(pem, .hs384), .algorithmRefused),
            Attack("HS512 by PEM", Table.shared(pem, .hs512), .algorithmRefused),
            Attack(
                "HS256 with the key's id", Table.shared(pem, more: #","kid":"rsa-1""#),
                .algorithmRefused),
        ]
        for algorithm in [TokenAlgorithm.rs384, .rs512, .ps256, .ps384, .ps512] {
            let token = Table.rsa.token(algorithm, claims: Table.good)
            attacks.append(Attack("\(algorithm) not allowed", token, .algorithmRefused))
        }
        for (algorithm, kid) in [
            ("RS256", "ec-1"), ("RS256", "ed-1"), ("ES256", "rsa-1"), ("EdDSA", "ec-1"),
        ] {
            let head = #"{"alg":"\#(algorithm)","kid":"\#(kid)"}"#
            let token = Table.rsaToken(header: head)
            attacks.append(Attack("\(algorithm) with \(kid)", token, .unknownKeyID))
        }
        let (rsa, curve, edwards) = (Table.rsa, Table.curve, Table.edwards)
        attacks += [
            Attack(
                "ES256 signature as RS256", Table.token { curve.signature($0, .es256) },
                .badSignatureForm),
            Attack(
                "RS256 signature as ES256", Table.curveToken { rsa.signature($0, .rs256) },
                .badSignatureForm),
            Attack(
                "ES256 signature as EdDSA", Table.edwardsToken { curve.signature($0, .es256) },
                .signatureMismatch),
            Attack(
                "P-384 as ES256", Table.curveToken { TestSigner.p384.signature($0, .es384) },
                .badSignatureForm),
            Attack(
                "P-384 over SHA-256 as ES256",
                Table.curveToken { TestSigner.p384.signature($0, .es256) }, .badSignatureForm),
            Attack(
                "PSS as RS256", Table.token { rsa.signature($0, .ps256) }, .signatureMismatch),
            Attack(
                "SHA-512 as RS256", Table.token { rsa.signature($0, .rs512) }, .signatureMismatch),
            Attack(
                "SHA-384 as ES256", Table.curveToken { curve.signature($0, .es384) },
                .signatureMismatch),
            Attack(
                "ed448 as EdDSA of ed25519",
                Table.edwardsToken { TestSigner.ed448.signature($0, .eddsa) }, .badSignatureForm),
            Attack(
                "another Ed25519 key",
                Table.edwardsToken { TestSigner(.ed25519).signature($0, .eddsa) },
                .signatureMismatch),
            Attack(
                "RS256 of 1024 bits",
                Table.token { TestSigner(.rsa(bits: 1024)).signature($0, .rs256) },
                .badSignatureForm),
            Attack(
                "the right signature of other claims",
                Table.token { _ in edwards.signature([1], .eddsa) }, .badSignatureForm),
        ]
        try Table.check(attacks)
    }

    func testR01_PublicKeysAsSecretsBesideASecret() throws {
        let verifier = try Table.verifierWithSecret()
        let own = Table.shared(TokenFixture.secret)
        XCTAssertEqual(verifier.claims(own)?.issuer, 1)
        try Table.check(
            Table.publicBytes().map {
                Attack("HS256 by \($0)", Table.shared($1), .signatureMismatch)
            }, verifier)
    }

    func testR02_Unsigned() throws {
        let names = ["none", "None", "NONE", "nOnE", "nonE"]
        var attacks = names.flatMap { name in
            let head = #"{"alg":"\#(name)","kid":"rsa-1"}"#
            return [
                Attack("\(name)", Table.token(header: head) { _ in [] }, .algorithmNone),
                Attack("\(name), signed", Table.rsaToken(header: head), .algorithmNone),
            ]
        }
        for name in ["", "none ", "n\\u006fne\\u0000", "RS256 ", "rs256", "RSA256", "RS-256"] {
            attacks.append(
                Attack(
                    "alg \(name)", Table.rsaToken(header: #"{"alg":"\#(name)"}"#),
                    .algorithmRefused))
        }
        let good = Table.rsaToken()
        let parts = good.split(separator: ".").map(String.init)
        attacks += [
            Attack("escaped", Table.rsaToken(header: #"{"alg":"n\u006fne"}"#), .algorithmNone),
            Attack("no alg", Table.rsaToken(header: "{}"), .badHeader),
            Attack("no signature", "\(parts[0]).\(parts[1]).", .signatureMissing),
            Attack("two segments", "\(parts[0]).\(parts[1])", .notThreeSegments),
            Attack("JWE", "\(good).AAAA.AAAA", .notThreeSegments),
            Attack("four segments", "\(good).", .notThreeSegments),
            Attack(
                "flattened JSON",
                #"{"payload":"\#(parts[1])","protected":"\#(parts[0])","#
                    + #""signature":"\#(parts[2])"}"#, .notThreeSegments),
            Attack(
                "general JSON",
                #"{"payload":"\#(parts[1])","signatures":[{"protected":"\#(parts[0])","#
                    + #""signature":"\#(parts[2])"}]}"#, .notThreeSegments),
            Attack(
                "an encrypted header", Table.rsaToken(header: #"{"alg":"RSA-OAEP","enc":"A1"}"#),
                .algorithmRefused),
        ]
        try Table.check(attacks)
    }

    func testR03_OneTextForOneToken() throws {
        let good = Table.rsaToken()
        let parts = good.split(separator: ".").map(String.init)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var attacks: [Attack] = []
        // 256 bytes end with a character of which 4 bits mean nothing.
        let last = alphabet.firstIndex(of: parts[2].last!)!
        for bits in [1, 2, 4, 8, 15] {
            let twin = parts[2].dropLast() + String(alphabet[last | bits])
            attacks.append(
                Attack("trailing bits \(bits)", "\(parts[0]).\(parts[1]).\(twin)", .badEncoding))
        }
        let plain = parts[2].replacing("-", with: "+").replacing("_", with: "/")
        for (what, signature) in [
            ("padding", parts[2] + "=="), ("one =", parts[2] + "="), ("plain alphabet", plain),
            ("a blank", parts[2] + " "), ("a newline", parts[2] + "\n"),
            ("CRLF", parts[2] + "\r\n"),
            ("a NUL", parts[2] + "\0"), ("a newline within", "\n" + parts[2]),
            ("percent", parts[2] + "%3D"), ("a fullwidth A", parts[2] + "\u{ff21}"),
        ] {
            let token = "\(parts[0]).\(parts[1]).\(signature)"
            attacks.append(Attack("signature with \(what)", token, .badEncoding))
        }
        attacks += [
            Attack("padded header", "\(parts[0])==.\(parts[1]).\(parts[2])", .badEncoding),
            Attack("padded claims", "\(parts[0]).\(parts[1])=.\(parts[2])", .badEncoding),
            Attack("a blank before", " \(good)", .badEncoding),
            Attack("Bearer within", "Bearer \(good)", .badEncoding),
        ]
        for (what, text) in [("claims", "e30="), ("claims", "e31"), ("claims", "e3 0")] {
            // Signed as it stands.
            let signed = "\(parts[0]).\(text)"
            let signature = Table.rsa.signature(Array(signed.utf8), .rs256)
            attacks.append(
                Attack(
                    "\(what) \(text)", "\(signed).\(TokenFixture.base64(signature))", .badEncoding))
        }
        try Table.check(attacks)
    }

    func testR04_FormsOfSignatures() throws {
        let curve = Table.curve
        let zero = [UInt8](repeating: 0, count: 32)
        let one = Array(zero.dropLast()) + [1]
        var above = order
        above[31] += 1
        let most = [UInt8](repeating: 0xff, count: 32)
        func signed(_ change: @escaping ([UInt8]) -> [UInt8]) -> String {
            Table.curveToken { change(curve.signature($0, .es256)) }
        }
        func fixed(_ signature: [UInt8]) -> String { Table.curveToken { _ in signature } }
        try Table.check([
            Attack("DER", Table.curveToken { curve.plainSignature($0, .es256) }, .badSignatureForm),
            Attack("r and s 0", fixed(zero + zero), .badSignatureForm),
            Attack("r 0", signed { zero + Array($0[32...]) }, .badSignatureForm),
            Attack("s 0", signed { Array($0[..<32]) + zero }, .badSignatureForm),
            Attack("r = n", signed { self.order + Array($0[32...]) }, .badSignatureForm),
            Attack("s = n", signed { Array($0[..<32]) + self.order }, .badSignatureForm),
            Attack("r > n", signed { above + Array($0[32...]) }, .badSignatureForm),
            Attack("r and s highest", fixed(most + most), .badSignatureForm),
            Attack("r = s = 1", fixed(one + one), .signatureMismatch),
            Attack("r = n - 1", fixed(Array(order.dropLast()) + [0x50] + one), .signatureMismatch),
            Attack("s before r", signed { Array($0[32...]) + $0[..<32] }, .signatureMismatch),
            Attack("cut", signed { Array($0.dropLast()) }, .badSignatureForm),
            Attack("half", signed { Array($0[..<32]) }, .badSignatureForm),
            Attack("a zero behind", signed { $0 + [0] }, .badSignatureForm),
            Attack("a zero before", signed { [0] + $0 }, .badSignatureForm),
            Attack("twice", signed { $0 + $0 }, .badSignatureForm),
            Attack("one byte", fixed([0]), .badSignatureForm),
            Attack(
                "ES512 length", fixed([UInt8](repeating: 1, count: 132)), .badSignatureForm),
        ])
    }

    func testR05_FormsOfRSA() throws {
        func signed(_ change: @escaping ([UInt8]) -> [UInt8]) -> String {
            Table.token { change(Table.rsa.signature($0, .rs256)) }
        }
        func fixed(_ signature: [UInt8]) -> String { Table.token { _ in signature } }
        let n = Table.rsa.number("n")
        let zeros = [UInt8](repeating: 0, count: 256)
        try Table.check([
            Attack("cut", signed { Array($0.dropLast()) }, .badSignatureForm),
            Attack("longer", signed { $0 + [0] }, .badSignatureForm),
            Attack("a zero before", signed { [0] + $0 }, .badSignatureForm),
            Attack("0", fixed(zeros), .signatureMismatch),
            Attack("1", fixed(zeros.dropLast() + [1]), .signatureMismatch),
            Attack("n", fixed(n), .signatureMismatch),
            Attack("the highest", fixed([UInt8](repeating: 0xff, count: 256)), .signatureMismatch),
            Attack(
                "another key", Table.token { Table.mine.signature($0, .rs256) }, .signatureMismatch),
        ])
        let pss = Verifier(try KeyRing([Table.rsa.issuer(.ps256)]))
        XCTAssertNotNil(pss.claims(Table.rsa.token(.ps256)))
        for salt in [0, 8, 20, 31, 33, 64, 222] {
            XCTAssertEqual(
                pss.fault(Table.rsa.token(.ps256, salt: salt)), .signatureMismatch, "salt \(salt)")
        }
        for mask in ["SHA1", "SHA384", "SHA512"] {
            XCTAssertEqual(
                pss.fault(Table.rsa.token(.ps256, mask: mask)), .signatureMismatch, mask)
        }
        let plain = Table.rsa.token(.rs256, header: #"{"alg":"PS256"}"#)
        XCTAssertEqual(pss.fault(plain), .signatureMismatch)
    }

    func testFormsOfEdDSA() throws {
        let edwards = Table.edwards
        // L of RFC 8032 §5.1, little-endian: S + L is the same scalar.
        let l = Array(
            unhex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed").reversed())
        func plusL(_ signature: [UInt8]) -> [UInt8] {
            var sum = signature
            var carry = 0
            for index in 0..<32 {
                let digit = Int(sum[32 + index]) + Int(l[index]) + carry
                sum[32 + index] = UInt8(digit & 0xff)
                carry = digit >> 8
            }
            return sum
        }
        func signed(_ change: @escaping ([UInt8]) -> [UInt8]) -> String {
            Table.edwardsToken { change(edwards.signature($0, .eddsa)) }
        }
        let zeros = [UInt8](repeating: 0, count: 63)
        try Table.check([
            Attack("S + L", signed(plusL), .signatureMismatch),
            Attack("cut", signed { Array($0.dropLast()) }, .badSignatureForm),
            Attack("longer", signed { $0 + [0] }, .badSignatureForm),
            Attack("zeros", Table.edwardsToken { _ in zeros + [0] }, .signatureMismatch),
            Attack(
                "the neutral point", Table.edwardsToken { _ in [1] + zeros }, .signatureMismatch),
        ])
    }

    /// (r, n - s) is good as well, and must not be another token.
    func testR16_TwinsOfCurveSignaturesAreOneToken() throws {
        let verifier = try Table.verifier()
        var digests: Set<TokenDigest> = []
        let signature = Lock([UInt8]())
        let first = Table.curveToken { message in
            let made = Table.curve.signature(message, .es256)
            signature.withLock { $0 = made }
            return made
        }
        let twin = Table.curveToken { _ in
            signature.withLock { Array($0[..<32]) + self.subtract(Array($0[32...])) }
        }
        XCTAssertNotEqual(first, twin)
        for token in [first, twin] {
            guard case .valid(_, let digest) = verifier.verdict(token) else {
                return XCTFail("refused")
            }
            digests.insert(digest)
        }
        XCTAssertEqual(digests.count, 1)
        guard case .valid(_, let whole) = verifier.verdict(Table.rsaToken()) else {
            return XCTFail("refused")
        }
        XCTAssertEqual(whole, TokenDigest.of(Table.rsaToken().rawSpan))
    }

    /// The order less `s`.
    private func subtract(_ s: [UInt8]) -> [UInt8] {
        var out = order
        var borrow = 0
        for index in (0..<32).reversed() {
            let digit = Int(order[index]) - Int(s[index]) - borrow
            out[index] = UInt8(digit & 0xff)
            borrow = digit < 0 ? 1 : 0
        }
        return out
    }
}
