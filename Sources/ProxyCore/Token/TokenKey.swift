// Owns one shared secret for signing tokens of one algorithm.
// Called by `sidecar token`, the demo and tests; an issuer can be made of it.
// Never holds a public key.

/// One shared secret, bound to one algorithm.
public struct TokenKey: Sendable {
    public let algorithm: TokenAlgorithm
    public let secret: [UInt8]
    /// The `kid` that this key answers to; nil: it is tried for any token.
    public let keyID: String?
    /// What `iss` must be exactly; nil: not looked at.
    public let issuer: String?
    /// What `aud` must name; nil: not looked at.
    public let audience: String?

    /// - Throws: `KeyError` for an empty secret, a public key as a secret, a `kid` out of bounds,
    ///   an algorithm of public keys.
    public init(
        _ algorithm: TokenAlgorithm, secret: [UInt8], keyID: String? = nil,
        issuer: String? = nil, audience: String? = nil
    ) throws(KeyError) {
        guard algorithm.isShared else { throw .otherSort(algorithm) }
        guard !secret.isEmpty else { throw .emptySecret }
        guard !SharedSecret.isPublicKey(secret) else { throw .publicKeyAsSecret }
        if let keyID, !(1...Limits.tokenField).contains(keyID.utf8.count) { throw .badKeyID }
        self.algorithm = algorithm
        self.secret = secret
        self.keyID = keyID
        self.issuer = issuer
        self.audience = audience
    }

    /// Whether the secret is shorter than the hash (RFC 7518 §3.2 forbids it). Old applications
    /// have such secrets, so that this is a warning and no refusal.
    public var isWeak: Bool { secret.count < algorithm.hashLength }
}

/// What a shared secret must not be.
enum SharedSecret {
    /// PEM, OpenSSH, a JWK, or DER of a SubjectPublicKeyInfo or RSAPublicKey.
    static func isPublicKey(_ secret: [UInt8]) -> Bool {
        let blank: Set<UInt8> = [0x20, 0x09, 0x0a, 0x0d]
        let text = secret.drop { blank.contains($0) }
        let texts = ["-----BEGIN", "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"]
        if texts.contains(where: { text.starts(with: $0.utf8) }) { return true }
        if text.first == JSONByte.leftBrace, isJWK(secret) { return true }
        return isKeyDER(secret)
    }

    private static func isJWK(_ secret: [UInt8]) -> Bool {
        do {
            let node = try JSONReader.read(secret.rawSpan, maximumDepth: Limits.tokenDepth)
            return node["kty"] != nil || node["keys"] != nil
        } catch {
            return false
        }
    }

    private static func isKeyDER(_ secret: [UInt8]) -> Bool {
        guard secret.count > 8, secret[0] == 0x30 else { return false }
        let header: Int
        let length: Int
        switch secret[1] {
        case ..<0x80: (header, length) = (2, Int(secret[1]))
        case 0x81: (header, length) = (3, Int(secret[2]))
        case 0x82: (header, length) = (4, Int(secret[2]) << 8 | Int(secret[3]))
        default: return false
        }
        return header + length == secret.count && (secret[header] == 0x30 || secret[header] == 2)
    }
}
