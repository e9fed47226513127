// Owns public keys: reading them from PEM and from the members of a JWK, and what they fit.
// Called by the configuration and by the reader of key sets.
// Never keeps a key that it could not check, never takes a private one.

import COpenSSL

/// A public key that may verify signatures.
@safe public struct PublicKey: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        case rsa(bits: Int)
        case p256, p384, p521, ed25519, ed448
    }

    public let kind: Kind
    /// The SubjectPublicKeyInfo (RFC 5280 §4.1), as libcrypto writes it: equal keys have equal
    /// bytes. Each loop makes its own handle of it.
    public let der: [UInt8]

    /// Of a SubjectPublicKeyInfo and nothing behind it.
    init(der: RawSpan) throws(KeyError) {
        throw .malformed
    }

    /// One block of PEM (RFC 7468): PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE.
    ///
    /// Text around the block is explanation (RFC 7468 §2). What a certificate says besides its
    /// key (its validity, its issuer) is not looked at: it is a container here.
    public init(pem: RawSpan) throws(KeyError) {
        throw .notPEM
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
}
