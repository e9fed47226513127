// Owns reading the sections that need no reader of their own.
// Called by ConfigReader.
// Never looks at two sections at once.

import ProxyCore
import StatusAPI

extension ConfigReader {
    func presence(_ section: ConfigSection) -> Config.Presence {
        var presence = Config.Presence()
        presence.offlineAfter = section.duration(
            "offline_after", or: presence.offlineAfter, atLeast: 1_000)
        if let away = section.present("away_after") {
            presence.awayAfter = away.duration(
                in: 1_000...DurationText.longest, like: 300_000)
        }
        presence.heartbeatEvery = section.duration(
            "heartbeat_every", or: presence.heartbeatEvery, atLeast: 1_000, atMost: 3_600_000)
        presence.disconnectGrace = section.duration(
            "disconnect_grace", or: presence.disconnectGrace, atLeast: 0)
        presence.logoutScope = section.choice("logout_scope", or: presence.logoutScope)
        presence.allowFlapping = section.flag("allow_flapping", or: false)
        if let history = section.value("history", nullable: true) {
            let isNone = history.node.isNull || history.node.integer == 0
            let kept =
                isNone
                ? 0 : history.duration(in: 0...DurationText.longest, like: 2_592_000_000) ?? 0
            presence.history = kept > 0 ? kept : nil
        }
        checkFlapping(presence, section)
        return presence
    }

    /// A client that misses one heartbeat and is a little late with the next must not go offline:
    /// three intervals and 20 s for the network and a sleeping browser tab.
    private func checkFlapping(_ presence: Config.Presence, _ section: ConfigSection) {
        let least = 3 * presence.heartbeatEvery + 20_000
        guard presence.offlineAfter < least, !presence.allowFlapping else { return }
        let threshold = DurationText.text(presence.offlineAfter)
        let interval = DurationText.text(presence.heartbeatEvery)
        let wanted = DurationText.text(least)
        let why =
            "\(threshold) is less than 3 × heartbeat_every (\(interval)) + 20s, so that users"
            + " would flicker"
        if let value = section.value("offline_after") {
            value.error("\(why): write \"\(wanted)\" or more, or allow_flapping: true")
        } else {
            let place = section.value("heartbeat_every") ?? section.value
            place.error("offline_after \(why): write offline_after: \"\(wanted)\"")
        }
    }

    func api(_ section: ConfigSection) -> Config.API {
        var api = Config.API()
        if let value = section.value("prefix"), let text = value.text(like: api.prefix) {
            if let reason = prefixFault(text) {
                value.error("\(ConfigValue.quoted(text)) \(reason)")
            } else {
                api.prefix = text
            }
        }
        if let value = section.value("rate_limit", nullable: true) {
            api.rateLimit = value.node.isNull ? nil : rate(value) ?? api.rateLimit
        }
        api.maxPageSize = section.integer("max_page_size", or: api.maxPageSize, in: 1...10_000)
        api.pageSize = section.integer(
            "page_size", or: min(api.pageSize, api.maxPageSize), in: 1...10_000)
        if api.pageSize > api.maxPageSize, let value = section.value("page_size") {
            value.error(
                "\(api.pageSize) is more than max_page_size (\(api.maxPageSize)): write"
                    + " \(api.maxPageSize) or less")
        }
        return api
    }

