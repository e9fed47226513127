// Owns the threads that ask whose a token is, and the answers.
// Called by every loop (standing, ask, forget) and by the assembly, which gives it its threads.
// Never lets a loop wait: what it asks is queued, and what comes back is posted.

public import Presence
public import ProxyCore

/// Asks the application (or an RFC 7662 server) whose a credential is.
public final class InquiryDesk: Sendable {
    private let settings: IntrospectionSettings
    private let engine: PresenceEngine

    public init(
        _ settings: IntrospectionSettings, engine: PresenceEngine
    ) throws(SystemError) {
        self.settings = settings
        self.engine = engine
    }

    /// How many threads to give it, each with `run` as its body.
    public var threadCount: Int { max(settings.concurrency, 1) }

    public var totals: InquiryTotals { InquiryTotals() }

    /// What is known of a credential.
    public func standing(_ digest: TokenDigest, now: Milliseconds) -> Standing { .unknown }

    /// Asks, where nobody is asking the same yet.
    /// - Parameters:
    ///   - sighting: counts if the answer names somebody.
    ///   - waiter: called once, on any thread, perhaps before `ask` returns, when `standing` has
    ///     something to say: whatever it is. Post to a loop; do nothing else.
    /// - Returns: false: nothing is asked (no room, or it is known that nothing would come of
    ///   it), the sighting is lost and the waiter is not called.
    public func ask(
        _ question: Question, sighting: Sighting?, waiter: (@Sendable () -> Void)?,
        now: Milliseconds
    ) -> Bool { false }

    /// Forgets what is known, and what is being asked: at a logout, or where the application has
    /// refused the credential.
    public func forget(_ digest: TokenDigest) {}

    /// Until `stop()`: the body of each thread.
    public func run() {}

    public func stop() {}
}
