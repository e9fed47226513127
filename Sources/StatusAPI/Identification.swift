// Owns whose request this is: from a credential's bytes to a user's session.
// Called by admission and the endpoints of one loop.
// Never does cryptography twice for one token while its verdict is remembered.

import Presence
public import ProxyCore
import Synchronization

/// Whose a credential is that was not remembered.
enum Finding {
    /// The number of an entry, good until the next call.
    case user(Int32)
    /// The number of a service token.
    case service(Int)
    /// It counts for nothing.
    case nobody
    /// Nobody has been asked yet whose it is, and somebody may know.
    case unasked(TokenDigest)
    /// Whoever judges it cannot be asked now, or the keys of its issuer could never be fetched.
    case undecided
    /// It may be signed with a key that is being fetched.
    case keysAwaited
    /// Its sender, or all together, have shown too many signatures in vain: it was not looked at.
    case limited(retryAfter: Milliseconds)
}

/// A credential that counts, as the cache holds it.
struct Known: BitwiseCopyable {
    var identity: Identity
    /// The state of the keys at which its signature was found good; of one that is judged: how
    /// many such credentials had been disowned by then.
    let retirement: UInt64
    /// It counts by somebody's word and not by a signature.
    let isJudged: Bool
    /// It counts by a login's word, and whoever can be asked has not been heard: he may know more,
    /// as who is an admin.
    let isProvisional: Bool
}

/// How many credentials the application has refused that it had given out itself. Every loop
/// looks anew at those that it remembers when another loop has heard of one; in parts by digest,
/// so that one refused credential costs a look at few others.
final class Disownments: Sendable {
    private static let parts = 256
    private let table: AtomicTable

    init() {
        table = AtomicTable(columns: 1, limit: Self.parts)
        table.ensure(rows: Self.parts)
    }

    func count(_ key: RevocationKey) -> UInt64 {
        UInt64(bitPattern: table.rows.observe(Self.part(key), 0))
    }

    /// Once everybody who is looked up has forgotten it.
    func add(_ key: RevocationKey) { table.rows.increment(Self.part(key), 0) }

    private static func part(_ key: RevocationKey) -> Int { Int(key.first % UInt64(parts)) }
}

/// The credentials that one loop knows.
final class Identification {
    private let cache = VerdictCache<Known>(
        entries: APILimits.verdicts, bytes: APILimits.verdictBytes)
    private let verifier: Verifier
    private let ring: KeyRing
    private let settings: TokenSettings
    private let desk: InquiryDesk?
    private let disownments: Disownments
    private let vainWork: VainWork
    private let engine: PresenceEngine
    private let counters: LoopCounters

    /// - Parameters:
    ///   - desk: knows of tokens that say nothing themselves; nil: nobody is asked.
    ///   - disownments, vainWork: shared by all loops.
    init(
        _ settings: TokenSettings, engine: PresenceEngine, desk: InquiryDesk?,
        disownments: Disownments, vainWork: VainWork, counters: LoopCounters
    ) {
        self.settings = settings
        self.engine = engine
        self.desk = desk
        self.disownments = disownments
        self.vainWork = vainWork
        self.counters = counters
        ring = settings.ring
        verifier = Verifier(settings.ring)
    }

    /// What is held of the bounds `verdicts` and `verdictBytes`.
    var load: (entries: Int, bytes: Int) { (cache.count, cache.byteCount) }

    // MARK: Remembered

    /// The entry of a credential that is remembered and counts now; nil: `resolve` it.
    ///
    /// The number is good until the next call; `identity(_:)` reads it.
    @inline(__always)
    func find(_ token: RawSpan, now: Milliseconds) -> Int32? {
        guard let entry = cache.find(token, now: now) else { return nil }
        let retirement =
            cache[entry].isJudged
            ? disownments.count(cache[entry].identity.revocation) : ring.retirement
        guard cache[entry].retirement == retirement,
            !engine.isRevoked(&cache[entry].identity, now: now)
        else {
            cache.remove(entry)
            return nil
        }
        counters.add(.tokenCached)
        return entry
    }

    @inline(__always)
    func identity(_ entry: Int32) -> Identity { cache[entry].identity }

    @inline(__always)
    func isJudged(_ entry: Int32) -> Bool { cache[entry].isJudged }

    @inline(__always)
    func isProvisional(_ entry: Int32) -> Bool { cache[entry].isProvisional }