    private func prefixFault(_ text: String) -> String? {
        guard text.hasPrefix("/") else { return "does not begin with a slash: write \"/\(text)\"" }
        guard text != "/" else { return "would hide the whole backend: write \"/_presence\"" }
        guard !text.hasSuffix("/") else {
            return "ends with a slash: write \"\(text.dropLast())\""
        }
        let plain = text.utf8.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
                || [0x2D, 0x2E, 0x2F, 0x5F, 0x7E].contains(byte)
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard plain, !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            return "is no plain path: write letters, digits, '-', '_' and single slashes"
        }
        return nil
    }

    private func rate(_ value: ConfigValue) -> Rate? {
        guard let text = value.text(like: "20/s") else { return nil }
        if let rate = RateText.parse(text) { return rate }
        value.error(
            "\(ConfigValue.quoted(text)) is no rate: write a whole number and /s, /m or /h, like"
                + " \"20/s\"")
        return nil
    }

    func webSocket(_ section: ConfigSection) -> Config.WebSocket {
        var socket = Config.WebSocket()
        for (text, value) in section.value("origins")?.texts(like: "https://app.example") ?? [] {
            if let reason = AddressText.originFault(text) {
                value.error("\(ConfigValue.quoted(text)) is no origin: \(reason)")
            } else {
                socket.origins.append(text)
            }
        }
        socket.subscription = section.choice("subscription", or: socket.subscription)
        socket.maxMessage = section.size(
            "max_message", or: socket.maxMessage, in: 128...(16 << 20))
        socket.pingEvery = section.duration("ping_every", or: socket.pingEvery, atLeast: 1_000)
        socket.maxSockets = section.integer(
            "max_sockets", or: socket.maxSockets, in: 0...10_000_000)
        return socket
    }

    func store(_ section: ConfigSection) -> Config.Store {
        var store = Config.Store()
        if let path = section.value("path", nullable: true) {
            store.path = path.node.isNull ? nil : path.text(like: "presence.sqlite3")
            // A warning: the service runs without its file, and the file system may change.
            if let text = store.path, let obstacle = surroundings.obstacle(text) {
                path.warning(
                    "\(ConfigValue.quoted(text)) \(obstacle), so that presence would be kept in"
                        + " memory only: write a path that can be written")
            }
        }
        store.flushEvery = section.duration(
            "flush_every", or: store.flushEvery, atLeast: 100, atMost: 60_000)
        return store
    }

    func logging(_ section: ConfigSection) -> Config.Log {
        var log = Config.Log()
        log.level = section.choice("level", or: log.level)
        log.format = section.choice("format", or: log.format)
        if let access = section.value("access", nullable: true) {
            log.access = access.node.isNull ? .off : access.choice(Config.Log.Access.self) ?? .off
        }
        return log
    }

    func limits(_ section: ConfigSection) -> Config.Bounds {
        var bounds = Config.Bounds()
        bounds.requestLine = section.size(
            "request_line", or: bounds.requestLine, in: 256...(64 << 10))
        bounds.headerBytes = section.size(
            "header_bytes", or: bounds.headerBytes, in: 1_024...(256 << 10))
        bounds.headerCount = section.integer(
            "header_count", or: bounds.headerCount, in: 8...Limits.maximumFields)
        bounds.body = section.present("body")?.size(in: 1...(1 << 40), like: 10 << 20)
        bounds.headerTimeout = section.duration("header_timeout", or: bounds.headerTimeout)
        bounds.bodyTimeout = section.duration("body_timeout", or: bounds.bodyTimeout)
        bounds.keepAliveTimeout = section.duration(
            "keep_alive_timeout", or: bounds.keepAliveTimeout)
        bounds.tunnelTimeout = section.duration("tunnel_timeout", or: bounds.tunnelTimeout)
        bounds.minRate = section.integer("min_rate", or: bounds.minRate, in: 0...(1 << 30))
        bounds.connections = section.integer(
            "connections", or: bounds.connections, in: 1...10_000_000)
        if let each = section.present("connections_per_address") {
            bounds.connectionsPerAddress = each.integer(in: 1...10_000_000)
            Feature.connectionsPerAddress.note(at: each)
        }
        bounds.drain = section.duration("drain", or: bounds.drain, atLeast: 0)
        return bounds
    }

    func webhooks(_ root: ConfigSection) {
        let example = "{ url: \"http://127.0.0.1:9000/hook\", secret_env: \"HOOK_SECRET\" }"
        for hook in root.sections("webhooks", like: example) {
            _ = hook.text("url", like: "http://127.0.0.1:9000/hook")
            _ = hook.text("secret_env", like: "HOOK_SECRET")
            _ = hook.text("secret_file", like: "/run/secrets/hook")
            for event in hook.value("events")?.items(like: "\"online\"") ?? [] {
                _ = event.choice(of: ["online", "away", "offline"])
            }
            Feature.webhooks.note(at: hook.value)
        }
    }
}
