// Owns which backend a request goes to, and which open connections wait for work.
// Called by the forwarding side of a loop; one pool a loop.
// Never opens or closes a socket.

/// The backends of one loop: their idle connections and how busy they are.
struct UpstreamPool {
    private struct Server {
        /// Slots of idle connections; the one used last is on top, so that the others age out.
        var idle: [Int32] = []
        /// Connections in any phase.
        var open = 0
        /// Connections that serve an exchange or a tunnel.
        var active = 0
        /// After a failed connect, other servers are preferred until then.
        var avoidedUntil: Milliseconds = 0
        /// The address that the next connect tries.
        var nextAddress = 0
    }

    /// After a refused connect, for how long other servers come first.
    static let avoidance: Milliseconds = 1_000

    let servers: [UpstreamServer]
    /// Every address of every server once: as often a request that never left is tried.
    let addressCount: Int
    private let perServer: Int
    private var states: [Server]
    private var turn = 0

    /// - Parameter perServer: the most connections to one server that this loop opens.
    init(servers: [UpstreamServer], perServer: Int) {
        self.servers = servers
        addressCount = servers.reduce(0) { $0 + $1.addresses.count }
        self.perServer = max(perServer, 1)
        states = Array(repeating: Server(), count: servers.count)
        for index in states.indices { states[index].idle.reserveCapacity(min(perServer, 1024)) }
    }

    enum Choice: Equatable {
        /// This idle connection.
        case reuse(Int32)
        /// A new connection to this server.
        case open(server: Int)
        /// Every server has all the connections that it may have.
        case full
        /// There is no server.
        case none
    }

    /// The server with the fewest active connections, those that failed lately last.
    mutating func choose(now: Milliseconds, fresh: Bool = false) -> Choice {
        guard states.count > 1 else {
            guard states.count == 1 else { return .none }
            return take(0, fresh: fresh)
        }
        turn = turn + 1 < states.count ? turn + 1 : 0
        var best = -1
        var bestKey = Int.max
        for step in 0..<states.count {
            let index = (turn + step) % states.count
            let state = states[index]
            guard state.active < perServer else { continue }
            let key = state.active + (state.avoidedUntil > now ? 1 << 32 : 0)
            if key < bestKey {
                best = index
                bestKey = key
            }
        }
        return best < 0 ? .full : take(best, fresh: fresh)
    }

    private mutating func take(_ server: Int, fresh: Bool) -> Choice {
        if !fresh, let slot = states[server].idle.popLast() {
            states[server].active += 1
            return .reuse(slot)
        }
        guard states[server].open < perServer else { return .full }
        return .open(server: server)
    }

    /// The address for a new connection; each call moves on to the server's next one.
    mutating func address(of server: Int) -> SocketAddress {
        let addresses = servers[server].addresses
        let index = states[server].nextAddress % addresses.count
        states[server].nextAddress = index
        return addresses[index]
    }

    mutating func opened(_ server: Int) {
        states[server].open += 1
        states[server].active += 1
    }

    /// A connect failed: the next one tries the server's next address, and other servers first.
    mutating func failedToConnect(_ server: Int, now: Milliseconds) {
        states[server].avoidedUntil = now + Self.avoidance
        states[server].nextAddress += 1
    }

    /// Keeps a connection for the next request.
    mutating func park(_ slot: Int32, of server: Int) {
        states[server].active -= 1
        states[server].idle.append(slot)
    }

    /// The chosen idle connection turned out to be of no use. It counts as open, and as idle,
    /// until it is closed.
    mutating func refused(_ server: Int) {
        states[server].active -= 1
    }

    /// Forgets a connection that is about to be closed.
    mutating func closed(_ slot: Int32, of server: Int, wasIdle: Bool) {
        states[server].open -= 1
        if wasIdle {
            if let place = states[server].idle.lastIndex(of: slot) {
                states[server].idle.remove(at: place)
            }
        } else {
            states[server].active -= 1
        }
    }
}
