// Owns what is known of opaque credentials, what is being asked, and who waits for it.
// Called by the desk, under its lock.
// Never does I/O, never reads a clock, never calls a waiter: it hands them out.

import ProxyCore

/// What a server's answer comes to.
enum InquiryOutcome: Equatable {
    case known(OpaqueIdentity)
    case refused
    /// It answered, and not whose the credential is.
    case unclear
    /// No server answered, or it said that it cannot answer anybody now.
    case silent
}

/// What became of `ask`.
enum InquiryAsked: Equatable {
    /// It waits for a courier.
    case queued
    /// It is being asked already.
    case joined
    /// It is known whose it is; the sighting can be counted.
    case known(OpaqueIdentity)
    /// It is known that there is nothing to be had now.
    case settled
    case noRoom
}

/// What is to be done when a question is closed, or a pause begins.
struct InquiryClosing {
    /// To be counted for the identity.
    var sightings: [Sighting] = []
    var waiters: [@Sendable () -> Void] = []
    var news: News?
    /// It is nobody's, whatever was said of it before.
    var isDisowned = false

    enum News: Equatable {
        /// Nothing is asked until then.
        case paused(until: Milliseconds)
        case resumed
    }
}

/// The machine of inquiries: one flight for a credential, bounded in every direction.
struct Inquiries {
    private enum Verdict {
        case refused
        /// So many times in a row.
        case undecided(Int)
    }

    private enum Flight {
        case waiting
        case underWay
        /// Forgotten while it was under way: its answer says what was, not what is.
        case stale
    }

    private struct Open {
        let question: Question
        var flight = Flight.waiting
        var sightings: [Sighting] = []
        var waiters: [@Sendable () -> Void] = []

        var isWanted: Bool { !sightings.isEmpty || !waiters.isEmpty }
    }

    private let settings: IntrospectionSettings
    private var known: DigestTable<OpaqueIdentity>
    private var judged: DigestTable<Verdict>
    private var open: [TokenDigest: Open] = [:]
    /// Of credentials that had an owner a while ago, and of all others.
    private var returning = DigestQueue()
    private var fresh = DigestQueue()
    private var turn = 0
    private var underWay = 0
    private var waiting = 0
    private var breaker = InquiryBreaker()
    private var counted = InquiryTotals()

    init(_ settings: IntrospectionSettings) {
        self.settings = settings
        known = DigestTable(limit: settings.known)
        judged = DigestTable(limit: InquiryLimits.judged)
    }

    var totals: InquiryTotals {
        var totals = counted
        totals.open = open.count
        totals.remembered = known.count
        return totals
    }

    /// Requests that wait for an answer.
    var waiterCount: Int { waiting }
    var judgedCount: Int { judged.count }
    var hasQueued: Bool { !returning.isEmpty || !fresh.isEmpty }

    // MARK: Looking up

    func standing(_ digest: TokenDigest, _ now: Milliseconds) -> Standing {
        if let found = known.find(digest), now < found.until { return .known(found.value) }
        if let found = judged.find(digest), now < found.until {
            switch found.value {
            case .refused: return .refused
            case .undecided: return .undecided(until: found.until)
            }
        }
        return breaker.pausedUntil(now).map { .undecided(until: $0) } ?? .unknown
    }

    /// Whose it was when it was last known: good for an end, and for nothing else.
    func owner(_ digest: TokenDigest) -> OpaqueIdentity? { known.find(digest)?.value }

    /// Whether `ask` would queue a question about a credential that nobody is known to have owned.
    func isStrange(_ digest: TokenDigest, _ now: Milliseconds) -> Bool {
        known.find(digest) == nil && open[digest] == nil && standing(digest, now) == .unknown
    }

    // MARK: Asking

    mutating func ask(
        _ question: Question, _ sighting: Sighting?, _ waiter: (@Sendable () -> Void)?,
        _ now: Milliseconds
    ) -> InquiryAsked {
        switch standing(question.digest, now) {
        case .known(let identity):
            if sighting != nil { counted.sightingsCounted += 1 }
            return .known(identity)
        case .refused, .undecided:
            if sighting != nil { counted.sightingsLost += 1 }
            return .settled
        case .unknown: break
        }
        let asked = hasRoom(question.digest, waiter) ? place(question) : .noRoom
        guard asked != .noRoom else {
            counted.dropped += 1
            if sighting != nil { counted.sightingsLost += 1 }
            return .noRoom
        }
        if let waiter {
            open[question.digest]?.waiters.append(waiter)
            waiting += 1
        }
        if let sighting { park(sighting, question.digest) }
        return asked
    }

    private func hasRoom(_ digest: TokenDigest, _ waiter: (@Sendable () -> Void)?) -> Bool {
        guard waiter != nil else { return true }
        let here = open[digest]?.waiters.count ?? 0
        return here < InquiryLimits.waiters && waiting < InquiryLimits.waitersTogether
    }

    /// Finds the flight of a credential, or queues one.
    private mutating func place(_ question: Question) -> InquiryAsked {
        if open[question.digest] != nil { return .joined }
        let isReturning = known.find(question.digest) != nil
        guard (isReturning ? returning.count : fresh.count) < settings.queued else {
            return .noRoom
        }
        open[question.digest] = Open(question: question)
        if isReturning {
            returning.append(question.digest)
        } else {
            fresh.append(question.digest)
        }
        return .queued
    }

