// Owns the tests of which keys are taken, from PEM and from JSON Web Keys.
// Called by the test run.
// Never verifies a signature.

import Support
import XCTest

@testable import ProxyCore

final class PublicKeyTests: XCTestCase {
    private func error(
        _ body: () throws -> Void, file: StaticString = #filePath, line: UInt = #line
    ) -> KeyError? {
        do {
            try body()
            return nil
        } catch {
            return error as? KeyError
        }
    }

    private func pem(_ text: String) throws -> PublicKey {
        let bytes = Array(text.utf8)
        return try GuardPage(capacity: bytes.count).with(bytes) { try PublicKey(pem: $0) }
    }

    private func read(_ der: [UInt8]) throws -> PublicKey {
        try GuardPage(capacity: der.count).with(der) { try PublicKey(der: $0) }
    }

    func testKeysFromPEM() throws {
        let rsa = try pem(KeyTexts.rsa)
        XCTAssertEqual(rsa.kind, .rsa(bits: 2048))
        XCTAssertEqual(try pem(KeyTexts.rsaPublicKey), rsa)
        let curve = try pem(KeyTexts.p256)
        XCTAssertEqual(curve.kind, .p256)
        XCTAssertEqual(try pem(KeyTexts.p256Certificate), curve)
        XCTAssertEqual(try pem(KeyTexts.p256Compressed).kind, .p256)
        XCTAssertEqual(try pem(KeyTexts.ed25519).kind, .ed25519)
        XCTAssertEqual(try pem(KeyTexts.ed448).kind, .ed448)
        let around = "An explanation\n\n\(KeyTexts.p256)\r\n\nand another\n"
        XCTAssertEqual(try pem(around), curve)
        let windows = KeyTexts.p256.split(separator: "\n").joined(separator: "\r\n") + "\r\n"
        XCTAssertEqual(try pem(windows), curve)
    }

    func testR05_KeysThatAreRefused() {
        let half = KeyTexts.rsa.utf8.count / 2
        let cases: [(String, KeyError)] = [
            ("", .notPEM), ("hello", .notPEM), ("MIIB", .notPEM), ("-----BEGIN", .notPEM),
            ("-----BEGIN ", .malformed), ("-----BEGIN PUBLIC KEY-----", .malformed),
            (KeyTexts.privateKey, .privateKey),
            (KeyTexts.p256 + "\n" + KeyTexts.privateKey, .privateKey),
            (KeyTexts.p256 + "\n" + KeyTexts.rsa, .severalBlocks),
            (String(KeyTexts.rsa.prefix(half)), .malformed),
            (KeyTexts.p256.replacing("PUBLIC KEY", with: "CERTIFICATE"), .malformed),
            (KeyTexts.p256.replacing("PUBLIC KEY", with: "RSA PUBLIC KEY"), .malformed),
            (
                KeyTexts.p256.replacing("PUBLIC KEY", with: "EC PARAMETERS"),
                .unknownBlock("EC PARAMETERS")
            ),
            (KeyTexts.rsa1024, .weakRSA(bits: 1024)),
            (KeyTexts.rsaPSS, .unsupported("an RSASSA-PSS key (use an RSA key)")),
            (KeyTexts.p256Explicit, .unsupported("a curve without a name")),
            (KeyTexts.secp256k1, .unsupported("the curve secp256k1")),
            (KeyTexts.dsa, .unsupported("a key of the kind DSA")),
            (KeyTexts.x25519, .unsupported("a key of the kind X25519")),
            (String(repeating: "-", count: 300_000), .setTooLarge(limit: Limits.keySetBytes)),
        ]
        for (text, wanted) in cases {
            XCTAssertEqual(error { _ = try pem(text) }, wanted, "\(text.prefix(60))…")
        }
    }

    func testDERWithSomethingBehindIt() {
        let der = TestSigner.p256.der
        XCTAssertNil(error { _ = try read(der) })
        XCTAssertEqual(error { _ = try read(der + [0]) }, .malformed)
        XCTAssertEqual(error { _ = try read([]) }, .malformed)
    }

    // MARK: Members of a JWK

