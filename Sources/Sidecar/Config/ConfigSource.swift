// Owns where a configuration comes from: a file, or the options of `run`.
// Called by `run` at start and at every reload, and by the other commands.
// Never prints.

import ProxyCore

/// The options of `run` that stand for a config file.
struct ConfigFlags: Equatable, Sendable {
    var upstreams: [String] = []
    var listen: [String] = []
    var secretVariables: [String] = []
    var keySets: [String] = []
    var publicKeys: [String] = []
}

/// A configuration that was read, and what there is to say about it, a line each.
struct LoadedConfig: Sendable {
    /// nil: at least one of the lines is an error.
    var config: Config?
    var lines: [String]
}

/// Where a configuration comes from.
enum ConfigSource: Equatable, Sendable {
    case file(String)
    case flags(ConfigFlags)

    /// Reads it, now.
    func load(_ surroundings: Surroundings = .system) -> LoadedConfig {
        switch self {
        case .file(let path):
            let outcome = ConfigReader.read(file: path, surroundings: surroundings)
            return LoadedConfig(
                config: outcome.config, lines: outcome.findings.map { $0.text(file: path) })
        case .flags(let flags):
            return flags.load(surroundings)
        }
    }
}

extension ConfigFlags {
    fileprivate func load(_ surroundings: Surroundings) -> LoadedConfig {
        let outcome = ConfigReader.read(
            document, log: FindingLog([UInt8]().rawSpan), surroundings: surroundings)
        return LoadedConfig(config: outcome.config, lines: outcome.findings.map(line))
    }

    /// The config file that says the same.
    private var document: JSONNode {
        var members = [
            Self.member("upstream", Self.object([Self.member("servers", Self.list(upstreams))]))
        ]
        if !listen.isEmpty { members.append(Self.member("listen", Self.list(listen))) }
        let shared = secretVariables.map {
            // There is no option to say that a short one is meant: a warning must do.
            Self.key(["HS256", "HS384", "HS512"], "secret_env", $0, allowsWeakness: true)
        }
        let sets = keySets.map { Self.key(Self.published, "jwks", $0) }
        let files = publicKeys.map { Self.key(Self.published, "public_key_file", $0) }
        let keys = JSONNode(kind: .array(shared + sets + files))
        if !(shared + sets + files).isEmpty {
            members.append(Self.member("tokens", Self.object([Self.member("keys", keys)])))
        }
        return Self.object(members)
    }

    /// A finding about that file, told of the option.
    private func line(_ finding: ConfigFinding) -> String {
        var message = finding.message
        let option: String
        if finding.path.hasPrefix("upstream") {
            option = "--upstream"
        } else if finding.path.hasPrefix("listen") {
            option = "--listen"
        } else if finding.path == "tokens.keys", finding.severity == .warning {
            option = "--jwt-secret-env"
            message =
                "no key is configured, so that nobody is recognised: write --jwt-secret-env NAME,"
                + " --jwks URL_OR_FILE or --public-key FILE"
        } else {
            let names =
                secretVariables.map { _ in "--jwt-secret-env" } + keySets.map { _ in "--jwks" }
                + publicKeys.map { _ in "--public-key" }
            let number = finding.path.dropFirst("tokens.keys[".count).prefix { $0 != "]" }
            let index = Int(number) ?? 0
            option = index < names.count ? names[index] : finding.path
        }
        let mark = finding.severity == .warning ? "warning: " : ""
        return "sidecar run: \(option): \(mark)\(message)"
    }

    private static func object(_ members: [JSONMember]) -> JSONNode {
        JSONNode(kind: .object(members))
    }

    private static func member(_ key: String, _ value: JSONNode) -> JSONMember {
        JSONMember(key: key, value: value)
    }

    private static func list(_ texts: [String]) -> JSONNode {
        JSONNode(kind: .array(texts.map { JSONNode(kind: .string($0)) }))
    }

    /// Whatever kind of key it is.
    private static let published = TokenAlgorithm.allCases.filter { !$0.isShared }.map(\.rawValue)

    private static func key(
        _ algorithms: [String], _ name: String, _ value: String, allowsWeakness: Bool = false
    ) -> JSONNode {
        var members = [
            member("algorithms", list(algorithms)), member(name, JSONNode(kind: .string(value))),
        ]
        if allowsWeakness {
            members.append(member("allow_weak_secret", JSONNode(kind: .bool(true))))
        }
        return object(members)
    }
}