    /// At the bound the newest takes the place of the one before: what counts is when somebody
    /// was here last, and whether at work.
    private mutating func park(_ sighting: Sighting, _ digest: TokenDigest) {
        guard let count = open[digest]?.sightings.count else { return }
        guard count >= InquiryLimits.sightings else {
            open[digest]?.sightings.append(sighting)
            return
        }
        guard let before = open[digest]?.sightings.popLast() else { return }
        counted.sightingsLost += 1
        let merged = Sighting(
            activity: sighting.activity || before.activity, label: sighting.label,
            time: sighting.time)
        open[digest]?.sightings.append(merged)
    }

    // MARK: Sending

    /// The next question to send; nil: none, or none now.
    mutating func next(_ now: Milliseconds) -> Question? {
        guard underWay < settings.concurrency, breaker.admits(now) else { return nil }
        while let digest = takeQueued() {
            guard let found = open[digest] else { continue }
            // Forgotten before it was sent, and nobody waits.
            guard found.isWanted else {
                open[digest] = nil
                continue
            }
            breaker.begin()
            open[digest]?.flight = .underWay
            underWay += 1
            return found.question
        }
        return nil
    }

    /// Those who had an owner first, but never all the time: only the try after a pause is always
    /// about one of them, where one waits. A server may refuse to say anything of invented ones.
    private mutating func takeQueued() -> TokenDigest? {
        guard breaker.isClosed else { return returning.removeFirst() ?? fresh.removeFirst() }
        turn = (turn + 1) % InquiryLimits.turns
        return turn == 0
            ? fresh.removeFirst() ?? returning.removeFirst()
            : returning.removeFirst() ?? fresh.removeFirst()
    }

    // MARK: Answers

    /// Closes a question that `next` gave out. Call exactly once for each.
    mutating func finish(
        _ digest: TokenDigest, _ outcome: InquiryOutcome, _ now: Milliseconds
    ) -> InquiryClosing {
        var closing = InquiryClosing()
        underWay -= 1
        count(outcome)
        hear(outcome, now, &closing)
        guard let found = open[digest] else { return closing }
        if found.flight == .stale, found.isWanted, breaker.pausedUntil(now) == nil {
            // Somebody has asked since it was forgotten, and shall hear what holds now.
            open[digest]?.flight = .waiting
            fresh.append(digest)
            return closing
        }
        close(digest, into: &closing)
        guard found.flight != .stale else {
            lose(&closing)
            return closing
        }
        record(digest, outcome, now)
        closing.isDisowned = outcome == .refused
        guard case .known = outcome else {
            lose(&closing)
            return closing
        }
        counted.sightingsCounted += Int64(closing.sightings.count)
        return closing
    }

    private mutating func close(_ digest: TokenDigest, into closing: inout InquiryClosing) {
        guard let found = open.removeValue(forKey: digest) else { return }
        waiting -= found.waiters.count
        closing.waiters += found.waiters
        closing.sightings += found.sightings
    }

    private mutating func lose(_ closing: inout InquiryClosing) {
        counted.sightingsLost += Int64(closing.sightings.count)
        closing.sightings = []
    }

    private mutating func record(
        _ digest: TokenDigest, _ outcome: InquiryOutcome, _ now: Milliseconds
    ) {
        let before = judged.find(digest)?.value
        judged.remove(digest)
        known.removeEnded(by: now - InquiryLimits.ownerMemory)
        judged.removeEnded(by: now - InquiryLimits.judgedMemory)
        switch outcome {
        case .known(let identity):
            known.put(identity, for: digest, until: identity.goodUntil)
        case .refused:
            known.remove(digest)
            judged.put(.refused, for: digest, until: now + InquiryLimits.refusedTime)
        case .unclear, .silent:
            var failures = 1
            if case .undecided(let earlier)? = before { failures = min(earlier + 1, 8) }
            let time = InquiryLimits.undecidedTime << Int64(failures - 1)
            judged.put(
                .undecided(failures), for: digest,
                until: now + min(time, InquiryLimits.undecidedLimit))
        }
    }

    private mutating func count(_ outcome: InquiryOutcome) {
        switch outcome {
        case .known: counted.known += 1
        case .refused: counted.refused += 1
        case .unclear, .silent: counted.undecided += 1
        }
    }

    /// What the answer says of the server. At the beginning of a pause nobody is left waiting.
    private mutating func hear(
        _ outcome: InquiryOutcome, _ now: Milliseconds, _ closing: inout InquiryClosing
    ) {
        guard outcome == .silent else {
            if !breaker.isClosed { closing.news = .resumed }
            breaker.answered()
            return
        }
        guard breaker.silent(now), let until = breaker.pausedUntil(now) else { return }
        counted.pauses += 1
        closing.news = .paused(until: until)
        while let digest = takeQueued() { close(digest, into: &closing) }
        lose(&closing)
    }

    // MARK: Forgetting

    /// - Parameter refusal: also what speaks against the credential.
    mutating func forget(_ digest: TokenDigest, refusal: Bool) {
        known.remove(digest)
        if refusal { judged.remove(digest) }
        guard let found = open[digest] else { return }
        counted.sightingsLost += Int64(found.sightings.count)
        open[digest]?.sightings = []
        switch found.flight {
        // What is asked after this says what holds after it.
        case .waiting: break
        case .underWay, .stale: open[digest]?.flight = .stale
        }
    }

    /// A credential that no request can carry.
    mutating func refuse(_ digest: TokenDigest, _ now: Milliseconds) {
        counted.refused += 1
        record(digest, .refused, now)
    }

    mutating func countSent(_ requests: Int) { counted.sent += Int64(requests) }

    /// Gives back what has long ended.
    mutating func tidy(_ now: Milliseconds) {
        known.removeEnded(by: now - InquiryLimits.ownerMemory)
        judged.removeEnded(by: now - InquiryLimits.judgedMemory)
    }
}
