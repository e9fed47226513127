// Owns the configuration of the demo: the file that one would write for its application.
// Called by the demo.
// Never says what a file could not say.

import ProxyCore

/// The demo's config file, but for its ports and its secret.
struct DemoConfig {
    private static let variable = "DEMO_SECRET"
    let secret: [UInt8]

    /// - Parameter secret: bytes of any kind; they are written in hexadecimal.
    init(secret: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        self.secret = secret.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    func config(port: UInt16, backend: UInt16) throws(Unreadable) -> Config {
        let value = String(decoding: secret, as: UTF8.self)
        var surroundings = Surroundings.system
        surroundings.variable = { $0 == Self.variable ? value : nil }
        let text = Array(Self.text(port: port, backend: backend).utf8)
        let outcome = ConfigReader.read(text.rawSpan, surroundings: surroundings)
        guard let config = outcome.config else {
            let lines = outcome.findings.map { $0.text(file: "the demo's configuration") }
            throw Unreadable(description: lines.joined(separator: "\n"))
        }
        return config
    }

    /// The thresholds are short enough to watch.
    static func text(port: UInt16, backend: UInt16) -> String {
        """
        {
          listen: ["127.0.0.1:\(port)"],
          workers: 1,
          upstream: { servers: ["http://127.0.0.1:\(backend)"] },
          tokens: {
            from: ["header:Authorization", "cookie:access_token", "query:token"],
            keys: [{ algorithms: ["HS256"], secret_env: "\(variable)" }],
          },
          presence: {
            offline_after: "10s", heartbeat_every: "3s", disconnect_grace: "3s",
            allow_flapping: true,
          },
          routes: [
            { match: "POST /api/login/", on: "login",
              token: "$.access", user: "$.user.id", name: "$.user.name" },
            { match: "POST /api/logout/", on: "logout" },
            // The form for browsers: the token is in a cookie.
            { match: "POST /signin/", on: "login", token: "cookie:access_token" },
            { match: "POST /signout/", on: "logout" },
            // Dots into pages, presence into lists.
            { match: "GET /team/", inject: { dots: ["a[href='/people/{id}/']"] } },
            { match: "GET /patients/", inject: { dots: ["[data-staff='{id}']"] } },
            { match: "GET /people/**", inject: true },
            { match: "GET /api/users/", enrich: { items: "$.results[*]", id: "$.id" } },
            { match: "GET /api/patients/", enrich: { items: "$.results[*]", id: null,
              fields: { doctor_id: "doctor_presence", nurse_id: "nurse_presence" } } },
            { match: "GET /style.css", track: false },
          ],
          store: { path: null },
          log: { level: "warning", access: "off" },
          limits: { drain: "1s" },
        }
        """
    }
}
