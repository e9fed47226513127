// Owns the reasons for which a token or a key is refused.
// Called by the verifier; read by logs, metrics and the answers of our own endpoints.
// Never carries a byte of the token.

/// Why a token counts for nothing. The raw value is the text for the log.
public enum TokenFault: String, Error, Sendable, CaseIterable {
    case empty = "no token"
    case tooLong = "token too long"
    case notThreeSegments = "not three segments"
    case badEncoding = "not base64url"
    case badHeader = "malformed header"
    case algorithmNone = "unsigned (alg none)"
    case algorithmRefused = "algorithm not configured"
    case criticalExtension = "critical extension"
    case compressed = "compressed (zip)"
    case unencodedPayload = "unencoded payload (b64)"
    case badKeyID = "malformed key id"
    case unknownKeyID = "unknown key id"
    case signatureMissing = "signature missing"
    case signatureMismatch = "signature does not match"
    case badClaims = "malformed claims"
    case expiryMissing = "no expiry (exp)"
    case badTime = "malformed time (exp, nbf or iat)"
    case expired = "expired"
    case notYetValid = "not yet valid (nbf)"
    case issuedInFuture = "issued in the future (iat)"
    case refreshToken = "a refresh token"
    case issuerMismatch = "wrong issuer"
    case audienceMismatch = "wrong audience"
    case userMissing = "no user id"
    case badUser = "malformed user id"

    /// The text for the log.
    public var text: String { rawValue }
}

/// Why a configured key is no key.
public enum KeyError: Error, Sendable, Equatable, CustomStringConvertible {
    case noKeys
    case tooMany(limit: Int)
    case emptySecret
    /// A public key used as a shared secret: whoever holds it could sign (RFC 8725 §2.1).
    case publicKeyAsSecret
    case badKeyID
    case duplicateKeyID(String)

    public var description: String {
        switch self {
        case .noKeys: "no key is configured"
        case .tooMany(let limit): "more than \(limit) keys"
        case .emptySecret: "the secret is empty"
        case .publicKeyAsSecret: "this is a public key and no shared secret"
        case .badKeyID: "a key id must have 1 to \(Limits.tokenField) bytes"
        case .duplicateKeyID(let id): "two keys have the id \(id)"
        }
    }
}
