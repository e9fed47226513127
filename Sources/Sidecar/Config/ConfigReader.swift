// Owns reading a configuration: the text, its sections, and the checks between them.
// Called by `run`, `check`, `token`, `routes`, and at every reload.
// Never stops at the first fault, unless the text is no JSON5.

import Presence
import ProxyCore
import StatusAPI

/// What a reading came to.
struct ConfigOutcome: Sendable {
    /// nil where there is an error among the findings.
    var config: Config?
    /// In the order of the text.
    var findings: [ConfigFinding]
}

/// Reads configurations.
struct ConfigReader {
    /// Bytes of a configuration file: more is the wrong file.
    static let fileLimit = 1 << 20

    private let log: FindingLog
    let surroundings: Surroundings

    /// Reads the text of a config file.
    static func read(
        _ text: RawSpan, surroundings: Surroundings = .system
    ) -> ConfigOutcome {
        do throws(JSONError) {
            let root = try JSONReader.read(text, dialect: .json5, duplicates: .kept)
            return read(root, log: FindingLog(text), surroundings: surroundings)
        } catch {
            let finding = ConfigFinding(
                severity: .error, line: error.line, column: error.column, path: "",
                message: "syntax error: \(error.reason)")
            return ConfigOutcome(config: nil, findings: [finding])
        }
    }

    /// Reads a config file.
    static func read(
        file: String, surroundings: Surroundings = .system
    ) -> ConfigOutcome {
        do throws(SystemError) {
            let bytes = try FileDescriptor.contents(of: file, limit: fileLimit)
            return read(bytes.rawSpan, surroundings: surroundings)
        } catch {
            let finding = ConfigFinding(
                severity: .error, line: 1, path: "",
                message: "cannot read the file (\(error)): write the path of a readable one")
            return ConfigOutcome(config: nil, findings: [finding])
        }
    }

    /// Reads a document that has been parsed or built.
    static func read(
        _ root: JSONNode, log: FindingLog, surroundings: Surroundings
    ) -> ConfigOutcome {
        let value = ConfigValue(node: root, path: "", log: log)
        guard
            let section = value.section(
                like: "{ upstream: { servers: [\"http://127.0.0.1:8000\"] } }")
        else { return ConfigOutcome(config: nil, findings: log.sorted()) }
        let reader = ConfigReader(log: log, surroundings: surroundings)
        let config = reader.config(section)
        ConfigSection.finish(log.sections)
        return ConfigOutcome(config: log.hasErrors ? nil : config, findings: log.sorted())
    }

    private func config(_ root: ConfigSection) -> Config {
        var config = Config()
        if let listen = root.value("listen") { config.listen = listeners(listen) }
        config.workers = root.integer("workers", or: 0, in: 0...1_024)
        if let tls = root.optionalSection("tls", like: "{ certificate: \"…\", key: \"…\" }") {
            self.tls(tls)
        }
        config.upstream = upstream(root)
        if let trusted = root.value("trusted_proxies") {
            config.trustedProxies = networks(trusted)
        }
        let secrets = SecretReader(surroundings: surroundings)
        config.tokens = TokensReader(secrets: secrets).read(root.section("tokens"))
        config.presence = presence(root.section("presence"))
        config.api = api(root.section("api"))
        config.routes = RoutesReader(
            prefix: config.api.prefix,
            readsTokens: root.value.node["tokens"]?["keys"]?.array?.isEmpty == false
        ).read(root)
        config.websocket = webSocket(root.section("websocket"))
        config.store = store(root.section("store"))
        config.log = logging(root.section("log"))
        config.limits = limits(root.section("limits"))
        if let cluster = root.optionalSection("cluster", like: "{ redis: \"redis://…\" }") {
            _ = cluster.text("redis", like: "redis://127.0.0.1:6379/0")
            _ = cluster.text("namespace", like: "app")
            Feature.cluster.note(at: cluster.value)
        }
        webhooks(root)
        checkLoop(config, root)
        checkRecognition(config, root)
        checkHistory(config, root)
        return config
    }

    private func listeners(_ list: ConfigValue) -> [Config.Listener] {
        guard let entries = list.texts(like: "127.0.0.1:8080") else { return [] }
        if list.node.array?.isEmpty == true { list.error("is empty: write [\"127.0.0.1:8080\"]") }
        var listeners: [Config.Listener] = []
        for (text, value) in entries {
            do throws(AddressFault) {
                let address = try AddressText.listener(text)
                if address == .systemd { Feature.systemdListen.note(at: value) }
                if listeners.contains(where: { $0.address == address && !address.isAnyPort }) {
                    value.error("\(ConfigValue.quoted(text)) stands twice: keep one of them")
                }
                listeners.append(Config.Listener(address: address, line: value.line))
            } catch {
                value.error("\(AddressText.shown(text)) \(error.reason)")
            }
        }
        return listeners
    }

    private func tls(_ section: ConfigSection) {
        _ = section.text("certificate", like: "/etc/sidecar/certificate.pem")
        _ = section.text("key", like: "/etc/sidecar/key.pem")
        _ = section.value("min_version")?.choice(of: ["1.2", "1.3"])
        Feature.tls.note(at: section.value)
    }