    func testR05_NumbersOfRSA() throws {
        let n = TestSigner.rsa.number("n")
        let key = try PublicKey(rsaModulus: n, exponent: [1, 0, 1])
        XCTAssertEqual(key, try TestSigner.rsa.publicKey())
        XCTAssertEqual(try PublicKey(rsaModulus: [0] + n, exponent: [0, 1, 0, 1]), key)
        XCTAssertNil(error { _ = try PublicKey(rsaModulus: n, exponent: [3]) })
        let exponents: [[UInt8]] = [
            [], [0], [1], [2], [0, 0, 0, 1], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1],
            [UInt8](repeating: 0xff, count: 10),
        ]
        for exponent in exponents {
            XCTAssertEqual(
                error { _ = try PublicKey(rsaModulus: n, exponent: exponent) }, .badExponent,
                hex(exponent))
        }
        func modulus(_ bytes: [UInt8]) -> KeyError? {
            error { _ = try PublicKey(rsaModulus: bytes, exponent: [1, 0, 1]) }
        }
        XCTAssertEqual(modulus(Array(n.dropFirst())), .weakRSA(bits: bits(n.dropFirst())))
        XCTAssertEqual(modulus([0x7f] + n.dropFirst()), .weakRSA(bits: 2047))
        XCTAssertEqual(modulus([1]), .weakRSA(bits: 1))
        XCTAssertEqual(modulus(n.dropLast() + [n[255] & 0xfe]), .badModulus)
        XCTAssertEqual(modulus([0x80] + [UInt8](repeating: 1, count: 1024)), .hugeRSA(bits: 8200))
        XCTAssertEqual(modulus([1] + [UInt8](repeating: 1, count: 5000)), .hugeRSA(bits: 40008))
        XCTAssertNotNil(modulus([]))
        XCTAssertNotNil(modulus([UInt8](repeating: 0, count: 256)))
    }

    private func bits(_ bytes: ArraySlice<UInt8>) -> Int {
        let digits = bytes.drop { $0 == 0 }
        return digits.count * 8 - (digits.first?.leadingZeroBitCount ?? 0)
    }

    func testPointsOfCurves() throws {
        for (name, signer, length) in [
            ("P-256", TestSigner.p256, 32), ("P-384", .p384, 48), ("P-521", .p521, 66),
        ] {
            func padded(_ bytes: [UInt8]) -> [UInt8] {
                [UInt8](repeating: 0, count: length - bytes.count) + bytes
            }
            let x = padded(signer.number("qx"))
            let y = padded(signer.number("qy"))
            XCTAssertEqual(try PublicKey(curve: name, x: x, y: y), try signer.publicKey())
            var off = y
            off[length - 1] ^= 1
            let zero = [UInt8](repeating: 0, count: length)
            let most = [UInt8](repeating: 0xff, count: length)
            for (x, y) in [(x, off), (y, x), (zero, zero), (most, most), (x, most)] {
                let fault = error { _ = try PublicKey(curve: name, x: x, y: y) }
                XCTAssertTrue(fault == .malformed || fault == .badPoint, "\(name) \(hex(x))")
            }
            for (x, y) in [(Array(x.dropLast()), y), (x, [0] + y), ([], []), (x, [])] {
                XCTAssertEqual(
                    error { _ = try PublicKey(curve: name, x: x, y: y) }, .badPoint)
            }
        }
        XCTAssertNotNil(error { _ = try PublicKey(curve: "secp256k1", x: [1], y: [1]) })
        // The point at infinity is one byte in DER.
        let infinity: [UInt8] =
            [0x30, 0x19, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
            + [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x02, 0, 0]
        XCTAssertNotNil(error { _ = try read(infinity) })
        XCTAssertEqual(
            try PublicKey(curve: "Ed25519", x: TestSigner.ed25519.raw),
            try TestSigner.ed25519.publicKey())
        XCTAssertEqual(
            try PublicKey(curve: "Ed448", x: TestSigner.ed448.raw),
            try TestSigner.ed448.publicKey())
        XCTAssertEqual(error { _ = try PublicKey(curve: "Ed25519", x: [1]) }, .badPoint)
        XCTAssertNotNil(error { _ = try PublicKey(curve: "X25519", x: TestSigner.ed25519.raw) })
    }
}
