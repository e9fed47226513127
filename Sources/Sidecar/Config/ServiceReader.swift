// Owns reading `tokens.service`: tokens of dashboards and scripts, which are nobody's.
// Called by TokensReader.
// Never shows a token.

import ProxyCore

/// Reads service tokens.
struct ServiceReader {
    static let example = "{ name: \"wallboard\", token_env: \"WALLBOARD_TOKEN\" }"
    /// Bytes: 128 bits, where each of them is random.
    private static let shortest = 16
    /// Each is compared with every unknown token.
    private static let limit = 64

    let secrets: SecretReader

    /// - Parameter shared: the secrets of `tokens.keys`, none of which may be a token as well.
    func read(_ section: ConfigSection, shared: [[UInt8]]) -> [Config.Service] {
        var services: [Config.Service] = []
        let entries = section.sections("service", like: Self.example)
        if entries.count > Self.limit {
            section.value("service")?.error(
                "names \(entries.count) tokens: write at most \(Self.limit)")
        }
        for entry in entries {
            guard let service = service(entry, services, shared) else { continue }
            services.append(service)
        }
        return services
    }

    private func service(
        _ section: ConfigSection, _ before: [Config.Service], _ shared: [[UInt8]]
    ) -> Config.Service? {
        let isAdmin = section.flag("admin", or: false)
        let name = section.value("name")?.text(like: "wallboard")
        if section.value.node["name"] == nil {
            section.error("name is missing: write \(Self.example)")
        }
        if let name, before.contains(where: { $0.name == name }) {
            section.value("name")?.error(
                "\(ConfigValue.quoted(name)) stands twice: give each its own name")
        }
        if section.value("token_env") == nil, section.value("token_file") == nil {
            section.error("no token is named: write token_env: \"WALLBOARD_TOKEN\"")
        }
        guard let (token, place) = secrets.secret("token", in: section, called: "token") else {
            return nil
        }
        if let reason = fault(token) {
            place.error(reason)
            return nil
        }
        if let twin = before.first(where: { $0.token == token }) {
            place.error(
                "is the token of \(ConfigValue.quoted(twin.name)) as well: give each its own")
            return nil
        }
        if shared.contains(token) {
            place.error("is a secret of tokens.keys as well: make a token of its own")
            return nil
        }
        guard let name else { return nil }
        return Config.Service(name: name, token: token, isAdmin: isAdmin)
    }

    private func fault(_ token: [UInt8]) -> String? {
        guard token.count >= Self.shortest else {
            return "the token has \(token.count) bytes, so that it could be guessed: write one of"
                + " \(Self.shortest) or more, like those of \"openssl rand -hex 16\""
        }
        guard token.count <= Limits.tokenBytes else {
            return "the token has \(token.count) bytes: write one of \(Limits.tokenBytes) or less"
        }
        guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "the token holds spaces or characters that no field can carry: write letters"
                + " and digits, like those of \"openssl rand -hex 16\""
        }
        return nil
    }
}
