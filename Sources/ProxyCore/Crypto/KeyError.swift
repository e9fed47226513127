// Owns the reasons for which a key, or a set of keys, is none.
// Called by whoever reads keys; the texts go to the log and to `sidecar check`.
// Never carries a byte of a secret.

/// Why keys are refused.
public enum KeyError: Error, Sendable, Equatable, CustomStringConvertible {
    case tooMany(limit: Int)
    case emptySecret
    /// A public key used as a shared secret: whoever holds it could sign (RFC 8725 §2.1).
    case publicKeyAsSecret
    case badKeyID
    case duplicateKeyID(String)

    case noAlgorithm
    /// Shared secrets and public keys in one issuer (RFC 8725 §3.1).
    case mixedAlgorithms
    /// A secret where public keys are wanted, or the other way round.
    case otherSort(TokenAlgorithm)
    /// No key can be used with any of the issuer's algorithms.
    case fitsNone
    case badIssuerName
    case badAudience
    case badLifetime

    case notPEM
    case severalBlocks
    case privateKey
    case unknownBlock(String)
    case malformed
    /// A curve or a kind of key that no algorithm here uses.
    case unsupported(String)
    case weakRSA(bits: Int)
    case hugeRSA(bits: Int)
    case badExponent
    case badModulus
    case badPoint

    case setTooLarge(limit: Int)
    /// Not JSON; the text says where.
    case notJSON(String)
    case notKeySet
    /// A symmetric key in a published set: the set is no public one (RFC 7517 §9.2).
    case secretInSet
    case privateKeyInSet
    case noUsableKey
    /// No key of the set can be used, and this is why the first of them cannot.
    indirect case noneUsable(first: KeyError)

    public var description: String {
        switch self {
        case .tooMany(let limit): "more than \(limit) keys"
        case .emptySecret: "the secret is empty"
        case .publicKeyAsSecret: "this is a public key and no shared secret"
        case .badKeyID: "a key id must have 1 to \(Limits.tokenField) bytes"
        case .duplicateKeyID(let id): "two keys have the id \(id)"
        case .noAlgorithm: "no algorithm is allowed"
        case .mixedAlgorithms: "algorithms of shared secrets and of public keys cannot be mixed"
        case .otherSort(let algorithm):
            algorithm.isShared
                ? "\(algorithm.rawValue) takes a shared secret and no public key"
                : "\(algorithm.rawValue) takes a public key and no shared secret"
        case .fitsNone: "no key can be used with any of the algorithms"
        case .badIssuerName: "an issuer must have 1 to \(Limits.issuerName) bytes"
        case .badAudience: "an audience must have 1 to \(Limits.issuerName) bytes"
        case .badLifetime: "the longest lifetime must be more than 0"
        case .notPEM: "this is no PEM text (-----BEGIN PUBLIC KEY-----)"
        case .severalBlocks: "more than one key stands here: keep the one that is meant"
        case .privateKey: "this is a private key, which must not lie here: write the public one"
        case .unknownBlock(let label): "a PEM block \(label) is no public key"
        case .malformed: "the key is malformed"
        case .unsupported(let what): "\(what) is not supported"
        case .weakRSA(let bits): "an RSA key of \(bits) bits is too weak: it must have 2048"
        case .hugeRSA(let bits): "an RSA key of \(bits) bits is too large: 8192 is the most"
        case .badExponent: "the RSA exponent must be odd, more than 1 and within 64 bits"
        case .badModulus: "the RSA modulus is even"
        case .badPoint: "the point does not lie on its curve"
        case .setTooLarge(let limit): "the key set has more than \(limit) bytes"
        case .notJSON(let why): "the key set is not JSON: \(why)"
        case .notKeySet: "this is no key set: it has no \"keys\""
        case .secretInSet: "the key set holds a shared secret, so that it is no public one"
        case .privateKeyInSet: "the key set holds a private key, so that it is no public one"
        case .noUsableKey: "the key set holds no key for verifying signatures"
        case .noneUsable(let first):
            "the key set holds no key for verifying signatures: \(first.description)"
        }
    }
}
