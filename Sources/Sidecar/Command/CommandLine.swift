// Owns the meaning of the command line.
// Called by Main.
// Never does what was asked: it says what that is.

import ProxyCore

/// Why a command line cannot be understood: one line with a hint.
struct UsageError: Error, Equatable {
    let message: String
}

/// What the command line asks for.
enum Invocation: Equatable, Sendable {
    case run(ConfigSource)
    case check(file: String)
    /// nil: a free port.
    case demo(port: UInt16?)
    case token(TokenOrder)
    case whoami(WhoamiOrder)
    case users(UsersOrder)
    case routes(file: String, method: String, path: String)
    case version
    case help(Command?)

    /// - Parameter arguments: without the program's name.
    init(_ arguments: [String]) throws(UsageError) {
        guard let first = arguments.first else {
            throw UsageError(message: "sidecar: no command; try \"sidecar --help\"")
        }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "--help", "-h": self = .help(nil)
        case "--version": self = .version
        case "help": self = .help(try Self.topic(rest))
        default:
            guard let command = Command(rawValue: first) else { throw Self.unknown(first) }
            if rest.contains("--help") || rest.contains("-h") {
                self = .help(command)
            } else {
                self = try Self.parse(command, rest)
            }
        }
    }

    private static func unknown(_ word: String) -> UsageError {
        let known = Command.allCases.map(\.rawValue) + ["help", "--help", "--version"]
        let meant = Nearest.match(word, among: known).map { "; did you mean \"\($0)\"?" }
        let kind = word.hasPrefix("-") ? "option" : "command"
        return UsageError(
            message: "sidecar: unknown \(kind) \(ConfigValue.quoted(word))"
                + (meant ?? "; try \"sidecar --help\""))
    }

    private static func topic(_ words: [String]) throws(UsageError) -> Command? {
        guard let word = words.first else { return nil }
        guard let command = Command(rawValue: word) else { throw unknown(word) }
        return command
    }

    private static func parse(
        _ command: Command, _ words: [String]
    ) throws(UsageError) -> Invocation {
        var options = try Options(command, words)
        let invocation: Invocation
        switch command {
        case .run: invocation = .run(try source(&options))
        case .check: invocation = .check(file: try options.required("--config"))
        case .demo:
            let port = try options.optional("--port")
            guard let port else {
                invocation = .demo(port: nil)
                break
            }
            guard let number = UInt16(port) else {
                throw options.fault("--port takes a number from 0 to 65535")
            }
            invocation = .demo(port: number)
        case .token: invocation = .token(try TokenOrder(&options))
        case .whoami:
            let file = try options.required("--config")
            guard options.words.count == 1, let token = options.words.first else {
                throw options.fault("write one token, or - to read it from standard input")
            }
            options.words = []
            invocation = .whoami(WhoamiOrder(file: file, token: token))
        case .users: invocation = .users(try UsersOrder(&options))
        case .routes:
            let file = try options.required("--config")
            guard options.words.count == 2 else {
                throw options.fault("write a method and a path, like: GET /api/users/")
            }
            let (method, path) = (options.words[0], options.words[1])
            guard path.hasPrefix("/") else {
                throw options.fault("a path begins with a slash, like: GET /\(path)")
            }
            options.words = []
            invocation = .routes(file: file, method: method, path: path)
        }
        guard options.words.isEmpty else {
            throw options.fault("cannot use \(ConfigValue.quoted(options.words[0]))")
        }
        return invocation
    }

    private static func source(_ options: inout Options) throws(UsageError) -> ConfigSource {
        let flags = ConfigFlags(
            upstreams: options.all("--upstream"), listen: options.all("--listen"),
            secretVariables: options.all("--jwt-secret-env"), keySets: options.all("--jwks"),
            publicKeys: options.all("--public-key"))
        guard let file = try options.optional("--config") else {
            guard !flags.upstreams.isEmpty else {
                throw options.fault("write --config FILE, or --upstream URL")
            }
            return .flags(flags)
        }
        guard flags == ConfigFlags() else {
            throw options.fault("--config stands alone: what other options say belongs in the file")
        }
        return .file(file)
    }
}

/// What `token` is asked for.
struct TokenOrder: Equatable, Sendable {
    var file: String
    var user: String
    var name: String?
    var isAdmin = false
    var lifetime: Milliseconds = 3_600_000

    fileprivate init(_ options: inout Options) throws(UsageError) {
        file = try options.required("--config")
        user = try options.required("--user")
        name = try options.optional("--name")
        isAdmin = options.flag("--admin")
        guard let text = try options.optional("--ttl") else { return }
        guard let lifetime = DurationText.parse(text),
            (1_000...DurationText.longest).contains(lifetime)
        else { throw options.fault("--ttl takes a duration from 1s to 3650d, like 1h") }
        self.lifetime = lifetime
    }
}

/// What `users` is asked for.
struct UsersOrder: Equatable, Sendable {
    /// Where the sidecar's own endpoints are.
    var url = "http://127.0.0.1:8080/_presence"
    var token: String?
    var status: String?
    var watch = false

    fileprivate init(_ options: inout Options) throws(UsageError) {
        url = try options.optional("--url") ?? url
        token = try options.optional("--token")
        watch = options.flag("--watch")
        status = try options.optional("--status")
        if let status, !["online", "away", "offline"].contains(status) {
            throw options.fault("--status takes online, away or offline")
        }
    }
}

/// The options and words behind a command.
private struct Options {
    let command: Command
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []
    /// What is no option.
    var words: [String] = []

    init(_ command: Command, _ arguments: [String]) throws(UsageError) {
        self.command = command
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            guard argument.hasPrefix("-"), argument != "-" else {
                words.append(argument)
                continue
            }
            if argument == "--" {
                words += arguments[index...]
                return
            }
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = command.options.first(where: { $0.name == name }) else {
                throw unknown(name)
            }
            guard let what = option.argument else {
                guard parts.count == 1 else { throw fault("\(name) takes no value") }
                flags.insert(name)
                continue
            }
            if parts.count == 2 {
                values[name, default: []].append(String(parts[1]))
            } else {
                guard index < arguments.count else { throw fault("\(name) lacks its \(what)") }
                values[name, default: []].append(arguments[index])
                index += 1
            }
            if values[name]?.last?.isEmpty == true { throw fault("\(name) lacks its \(what)") }
        }
    }

    private func unknown(_ name: String) -> UsageError {
        let known = command.options.map(\.name)
        let meant = Nearest.match(name, among: known).map { "; did you mean \($0)?" }
        return fault("unknown option \(ConfigValue.quoted(name))\(meant ?? "")")
    }

    func fault(_ reason: String) -> UsageError {
        UsageError(
            message: "sidecar \(command.rawValue): \(reason)"
                + (reason.hasSuffix("?") ? "" : " (see \"sidecar help \(command.rawValue)\")"))
    }

    func all(_ name: String) -> [String] { values[name] ?? [] }
    func flag(_ name: String) -> Bool { flags.contains(name) }

    func optional(_ name: String) throws(UsageError) -> String? {
        let all = all(name)
        guard all.count < 2 else { throw fault("\(name) stands twice") }
        return all.first
    }

    func required(_ name: String) throws(UsageError) -> String {
        guard let value = try optional(name) else {
            let what = command.options.first { $0.name == name }?.argument ?? ""
            throw fault("write \(name) \(what)")
        }
        return value
    }
}
