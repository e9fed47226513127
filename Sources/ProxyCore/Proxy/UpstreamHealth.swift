// Owns whether the backends accept connections.
// Called by the loops (what traffic met), by a probe of its own, and by readiness.
// Never keeps a request from being tried: it informs.

import Synchronization

/// The last that was learnt of each backend.
public final class UpstreamHealth: Sendable {
    private let servers: [UpstreamServer]
    private let problems: Lock<[String?]>
    /// How many have a problem: the passing path reads this alone.
    private let failing = Atomic<Int>(0)
    private let stopping = Atomic<Bool>(false)
    private let wake: EventCounter
    private let changed: @Sendable (String?) -> Void
    /// Whether the last word said was that none answers.
    private let isDown = Atomic<Bool>(false)

    /// Between two probes of a backend that answers, milliseconds.
    static let calm: Milliseconds = 5_000
    /// Between two probes while one does not.
    static let worried: Milliseconds = 500

    /// - Parameter changed: told the new `problem` where it comes or goes, on the thread that met
    ///   it: it must return at once.
    public init(
        servers: [UpstreamServer], changed: @escaping @Sendable (String?) -> Void = { _ in }
    ) throws(SystemError) {
        self.servers = servers
        self.changed = changed
        problems = Lock(Array(repeating: nil, count: servers.count))
        wake = try EventCounter()
    }

    deinit { wake.descriptor.close() }

    /// Why no backend can be reached; nil: at least one can, as far as is known.
    public var problem: String? {
        guard failing.load(ordering: .relaxed) > 0 || servers.isEmpty else { return nil }
        guard !servers.isEmpty else { return "no upstream is configured" }
        return problems.withLock { problems in
            let known = problems.compactMap { $0 }
            guard known.count == problems.count else { return nil }
            return known.joined(separator: "; ")
        }
    }

    func failed(_ server: Int, _ error: SystemError) {
        set(server, "\(servers[server].text): \(error)")
    }

    func answered(_ server: Int) {
        guard failing.load(ordering: .relaxed) > 0 else { return }
        set(server, nil)
    }

    private func set(_ server: Int, _ problem: String?) {
        let count = problems.withLock { problems in
            problems[server] = problem
            return problems.count { $0 != nil }
        }
        let before = failing.exchange(count, ordering: .relaxed)
        if count > 0, before == 0 { wake.signal() }
        let known = self.problem
        if isDown.exchange(known != nil, ordering: .relaxed) != (known != nil) { changed(known) }
    }

    /// Connects to each backend once, and closes again. Blocks up to `timeout` for each.
    public func probe(timeout: Milliseconds) {
        for (index, server) in servers.enumerated() {
            var last: SystemError?
            for address in server.addresses {
                last = address.tryConnecting(timeout: timeout)
                if last == nil { break }
            }
            if let last { failed(index, last) } else { answered(index) }
        }
    }

    /// Probes until `stop()`: the body of a thread of its own.
    public func watch(timeout: Milliseconds) {
        while !stopping.load(ordering: .relaxed) {
            // A failure that traffic meets wakes it, so that the worried pace begins at once.
            let isFailing = failing.load(ordering: .relaxed) > 0
            wake.wait(atMost: isFailing ? Self.worried : Self.calm)
            if !stopping.load(ordering: .relaxed) { probe(timeout: timeout) }
        }
    }

    public func stop() {
        stopping.store(true, ordering: .relaxed)
        wake.signal()
    }
}
