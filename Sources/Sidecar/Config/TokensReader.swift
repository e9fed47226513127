// Owns reading the section `tokens`.
// Called by ConfigReader.
// Never keeps a key that it could not check.

import ProxyCore

/// Reads who signs tokens and what they say about a person.
struct TokensReader {
    /// RFC 7518 §3.1 and RFC 8037 §3.1: named by the contract, by other keys than shared secrets.
    private static let publicAlgorithms = [
        "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA",
    ]
    private static let keyExample = "{ algorithms: [\"HS256\"], secret_env: \"JWT_SECRET\" }"

    let secrets: SecretReader

    func read(_ section: ConfigSection) -> Config.Tokens {
        var tokens = Config.Tokens()
        if let places = section.value("from") { tokens.from = from(places) }
        tokens.leeway = section.duration(
            "leeway", or: tokens.leeway, atLeast: 0, atMost: 600_000)
        tokens.keys = keys(section)
        tokens.claims = claims(section.section("claims"))
        if let introspect = section.optionalSection("introspect", like: "{ path: \"/me/\" }") {
            introspection(introspect)
        }
        for service in section.sections(
            "service", like: "{ name: \"wallboard\", token_env: \"WALLBOARD_TOKEN\" }")
        {
            self.service(service)
        }
        return tokens
    }

    private func from(_ list: ConfigValue) -> [TokenPlace] {
        guard let entries = list.texts(like: "header:Authorization") else { return [] }
        if list.node.array?.isEmpty == true {
            list.error("is empty: write [\"header:Authorization\"]")
        }
        let places = entries.compactMap(place)
        let usual = places.contains { place in
            if case .header(let name) = place {
                name.lowercased() == "authorization"
            } else {
                false
            }
        }
        if !usual { Feature.withoutAuthorization.note(at: list) }
        return places
    }

    private func place(_ text: String, _ value: ConfigValue) -> TokenPlace? {
        guard let colon = text.firstIndex(of: ":"), text.index(after: colon) < text.endIndex else {
            value.error(
                "\(ConfigValue.quoted(text)) names no place: write \"header:NAME\","
                    + " \"cookie:NAME\" or \"query:NAME\"")
            return nil
        }
        let name = String(text[text.index(after: colon)...])
        switch text[..<colon] {
        case "header":
            if name.lowercased() != "authorization" { Feature.otherTokenPlaces.note(at: value) }
            return .header(name)
        case "cookie":
            Feature.otherTokenPlaces.note(at: value)
            return .cookie(name)
        case "query":
            if name != "token" { Feature.otherTokenPlaces.note(at: value) }
            return .query(name)
        default:
            value.error(
                "\(ConfigValue.quoted(text)) is no place for a token: write"
                    + " \"header:\(name)\", \"cookie:\(name)\" or \"query:\(name)\"")
            return nil
        }
    }

    private func keys(_ section: ConfigSection) -> [TokenKey] {
        let entries = section.sections("keys", like: Self.keyExample)
        if section.value("keys")?.node.array?.isEmpty ?? true {
            section.log.warning(
                "tokens.keys", at: section.value("keys")?.node.offset ?? section.value.node.offset,
                "no key is configured, so that nobody is recognised: write [\(Self.keyExample)]")
        }
        let keys = entries.flatMap(key)
        guard !keys.isEmpty else { return [] }
        do throws(KeyError) {
            _ = try KeyRing(keys)
        } catch {
            section.value("keys")?.error("\(error)")
        }
        return keys
    }

    /// One entry: a TokenKey for each of its algorithms.
    private func key(_ section: ConfigSection) -> [TokenKey] {
        let algorithms = algorithms(section)
        let issuer = section.text("issuer", like: "https://id.example")
        let audience = section.text("audience", like: "app")
        let secret = section.value("secret_env") ?? section.value("secret_file")
        let published = publicKey(section)
        if let asymmetric = algorithms.published {
            if !algorithms.shared.isEmpty {
                asymmetric.error(
                    "a public key and a shared secret cannot be one key: make two entries of it")
            } else if let secret {
                secret.error(
                    "a secret does not go with a public key's algorithm: write jwks or"
                        + " public_key_file")
            } else {
                Feature.publicKeys.note(at: asymmetric)
            }
            return []
        }
        guard let first = algorithms.shared.first else { return [] }
        if let published {
            published.error("does not go with \(first.rawValue): write secret_env or secret_file")
            return []
        }
        guard secret != nil else {
            section.error("no secret is named: write secret_env: \"JWT_SECRET\"")
            return []
        }
        guard let (bytes, place) = secrets.secret("secret", in: section) else { return [] }
        let keys = tokenKeys(algorithms.shared, bytes, issuer, audience, at: place)
        if !keys.isEmpty { warnOfWeakness(bytes, algorithms.shared, at: place) }
        return keys
    }

    private func publicKey(_ section: ConfigSection) -> ConfigValue? {
        let set = section.value("jwks")
        let file = section.value("public_key_file")
        _ = set?.text(like: "https://id.example/.well-known/jwks.json")
        _ = file?.text(like: "/etc/sidecar/public.pem")
        if let set, file != nil { set.error("contradicts public_key_file: keep one of them") }
        return set ?? file
    }

