// Owns the keys that tokens may be signed with, as they were configured.
// Called by the assembly at start and reload; read by the verifier of each loop.
// Never fetches a key, never takes one from a token.

/// The signature algorithms understood, by their names in a header (RFC 7518 §3.1).
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"

    /// Bytes of a signature.
    public var signatureLength: Int {
        switch self {
        case .hs256: 32
        case .hs384: 48
        case .hs512: 64
        }
    }

    var digestName: String {
        switch self {
        case .hs256: "SHA256"
        case .hs384: "SHA384"
        case .hs512: "SHA512"
        }
    }

    /// The algorithm of exactly this name; names are case-sensitive (RFC 7515 §4.1.1).
    init?(name: RawSpan) {
        guard let match = Self.allCases.first(where: { name.equals($0.rawValue.rawSpan) }) else {
            return nil
        }
        self = match
    }
}

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

    /// - Throws: `KeyError` for an empty secret, a public key as a secret, a `kid` out of bounds.
    public init(
        _ algorithm: TokenAlgorithm, secret: [UInt8], keyID: String? = nil,
        issuer: String? = nil, audience: String? = nil
    ) throws(KeyError) {
        guard !secret.isEmpty else { throw .emptySecret }
        guard !Self.isPublicKey(secret) else { throw .publicKeyAsSecret }
        if let keyID, !(1...Limits.tokenField).contains(keyID.utf8.count) { throw .badKeyID }
        self.algorithm = algorithm
        self.secret = secret
        self.keyID = keyID
        self.issuer = issuer
        self.audience = audience
    }

    /// Whether the secret is shorter than the hash (RFC 7518 §3.2 forbids it). Old applications
    /// have such secrets, so that this is a warning and no refusal.
    public var isWeak: Bool { secret.count < algorithm.signatureLength }

    /// PEM, OpenSSH, or DER of a SubjectPublicKeyInfo or RSAPublicKey.
    private static func isPublicKey(_ secret: [UInt8]) -> Bool {
        let texts = ["-----BEGIN", "ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"]
        if texts.contains(where: { secret.starts(with: $0.utf8) }) { return true }
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

/// All keys, checked together.
public struct KeySet: Sendable {
    public let keys: [TokenKey]

    /// - Throws: `KeyError` for no key, too many, or two of one algorithm with the same `kid`.
    public init(_ keys: [TokenKey]) throws(KeyError) {
        guard !keys.isEmpty else { throw .noKeys }
        guard keys.count <= Limits.tokenKeys else { throw .tooMany(limit: Limits.tokenKeys) }
        for (index, key) in keys.enumerated() {
            guard let id = key.keyID else { continue }
            let twin = keys[..<index].contains { $0.keyID == id && $0.algorithm == key.algorithm }
            if twin { throw .duplicateKeyID(id) }
        }
        self.keys = keys
    }

    /// Keys without a `kid`, one algorithm each.
    public init(
        hmac secrets: [(algorithm: TokenAlgorithm, secret: [UInt8])]
    ) throws(KeyError) {
        var keys: [TokenKey] = []
        for entry in secrets { keys.append(try TokenKey(entry.algorithm, secret: entry.secret)) }
        try self.init(keys)
    }
}