    /// Where a session was found in the end. The entry may hold another token by now.
    func remember(_ session: SessionRef, at entry: Int32) {
        let held = cache[entry].identity.session
        if held.tag == session.tag, held.subject == session.subject {
            cache[entry].identity.session = session
        }
    }

    /// Forgets an opaque credential that its judge has refused.
    /// - Returns: what it is revoked by; nil: the entry holds another credential by now.
    func forgetJudged(_ session: SessionRef, at entry: Int32) -> RevocationKey? {
        let held = cache[entry]
        guard held.isJudged, held.identity.session.tag == session.tag,
            held.identity.subject == session.subject
        else { return nil }
        cache.remove(entry)
        return held.identity.revocation
    }

    // MARK: Resolving

    /// Whose a credential is that `find` does not know.
    /// - Parameters:
    ///   - isOwn: it was shown to an endpoint of ours: only there services are known.
    ///   - sender: where it came from; nil: that cannot be told.
    @inline(never)
    func resolve(
        _ token: RawSpan, isOwn: Bool, sender: RateKey?, now: Milliseconds
    ) -> Finding {
        guard (1...Limits.tokenBytes).contains(token.byteCount) else {
            counters.add(token.byteCount == 0 ? TokenFault.empty : .tooLong)
            return .nobody
        }
        let digest = isOpaqueKnown || !settings.service.isEmpty ? TokenDigest.of(token) : nil
        if let digest, let service = service(digest) { return isOwn ? .service(service) : .nobody }
        switch judge(token, sender, now: now) {
        case .settled(let finding): return finding
        case .strange(let fault):
            guard let digest, isOpaqueKnown else { return nobody(fault) }
            return opaque(token, digest, fault, isOwn: isOwn, now: now) ?? .unasked(digest)
        case .unjudged(let finding):
            // Somebody else may know it; nobody else is asked.
            if let digest, settings.learns, let found = learnt(token, digest, now: now) {
                return found
            }
            return finding
        }
    }

    /// Where an issuer has never had keys, nobody can say that a token is not his.
    private func nobody(_ fault: TokenFault?) -> Finding {
        if let fault { counters.add(fault) } else { counters.add(.tokenStrange) }
        return fault == .keysMissing ? .undecided : .nobody
    }

    /// Whether anybody can know of tokens that say nothing themselves.
    private var isOpaqueKnown: Bool { settings.learns || desk != nil }

    /// Every service is compared with, and every bit of it: how long this takes says nothing of
    /// how alike two tokens are.
    private func service(_ digest: TokenDigest) -> Int? {
        var found: Int?
        for (number, service) in settings.service.enumerated()
        where service.digest.isSame(as: digest) {
            found = number
        }
        return found
    }

    /// What the verifier says of a token.
    private enum Judgement {
        case settled(Finding)
        /// It is no token of our issuers: it may be one that says nothing itself. With what the
        /// verifier had against it, where it was looked at.
        case strange(TokenFault?)
        /// The verifier cannot say now.
        case unjudged(Finding)
    }

    /// - Parameter isAgain: it was judged a moment ago, by keys that have changed since.
    private func judge(
        _ token: RawSpan, _ sender: RateKey?, isAgain: Bool = false, now: Milliseconds
    ) -> Judgement {
        let isSigned = token.hasTwoDots && !ring.isEmpty
        guard isSigned || !isOpaqueKnown else { return .strange(nil) }
        if isSigned, let wait = vainWork.wait(sender, now: now) {
            counters.add(.tokenLimited)
            return .unjudged(.limited(retryAfter: wait))
        }
        // Before the look at the keys: one that goes meanwhile is noticed at the next request.
        let retirement = ring.retirement
        let version = ring.version
        switch verifier.verify(token, now: now) {
        case .valid(let claims, let digest):
            counters.add(.tokenVerified)
            let enrollment = engine.enroll(
                user: claims.user, name: claims.name, session: SessionNames.tag(claims, digest),
                revocation: SessionNames.revocation(claims, digest), expires: claims.goodUntil,
                isAdmin: claims.isAdmin, now: now)
            let finding = remember(
                token, enrollment, retirement, until: claims.goodUntil, now: now)
            if case .nobody = finding { charge(sender, now: now) }
            return .settled(finding)
        case .refused(let fault):
            charge(sender, now: now)
            // Signed by one of our issuers: nobody else has anything to say about it.
            if fault.isOfSignedToken {
                counters.add(fault)
                return .settled(.nobody)
            }
            guard let issuer = verifier.missed else { return .strange(fault) }
            if settings.keysAwaited(issuer) {
                counters.add(fault)
                return .unjudged(.keysAwaited)
            }
            // The fetch that it has caused may have ended between the two looks.
            if !isAgain, ring.version != version {
                return judge(token, sender, isAgain: true, now: now)
            }
            return .strange(fault)
        }
    }

