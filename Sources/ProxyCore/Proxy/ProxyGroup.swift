// Owns the loops of a process and their threads.
// Called by the program at start and at the end.
// Never takes part in an exchange.

/// Why a listener could not be opened.
public struct ListenError: Error, Sendable, CustomStringConvertible {
    public let address: SocketAddress
    public let cause: SystemError

    /// `cannot listen on 127.0.0.1:8080: bind: Address already in use (98)`
    public var description: String { "cannot listen on \(address.text): \(cause)" }
}

/// One loop a core, each on a thread of its own, all listening on the same addresses.
public final class ProxyGroup: @unchecked Sendable {
    private let loops: [ProxyLoop]
    private var threads: [Thread] = []
    /// The ports that were bound, in the order of the settings' addresses (0 for Unix sockets).
    public let ports: [UInt16]

    /// Makes the loops and binds the addresses; nothing is served yet.
    /// - Parameter makeApplication: called once for each loop.
    public init(
        settings: ProxySettings, count: Int, metrics: ProxyMetrics, health: UpstreamHealth,
        accessLog: () -> AccessLog?,
        makeApplication: (any ApplicationHost) -> any Application
    ) throws(GroupError) {
        do throws(SystemError) {
            var made: [ProxyLoop] = []
            for row in 0..<count {
                made.append(
                    try ProxyLoop(
                        settings: settings, row: row, of: count, metrics: metrics,
                        health: health, accessLog: accessLog(), makeApplication: makeApplication))
            }
            loops = made
        } catch {
            throw .system(error)
        }
        var ports: [UInt16] = []
        for address in settings.listen {
            do throws(SystemError) {
                ports.append(try Self.listen(address, loops))
            } catch {
                throw .listen(ListenError(address: address, cause: error))
            }
        }
        self.ports = ports
    }

    /// Each loop binds an address of its own with SO_REUSEPORT; a Unix path can be bound once,
    /// and is shared.
    private static func listen(
        _ address: SocketAddress, _ loops: [ProxyLoop]
    ) throws(SystemError) -> UInt16 {
        if address.isUnix {
            let stream = try address.listen(reusePort: false)
            for (index, loop) in loops.enumerated() {
                let own = index == 0 ? stream : try stream.duplicate()
                try loop.listen(on: own, shared: loops.count > 1)
            }
            return 0
        }
        // Without SO_REUSEPORT first: it would silently share a port with another process.
        let probe = try address.listen(reusePort: false)
        let port = probe.boundPort() ?? 0
        guard loops.count > 1 else {
            try loops[0].listen(on: probe, shared: false)
            return port
        }
        probe.close()
        let bound = address.withPort(port)
        for loop in loops {
            try loop.listen(on: try bound.listen(reusePort: true), shared: false)
        }
        return port
    }

    /// Starts the threads.
    public func start() throws(SystemError) {
        for (index, loop) in loops.enumerated() {
            let unshared = UncheckedLoop(loop)
            threads.append(try Thread(name: "loop-\(index)") { unshared.loop.run() })
        }
    }

    /// Tells every loop to drain; told again, to stop at once.
    public func drain() {
        for loop in loops {
            let unshared = UncheckedLoop(loop)
            loop.mailbox.post { unshared.loop.drain() }
        }
    }

    /// Waits until all loops have ended.
    public func join() {
        for thread in threads { thread.join() }
        threads.removeAll()
    }
}

/// Carries a loop to its own thread; nobody touches it elsewhere afterwards.
private struct UncheckedLoop: @unchecked Sendable {
    let loop: ProxyLoop
    init(_ loop: ProxyLoop) { self.loop = loop }
}

/// Why the loops could not be made.
public enum GroupError: Error, Sendable, CustomStringConvertible {
    case system(SystemError)
    case listen(ListenError)

    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .listen(let error): "\(error)"
        }
    }
}
