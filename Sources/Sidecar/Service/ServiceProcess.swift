// Owns the running service: what is started, in which order, and how it ends.
// Called by `run` and by the demo.
// Never parses anything, never answers a request.

import Presence
import ProxyCore
import StatusAPI
import Synchronization

/// The whole sidecar, assembled and running.
final class ServiceProcess: Sendable {
    let log: ServiceLog
    /// The ports that were bound, in the order of `listen`.
    let ports: [UInt16]
    private let store: PresenceStore
    private let group: ProxyGroup
    private let health: UpstreamHealth
    private let sweep: Sweep
    private let lists: ListDesk
    private let tokens: TokenThreads
    private let threads: [Thread]
    private let draining: DrainFlag

    /// Shared with the readiness probe, which is made before the service is whole.
    private final class DrainFlag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    /// What the engine has seen before the service begins.
    struct Prologue: Sendable {
        var since: Milliseconds
        var play: @Sendable (PresenceEngine, _ now: Milliseconds) -> Void
    }

    /// Opens the store, binds the addresses and starts all threads.
    init(_ config: Config, after prologue: Prologue? = nil) throws(AssemblyError) {
        let log = ServiceLog(config.log)
        let settings = try config.proxySettings()
        let ring = try config.keyRing()
        var tokens = try config.tokenSettings(ring)
        let store = Self.openStore(config, log)
        let startedAt = prologue?.since ?? Clock.wall()
        let engine = PresenceEngine(
            settings: config.presenceSettings(startedAt: startedAt), restored: store.load(),
            epoch: Secret.randomWord(), sink: store)
        let draining = DrainFlag()
        let logOutput = LogOutput.standardError()
        let metrics = ProxyMetrics(loops: config.loopCount)
        do {
            let health = try UpstreamHealth(
                servers: settings.upstreams,
                changed: { problem in
                    if let problem {
                        log.warning("no upstream answers: \(problem)")
                    } else {
                        log.info("an upstream answers again")
                    }
                })
            let asking = try TokenThreads(config, ring: ring, engine: engine, log: log)
            tokens.keysAwaited = { asking.isAwaited($0) }
            let probes = Self.probes(draining, health, metrics, store, asking)
            let lists = try ListDesk(engine)
            let service = try PresenceService(
                settings: config.apiSettings(), engine: engine, tokens: tokens, lists: lists,
                history: store, desk: asking.desk, probes: probes)
            let group = try ProxyGroup(
                settings: settings, count: config.loopCount, metrics: metrics, health: health,
                accessLog: {
                    guard config.log.access == .stderr else { return nil }
                    return AccessLog(
                        output: logOutput, format: config.log.format == .json ? .json : .text)
                },
                makeApplication: { service.application(for: $0) })
            let sweep = try Sweep(engine)
            health.probe(timeout: 500)
            try Self.start(store, engine, config, startedAt, log)
            prologue?.play(engine, Clock.wall())
            threads = try Self.threads(sweep, lists, health) + asking.start(for: service)
            try group.start()
            self.health = health
            self.group = group
            self.sweep = sweep
            self.lists = lists
            self.tokens = asking
        } catch {
            store.stop()
            throw AssemblyError(description: "\(error)")
        }
        self.log = log
        self.store = store
        self.draining = draining
        ports = group.ports
        announce(config, settings)
    }

    /// A store that cannot be used is said so, once and clearly, and the traffic passes without.
    private static func openStore(_ config: Config, _ log: ServiceLog) -> PresenceStore {
        let (store, problem) = PresenceStore.open(path: config.store.path)
        if let problem {
            log.error("\(problem): presence is kept in memory only, and is lost at the end")
        }
        return store
    }

    private static func start(
        _ store: PresenceStore, _ engine: PresenceEngine, _ config: Config,
        _ startedAt: Milliseconds, _ log: ServiceLog
    ) throws(SystemError) {
        try store.start(
            source: engine, flushEvery: config.store.flushEvery,
            history: HistoryPlan(
                source: engine, keep: config.presence.history, startedAt: startedAt,
                tolerance: config.presence.offlineAfter),
            healthChanged: { health in
                switch health {
                case .ok: log.info("the store writes again")
                case .degraded(let reason): log.error(reason)
                }
            })
    }

    private static func threads(
        _ sweep: Sweep, _ lists: ListDesk, _ health: UpstreamHealth
    ) throws(SystemError) -> [Thread] {
        [
            try Thread(name: "sweep") { sweep.run() },
            try Thread(name: "lists") { lists.run() },
            try Thread(name: "health") { health.watch(timeout: 1_000) },
        ]
    }

    private static func probes(
        _ draining: DrainFlag, _ health: UpstreamHealth, _ metrics: ProxyMetrics,
        _ store: PresenceStore, _ tokens: TokenThreads
    ) -> HealthProbes {
        HealthProbes(
            isDraining: { draining.isSet.load(ordering: .relaxed) },
            upstreamProblem: { health.problem },
            storeProblem: {
                if case .degraded(let reason) = store.health { reason } else { nil }
            },
            metrics: {
                ProxyExposition.text(metrics, store.statistics) + TokenExposition.text(tokens)
            })
    }

    private func announce(_ config: Config, _ settings: ProxySettings) {
        for (address, port) in zip(settings.listen, ports) {
            let shown = address.isUnix ? address.text : Self.shown(address.text, port)
            log.info("listening on \(shown)")
        }
        let upstreams = settings.upstreams.map(\.text).joined(separator: ", ")
        log.info("forwarding to \(upstreams), \(config.loopCount) event loops")
    }

    /// The address with the port that was bound, where 0 asked for any.
    private static func shown(_ text: String, _ port: UInt16) -> String {
        guard let colon = text.lastIndex(of: ":") else { return text }
        return text[...colon] + String(port)
    }

    /// Tells readiness and the loops; called again, cuts off what is still under way.
    func drain() {
        draining.isSet.store(true, ordering: .relaxed)
        group.drain()
    }

    /// Waits for the loops, then writes what is to be written and ends the other threads.
    func finish() {
        group.join()
        sweep.stop()
        lists.stop()
        health.stop()
        tokens.stop()
        for thread in threads { thread.join() }
        if case .degraded(let reason) = store.stop() { log.error(reason) }
        log.info("stopped")
    }
}
