// Owns reading `tokens.keys`: who signs tokens, with what, and what such tokens must say.
// Called by TokensReader.
// Never keeps an entry that it could not check.

import ProxyCore

/// Reads the entries, one issuer each.
struct KeysReader {
    static let example = "{ algorithms: [\"HS256\"], secret_env: \"JWT_SECRET\" }"

    let sources: KeySources
    /// What holds where an entry has no claims of its own.
    let claims: ClaimRules
    let leeway: Milliseconds

    func read(_ section: ConfigSection) -> [Config.Key] {
        let entries = section.sections("keys", like: Self.example)
        let keys = entries.compactMap(key)
        guard !keys.isEmpty, keys.count == entries.count else { return keys }
        do throws(KeyError) {
            _ = try KeyRing(keys.map(\.issuer), claims: claims, leeway: leeway)
        } catch {
            section.value("keys")?.error("\(error)\(Self.advice(error))")
        }
        return keys
    }

    private static func advice(_ error: KeyError) -> String {
        switch error {
        case .duplicateKeyID: ": give each an id of its own, or an issuer"
        case .tooMany: ": leave some out"
        default: ""
        }
    }

    /// What an entry says beside its keys.
    private struct Terms {
        var algorithms: [TokenAlgorithm] = []
        var name: String?
        var audiences: [String] = []
        var claims: ClaimRules?
        var maximumLifetime: Milliseconds?
        var type: String?
        var keyID: String?
    }

    private func key(_ section: ConfigSection) -> Config.Key? {
        // Whatever is wrong, none of these is unknown.
        section.knows([
            "algorithms", "secret_env", "secret_file", "public_key_file", "jwks", "jwks_ca_file",
            "allow_weak_secret",
        ])
        let kind = AlgorithmsReader().read(section)
        var terms = Terms()
        terms.name = section.text("issuer", like: "https://id.example")
        terms.audiences = audiences(section)
        if let own = section.optionalSection("claims", like: "{ user: [\"sub\"] }") {
            terms.claims = ClaimsReader().read(own, over: claims)
        }
        if let longest = section.value("max_lifetime") {
            terms.maximumLifetime = longest.duration(
                in: 1_000...DurationText.longest, like: 3_600_000)
        }
        terms.type = section.text("typ", like: "at+jwt")
        terms.keyID = section.text("kid", like: "2026-11")
        switch kind {
        case .shared(let algorithms):
            terms.algorithms = algorithms
            return shared(section, terms)
        case .published(let algorithms):
            terms.algorithms = algorithms
            return published(section, terms)
        case nil: return nil
        }
    }

    private func audiences(_ section: ConfigSection) -> [String] {
        guard let value = section.value("audience") else { return [] }
        guard value.node.array != nil else { return value.text(like: "app").map { [$0] } ?? [] }
        if value.node.array?.isEmpty == true { value.error("is empty: write \"app\"") }
        return value.texts(like: "app")?.map(\.text) ?? []
    }

    // MARK: Shared secrets

    private func shared(_ section: ConfigSection, _ terms: Terms) -> Config.Key? {
        let first = terms.algorithms.first?.rawValue ?? "HS256"
        let isWeakAllowed = section.flag("allow_weak_secret", or: false)
        let foreign = ["jwks", "public_key_file", "jwks_ca_file"].compactMap { section.value($0) }
        if !foreign.isEmpty {
            foreign[0].error("does not go with \(first): write secret_env or secret_file")
            return nil
        }
        guard section.value("secret_env") ?? section.value("secret_file") != nil else {
            section.error("no secret is named: write secret_env: \"JWT_SECRET\"")
            return nil
        }
        guard let (bytes, place) = sources.secrets.secret("secret", in: section) else { return nil }
        let keys = TokenIssuer.Keys.shared(secret: bytes, keyID: terms.keyID)
        guard let issuer = issuer(terms, keys, section, place, "write another secret") else {
            return nil
        }
        checkStrength(issuer, isWeakAllowed, place)
        return Config.Key(issuer: issuer, source: .given, line: section.value.line)
    }

    /// RFC 7518 §3.2: as many bytes as the hash has. Old applications have shorter secrets and
    /// cannot change them at once: whoever says so gets a warning, and where the secret is long
    /// enough for one of the algorithms not even that.
    private func checkStrength(_ issuer: TokenIssuer, _ isAllowed: Bool, _ place: ConfigValue) {
        guard let weakness = issuer.weakness else { return }
        let least = issuer.algorithms.map(\.hashLength).min() ?? 0
        let isShortForAll = weakness.count < least
        let name = weakness.algorithm.rawValue
        let what =
            "the secret has \(weakness.count) bytes, fewer than the"
            + " \(weakness.algorithm.hashLength) of \(name) (RFC 7518 §3.2)"
        if !isAllowed {
            let instead = isShortForAll ? "" : ", leave \(name) out"
            place.error(
                "\(what), so that it could be guessed: use a longer one\(instead), or write"
                    + " allow_weak_secret: true")
        } else if isShortForAll {
            place.warning("\(what): such secrets can be guessed, use a longer one")
        }
    }

    // MARK: Public keys

    private func published(_ section: ConfigSection, _ terms: Terms) -> Config.Key? {
        let secret = section.value("secret_env") ?? section.value("secret_file")
        let set = section.value("jwks")
        let file = section.value("public_key_file")
        if section.value("allow_weak_secret") != nil, secret == nil {
            section.value("allow_weak_secret")?.error("goes with a secret alone: leave it out")
        }
        if let secret {
            secret.error(
                "a secret does not go with a public key's algorithm: write jwks or"
                    + " public_key_file")
            return nil
        }
        if let set, file != nil {
            set.error("contradicts public_key_file: keep one of them")
            return nil
        }
        if let file { return single(file, section, terms) }
        if let set { return fetched(set, section, terms) }
        section.error(
            "no key is named: write jwks: \"\(KeySources.setExample)\" or public_key_file:"
                + " \"/etc/sidecar/public.pem\"")
        return nil
    }

