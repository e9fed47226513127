// Owns the judgement of one token: its form, its signature, its claims.
// Called by the application of one loop where its cache of verdicts does not know a token.
// Never lets a token choose how it is verified.

/// What became of a token.
public enum Verdict: Sendable, Equatable {
    case valid(TokenClaims, digest: TokenDigest)
    case refused(TokenFault)
}

/// Verifies tokens for one loop: it owns keyed contexts of libcrypto, so that it is not Sendable.
public final class Verifier {
    private struct Candidate {
        let key: TokenKey
        let mac: KeyedMAC
    }

    private let candidates: [Candidate]
    private let rules: ClaimRules
    /// How far the clocks of an issuer and of this machine may differ, milliseconds.
    public let leeway: Milliseconds
    private let sha256 = DigestContext(.sha256)
    private var text = ByteBuffer()
    private var signature = ByteBuffer()
    /// The header segment of the last good token, as sent: an issuer writes the same one into
    /// every token, and comparing it is cheaper than reading it.
    private var knownHeader: [UInt8] = []
    private var known: TokenHeader?

    public init(keys: KeySet, claims: ClaimRules = ClaimRules(), leeway: Milliseconds = 30_000) {
        candidates = keys.keys.map {
            Candidate(key: $0, mac: KeyedMAC($0.algorithm, secret: $0.secret))
        }
        rules = claims
        self.leeway = leeway
    }

    /// Judges a token at `now` (UTC). A valid one comes with its claims and its SHA-256.
    public func verify(_ token: RawSpan, now: Milliseconds) -> Verdict {
        do {
            let claims = try claims(of: token, now: now)
            return .valid(claims, digest: sha256.tokenDigest(token))
        } catch {
            return .refused(error)
        }
    }

    private func claims(of token: RawSpan, now: Milliseconds) throws(TokenFault) -> TokenClaims {
        let segments = try TokenParser.segments(of: token)
        let header = try header(segments.header(of: token))
        guard segments.end > segments.payloadEnd + 1 else { throw .signatureMissing }
        signature.removeAll()
        guard Base64URL.decode(segments.signature(of: token), into: &signature) else {
            throw .badEncoding
        }
        var fault = try noCandidate(for: header)
        for candidate in candidates where Self.matches(candidate.key, header) {
            guard candidate.mac.verifies(segments.signed(of: token), signature.bytes) else {
                continue
            }
            remember(header, segments.header(of: token))
            text.removeAll()
            guard Base64URL.decode(segments.payload(of: token), into: &text) else {
                throw .badEncoding
            }
            do {
                return try TokenClaims(
                    text.bytes, rules: rules, key: candidate.key, leeway: leeway, now: now)
            } catch {
                // Another key may have the same secret for another issuer.
                fault = error
            }
        }
        throw fault
    }

    private func header(_ segment: RawSpan) throws(TokenFault) -> TokenHeader {
        if let known, isKnown(segment) { return known }
        text.removeAll()
        guard Base64URL.decode(segment, into: &text) else { throw .badEncoding }
        return try Self.read(text)
    }

    private static func read(_ header: borrowing ByteBuffer) throws(TokenFault) -> TokenHeader {
        try TokenParser.header(header.bytes)
    }

    private func isKnown(_ segment: RawSpan) -> Bool {
        let bytes = knownHeader
        return known != nil && segment.equals(bytes.rawSpan)
    }

    /// Only headers of good tokens, so that nobody without a key can turn the memory over.
    private func remember(_ header: TokenHeader, _ segment: RawSpan) {
        guard !isKnown(segment) else { return }
        known = header
        knownHeader = segment.array()
    }

    /// What to say where no key's signature matches; throws where no key comes into question.
    private func noCandidate(for header: TokenHeader) throws(TokenFault) -> TokenFault {
        guard candidates.contains(where: { $0.key.algorithm == header.algorithm }) else {
            throw .algorithmRefused
        }
        guard candidates.contains(where: { Self.matches($0.key, header) }) else {
            throw .unknownKeyID
        }
        return .signatureMismatch
    }

    /// A key belongs to one algorithm (RFC 8725 §3.1). A token with a `kid` is for the key of that
    /// id or for keys without any; one without is tried with all, which is how secrets rotate.
    private static func matches(_ key: TokenKey, _ header: TokenHeader) -> Bool {
        guard key.algorithm == header.algorithm else { return false }
        guard let asked = header.keyID, let mine = key.keyID else { return true }
        return mine.rawSpan.equals(asked.rawSpan)
    }
}
