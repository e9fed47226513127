// Owns public keys: reading them from PEM and from the members of a JWK, and what they fit.
// Called by the configuration and by the reader of key sets.
// Never keeps a key that it could not check, never takes a private one.

/// A public key that may verify signatures.
public struct PublicKey: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case rsa(bits: Int)
        case p256, p384, p521, ed25519, ed448
    }

    public let kind: Kind
    /// The SubjectPublicKeyInfo (RFC 5280 §4.1), as libcrypto writes it: equal keys have equal
    /// bytes. Each loop makes its own handle of it.
    public let der: [UInt8]

    private init(_ handle: KeyHandle?) throws(KeyError) {
        guard let handle else { throw .malformed }
        kind = try handle.kind()
        guard let der = handle.der() else { throw .malformed }
        self.der = der
    }

    /// Of a SubjectPublicKeyInfo and nothing behind it.
    init(der: RawSpan) throws(KeyError) {
        try self.init(KeyHandle(der: der))
    }

    /// One block of PEM (RFC 7468): PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE.
    ///
    /// Text around the block is explanation (RFC 7468 §2). What a certificate says besides its
    /// key (its validity, its issuer) is not looked at: it is a container here.
    public init(pem: RawSpan) throws(KeyError) {
        let block = try PEMBlock(only: pem)
        let bytes = block.bytes
        switch block.label {
        case "PUBLIC KEY": try self.init(KeyHandle(der: bytes.rawSpan))
        case "RSA PUBLIC KEY": try self.init(KeyHandle(rsaPublicKey: bytes.rawSpan))
        case "CERTIFICATE", "X509 CERTIFICATE":
            try self.init(KeyHandle(certificate: bytes.rawSpan))
        default: throw .unknownBlock(block.label)
        }
    }

    /// Whether signatures of `algorithm` can be made with such a key: an algorithm is bound to a
    /// kind and a curve (RFC 8725 §3.1, RFC 7518 §3.4).
    public func fits(_ algorithm: TokenAlgorithm) -> Bool {
        switch algorithm {
        case .hs256, .hs384, .hs512: false
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
            if case .rsa = kind { true } else { false }
        case .es256: kind == .p256
        case .es384: kind == .p384
        case .es512: kind == .p521
        case .eddsa: kind == .ed25519 || kind == .ed448
        }
    }

    /// What one verification costs, in microseconds, roughly. RSA grows with the square of the
    /// modulus.
    func cost(of algorithm: TokenAlgorithm) -> Int {
        switch kind {
        case .rsa(let bits): algorithm.cost * bits * bits / (2048 * 2048)
        case .ed448: algorithm.cost * 2
        case .p256, .p384, .p521, .ed25519: algorithm.cost
        }
    }

    /// Bytes of a signature with it: of the modulus, of r and s together, or as RFC 8032 says.
    var signatureLength: Int {
        switch kind {
        case .rsa(let bits): (bits + 7) / 8
        case .p256: 64
        case .p384: 96
        case .p521: 132
        case .ed25519: 64
        case .ed448: 114
        }
    }
}

// MARK: Members of a JWK

extension PublicKey {
    /// RFC 7518 §6.3.1. Leading zeros are let pass: libraries write them, and they mean nothing.
    init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(KeyError) {
        // Before anything is computed with them; a zero has no bytes here.
        guard modulus.count <= 1 + 8192 / 8 else { throw .hugeRSA(bits: modulus.count * 8) }
        guard exponent.count <= 9 else { throw .badExponent }
        let numbers = DER.sequence(DER.natural(modulus) + DER.natural(exponent))
        // rsaEncryption with NULL parameters (RFC 3279 §2.3.1).
        let oid: [UInt8] = [
            0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        try self.init(der: DER.keyInfo(oid, numbers).rawSpan)
    }

    /// RFC 7518 §6.2.1: both coordinates in their full length.
    init(curve: String, x: [UInt8], y: [UInt8]) throws(KeyError) {
        let length: Int
        let name: [UInt8]
        switch curve {
        case "P-256": (length, name) = (32, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07])
        case "P-384": (length, name) = (48, [0x2b, 0x81, 0x04, 0x00, 0x22])
        case "P-521": (length, name) = (66, [0x2b, 0x81, 0x04, 0x00, 0x23])
        default: throw .unsupported("the curve \(curve)")
        }
        guard x.count == length, y.count == length else { throw .badPoint }
        // id-ecPublicKey with the curve's name (RFC 5480 §2.1.1), and an uncompressed point.
        let oid: [UInt8] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]
        try self.init(der: DER.keyInfo(oid + DER.value(0x06, name), [0x04] + x + y).rawSpan)
    }

    /// RFC 8037 §2.
    init(curve: String, x: [UInt8]) throws(KeyError) {
        let length: Int
        let last: UInt8
        switch curve {
        case "Ed25519": (length, last) = (32, 0x70)
        case "Ed448": (length, last) = (57, 0x71)
        default: throw .unsupported("the curve \(curve)")
        }
        guard x.count == length else { throw .badPoint }
        // RFC 8410 §3.
        try self.init(der: DER.keyInfo([0x06, 0x03, 0x2b, 0x65, last], x).rawSpan)
    }
}

/// The little of DER (X.690) that writing a public key needs.
private enum DER {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 0x80 { return [tag, UInt8(count)] + content }
        if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
        return [tag, 0x82, UInt8(truncatingIfNeeded: count >> 8), UInt8(count & 0xff)] + content
    }

    static func sequence(_ content: [UInt8]) -> [UInt8] { value(0x30, content) }

    /// A number that is not negative, from big-endian bytes.
    static func natural(_ bytes: [UInt8]) -> [UInt8] {
        let digits = bytes.drop { $0 == 0 }
        let sign: [UInt8] = (digits.first ?? 0x80) & 0x80 != 0 ? [0] : []
        return value(0x02, sign + digits)
    }

    static func keyInfo(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] {
        sequence(sequence(algorithm) + value(0x03, [0] + key))
    }
}
