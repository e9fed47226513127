// Owns reading `tokens.introspect`: who is asked about tokens that say nothing themselves.
// Called by TokensReader.
// Never asks anybody.

import ProxyCore

/// Reads one introspection: of the application's own "who am I", or of an RFC 7662 endpoint.
struct IntrospectionReader {
    static let pathExample = "path: \"/api/users/me/\""
    static let urlExample = "url: \"https://id.example/oauth/introspect\""
    /// Bytes of a path: more is no path of a "who am I".
    private static let longestPath = 1_024

    let secrets: SecretReader

    func read(_ section: ConfigSection) -> Config.Introspection? {
        let source = source(section)
        let people = people(section)
        let cache = section.duration("cache", or: 60_000, atLeast: 1_000, atMost: 3_600_000)
        let timeout = section.duration("timeout", or: 5_000, atLeast: 100, atMost: 60_000)
        let concurrency = section.integer("concurrency", or: 4, in: 1...64)
        let client = client(section)
        var target: FetchTarget?
        if case .url(let url) = source { target = url }
        let caFile = KeySources(secrets: secrets).authorities("ca_file", section, of: target)
        guard let source, let user = people.user else { return nil }
        return Config.Introspection(
            source: source, user: user, name: people.name, admin: people.admin,
            session: people.session, cache: cache, timeout: timeout, concurrency: concurrency,
            clientID: client.id, clientSecret: client.secret, caFile: caFile)
    }

    private func source(_ section: ConfigSection) -> Config.Introspection.Source? {
        let path = section.value("path")
        let url = section.value("url")
        if let url, path != nil {
            url.error(
                "contradicts path: keep path where the application itself says who somebody is,"
                    + " and url where a server of its own does (RFC 7662)")
            return nil
        }
        if let path { return self.path(path) }
        if let url { return self.url(url) }
        section.error("nobody is named to ask: write \(Self.pathExample) or \(Self.urlExample)")
        return nil
    }

    private func path(_ value: ConfigValue) -> Config.Introspection.Source? {
        guard let text = value.text(like: "/api/users/me/") else { return nil }
        if text.contains("://") {
            value.error(
                "\(AddressText.shown(text)) is a URL: write only the path, or url: for a server of"
                    + " its own")
            return nil
        }
        guard text.hasPrefix("/") else {
            value.error(
                "\(ConfigValue.quoted(text)) does not begin with a slash: write \"/\(text)\"")
            return nil
        }
        let plain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }
        guard plain, !text.hasPrefix("//"), text.utf8.count <= Self.longestPath else {
            value.error(
                "\(ConfigValue.quoted(text)) is no path: write one like \"/api/users/me/\", other"
                    + " characters percent-encoded")
            return nil
        }
        return .path(text)
    }

    private func url(_ value: ConfigValue) -> Config.Introspection.Source? {
        guard let text = value.text(like: "https://id.example/oauth/introspect") else {
            return nil
        }
        do throws(FetchURLError) {
            let target = try FetchTarget(text)
            // The token itself travels there.
            guard target.isProtected else {
                value.error(
                    "\(AddressText.shown(text)) would carry tokens unencrypted: write https://")
                return nil
            }
            return .url(target)
        } catch {
            value.error("\(AddressText.shown(text)) \(error)")
            return nil
        }
    }

    /// Where in an answer a person is found.
    private struct People {
        var user: JSONPath?
        var name: JSONPath?
        var admin: JSONPath?
        var session: JSONPath?
    }

    private func people(_ section: ConfigSection) -> People {
        let isStandard = section.value("url") != nil && section.value("path") == nil
        var people = People()
        if let user = section.value("user") {
            people.user = user.singlePath(like: "$.id")
        } else if isStandard {
            // RFC 7662 §2.2.
            people.user = Self.standard("$.sub")
            people.name = Self.standard("$.username")
        } else if section.value.node["user"] == nil {
            section.error("user is missing: write user: \"$.id\"")
        }
        if let name = section.value("name") { people.name = name.singlePath(like: "$.username") }
        people.admin = section.value("admin")?.singlePath(like: "$.is_staff")
        people.session = section.value("session")?.singlePath(like: "$.sid")
        return people
    }

    private static func standard(_ text: String) -> JSONPath? {
        do throws(JSONPathError) { return try JSONPath(text) } catch { return nil }
    }

    /// How the sidecar shows an RFC 7662 server that it may ask.
    private func client(_ section: ConfigSection) -> (id: String?, secret: [UInt8]?) {
        section.knows(["client_id", "client_secret_env", "client_secret_file"])
        let id = section.value("client_id")
        let named = section.value("client_secret_env") ?? section.value("client_secret_file")
        if section.value("url") == nil {
            for value in [id, named].compactMap(\.self) {
                value.error(
                    "goes with url alone: the application is asked with the client's own"
                        + " credential; leave it out")
            }
            return (nil, nil)
        }
        let text = id?.text(like: "presence-sidecar")
        if let text, text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            id?.error("holds control characters: write the id as the server knows it")
        }
        let secret = secrets.secret("client_secret", in: section)?.bytes
        if let named, section.value.node["client_id"] == nil {
            named.error("a secret without an id: add client_id: \"presence-sidecar\"")
        } else if let id, named == nil {
            id.error("an id without its secret: add client_secret_env: \"INTROSPECTION_SECRET\"")
        }
        return (text, secret)
    }
}
