// Owns when the keys of one source are fetched.
// Called by the thread that fetches them.
// Never fetches, never reads a clock or a die: time and chance are arguments.

/// The plan of one source: when to ask next, and never twice at a time.
///
/// Keys that were good stay good for as long as asking fails: this machine never says that keys
/// are too old. It only says when to ask again.
public struct KeyRefresh: Sendable, Equatable {
    /// After an answer, until the next question. (Envoy keeps a set as long.)
    public static let cacheTime: Milliseconds = 600_000
    /// Taken off the cache time by chance, at most: many sidecars of one issuer must not ask in
    /// step.
    public static let cacheJitter: Milliseconds = 60_000
    /// Between two questions for unknown key ids: anybody can make up key ids.
    public static let spacing: Milliseconds = 30_000
    /// The bounds of the wait after a failure.
    public static let shortestWait: Milliseconds = 1_000
    public static let longestWait: Milliseconds = 300_000

    private enum Phase: Equatable {
        case waiting(until: Milliseconds)
        case underWay
    }

    private var phase: Phase
    /// Failures since the last success.
    private var failures = 0
    /// When a key id last made it ask; nil: none did.
    private var provokedAt: Milliseconds?

    /// Due at once.
    public init(now: Milliseconds) {
        phase = .waiting(until: now)
    }

    /// When to look again; nil while a question is under way.
    public var next: Milliseconds? {
        if case .waiting(let until) = phase { return until }
        return nil
    }

    /// A key id that is not among the keys has been seen.
    ///
    /// While a question is under way its answer is waited for; otherwise it is asked at once, but
    /// `spacing` after the last question that a key id provoked. A back-off after failures is cut
    /// short too: the next token may be a user's, and `spacing` bounds the load.
    /// - Returns: whether this made it ask earlier.
    @discardableResult
    public mutating func want(now: Milliseconds) -> Bool {
        guard case .waiting(let until) = phase else { return false }
        let earliest = opens(now: now)
        guard earliest < until else { return false }
        phase = .waiting(until: earliest)
        provokedAt = earliest
        return true
    }

    /// When an unknown key id may make it ask: now, or when the spacing has passed.
    public func opens(now: Milliseconds) -> Milliseconds {
        guard let provokedAt else { return now }
        return max(now, provokedAt + Self.spacing)
    }

    /// Whether to ask now. True once: then a question is under way until it has ended.
    public mutating func begin(now: Milliseconds) -> Bool {
        guard case .waiting(let until) = phase, until <= now else { return false }
        phase = .underWay
        return true
    }

    /// The keys have come (the same or others).
    /// - Parameter chance: any number, evenly spread over all.
    public mutating func succeeded(now: Milliseconds, chance: UInt64) {
        failures = 0
        let early = Milliseconds(chance % UInt64(Self.cacheJitter + 1))
        phase = .waiting(until: now + Self.cacheTime - early)
    }

    /// They have not, or were no keys. The wait doubles with each failure, and half of it is
    /// chance.
    public mutating func failed(now: Milliseconds, chance: UInt64) {
        // 2 s, 4 s … 256 s, 300 s: the half of the first is the shortest wait.
        let ceiling = min(Self.longestWait, 2 * Self.shortestWait << Milliseconds(min(failures, 8)))
        failures += 1
        let half = ceiling / 2
        phase = .waiting(until: now + half + Milliseconds(chance % UInt64(half + 1)))
    }
}
