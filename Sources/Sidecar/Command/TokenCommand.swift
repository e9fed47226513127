// Owns `sidecar token`.
// Called by Main.
// Never makes a token that the configuration would not accept.

import ProxyCore

/// Makes a token for trying things out.
enum TokenCommand {
    /// The token, or the lines that say why there is none.
    static func mint(
        _ order: TokenOrder, now: Milliseconds, surroundings: Surroundings = .system
    ) -> Result<String, TokenProblem> {
        let loaded = ConfigSource.file(order.file).load(surroundings)
        guard let config = loaded.config else {
            return .failure(TokenProblem(lines: loaded.lines))
        }
        return mint(order, config, now: now)
    }

    private static func mint(
        _ order: TokenOrder, _ config: Config, now: Milliseconds
    ) -> Result<String, TokenProblem> {
        let place = config.tokens.keys.firstIndex { $0.sharedSecret != nil }
        guard let place, let key = key(config.tokens.keys[place].issuer) else {
            return refusal(order, "keys: there is no secret to sign with")
        }
        let issuer = config.tokens.keys[place].issuer
        let rules = issuer.claims ?? config.tokens.claims
        if order.isAdmin, rules.admin == nil {
            return refusal(order, "claims.admin: nobody is an admin by it")
        }
        if let longest = issuer.maximumLifetime, order.lifetime > longest {
            return refusal(
                order, "keys[\(place)].max_lifetime: write --ttl \(DurationText.text(longest))")
        }
        // The signer writes `JWT` alone (RFC 7519 §5.1).
        if let type = issuer.type, type.lowercased() != "jwt" {
            return refusal(
                order, "keys[\(place)].typ: tokens of this program have the type \"JWT\"")
        }
        let subject = TokenSigner.Subject(
            user: order.user, name: order.name, isAdmin: order.isAdmin)
        do throws(TokenSigner.PathClaim) {
            return .success(
                try TokenSigner(key).mint(
                    subject, rules: rules, now: now, lifetime: order.lifetime))
        } catch {
            return refusal(
                order, "claims: \"\(error.claim)\" is a path, which no token can be made along")
        }
    }

    /// The issuer's secret with the first of its algorithms.
    private static func key(_ issuer: TokenIssuer) -> TokenKey? {
        guard case .shared(let secret, let keyID) = issuer.keys,
            let algorithm = issuer.algorithms.first
        else { return nil }
        do throws(KeyError) {
            return try TokenKey(
                algorithm, secret: secret, keyID: keyID, issuer: issuer.name,
                audience: issuer.audiences.first)
        } catch {
            return nil
        }
    }

    private static func refusal(
        _ order: TokenOrder, _ reason: String
    ) -> Result<String, TokenProblem> {
        .failure(TokenProblem(lines: ["\(order.file): tokens.\(reason)"]))
    }

    static func run(_ order: TokenOrder) -> ExitCode {
        switch mint(order, now: Clock.wall()) {
        case .success(let token):
            Console.print(token)
            return .success
        case .failure(let problem):
            for line in problem.lines { Console.complain(line) }
            return .failure
        }
    }
}

/// Why no token could be made.
struct TokenProblem: Error, Equatable {
    let lines: [String]
}
