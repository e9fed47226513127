// Owns the names of signature algorithms and what each demands.
// Called by the configuration, the token parser, keys and signature checks.
// Never verifies anything.

/// The signature algorithms understood, by their names in a header (RFC 7518 §3.1, RFC 8037 §3.1).
public enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case eddsa = "EdDSA"

    /// Whether it takes a secret that issuer and verifier share.
    public var isShared: Bool {
        switch self {
        case .hs256, .hs384, .hs512: true
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .es512, .eddsa: false
        }
    }

    /// What judging one token costs, in microseconds, roughly, with the shortest key allowed:
    /// for allowances. Measured with OpenSSL 3.0 on one core of a small server.
    public var cost: Int {
        switch self {
        case .hs256, .hs384, .hs512: 5
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: 30
        case .es256: 90
        case .es384: 900
        case .es512: 650
        case .eddsa: 140
        }
    }

    /// Bytes of the hash, which a shared secret must not be shorter than (RFC 7518 §3.2).
    public var hashLength: Int { digest.length }

    /// The hash of the message. EdDSA has its own inside; it is asked for nothing here.
    var digest: DigestKind {
        switch self {
        case .hs256, .rs256, .ps256, .es256: .sha256
        case .hs384, .rs384, .ps384, .es384: .sha384
        case .hs512, .rs512, .ps512, .es512, .eddsa: .sha512
        }
    }

    /// Whether another signature that is as good can be made of one, by anybody: (r, n - s).
    var hasTwins: Bool {
        switch self {
        case .es256, .es384, .es512: true
        case .hs256, .hs384, .hs512, .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .eddsa: false
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

/// The hash functions in use.
enum DigestKind: Sendable {
    case sha1, sha256, sha384, sha512

    /// As libcrypto calls it.
    var name: String {
        switch self {
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        case .sha384: "SHA384"
        case .sha512: "SHA512"
        }
    }

    /// Bytes.
    var length: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }
}
