// Owns fetching the key sets of issuers and putting them into the ring.
// Called by the assembly, as a thread of its own; told by loops that a key id is unknown.
// Never runs on a loop, never takes keys away because they cannot be fetched.

import Synchronization

/// Keeps the keys of all sources fresh, one question at a time.
public final class KeyFetcher: Sendable {
    /// What loops and the fetching thread say to each other about one source.
    private final class Post: Sendable {
        let issuer: Int
        /// A key id is unknown. Set by loops; cleared when an attempt has ended, which answers it.
        let isWanted = Atomic<Bool>(false)
        let isUnderWay = Atomic<Bool>(false)
        /// From when on an unknown key id makes it ask.
        let opensAt = Atomic<Milliseconds>(0)

        init(issuer: Int) { self.issuer = issuer }
    }

    private let ring: KeyRing
    private let sources: [KeySource]
    private let posts: [Post]
    private let wake: EventCounter
    private let interruption: Interruption
    private let ended = Atomic<UInt64>(0)
    private let log: @Sendable (KeyNews) -> Void
    private let attempted: @Sendable (_ issuer: Int) -> Void

    /// For one question (RFC 8725 says nothing of time; a login must not wait longer).
    public static let timeout: Milliseconds = 5_000
    /// Bytes of a key set: a hundred keys with their certificates.
    public static let limit = 256 * 1024
    /// A failure that stays the same is said again so often.
    private static let repeatAfter: Milliseconds = 600_000

    /// - Parameters:
    ///   - attempted: called on the fetching thread once an attempt of an issuer's source has
    ///     ended, well or not: who waits for keys need wait no longer. It must return at once.
    ///   - log: told what is worth a line.
    public init(
        ring: KeyRing, sources: [KeySource],
        attempted: @escaping @Sendable (_ issuer: Int) -> Void = { _ in },
        log: @escaping @Sendable (KeyNews) -> Void
    ) throws(SystemError) {
        self.ring = ring
        self.sources = sources
        self.attempted = attempted
        self.log = log
        posts = sources.map { Post(issuer: $0.issuer) }
        interruption = try Interruption()
        wake = try EventCounter()
        ring.wanted = { [weak self] issuer in self?.want(issuer) }
    }

    deinit { wake.descriptor.close() }

    /// Attempts that have ended.
    public var attempts: UInt64 { ended.load(ordering: .acquiring) }

    /// Whether it is worth waiting for keys of this issuer: they are being fetched now, or will be
    /// at once. False where an unknown key id has lately been asked for in vain.
    public func isAwaited(_ issuer: Int) -> Bool {
        posts.contains { post in
            guard post.issuer == issuer else { return false }
            if post.isUnderWay.load(ordering: .acquiring) { return true }
            return post.isWanted.load(ordering: .acquiring)
                && post.opensAt.load(ordering: .acquiring) <= Clock.monotonic()
        }
    }

    /// A key id of this issuer is unknown. Called often, on loops: mostly one load.
    private func want(_ issuer: Int) {
        for post in posts where post.issuer == issuer {
            if post.isWanted.load(ordering: .relaxed) { continue }
            if !post.isWanted.exchange(true, ordering: .acquiringAndReleasing) { wake.signal() }
        }
    }

    /// Fetches until `stop()`: the body of a thread of its own.
    public func run() {
        let start = Clock.monotonic()
        var routes = sources.map { Route($0, interruption, start) }
        while !interruption.isInterrupted {
            for index in routes.indices {
                let now = Clock.monotonic()
                if posts[index].isWanted.load(ordering: .acquiring) {
                    routes[index].plan.want(now: now)
                }
                if routes[index].plan.begin(now: now) { attempt(&routes[index], posts[index]) }
            }
            rest(until: routes.compactMap(\.plan.next).min())
        }
    }

    /// Ends `run`, and a question that is under way, at once.
    public func stop() {
        interruption.interrupt()
    }

    /// Asks every source once, on the calling thread, and puts what comes into the ring.
    public func fetchOnce() -> [KeyNews] {
        sources.map { source in
            let route = Route(source, interruption, Clock.monotonic())
            return KeyNews(
                issuer: source.issuer, source: "\(source.place)", outcome: take(from: route))
        }
    }

    private func rest(until next: Milliseconds?) {
        let pause = (next ?? .max) - Clock.monotonic()
        guard pause > 0 else { return }
        do throws(PatienceEnd) {
            let patience = Patience(min(pause, KeyRefresh.cacheTime), unless: interruption)
            try patience.wait(for: wake.descriptor, .readable)
            wake.clear()
        } catch {
            // Time to look again, or the end: the loop knows which.
        }
    }

