// Owns the list of commands with their options and help texts.
// Called by the command line.
// Never parses.

/// One option of a command.
struct CommandOption: Sendable {
    let name: String
    /// What its value is called; nil where it has none.
    let argument: String?
    let summary: String

    init(_ name: String, _ argument: String?, _ summary: String) {
        self.name = name
        self.argument = argument
        self.summary = summary
    }

    fileprivate var shown: String { argument.map { "\(name) \($0)" } ?? name }
}

/// The commands.
enum Command: String, CaseIterable, Sendable {
    case run, check, demo, token, whoami, users, routes

    var summary: String {
        switch self {
        case .run: "run the service"
        case .check: "say what is wrong with a config file"
        case .demo: "show it with a sample backend and some moving users"
        case .token: "make a token for trying things out"
        case .whoami: "say whose a token is, or why it is nobody's"
        case .users: "show who is online"
        case .routes: "say what would happen to a request"
        }
    }

    private var calls: [String] {
        switch self {
        case .run:
            [
                "run --config FILE",
                "run --upstream URL [--listen ADDR]"
                    + " [--jwt-secret-env NAME | --jwks URL_OR_FILE | --public-key FILE]",
            ]
        case .check: ["check --config FILE"]
        case .demo: ["demo [--port N]"]
        case .token: ["token --config FILE --user ID [--name N] [--admin] [--ttl 1h]"]
        case .whoami: ["whoami --config FILE TOKEN", "whoami --config FILE -"]
        case .users: ["users [--url URL] [--token T] [--status online] [--watch]"]
        case .routes: ["routes --config FILE METHOD PATH"]
        }
    }

    var options: [CommandOption] {
        let config = CommandOption("--config", "FILE", "the config file (JSON5)")
        switch self {
        case .run:
            return [
                config,
                CommandOption("--upstream", "URL", "the backend: http://HOST:PORT or unix:/PATH"),
                CommandOption("--listen", "ADDR", "where to listen; 127.0.0.1:8080 if not given"),
                CommandOption(
                    "--jwt-secret-env", "NAME", "the variable that holds the tokens' HMAC secret"),
                CommandOption("--jwks", "URL_OR_FILE", "the public keys of the tokens"),
                CommandOption("--public-key", "FILE", "the public key of the tokens (PEM)"),
            ]
        case .check: return [config]
        case .demo:
            return [
                CommandOption("--port", "N", "the port of the sidecar; a free one if not given")
            ]
        case .token:
            return [
                config, CommandOption("--user", "ID", "the user's id"),
                CommandOption("--name", "N", "the user's name"),
                CommandOption("--admin", nil, "an admin's token"),
                CommandOption("--ttl", "DURATION", "how long it is good; 1h if not given"),
            ]
        case .whoami: return [config]
        case .users:
            return [
                CommandOption("--url", "URL", "where the sidecar answers"),
                CommandOption("--token", "T", "a token; the variable SIDECAR_TOKEN if not given"),
                CommandOption("--status", "STATUS", "online, away or offline"),
                CommandOption("--watch", nil, "keep the table live"),
            ]
        case .routes: return [config]
        }
    }

    private var notes: String {
        switch self {
        case .run:
            "Logs go to standard error. TERM and INT drain and end with 0."
        case .check:
            "One line a finding: FILE:LINE: key.path: what is wrong, and what to write.\n"
                + "Ends with 0 where there are none or warnings only, with 1 where there are errors."
        case .demo: "Needs nothing else. Prints its address, a login and what to try."
        case .token: "Signs with the first secret of tokens.keys and prints the token."
        case .whoami:
            "Checks it as the service would and says what each check came to; - reads the token from\n"
                + "standard input, where no list of processes shows it. Fetches keys and asks the\n"
                + "application where that is configured. Ends with 0 where it counts, with 1 where not, and\n"
                + "with 2 where nobody could be asked: the application or the keys were out of reach."
        case .users: "Shows a table of users and their status."
        case .routes: "Says which route matches, and what the sidecar would do."
        }
    }

    var help: String {
        let uses = calls.map { "  sidecar \($0)" }.joined(separator: "\n")
        return "sidecar \(rawValue): \(summary)\n\n\(uses)\n\n"
            + Self.table(options.map { ($0.shown, $0.summary) }) + "\n\n\(notes)"
    }

    static var overview: String {
        "sidecar: a reverse proxy that knows who is online\n\n"
            + table(
                allCases.map { ($0.rawValue, $0.summary) }
                    + [
                        ("help COMMAND", "say more about a command"),
                        ("--version", "show the version"),
                    ])
            + "\n\nThe quickest start: sidecar demo"
    }

    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { left, right in
            "  " + left + String(repeating: " ", count: width - left.count + 2) + right
        }.joined(separator: "\n")
    }
}