    private func single(
        _ file: ConfigValue, _ section: ConfigSection, _ terms: Terms
    ) -> Config.Key? {
        section.value("jwks_ca_file")?.error("goes with jwks alone: leave it out")
        guard let key = sources.publicKey(file) else { return nil }
        guard terms.algorithms.contains(where: { key.fits($0) }) else {
            file.error(
                "the key is \(key.kind.text), which goes with none of \(Self.misfit([key], terms.algorithms))"
            )
            return nil
        }
        let keys = [PublishedKey(key, keyID: terms.keyID)]
        return issuer(terms, .published(keys), section, file, "write another key").map {
            Config.Key(issuer: $0, source: .given, line: section.value.line)
        }
    }

    /// Why keys are no use with the algorithms: `ES256: write algorithms: […]`.
    private static func misfit(_ keys: [PublicKey], _ algorithms: [TokenAlgorithm]) -> String {
        let fitting = TokenAlgorithm.allCases.filter { algorithm in
            keys.contains { $0.fits(algorithm) }
        }
        let wanted = fitting.map { ConfigValue.quoted($0.rawValue) }.joined(separator: ", ")
        let names = algorithms.map(\.rawValue).joined(separator: ", ")
        let some = fitting.count > 1 ? ", or those of them in use" : ""
        return "\(names): write algorithms: [\(wanted)]\(some)"
    }

    private func fetched(
        _ set: ConfigValue, _ section: ConfigSection, _ terms: Terms
    ) -> Config.Key? {
        section.value("kid")?.error("the keys of a set have ids of their own: leave it out")
        guard let (keys, place) = sources.keySet(set) else { return nil }
        let caFile: String?
        switch place {
        case .server(let target):
            caFile = sources.authorities("jwks_ca_file", section, of: target)
        case .file:
            caFile = sources.authorities("jwks_ca_file", section, of: nil)
            guard keys.contains(where: { key in terms.algorithms.contains { key.key.fits($0) } })
            else {
                set.error(
                    "none of its keys goes with \(Self.misfit(keys.map(\.key), terms.algorithms))")
                return nil
            }
        }
        let made = issuer(
            terms, .published(keys), section, set, "write another set", isFetched: true)
        return made.map {
            Config.Key(
                issuer: $0, source: .published(place, caFile: caFile), line: section.value.line)
        }
    }

    /// - Parameter instead: what to write where the keys are no good.
    private func issuer(
        _ terms: Terms, _ keys: TokenIssuer.Keys, _ section: ConfigSection, _ place: ConfigValue,
        _ instead: String, isFetched: Bool = false
    ) -> TokenIssuer? {
        do throws(KeyError) {
            return try TokenIssuer(
                terms.algorithms, keys: keys, name: terms.name, audiences: terms.audiences,
                claims: terms.claims, maximumLifetime: terms.maximumLifetime, type: terms.type,
                isFetched: isFetched)
        } catch {
            switch error {
            case .badKeyID: (section.value("kid") ?? place).error("\(error): write another id")
            case .badIssuerName: section.value("issuer")?.error("\(error): write a shorter one")
            case .badAudience: section.value("audience")?.error("\(error): write a shorter one")
            default: place.error("\(error): \(instead)")
            }
            return nil
        }
    }
}

/// Reads the list of algorithms of one entry.
struct AlgorithmsReader {
    enum Sort {
        case shared([TokenAlgorithm])
        case published([TokenAlgorithm])
    }

    /// nil: there are none, or no one list of them; it has been noted.
    func read(_ section: ConfigSection) -> Sort? {
        guard let list = section.value("algorithms") else {
            if section.value.node["algorithms"] == nil {
                let isPublic = section.value("jwks") ?? section.value("public_key_file") != nil
                section.error(
                    "algorithms is missing: write algorithms: [\"\(isPublic ? "RS256" : "HS256")\"]"
                )
            }
            return nil
        }
        if list.node.array?.isEmpty == true { list.error("is empty: write [\"HS256\"]") }
        var algorithms: [TokenAlgorithm] = []
        for (name, value) in list.texts(like: "HS256") ?? [] {
            guard let algorithm = TokenAlgorithm(rawValue: name) else {
                unknown(name, value)
                continue
            }
            if let first = algorithms.first, first.isShared != algorithm.isShared {
                value.error(
                    "a public key and a shared secret cannot be one key: make two entries of it")
                return nil
            }
            if !algorithms.contains(algorithm) { algorithms.append(algorithm) }
        }
        guard let first = algorithms.first else { return nil }
        return first.isShared ? .shared(algorithms) : .published(algorithms)
    }

    private func unknown(_ name: String, _ value: ConfigValue) {
        if name.lowercased() == "none" {
            value.error("a token without a signature proves nothing: write \"HS256\"")
            return
        }
        let known = TokenAlgorithm.allCases.map(\.rawValue)
        let meant = Nearest.match(name, among: known).map { "did you mean \"\($0)\"?" }
        value.error(
            "unknown algorithm \(ConfigValue.quoted(name)): "
                + (meant ?? "known are \(known.joined(separator: ", "))"))
    }
}

extension PublicKey.Kind {
    /// In words, for people.
    var text: String {
        switch self {
        case .rsa(let bits): "RSA of \(bits) bits"
        case .p256: "EC on P-256"
        case .p384: "EC on P-384"
        case .p521: "EC on P-521"
        case .ed25519: "Ed25519"
        case .ed448: "Ed448"
        }
    }
}
