// Owns the judgement of one token: its form, its signature, its claims.
// Called by the application of one loop where its cache of verdicts does not know a token.
// Never lets a token choose how it is verified.

/// What became of a token.
public enum Verdict: Sendable, Equatable {
    /// The digest names the token for revocation and for a session without a name. It is the one
    /// of the whole token; with ES* of what is signed alone: from a signature (r, s) anybody can
    /// make (r, n - s), which is as good, and a token that was revoked must not come back so.
    case valid(TokenClaims, digest: TokenDigest)
    case refused(TokenFault)
}

/// Verifies tokens for one loop: it owns keyed contexts of libcrypto, so that it is not Sendable.
public final class Verifier {
    private let ring: KeyRing
    private var version: UInt64
    private var issuers: [CandidateIssuer]
    private let sha256 = DigestContext(.sha256)
    private var text = ByteBuffer()
    private var payload = ByteBuffer()
    private var signature = ByteBuffer()
    /// The header segment of the last good token, as sent: an issuer writes the same one into
    /// every token, and comparing it is cheaper than reading it.
    private var knownHeader: [UInt8] = []
    private var known: TokenHeader?
    /// What the signatures checked for the last token cost, in microseconds, roughly (the sum of
    /// `TokenAlgorithm.cost`): for the allowance of who sent it.
    public private(set) var spent = 0
    /// The fetched issuer whose keys the last token asked for in vain: once they have been
    /// fetched anew, the verdict may be another.
    public private(set) var missed: Int?

    public init(_ ring: KeyRing) {
        self.ring = ring
        // The version first: a change in between is then seen at the next token.
        version = ring.version
        issuers = ring.snapshot().map(CandidateIssuer.init)
    }

    /// Judges a token at `now` (UTC). A valid one comes with its claims and its SHA-256.
    public func verify(_ token: RawSpan, now: Milliseconds) -> Verdict {
        verify(token, now: now, expiredFor: 0)
    }

    /// The same for a token that may have expired up to `past` milliseconds ago: one that is
    /// being exchanged for a new one. Everything else must hold as ever.
    public func verify(
        _ token: RawSpan, now: Milliseconds, expiredFor past: Milliseconds
    ) -> Verdict {
        spent = 0
        missed = nil
        if ring.version != version { takeKeys() }
        do {
            let segments = try TokenParser.segments(of: token)
            let header = try header(segments.header(of: token))
            let claims = try claims(of: token, segments, header, now: now, expiredFor: past)
            let named = header.algorithm.hasTwins ? segments.signed(of: token) : token
            return .valid(claims, digest: sha256.tokenDigest(named))
        } catch {
            if let missed { ring.wanted?(missed) }
            return .refused(error)
        }
    }

    private func takeKeys() {
        version = ring.version
        issuers = ring.snapshot().map(CandidateIssuer.init)
    }

    private func claims(
        of token: RawSpan, _ segments: TokenSegments, _ header: TokenHeader, now: Milliseconds,
        expiredFor past: Milliseconds
    ) throws(TokenFault) -> TokenClaims {
        try decode(segments, of: token)
        let list = try Shortlist(header, of: issuers) { Self.unverifiedIssuer(payload) }
        missed = list.absentOf
        guard !list.entries.isEmpty else { throw list.unfound }
        guard !signature.isEmpty else { throw .signatureMissing }
        var fault = TokenFault.badSignatureForm
        for (index, candidate) in list.entries {
            spent += candidate.cost
            switch candidate.outcome(segments.signed(of: token), signature.bytes) {
            case .malformed: continue
            case .mismatch:
                if fault == .badSignatureForm { fault = .signatureMismatch }
                continue
            case .good: break
            }
            remember(header, segments.header(of: token))
            missed = nil
            do {
                return try TokenClaims(
                    payload.bytes, header: header, issuer: issuers[index].issuer, index: index,
                    rules: ring.claims,
                    clock: TokenClock(now: now, leeway: ring.leeway, past: past))
            } catch {
                // Another issuer may have the same secret.
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

    /// Claims and signature, before any cryptography is spent on them.
    private func decode(_ segments: TokenSegments, of token: RawSpan) throws(TokenFault) {
        payload.removeAll()
        signature.removeAll()
        guard Base64URL.decode(segments.payload(of: token), into: &payload),
            Base64URL.decode(segments.signature(of: token), into: &signature)
        else { throw .badEncoding }
    }

    /// `iss` of claims that nobody has verified: it selects the keys that it must then be signed
    /// with (RFC 8725 §3.8), and says nothing else.
    private static func unverifiedIssuer(_ claims: borrowing ByteBuffer) -> String? {
        do {
            return try JSONReader.read(claims.bytes, maximumDepth: Limits.tokenDepth)["iss"]?
                .string
        } catch {
            return nil
        }
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
}
