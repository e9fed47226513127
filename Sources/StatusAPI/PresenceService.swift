// Owns what all loops share of the sidecar's answers: settings, routes, counters, allowances.
// Called by the assembly, which makes one, and by the application of each loop.
// Never holds anything of one request.

public import Presence
public import ProxyCore
import Synchronization

/// What `/readyz` asks of the rest of the process.
public struct HealthProbes: Sendable {
    /// The process has been told to stop.
    public var isDraining: @Sendable () -> Bool
    /// Why no upstream can be reached; nil: one can.
    public var upstreamProblem: @Sendable () -> String?
    /// Why facts are not written; nil: they are.
    public var storeProblem: @Sendable () -> String?
    /// Further metrics of this process as Prometheus text, whole lines: the proxy's, the store's.
    public var metrics: (@Sendable () -> [UInt8])?

    public init(
        isDraining: @escaping @Sendable () -> Bool = { false },
        upstreamProblem: @escaping @Sendable () -> String? = { nil },
        storeProblem: @escaping @Sendable () -> String? = { nil },
        metrics: (@Sendable () -> [UInt8])? = nil
    ) {
        self.isDraining = isDraining
        self.upstreamProblem = upstreamProblem
        self.storeProblem = storeProblem
        self.metrics = metrics
    }
}

/// The sidecar's own endpoints and its eyes on passing traffic; makes one application a loop.
public final class PresenceService: Sendable {
    let settings: APISettings
    let engine: PresenceEngine
    let tokens: TokenSettings
    let probes: HealthProbes
    let router: Router
    /// What browsers load; made once.
    let web: WebFiles
    let limiter: RateLimiter?
    /// Asks whose tokens are that say nothing themselves; nil: nobody is asked. Wants threads.
    public let desk: InquiryDesk?
    let disownments: Disownments
    /// What peers have used up of checks of bad signatures.
    let vainWork = VainWork()
    /// What each peer has used up of questions about credentials that are not known.
    let strangers = RateLimiter(APILimits.strangeQuestions, keys: APILimits.strangePeers)
    let metrics = MetricsRegistry()
    /// Keeps the past; nil: nobody does.
    let history: (any HistoryKeeper)?
    /// Wants a thread of its own; without one every list is made on its loop.
    public let lists: ListDesk
    /// Presence sockets and event streams open on all loops, the streams among them, and users
    /// that sockets asked for by name.
    let sockets = Atomic<Int>(0)
    let streams = Atomic<Int>(0)
    let subscriptions = Atomic<Int>(0)
    /// Requests that wait for changes on all loops.
    let polls = Atomic<Int>(0)
    private let loops = Lock<[LoopPost]>([])

    /// Listens to the engine from now on.
    /// - Throws: `RoutePatternError` where the prefix cannot be part of a path pattern.
    public init(
        settings: APISettings, engine: PresenceEngine, tokens: TokenSettings,
        lists: ListDesk, history: (any HistoryKeeper)? = nil, desk: InquiryDesk? = nil,
        probes: HealthProbes = HealthProbes()
    ) throws(RoutePatternError) {
        self.settings = settings
        self.engine = engine
        self.tokens = tokens
        self.probes = probes
        self.lists = lists
        self.history = history
        self.desk = desk
        disownments = desk?.disownments ?? Disownments()
        router = try Router(settings)
        web = WebFiles(settings, engine.settings, tokens)
        limiter = settings.rateLimit.map { RateLimiter($0) }
        engine.listen(self)
    }

    /// The application of one loop, for that loop's thread alone.
    public func application(for host: any ApplicationHost) -> PresenceApplication {
        let post = LoopPost(host.mailbox)
        loops.withLock { $0.append(post) }
        return PresenceApplication(self, host: host, post: post)
    }

    /// Keys have been asked for, well or not: requests that wait for them need wait no longer. On
    /// any thread.
    public func keysTried() {
        for loop in loops.withLock({ $0 }) { loop.postKeysTried() }
    }

    var loopCount: Int { loops.withLock { $0.count } }

    /// Why `/readyz` would say no; nil: ready.
    func unreadiness() -> String? {
        if probes.isDraining() { return "draining" }
        return probes.upstreamProblem().map { "no upstream: \($0)" }
    }
}

extension PresenceService: ChangeListener {
    public func journalGrew() {
        for loop in loops.withLock({ $0 }) { loop.ring() }
    }

    public func closeSockets(subject: UInt32, session: UInt64?, code: UInt16) {
        let order = CloseOrder(subject: subject, session: session, code: code)
        for loop in loops.withLock({ $0 }) { loop.post(order) }
    }

    public func extendSockets(subject: UInt32, session: UInt64, expires: Milliseconds) {
        let order = ExtendOrder(subject: subject, session: session, expires: expires)
        for loop in loops.withLock({ $0 }) { loop.post(order) }
    }
}