    private func upstream(_ root: ConfigSection) -> Config.Upstream {
        let example = "{ servers: [\"http://127.0.0.1:8000\"] }"
        var upstream = Config.Upstream()
        guard let value = root.present("upstream") else {
            let offset = root.value.node["upstream"]?.offset ?? root.value.node.offset
            root.log.error("upstream", at: offset, "is missing: write upstream: \(example)")
            return upstream
        }
        let given = value.node.string.map { "{ servers: [\(AddressText.shown($0))] }" }
        guard let section = value.section(like: given ?? example) else { return upstream }
        if let servers = section.value("servers") {
            upstream.servers = self.servers(servers)
        } else if section.value.node["servers"] == nil {
            section.error("servers is missing: write servers: [\"http://127.0.0.1:8000\"]")
        }
        upstream.connectTimeout = section.duration("connect_timeout", or: upstream.connectTimeout)
        upstream.responseTimeout = section.duration(
            "response_timeout", or: upstream.responseTimeout)
        upstream.idleTimeout = section.duration("idle_timeout", or: upstream.idleTimeout)
        upstream.maxConnections = section.integer(
            "max_connections", or: upstream.maxConnections, in: 1...1_000_000)
        if let tls = section.optionalSection("tls", like: "{ verify: true }") {
            _ = tls.text("ca_file", like: "/etc/ssl/ca.pem")
            _ = tls.flag("verify", or: true)
            _ = tls.text("server_name", like: "app.internal")
            Feature.secureUpstream.note(at: tls.value)
        }
        if let health = section.optionalSection("health", like: "{ path: \"/ping/\" }") {
            _ = health.text("path", like: "/ping/")
            _ = health.duration("every", or: 5_000)
            Feature.upstreamHealth.note(at: health.value)
        }
        return upstream
    }

    private func servers(_ list: ConfigValue) -> [Config.Server] {
        guard let entries = list.texts(like: "http://127.0.0.1:8000") else { return [] }
        if list.node.array?.isEmpty == true {
            list.error("is empty: write [\"http://127.0.0.1:8000\"]")
        }
        return entries.compactMap { text, value in
            do throws(AddressFault) {
                let (address, secure) = try AddressText.server(text)
                if secure { Feature.secureUpstream.note(at: value) }
                return Config.Server(text: text, address: address, line: value.line)
            } catch {
                value.error("\(AddressText.shown(text)) \(error.reason)")
                return nil
            }
        }
    }

    private func networks(_ list: ConfigValue) -> [String] {
        (list.texts(like: "127.0.0.1/32") ?? []).compactMap { text, value in
            do throws(TrustedNetworksError) {
                _ = try TrustedNetworks(parsing: [text])
                return text
            } catch {
                value.error("\(ConfigValue.quoted(text)) is no network: \(error.reason)")
                return nil
            }
        }
    }

    /// Without keys, without anybody to ask and without a login to learn from nobody is known.
    private func checkRecognition(_ config: Config, _ root: ConfigSection) {
        let tokens = root.value.node["tokens"]
        let keys = tokens?["keys"]
        let isAsked = tokens?["introspect"]?.isNull == false
        let isLearnt = config.routes.contains { route in
            guard case .login(let paths) = route.action else { return false }
            return !paths.token.isEmpty && !paths.user.isEmpty
        }
        guard keys?.array?.isEmpty ?? (keys == nil), !isAsked, !isLearnt else { return }
        log.warning(
            "tokens.keys", at: keys?.offset ?? tokens?.offset ?? root.value.node.offset,
            "no key is configured, so that nobody is recognised: write [\(KeysReader.example)]")
    }

    /// Whoever asks for a history wants it after a restart too.
    private func checkHistory(_ config: Config, _ root: ConfigSection) {
        guard let history = root.value.node["presence"]?["history"], config.store.path == nil,
            config.presence.history != nil, root.value.node["store"]?["path"]?.isNull == true
        else { return }
        log.warning(
            "presence.history", at: history.offset,
            "without a store (store.path: null) the history is lost at the end, and holds"
                + " \(PresenceLimits.historyInMemory) intervals at most: name a file in store.path")
    }

    /// An upstream that is the sidecar itself would forward to itself without end.
    private func checkLoop(_ config: Config, _ root: ConfigSection) {
        for (index, server) in config.upstream.servers.enumerated() {
            let own = config.listen.contains { listener in
                switch (listener.address, server.address) {
                case (.tcp(let host, let port), .tcp(let name, let other)):
                    port == other && port != 0
                        && (host == name || (host == "127.0.0.1" && name == "localhost"))
                case (.unix(let path), .unix(let other)): path == other
                default: false
                }
            }
            guard own, let list = root.value.node["upstream"]?["servers"]?.array,
                list.count == config.upstream.servers.count
            else { continue }
            log.error(
                "upstream.servers[\(index)]", at: list[index].offset,
                "\(ConfigValue.quoted(server.text)) is where the sidecar itself listens: write"
                    + " the address of the backend")
        }
    }
}

extension ListenAddress {
    /// Whether the kernel chooses the port, so that two of them are two.
    var isAnyPort: Bool {
        if case .tcp(_, 0) = self { return true }
        return false
    }
}
