// Owns signing with libcrypto: what an issuer would do, and what an attacker could.
// Called by the tests of signatures and of tokens.
// Never shares code with what it is to test.

import COpenSSL

@testable import ProxyCore

/// A fresh private key and the tokens that are made with it.
final class TestSigner: @unchecked Sendable {
    enum Kind {
        case rsa(bits: UInt32)
        case curve(String)
        case ed25519
        case ed448
    }

    // Keys are made once a run: RSA takes a moment.
    static let rsa = TestSigner(.rsa(bits: 2048))
    static let otherRSA = TestSigner(.rsa(bits: 2048))
    static let p256 = TestSigner(.curve("P-256"))
    static let otherP256 = TestSigner(.curve("P-256"))
    static let p384 = TestSigner(.curve("P-384"))
    static let p521 = TestSigner(.curve("P-521"))
    static let ed25519 = TestSigner(.ed25519)
    static let ed448 = TestSigner(.ed448)

    /// Every algorithm of public keys with a key for it.
    static let all: [(algorithm: TokenAlgorithm, signer: TestSigner)] = [
        (.rs256, rsa), (.rs384, rsa), (.rs512, rsa), (.ps256, rsa), (.ps384, rsa), (.ps512, rsa),
        (.es256, p256), (.es384, p384), (.es512, p521), (.eddsa, ed25519), (.eddsa, ed448),
    ]

    private let key: OpaquePointer

    init(_ kind: Kind) {
        let name =
            switch kind {
            case .rsa: "RSA"
            case .curve: "EC"
            case .ed25519: "ED25519"
            case .ed448: "ED448"
            }
        let context = EVP_PKEY_CTX_new_from_name(nil, name, nil)
        defer { EVP_PKEY_CTX_free(context) }
        precondition(EVP_PKEY_keygen_init(context) == 1)
        switch kind {
        case .rsa(let bits):
            precondition(EVP_PKEY_CTX_set_rsa_keygen_bits(context, CInt(bits)) == 1)
        case .curve(let curve): precondition(EVP_PKEY_CTX_set_group_name(context, curve) == 1)
        case .ed25519, .ed448: break
        }
        var made: OpaquePointer?
        precondition(EVP_PKEY_generate(context, &made) == 1)
        key = made!
    }

    deinit { EVP_PKEY_free(key) }

    /// SubjectPublicKeyInfo.
    var der: [UInt8] {
        var memory: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(key, &memory)
        defer { CRYPTO_free(memory, #file, #line) }
        return Array(UnsafeBufferPointer(start: memory, count: Int(count)))
    }

    var pem: String {
        let memory = BIO_new(BIO_s_mem())
        defer { BIO_free(memory) }
        precondition(PEM_write_bio_PUBKEY(memory, key) == 1)
        var text = [UInt8](repeating: 0, count: 4096)
        let count = BIO_read(memory, &text, CInt(text.count))
        return String(decoding: text[..<Int(count)], as: UTF8.self)
    }

    /// A number of the key: "n" and "e" of RSA, "qx" and "qy" of curves.
    func number(_ name: String) -> [UInt8] {
        var number: OpaquePointer?
        precondition(EVP_PKEY_get_bn_param(key, name, &number) == 1)
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
        BN_bn2bin(number, &bytes)
        return bytes
    }

    /// The public key of Ed25519 and Ed448.
    var raw: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        var count = bytes.count
        precondition(EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1)
        return Array(bytes[..<count])
    }

    /// The public key as a JWK, with further members.
    func jwk(_ more: String = "") -> String {
        let encode = TokenFixture.base64(_:) as ([UInt8]) -> String
        func padded(_ name: String, _ length: Int) -> String {
            let bytes = number(name)
            return encode([UInt8](repeating: 0, count: length - bytes.count) + bytes)
        }
        let members: String
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA:
            members =
                #""kty":"RSA","n":"\#(encode(number("n")))","e":"\#(encode(number("e")))""#
        case EVP_PKEY_EC:
            let bits = EVP_PKEY_get_bits(key)
            let length = Int(bits + 7) / 8
            members =
                #""kty":"EC","crv":"P-\#(bits)","x":"\#(padded("qx", length))","#
                + #""y":"\#(padded("qy", length))""#
        default:
            let curve = raw.count == 32 ? "Ed25519" : "Ed448"
            members = #""kty":"OKP","crv":"\#(curve)","x":"\#(encode(raw))""#
        }
        return "{\(members)\(more.isEmpty ? "" : "," + more)}"
    }

    func publicKey() throws -> PublicKey { try PublicKey(der: der.rawSpan) }

    /// What libcrypto makes: DER for curves. `salt` is of PSS, in bytes.
    func plainSignature(
        _ message: [UInt8], _ algorithm: TokenAlgorithm, salt: Int? = nil, mask: String? = nil
    ) -> [UInt8] {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        let digest = algorithm == .eddsa ? nil : EVP_get_digestbyname(algorithm.digest.name)
        precondition(EVP_DigestSignInit(context, &parameters, digest, nil, key) == 1)
        switch algorithm {
        case .ps256, .ps384, .ps512:
            EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING)
            let length = CInt(salt ?? algorithm.digest.length)
            precondition(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, length) == 1)
            if let mask {
                let digest = EVP_get_digestbyname(mask)
                precondition(EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, digest) == 1)
            }
        default: break
        }
        var signature = [UInt8](repeating: 0, count: 1024)
        var count = signature.count
        precondition(EVP_DigestSign(context, &signature, &count, message, message.count) == 1)
        return Array(signature[..<count])
    }

    /// As a token has it: r and s side by side for curves.
    func signature(
        _ message: [UInt8], _ algorithm: TokenAlgorithm, salt: Int? = nil, mask: String? = nil
    ) -> [UInt8] {
        let plain = plainSignature(message, algorithm, salt: salt, mask: mask)
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_EC else { return plain }
        let half = Int(EVP_PKEY_get_bits(key) + 7) / 8
        let pair: OpaquePointer? = plain.withUnsafeBufferPointer {
            var place = $0.baseAddress
            return d2i_ECDSA_SIG(nil, &place, $0.count)
        }
        defer { ECDSA_SIG_free(pair) }
        var out = [UInt8](repeating: 0, count: 2 * half)
        out.withUnsafeMutableBufferPointer {
            _ = BN_bn2binpad(ECDSA_SIG_get0_r(pair), $0.baseAddress, CInt(half))
            _ = BN_bn2binpad(ECDSA_SIG_get0_s(pair), $0.baseAddress! + half, CInt(half))
        }
        return out
    }

    /// A whole token. The header says what it is told to, whatever it is signed with.
    func token(
        _ algorithm: TokenAlgorithm, header: String? = nil,
        claims: String = TokenFixture.claims, salt: Int? = nil, mask: String? = nil
    ) -> String {
        let header = header ?? #"{"alg":"\#(algorithm.rawValue)"}"#
        let signed = "\(TokenFixture.base64(header)).\(TokenFixture.base64(claims))"
        let signature = signature(Array(signed.utf8), algorithm, salt: salt, mask: mask)
        return "\(signed).\(TokenFixture.base64(signature))"
    }

    /// An issuer with this key alone.
    func issuer(
        _ algorithms: TokenAlgorithm..., name: String? = nil, keyID: String? = nil,
        audiences: [String] = [], maximumLifetime: Milliseconds? = nil, type: String? = nil
    ) throws -> TokenIssuer {
        try TokenIssuer(
            algorithms, keys: .published([PublishedKey(publicKey(), keyID: keyID)]), name: name,
            audiences: audiences, maximumLifetime: maximumLifetime, type: type)
    }
}
