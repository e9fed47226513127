// Owns reading `credentials` of a login: the members of its JSON by which somebody signs in.
// Called by LoginReader.
// Never holds anybody's password: the dashboard sends it, and the application judges it.

import ProxyCore
import StatusAPI

/// Reads `username` and `password`: where in the JSON that a login takes they stand.
enum CredentialsReader {
    private static let example = "{ username: \"$.email\" }"

    static func read(_ entry: ConfigSection) -> LoginCredentials? {
        guard let value = entry.value("credentials") else { return nil }
        if entry.value("on")?.node.string != "login" {
            value.error("is what a login asks for: add on: \"login\" or leave it out")
        }
        guard let section = value.section(like: example) else { return nil }
        if value.node.object?.isEmpty == true {
            section.error("is empty: write \(example)")
            return nil
        }
        // Both are read, so that each is known and each fault is said.
        let names = path(section, "username", like: "$.email", or: "$.username")
        let secrets = path(section, "password", like: "$.password", or: "$.password")
        guard let username = names, let password = secrets else { return nil }
        if overlap(username, password) {
            section.error(
                "puts both in one place, \(username.text) and \(password.text): write"
                    + " \(example), or a place of its own for each")
            return nil
        }
        return LoginCredentials(username: username, password: password)
    }

    private static func path(
        _ section: ConfigSection, _ key: String, like example: String, or usual: String
    ) -> JSONPath? {
        guard let value = section.value(key) else { return try? JSONPath(usual) }
        guard let path = value.singlePath(like: example) else { return nil }
        guard let names = path.names, !names.isEmpty else {
            value.error("names no member of an object: write one, like \"\(example)\"")
            return nil
        }
        return path
    }

    /// Whether one stands within the other, or where it does.
    private static func overlap(_ one: JSONPath, _ other: JSONPath) -> Bool {
        guard let names = one.names, let others = other.names else { return false }
        return names.starts(with: others) || others.starts(with: names)
    }
}
