// Owns reading where a login's or a refresh's answer says who has signed in, and with what.
// Called by RoutesReader.
// Never reads an answer.

import ProxyCore
import StatusAPI

/// Reads `token`, `user`, `name`, `expires` and `credentials` of a route.
struct LoginReader {
    /// Whether there are keys, so that a token may say itself whose it is.
    let readsTokens: Bool

    func paths(_ entry: ConfigSection) -> LoginPaths {
        LoginPaths(
            token: tokens(entry), user: paths(entry, "user", like: "$.user.id"),
            name: paths(entry, "name", like: "$.user.username"),
            expires: paths(entry, "expires", like: "$.expires_in"),
            credentials: CredentialsReader.read(entry))
    }

    /// For routes that watch no answer.
    func refuse(_ entry: ConfigSection) {
        for key in ["token", "user", "name", "expires"] {
            entry.value(key)?.error(
                "is read from the answer to a login or a refresh only: add on: \"login\" or leave"
                    + " it out")
        }
    }

    func checkLogin(_ entry: ConfigSection, _ on: ConfigValue) {
        let token = entry.value("token")
        guard entry.value("user") == nil else {
            checkExpires(entry)
            return
        }
        if token == nil {
            on.error(
                "nothing says who has logged in: add token: \"$.access\" or"
                    + " user: \"$.user.id\"")
        } else if !readsTokens {
            token?.error(
                "is opaque, since there are no tokens.keys to read it with, and says not who has"
                    + " logged in: add user: \"$.user.id\"")
        }
        checkExpires(entry)
    }

    func checkRefresh(_ entry: ConfigSection, _ on: ConfigValue) {
        if entry.value.node["token"] == nil {
            on.error("nothing says where the new token stands: add token: \"$.access\"")
        }
        checkExpires(entry)
    }

    /// What expires is the token.
    private func checkExpires(_ entry: ConfigSection) {
        guard let expires = entry.value("expires"), entry.value.node["token"] == nil else { return }
        expires.error("says until when a token is good: add token: \"$.access\" or leave it out")
    }

    /// One place, or a list of them that are tried in order.
    private func values(
        _ entry: ConfigSection, _ key: String, like example: String
    ) -> [ConfigValue] {
        guard let value = entry.value(key) else { return [] }
        guard value.node.array != nil else { return [value] }
        if value.node.array?.isEmpty == true { value.error("is empty: write \"\(example)\"") }
        return value.items(like: ConfigValue.quoted(example)) ?? []
    }

    private func paths(
        _ entry: ConfigSection, _ key: String, like example: String
    ) -> [JSONPath] {
        values(entry, key, like: example).compactMap { $0.singlePath(like: example) }
    }

    private func tokens(_ entry: ConfigSection) -> [TokenSource] {
        values(entry, "token", like: "$.access").compactMap { value in
            guard let text = value.node.string, let colon = text.firstIndex(of: ":"),
                ["header", "cookie"].contains(text[..<colon])
            else { return value.singlePath(like: "$.access").map { .path($0) } }
            let name = String(text[text.index(after: colon)...])
            return text.hasPrefix("header") ? header(name, value) : cookie(name, value)
        }
    }

    private func header(_ name: String, _ value: ConfigValue) -> TokenSource? {
        if let reason = FieldRule.fault(name) {
            value.error("\(ConfigValue.quoted(name)) \(reason), like \"header:Authorization\"")
            return nil
        }
        if FieldRule.folded(name) == "set-cookie" {
            value.error("a cookie is named by itself: write \"cookie:NAME\"")
            return nil
        }
        if name.lowercased() != "authorization", FieldRule.isFixed(name) {
            value.error(
                "\(ConfigValue.quoted(name)) means something else already: write the field that"
                    + " carries the token, like \"header:Authorization\"")
            return nil
        }
        return .header(name)
    }

    private func cookie(_ name: String, _ value: ConfigValue) -> TokenSource? {
        guard FieldRule.isToken(name), name.utf8.count <= FieldRule.longest else {
            value.error(
                "\(ConfigValue.quoted(name)) is no name of a cookie: write letters, digits, '-' and"
                    + " '_', like \"cookie:sessionid\"")
            return nil
        }
        return .cookie(name)
    }
}
