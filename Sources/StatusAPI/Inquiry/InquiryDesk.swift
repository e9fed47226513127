// Owns the threads that ask whose a token is, and the answers.
// Called by every loop (standing, ask, forget) and by the assembly, which gives it its threads.
// Never lets a loop wait: what it asks is queued, and what comes back is posted.

public import Presence
public import ProxyCore
import Synchronization

/// Asks the application (or an RFC 7662 server) whose a credential is.
///
/// A loop only ever takes a lock that nobody holds for longer than a few look-ups. The servers
/// are asked on threads of their own; what hangs there, hangs nobody here.
public final class InquiryDesk: Sendable {
    private struct Report {
        var reason = ""
        var time = Milliseconds.min
    }

    private let settings: IntrospectionSettings
    private let engine: PresenceEngine
    private let inquiries: Lock<Inquiries>
    private let report: @Sendable (String) -> Void
    private let reported = Lock(Report())
    let disownments = Disownments()
    private let wake: EventCounter
    private let interruption: Interruption

    /// - Parameter report: hears when asking pauses and goes on, and now and then why answers
    ///   are of no use; on any of the desk's threads.
    public init(
        _ settings: IntrospectionSettings, engine: PresenceEngine,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(SystemError) {
        self.settings = settings
        self.engine = engine
        self.report = report
        inquiries = Lock(Inquiries(settings))
        wake = try EventCounter()
        interruption = try Interruption()
    }

    deinit { wake.descriptor.close() }

    /// How many threads to give it, each with `run` as its body.
    public var threadCount: Int { max(settings.concurrency, 1) }

    public var totals: InquiryTotals { inquiries.withLock { $0.totals } }

    /// What is known of a credential.
    public func standing(_ digest: TokenDigest, now: Milliseconds) -> Standing {
        inquiries.withLock { $0.standing(digest, now) }
    }

    /// Whose a credential was when that was last known, up to a day ago; nil once it was refused
    /// or forgotten.
    func owner(of digest: TokenDigest) -> OpaqueIdentity? {
        inquiries.withLock { $0.owner(digest) }
    }

    /// Whether to ask about it is one question more, about a credential of which nobody is known
    /// to have owned it within a day.
    func isStrange(_ digest: TokenDigest, now: Milliseconds) -> Bool {
        inquiries.withLock { $0.isStrange(digest, now) }
    }

    /// Asks, where nobody is asking the same yet.
    /// - Parameters:
    ///   - sighting: counts if the answer names somebody.
    ///   - waiter: called once, on any thread, perhaps before `ask` returns, when `standing` has
    ///     something to say: whatever it is. Post to a loop; do nothing else.
    /// - Returns: false: there is no room; the sighting is lost and the waiter is not called.
    public func ask(
        _ question: Question, sighting: Sighting?, waiter: (@Sendable () -> Void)?,
        now: Milliseconds
    ) -> Bool {
        let canBeAsked = InquiryForm.canCarry(question, settings)
        let asked = inquiries.withLock { inquiries in
            if !canBeAsked { inquiries.refuse(question.digest, now) }
            return inquiries.ask(question, sighting, waiter, now)
        }
        switch asked {
        case .queued: wake.signal()
        case .joined: break
        case .known(let identity):
            if let sighting {
                _ = count([sighting], for: identity, question.digest, now: now)
            }
            waiter?()
        case .settled: waiter?()
        case .noRoom: return false
        }
        return true
    }

    /// Forgets whose a credential is, and what is being asked about it: at a logout, or where the
    /// application has refused it.
    /// - Parameter refusal: also what speaks against it: at a login, which may give an old
    ///   session cookie an owner.
    public func forget(_ digest: TokenDigest, refusal: Bool = false) {
        inquiries.withLock { $0.forget(digest, refusal: refusal) }
    }

    // MARK: Its threads

    /// Until `stop()`: the body of each thread.
    public func run() {
        let courier = InquiryCourier(settings, interruption)
        var clock = SteadyClock(wall: Clock.wall(), monotonic: Clock.monotonic())
        while !interruption.isInterrupted {
            let now = clock.now(monotonic: Clock.monotonic())
            guard let question = next(now) else {
                inquiries.withLock { $0.tidy(now) }
                wake.wait(atMost: InquiryLimits.idleTime)
                continue
            }
            carry(question, courier, &clock)
        }
        // The counter may have woken this thread alone.
        wake.signal()
    }

    public func stop() {
        interruption.interrupt()
        wake.signal()
    }

    /// The next question. One signal wakes one thread, so that it wakes the next where more waits.
    func next(_ now: Milliseconds) -> Question? {
        let (question, isMore) = inquiries.withLock { ($0.next(now), $0.hasQueued) }
        if question != nil, isMore { wake.signal() }
        return question
    }

    private func carry(
        _ question: Question, _ courier: InquiryCourier, _ clock: inout SteadyClock
    ) {
        let asked = clock.now(monotonic: Clock.monotonic())
        var finding = InquiryFinding(.refused)
        var sent = 0
        if let form = InquiryForm(question, settings) {
            (finding, sent) = courier.carry(form, question.digest, now: asked)
        }
        let now = clock.now(monotonic: Clock.monotonic())
        close(question, finding, sent: sent, now: now)
    }

    /// Ends a question that `next` gave out.
    func close(
        _ question: Question, _ found: InquiryFinding, sent: Int = 0, now: Milliseconds
    ) {
        var finding = found
        // What the application does not know to be over may be over for us.
        if case .known(let identity) = finding.outcome,
            count([], for: identity, question.digest, now: now) == .revoked
        {
            finding.outcome = .refused
        }
        let (closing, isMore) = inquiries.withLock { inquiries in
            inquiries.countSent(sent)
            return (inquiries.finish(question.digest, finding.outcome, now), inquiries.hasQueued)
        }
        if case .known(let identity) = finding.outcome, !closing.sightings.isEmpty {
            _ = count(closing.sightings, for: identity, question.digest, now: now)
        }
        // What a login has said is over too, before anybody who waits looks it up.
        if closing.isDisowned, engine.forgetToken(question.digest, now: now) {
            disownments.add(SessionNames.key(question.digest))
        }
        for waiter in closing.waiters { waiter() }
        if isMore { wake.signal() }
        tell(finding, closing.news, now: now)
    }

    /// Makes the identity known to the engine and counts what was seen of it.
    private func count(
        _ sightings: [Sighting], for identity: OpaqueIdentity, _ digest: TokenDigest,
        now: Milliseconds
    ) -> Enrollment {
        let enrollment = engine.enroll(
            user: identity.user, name: identity.name, session: identity.session,
            revocation: SessionNames.key(digest), expires: identity.goodUntil,
            isAdmin: identity.isAdmin, now: now)
        if case .identity(let known) = enrollment {
            var session = known.session
            for sighting in sightings {
                engine.sight(
                    &session, activity: sighting.activity, label: sighting.label.bytes,
                    now: sighting.time)
            }
        }
        return enrollment
    }

    // MARK: The log

    private func tell(
        _ finding: InquiryFinding, _ news: InquiryClosing.News?, now: Milliseconds
    ) {
        guard !interruption.isInterrupted else { return }
        switch news {
        case .paused(let until):
            report("introspection pauses for \((until - now) / 1000) s: \(finding.reason)")
            return
        case .resumed: report("introspection goes on")
        case nil: break
        }
        guard finding.outcome == .unclear else { return }
        let isDue = reported.withLock { reported in
            let isNew = finding.reason != reported.reason
            let age = reported.time == .min ? .max : now - reported.time
            guard age >= (isNew ? 1_000 : InquiryLimits.reportEvery) else { return false }
            reported = Report(reason: finding.reason, time: now)
            return true
        }
        if isDue { report("introspection learns nothing: \(finding.reason)") }
    }
}
