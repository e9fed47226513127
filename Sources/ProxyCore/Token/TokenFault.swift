// Owns the reasons for which a token is refused, and the order of the checks.
// Called by the verifier; read by logs, metrics and the answers of our own endpoints.
// Never carries a byte of the token.

/// The checks of a token in their order: where one fails, those before it have passed and those
/// behind it were not reached.
public enum TokenCheck: String, Sendable, CaseIterable {
    /// Length, three segments, strict base64url.
    case form
    /// The header is JSON and asks for nothing that is not understood.
    case header
    /// `alg` is one of those configured.
    case algorithm
    /// There is exactly one key of an issuer that may have signed it.
    case key
    case signature
    /// The claims are JSON.
    case claims
    /// `exp`, `nbf`, `iat`, and the longest lifetime.
    case lifetime
    /// `iss`.
    case issuer
    /// `aud`.
    case audience
    /// `typ`, and no refresh token.
    case type
    /// The claims name a user.
    case user
    /// It has not been revoked: checked by whoever keeps revocations.
    case revocation
}

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
    case unknownIssuer = "unknown issuer"
    case ambiguousKey = "no key id, and several keys"
    case keysMissing = "keys not fetched yet"
    case signatureMissing = "signature missing"
    case badSignatureForm = "malformed signature"
    case signatureMismatch = "signature does not match"
    case badClaims = "malformed claims"
    case expiryMissing = "no expiry (exp)"
    case badTime = "malformed time (exp, nbf or iat)"
    case expired = "expired"
    case notYetValid = "not yet valid (nbf)"
    case issuedInFuture = "issued in the future (iat)"
    case lifetimeTooLong = "lifetime too long"
    case refreshToken = "a refresh token"
    case typeMismatch = "wrong type (typ)"
    case issuerMismatch = "wrong issuer"
    case audienceMismatch = "wrong audience"
    case userMissing = "no user id"
    case badUser = "malformed user id"

    /// The text for the log.
    public var text: String { rawValue }

    /// The check that failed.
    public var check: TokenCheck {
        switch self {
        case .empty, .tooLong, .notThreeSegments, .badEncoding: .form
        case .badHeader, .criticalExtension, .compressed, .unencodedPayload, .badKeyID: .header
        case .algorithmNone, .algorithmRefused: .algorithm
        case .unknownKeyID, .unknownIssuer, .ambiguousKey, .keysMissing: .key
        case .signatureMissing, .badSignatureForm, .signatureMismatch: .signature
        case .badClaims: .claims
        case .expiryMissing, .badTime, .expired, .notYetValid, .issuedInFuture, .lifetimeTooLong:
            .lifetime
        case .issuerMismatch: .issuer
        case .audienceMismatch: .audience
        case .refreshToken, .typeMismatch: .type
        case .userMissing, .badUser: .user
        }
    }
}