    // MARK: One attempt

    /// One source with its plan, its connection's settings, and what was last said of it.
    private struct Route {
        let source: KeySource
        let fetch: Fetch?
        var plan: KeyRefresh
        /// The failure that was last said, and when; nil: it went well.
        var trouble: (reason: String, saidAt: Milliseconds)?
        var hasSucceeded = false

        init(_ source: KeySource, _ interruption: Interruption, _ now: Milliseconds) {
            self.source = source
            plan = KeyRefresh(now: now)
            guard case .server(let target) = source.place else {
                fetch = nil
                return
            }
            var settings = Fetch.Settings(
                caFile: source.caFile, timeout: KeyFetcher.timeout, limit: KeyFetcher.limit)
            settings.redirects = Limits.fetchRedirects
            fetch = Fetch(target, settings, interruption: interruption)
        }
    }

    private func attempt(_ route: inout Route, _ post: Post) {
        // First that it is under way, then that the next one must wait: who looks in between sees
        // one of both.
        post.isUnderWay.store(true, ordering: .releasing)
        post.opensAt.store(
            route.plan.opens(now: Clock.monotonic()), ordering: .releasing)
        let outcome = take(from: route)
        let now = Clock.monotonic()
        let chance = Secret.randomWord()
        switch outcome {
        case .fetched: route.plan.succeeded(now: now, chance: chance)
        case .failed: route.plan.failed(now: now, chance: chance)
        }
        post.isWanted.store(false, ordering: .releasing)
        post.isUnderWay.store(false, ordering: .releasing)
        ended.wrappingAdd(1, ordering: .releasing)
        if !interruption.isInterrupted { say(outcome, of: &route, now) }
        attempted(route.source.issuer)
    }

    /// Says what is new: other keys, trouble, the end of trouble.
    private func say(
        _ outcome: KeyNews.Outcome, of route: inout Route, _ now: Milliseconds
    ) {
        switch outcome {
        case .fetched(_, let changed):
            let isNew = changed || route.trouble != nil || !route.hasSucceeded
            route.trouble = nil
            route.hasSucceeded = true
            guard isNew else { return }
        case .failed(let reason, _):
            if let trouble = route.trouble, trouble.reason == reason,
                now - trouble.saidAt < Self.repeatAfter
            {
                return
            }
            route.trouble = (reason, now)
        }
        log(
            KeyNews(
                issuer: route.source.issuer, source: "\(route.source.place)", outcome: outcome))
    }

    private func take(from route: Route) -> KeyNews.Outcome {
        do throws(KeyFailure) {
            let keys = try read(try bytes(of: route))
            let changed: Bool
            do throws(KeyError) {
                changed = try ring.replace(keys, of: route.source.issuer)
            } catch {
                throw KeyFailure(reason: "\(error)")
            }
            return .fetched(keys: keys.map(\.keyID), changed: changed)
        } catch {
            return .failed(reason: error.reason, kept: kept(of: route.source.issuer))
        }
    }

    private func bytes(of route: Route) throws(KeyFailure) -> [UInt8] {
        if case .file(let path) = route.source.place {
            do throws(SystemError) {
                return try FileDescriptor.contents(of: path, limit: Self.limit)
            } catch {
                throw KeyFailure(reason: "\(error)")
            }
        }
        guard let fetch = route.fetch else { throw KeyFailure(reason: "no place to ask") }
        let answer: FetchAnswer
        do throws(FetchError) {
            let accept = ("Accept", "application/jwk-set+json, application/json")
            answer = try fetch.send("GET", fields: [accept])
        } catch {
            throw KeyFailure(reason: "\(error)")
        }
        guard answer.status == 200 else { throw KeyFailure(reason: "answered \(answer.status)") }
        return answer.body
    }

    private func read(_ bytes: [UInt8]) throws(KeyFailure) -> [PublishedKey] {
        do throws(KeyError) {
            return try WebKeySet.read(bytes.rawSpan)
        } catch {
            throw KeyFailure(reason: "\(error)")
        }
    }

    private func kept(of issuer: Int) -> Int {
        let issuers = ring.snapshot()
        guard issuers.indices.contains(issuer), case .published(let keys) = issuers[issuer].keys
        else { return 0 }
        return keys.count
    }
}

/// Why there are no keys, in words for a log.
private struct KeyFailure: Error {
    let reason: String
}
