// Owns making settings of the configuration.
// Called by the service at start.
// Never opens anything but the resolver.

import Presence
import ProxyCore
import StatusAPI

/// Why a valid configuration cannot be put to work on this machine.
struct AssemblyError: Error, CustomStringConvertible {
    let description: String
}

extension Config {
    /// How many event loops to run.
    var loopCount: Int { workers > 0 ? workers : ProcessLimits.cores() }

    /// Resolves the names of upstreams: blocks.
    func proxySettings() throws(AssemblyError) -> ProxySettings {
        var settings = ProxySettings(trusted: try trustedNetworks())
        for listener in listen { settings.listen.append(try address(of: listener)) }
        for server in upstream.servers { settings.upstreams.append(try resolve(server)) }
        settings.connectTimeout = upstream.connectTimeout
        settings.responseTimeout = upstream.responseTimeout
        settings.upstreamIdle = upstream.idleTimeout
        settings.upstreamConnections = upstream.maxConnections
        settings.head = HeadLimits(
            requestLine: limits.requestLine, headerBytes: limits.headerBytes,
            headerCount: limits.headerCount)
        settings.bodyLimit = limits.body.map { UInt64($0) }
        settings.headerTimeout = limits.headerTimeout
        settings.bodyTimeout = limits.bodyTimeout
        settings.keepAliveTimeout = limits.keepAliveTimeout
        settings.tunnelTimeout = limits.tunnelTimeout
        settings.minimumRate = Int64(limits.minRate)
        settings.connections = limits.connections
        settings.drainTime = limits.drain
        settings.pingEvery = websocket.pingEvery
        settings.socketMessage = websocket.maxMessage
        settings.sockets = websocket.maxSockets
        settings.reservedFields = tokens.forward.names
        return settings
    }

    func trustedNetworks() throws(AssemblyError) -> TrustedNetworks {
        do throws(TrustedNetworksError) {
            return try TrustedNetworks(parsing: trustedProxies)
        } catch {
            throw AssemblyError(description: "trusted_proxies: \(error.entry): \(error.reason)")
        }
    }

    private func address(of listener: Listener) throws(AssemblyError) -> SocketAddress {
        let found: SocketAddress? =
            switch listener.address {
            case .tcp(let host, let port): SocketAddress(numeric: host, port: port)
            case .unix(let path): SocketAddress(unixPath: path)
            case .systemd: nil
            }
        guard let found else {
            throw AssemblyError(description: "listen: \(listener.address) cannot be listened on")
        }
        return found
    }

    private func resolve(_ server: Server) throws(AssemblyError) -> UpstreamServer {
        switch server.address {
        case .unix(let path):
            guard let address = SocketAddress(unixPath: path) else {
                throw AssemblyError(description: "upstream.servers: \(server.text): bad path")
            }
            return UpstreamServer(text: server.text, addresses: [address])
        case .tcp(let host, let port):
            do throws(ResolveError) {
                let addresses = try SocketAddress.resolve(host: host, port: port)
                return UpstreamServer(text: server.text, addresses: addresses)
            } catch {
                throw AssemblyError(description: "upstream.servers: \(error)")
            }
        }
    }

    func apiSettings() -> APISettings {
        var settings = APISettings()
        settings.prefix = api.prefix
        settings.rateLimit = api.rateLimit
        settings.pageSize = api.pageSize
        settings.maximumPageSize = api.maxPageSize
        settings.routes = routes.map { $0.passing }
        settings.origins = websocket.origins
        settings.subscription = websocket.subscription
        settings.maximumSockets = websocket.maxSockets
        settings.heartbeatEvery = presence.heartbeatEvery
        settings.version = Version.number
        return settings
    }

    func presenceSettings(startedAt: Milliseconds) -> PresenceSettings {
        PresenceSettings(
            offlineAfter: presence.offlineAfter, awayAfter: presence.awayAfter,
            heartbeatEvery: presence.heartbeatEvery, disconnectGrace: presence.disconnectGrace,
            logoutScope: presence.logoutScope == .user ? .user : .session, startedAt: startedAt)
    }
}

extension Config.Route {
    var passing: PassingRoute {
        let effect: RouteEffect =
            switch action {
            case .pass: .pass
            case .login(let paths): .login(paths)
            case .logout: .logout
            case .refresh(let paths): .refresh(paths)
            case .heartbeat: .heartbeat
            case .serve(let endpoint): .serve(endpoint)
            }
        return PassingRoute(
            match: match, effect: effect, activity: activity, track: track, require: require,
            inject: inject, enrichment: enrichment)
    }
}