    /// The algorithms of shared secrets, and where the first of public keys stands.
    private func algorithms(
        _ section: ConfigSection
    ) -> (shared: [TokenAlgorithm], published: ConfigValue?) {
        guard let list = section.value("algorithms") else {
            section.error("algorithms is missing: write algorithms: [\"HS256\"]")
            return ([], nil)
        }
        if list.node.array?.isEmpty == true { list.error("is empty: write [\"HS256\"]") }
        var shared: [TokenAlgorithm] = []
        var published: ConfigValue?
        for (name, value) in list.texts(like: "HS256") ?? [] {
            if let algorithm = TokenAlgorithm(rawValue: name), algorithm.isShared {
                if !shared.contains(algorithm) { shared.append(algorithm) }
            } else if Self.publicAlgorithms.contains(name) {
                published = published ?? value
            } else {
                unknownAlgorithm(name, value)
            }
        }
        return (shared, published)
    }

    private func unknownAlgorithm(_ name: String, _ value: ConfigValue) {
        if name.lowercased() == "none" {
            value.error("a token without a signature proves nothing: write \"HS256\"")
            return
        }
        let known = TokenAlgorithm.allCases.map(\.rawValue)
        let meant = Nearest.match(name, among: known).map { "did you mean \"\($0)\"?" }
        value.error(
            "unknown algorithm \(ConfigValue.quoted(name)): "
                + (meant ?? "write \"HS256\", \"HS384\" or \"HS512\""))
    }

    /// Old applications have short secrets and cannot change them at once, so that a short one is
    /// used. The shortest hash counts: a token may be signed with any of them.
    private func warnOfWeakness(
        _ secret: [UInt8], _ algorithms: [TokenAlgorithm], at value: ConfigValue
    ) {
        let least = algorithms.min { $0.hashLength < $1.hashLength }
        guard let least, secret.count < least.hashLength else { return }
        value.warning(
            "the secret has \(secret.count) bytes, fewer than the \(least.hashLength) of"
                + " \(least.rawValue) (RFC 7518 §3.2): such secrets can be guessed, use a"
                + " longer one")
    }

    private func tokenKeys(
        _ algorithms: [TokenAlgorithm], _ secret: [UInt8], _ issuer: String?, _ audience: String?,
        at value: ConfigValue
    ) -> [TokenKey] {
        do throws(KeyError) {
            var keys: [TokenKey] = []
            for algorithm in algorithms {
                keys.append(
                    try TokenKey(algorithm, secret: secret, issuer: issuer, audience: audience))
            }
            return keys
        } catch {
            value.error("\(error): write another secret")
            return []
        }
    }

    private func claims(_ section: ConfigSection) -> ClaimRules {
        var rules = ClaimRules()
        if let names = names(section, "user", like: "user_id") {
            rules.user = names
            if names.isEmpty { section.value("user")?.error("is empty: write [\"user_id\"]") }
        }
        rules.name = names(section, "name", like: "username") ?? rules.name
        rules.session = names(section, "session", like: "jti") ?? rules.session
        guard let admin = section.value("admin", nullable: true) else { return rules }
        guard !admin.node.isNull else {
            rules.admin = nil
            return rules
        }
        let example = "{ claim: \"is_staff\", equals: true }"
        guard let admin = admin.section(like: example) else { return rules }
        if let claim = admin.value("claim") {
            rules.admin = name(claim, like: "is_staff")
        } else {
            admin.error("claim is missing: write \(example)")
        }
        if let equals = admin.value("equals") {
            rules.adminEquals = scalar(equals) ?? rules.adminEquals
        }
        return rules
    }

    private func names(
        _ section: ConfigSection, _ key: String, like example: String
    ) -> [ClaimName]? {
        section.value(key)?.items(like: ConfigValue.quoted(example))?.compactMap {
            name($0, like: example)
        }
    }

    private func name(_ value: ConfigValue, like example: String) -> ClaimName? {
        guard let text = value.text(like: example) else { return nil }
        do throws(JSONPathError) {
            return try ClaimName(text)
        } catch {
            value.error("\(ConfigValue.quoted(text)) is no path: \(error.reason)")
            return nil
        }
    }

    private func scalar(_ value: ConfigValue) -> ClaimScalar? {
        if let flag = value.node.bool { return .bool(flag) }
        if let text = value.node.string { return .string(text) }
        if let number = value.node.integer { return .integer(number) }
        value.expected("true, a string or a whole number", write: "true")
        return nil
    }

    private func introspection(_ section: ConfigSection) {
        if section.text("path", like: "/api/users/me/") == nil, section.value("path") == nil {
            section.error("path is missing: write path: \"/api/users/me/\"")
        }
        for key in ["user", "name", "admin"] {
            _ = section.value(key)?.jsonPath(like: "$.id")
        }
        _ = section.duration("cache", or: 60_000)
        Feature.introspection.note(at: section.value)
    }

    private func service(_ section: ConfigSection) {
        _ = section.text("name", like: "wallboard")
        _ = section.text("token_env", like: "WALLBOARD_TOKEN")
        _ = section.text("token_file", like: "/run/secrets/wallboard")
        _ = section.flag("admin", or: false)
        Feature.serviceTokens.note(at: section.value)
    }
}
