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
        guard let key = config.tokens.keys.first else {
            return .failure(
                TokenProblem(lines: ["\(order.file): tokens.keys: there is no secret to sign with"])
            )
        }
        if order.isAdmin, config.tokens.claims.admin == nil {
            return .failure(
                TokenProblem(lines: ["\(order.file): tokens.claims.admin: nobody is an admin by it"]
                )
            )
        }
        let subject = TokenSigner.Subject(
            user: order.user, name: order.name, isAdmin: order.isAdmin)
        do throws(TokenSigner.PathClaim) {
            return .success(
                try TokenSigner(key).mint(
                    subject, rules: config.tokens.claims, now: now, lifetime: order.lifetime))
        } catch {
            let path = "\(order.file): tokens.claims: \"\(error.claim)\""
            return .failure(
                TokenProblem(lines: ["\(path) is a path, which no token can be made along"]))
        }
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