    /// What is not remembered will cost the same when it comes again: a bad signature, and an
    /// expired or revoked token too.
    private func charge(_ sender: RateKey?, now: Milliseconds) {
        guard verifier.spent > 0 else { return }
        vainWork.spend(verifier.spent, sender, now: now)
    }

    /// What logins and the desk know; nil: nothing yet, and it can be asked.
    ///
    /// The desk's answer counts before what a login said: it is newer, and tells who is an admin.
    /// Until it is there, and while it cannot be had, a login's word is good for requests that
    /// pass.
    private func opaque(
        _ token: RawSpan, _ digest: TokenDigest, _ fault: TokenFault?, isOwn: Bool,
        now: Milliseconds
    ) -> Finding? {
        guard let desk else { return learnt(token, digest, now: now) ?? nobody(fault) }
        let disowned = disownments.count(RevocationKey(digest))
        switch desk.standing(digest, now: now) {
        case .unknown: return isOwn ? nil : learnt(token, digest, now: now)
        case .undecided: return learnt(token, digest, now: now) ?? .undecided
        case .refused:
            counters.add(.tokenDisowned)
            return .nobody
        case .known(let owner):
            counters.add(.tokenInquired)
            let enrollment = engine.enroll(
                user: owner.user, name: owner.name, session: owner.session,
                revocation: RevocationKey(digest), expires: owner.goodUntil,
                isAdmin: owner.isAdmin, now: now)
            return remember(
                token, enrollment, disowned, isJudged: true, until: owner.goodUntil, now: now)
        }
    }

    private func learnt(
        _ token: RawSpan, _ digest: TokenDigest, now: Milliseconds
    ) -> Finding? {
        let disowned = disownments.count(RevocationKey(digest))
        guard settings.learns, let learnt = engine.learnt(digest, now: now) else { return nil }
        counters.add(.tokenLearnt)
        let enrollment = engine.enroll(
            user: learnt.user, name: learnt.name, session: learnt.session,
            revocation: RevocationKey(digest), expires: learnt.goodUntil,
            isAdmin: learnt.isAdmin, now: now)
        let lasting = desk == nil ? APILimits.opaqueTime : APILimits.provisionalTime
        let until = min(learnt.goodUntil, now + lasting)
        return remember(
            token, enrollment, disowned, isJudged: true, isProvisional: desk != nil, until: until,
            now: now)
    }

    private func remember(
        _ token: RawSpan, _ enrollment: Enrollment, _ retirement: UInt64, isJudged: Bool = false,
        isProvisional: Bool = false, until: Milliseconds, now: Milliseconds
    ) -> Finding {
        switch enrollment {
        case .identity(let identity):
            let known = Known(
                identity: identity, retirement: retirement, isJudged: isJudged,
                isProvisional: isProvisional)
            let entry = cache.insert(token, known, expires: until, now: now)
            return entry.map { .user($0) } ?? .nobody
        case .revoked: counters.add(.tokenRevoked)
        case .full, .unusableID: counters.add(.tokenNoRoom)
        }
        return .nobody
    }
}

extension TokenFault {
    /// Whether the token has one of our signatures, and something else speaks against it.
    public var isOfSignedToken: Bool {
        switch check {
        case .form, .header, .algorithm, .key, .signature: false
        case .claims, .lifetime, .issuer, .audience, .type, .user, .revocation: true
        }
    }
}

extension TokenDigest {
    /// Compares all of it, however early they differ.
    func isSame(as other: TokenDigest) -> Bool {
        let a = words
        let b = other.words
        return (a.0 ^ b.0) | (a.1 ^ b.1) | (a.2 ^ b.2) | (a.3 ^ b.3) == 0
    }
}

extension RawSpan {
    /// Whether it has the form of a signed token: three segments (RFC 7515 §7.1).
    var hasTwoDots: Bool {
        guard let one = first(0x2E), let two = first(0x2E, from: one + 1) else { return false }
        return first(0x2E, from: two + 1) == nil
    }
}
