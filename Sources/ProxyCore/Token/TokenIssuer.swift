// Owns who may sign tokens: one entry of the configuration with its keys and its demands.
// Called by the assembly and the reader of the configuration; held by the key ring.
// Never fetches a key, never takes one from a token.

/// A key that somebody publishes, with what is said about its use.
public struct PublishedKey: Sendable, Equatable {
    public let key: PublicKey
    /// Its `kid`.
    public let keyID: String?
    /// Its `alg`: it verifies no other (RFC 7517 §4.4).
    public let algorithm: TokenAlgorithm?

    public init(_ key: PublicKey, keyID: String? = nil, algorithm: TokenAlgorithm? = nil) {
        self.key = key
        self.keyID = keyID
        self.algorithm = algorithm
    }

    /// Whether signatures of `asked` may be verified with it.
    func fits(_ asked: TokenAlgorithm) -> Bool {
        key.fits(asked) && (algorithm == nil || algorithm == asked)
    }
}

/// A shared secret that is shorter than a hash it is used with (RFC 7518 §3.2).
public struct SecretWeakness: Sendable, Equatable {
    /// The algorithm with the shortest hash of those that the secret is too short for.
    public let algorithm: TokenAlgorithm
    /// Bytes of the secret.
    public let count: Int
}

/// One who signs tokens, and what his tokens must be like.
public struct TokenIssuer: Sendable {
    public enum Keys: Sendable {
        case shared(secret: [UInt8], keyID: String?)
        case published([PublishedKey])
    }

    /// What may stand in `alg` (RFC 8725 §3.1).
    public var algorithms: [TokenAlgorithm]
    /// What `iss` must be exactly; nil: not looked at.
    public var name: String?
    /// One of them must be among `aud`; none: not looked at.
    public var audiences: [String]
    /// nil: those of the ring.
    public var claims: ClaimRules?
    /// The most time between `iat` and `exp`; nil: any.
    public var maximumLifetime: Milliseconds?
    /// What `typ` of the header must be (RFC 8725 §3.11); nil: not looked at.
    public var type: String?
    public var keys: Keys
    /// Its keys are a set that is fetched: an unknown `kid` asks for them again.
    public var isFetched: Bool

    /// - Parameter keys: of a fetched issuer they may be none yet.
    /// - Throws: `KeyError` for an empty secret, a public key as a secret, an algorithm of the
    ///   other sort, keys that fit no algorithm, a `kid` or a name out of bounds.
    public init(
        _ algorithms: [TokenAlgorithm], keys: Keys, name: String? = nil,
        audiences: [String] = [], claims: ClaimRules? = nil,
        maximumLifetime: Milliseconds? = nil, type: String? = nil, isFetched: Bool = false
    ) throws(KeyError) {
        self.algorithms = algorithms
        self.name = name
        self.audiences = audiences
        self.claims = claims
        self.maximumLifetime = maximumLifetime
        self.type = type
        self.keys = keys
        self.isFetched = isFetched
        try check()
    }

    /// The one who signs with this secret.
    public init(_ key: TokenKey) throws(KeyError) {
        try self.init(
            [key.algorithm], keys: .shared(secret: key.secret, keyID: key.keyID),
            name: key.issuer, audiences: key.audience.map { [$0] } ?? [])
    }

    /// How its secret is too short, where it is.
    public var weakness: SecretWeakness? {
        guard case .shared(let secret, _) = keys else { return nil }
        let short = algorithms.filter { secret.count < $0.hashLength }
        guard let least = short.min(by: { $0.hashLength < $1.hashLength }) else { return nil }
        return SecretWeakness(algorithm: least, count: secret.count)
    }

    /// Everything that must hold before a token is judged by it.
    func check() throws(KeyError) {
        guard let first = algorithms.first else { throw .noAlgorithm }
        guard algorithms.allSatisfy({ $0.isShared == first.isShared }) else {
            throw .mixedAlgorithms
        }
        if let name, !(1...Limits.issuerName).contains(name.utf8.count) { throw .badIssuerName }
        for audience in audiences where !(1...Limits.issuerName).contains(audience.utf8.count) {
            throw .badAudience
        }
        if let maximumLifetime, maximumLifetime <= 0 { throw .badLifetime }
        switch keys {
        case .shared(let secret, let keyID):
            guard first.isShared, !isFetched else { throw .otherSort(first) }
            guard !secret.isEmpty else { throw .emptySecret }
            guard !SharedSecret.isPublicKey(secret) else { throw .publicKeyAsSecret }
            try Self.checkKeyID(keyID)
        case .published(let published):
            guard !first.isShared else { throw .otherSort(first) }
            if published.isEmpty, isFetched { return }
            try check(published)
        }
    }

    /// What a set of keys must be to replace those there are.
    func check(_ published: [PublishedKey]) throws(KeyError) {
        guard published.count <= Limits.publishedKeys else {
            throw .tooMany(limit: Limits.publishedKeys)
        }
        for (index, key) in published.enumerated() {
            try Self.checkKeyID(key.keyID)
            guard let id = key.keyID else { continue }
            if published[..<index].contains(where: { $0.keyID?.rawSpan.equals(id.rawSpan) == true })
            {
                throw .duplicateKeyID(id)
            }
        }
        let fits = published.contains { key in algorithms.contains(where: key.fits) }
        guard fits else { throw .fitsNone }
    }

    private static func checkKeyID(_ id: String?) throws(KeyError) {
        if let id, !(1...Limits.tokenField).contains(id.utf8.count) { throw .badKeyID }
    }
}
