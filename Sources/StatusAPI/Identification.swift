// Owns whose request this is: from a token's bytes to a user's session.
// Called by admission and the endpoints of one loop.
// Never does cryptography twice for one token while its verdict is remembered.

import Presence
import ProxyCore

/// Names of sessions and of revocable tokens, out of claims.
enum SessionNames {
    /// The first 8 bytes of SHA-256(user, 0, session key); without a session in the claims the
    /// token itself is the session.
    static func tag(_ claims: TokenClaims, _ digest: TokenDigest) -> UInt64 {
        tag(user: claims.user, session: claims.session, digest)
    }

    static func tag(user: String, session: String?, _ digest: TokenDigest) -> UInt64 {
        let key = session.map { Array($0.utf8) } ?? digest.bytes
        return TokenDigest.of((Array(user.utf8) + [0] + key).rawSpan).words.0
    }

    /// By `jti` where there is one: the same token can be signed twice (RFC 7519 §4.1.7 makes it
    /// unique). With the user before it, so that no issuer's carelessness revokes another's token.
    static func revocation(_ claims: TokenClaims, _ digest: TokenDigest) -> RevocationKey {
        guard let id = claims.tokenID else { return key(digest) }
        let text = Array("jti".utf8) + [0] + Array(claims.user.utf8) + [0] + Array(id.utf8)
        return key(TokenDigest.of(text.rawSpan))
    }

    /// What a token is revoked by that has no other name.
    static func key(_ digest: TokenDigest) -> RevocationKey {
        RevocationKey(digest.words.0, digest.words.1, digest.words.2, digest.words.3)
    }
}

/// The tokens that one loop knows.
final class Identification {
    private let cache = VerdictCache<Identity>(
        entries: APILimits.verdicts, bytes: APILimits.verdictBytes)
    private let verifier: Verifier
    private let engine: PresenceEngine
    private let counters: LoopCounters

    init(_ tokens: TokenSettings, engine: PresenceEngine, counters: LoopCounters) {
        verifier = Verifier(tokens.ring)
        self.engine = engine
        self.counters = counters
    }

    /// The entry of a token that counts now, or nil: it counts for nothing.
    ///
    /// The number is good until the next call; `identity(_:)` reads it.
    @inline(__always)
    func find(_ token: RawSpan, now: Milliseconds) -> Int32? {
        guard let entry = cache.find(token, now: now) else { return verify(token, now: now) }
        guard !engine.isRevoked(&cache[entry], now: now) else { return forget(entry) }
        counters.add(.tokenCached)
        return entry
    }

    @inline(__always)
    func identity(_ entry: Int32) -> Identity { cache[entry] }

    /// Where a session was found in the end. The entry may hold another token by now.
    func remember(_ session: SessionRef, at entry: Int32) {
        let held = cache[entry].session
        if held.tag == session.tag, held.subject == session.subject {
            cache[entry].session = session
        }
    }

    /// Judges the token of a login response, which no request has shown yet.
    func claims(of token: RawSpan, now: Milliseconds) -> (TokenClaims, tag: UInt64)? {
        switch verifier.verify(token, now: now) {
        case .refused: nil
        case .valid(let claims, let digest): (claims, SessionNames.tag(claims, digest))
        }
    }

    private func verify(_ token: RawSpan, now: Milliseconds) -> Int32? {
        switch verifier.verify(token, now: now) {
        case .refused(let fault):
            counters.add(fault)
            return nil
        case .valid(let claims, let digest):
            return enroll(token, claims, digest, now: now)
        }
    }

    private func enroll(
        _ token: RawSpan, _ claims: TokenClaims, _ digest: TokenDigest, now: Milliseconds
    ) -> Int32? {
        let enrollment = engine.enroll(
            user: claims.user, name: claims.name, session: SessionNames.tag(claims, digest),
            revocation: SessionNames.revocation(claims, digest), expires: claims.goodUntil,
            isAdmin: claims.isAdmin, now: now)
        switch enrollment {
        case .identity(let identity):
            counters.add(.tokenVerified)
            return cache.insert(token, identity, expires: claims.goodUntil, now: now)
        case .revoked: counters.add(.tokenRevoked)
        case .full, .unusableID: counters.add(.tokenNoRoom)
        }
        return nil
    }

    private func forget(_ entry: Int32) -> Int32? {
        cache.remove(entry)
        counters.add(.tokenRevoked)
        return nil
    }
}
