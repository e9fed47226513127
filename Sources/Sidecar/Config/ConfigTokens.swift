// Owns the shape of the section `tokens` as plain values.
// Called by the assembly, which makes settings of it, and by the commands that show it.
// Never reads a file, never holds a value that was not checked.

import ProxyCore
import StatusAPI

extension Config {
    struct Tokens: Sendable {
        var from: [TokenPlace] = [.header(name: "Authorization", scheme: nil), .query("token")]
        var keys: [Key] = []
        var leeway: Milliseconds = 30_000
        /// What holds for keys without claims of their own.
        var claims = ClaimRules()
        var introspect: Introspection?
        var service: [Service] = []
        var forward = ForwardedClaims()
    }

    /// One entry of `tokens.keys`.
    struct Key: Sendable {
        /// Where its keys come from.
        enum Source: Sendable, Equatable {
            /// Read with the configuration.
            case given
            /// A key set, read again while the service runs.
            case published(KeySource.Place, caFile: String?)
        }

        var issuer: TokenIssuer
        var source: Source
        var line: Int

        var sharedSecret: [UInt8]? {
            if case .shared(let secret, _) = issuer.keys { secret } else { nil }
        }
    }

    /// `tokens.introspect`.
    struct Introspection: Sendable {
        enum Source: Sendable, Equatable {
            /// Of the application itself.
            case path(String)
            /// RFC 7662.
            case url(FetchTarget)
        }

        var source: Source
        var user: JSONPath
        var name: JSONPath?
        var admin: JSONPath?
        var session: JSONPath?
        var cache: Milliseconds = 60_000
        var timeout: Milliseconds = 5_000
        var concurrency = 4
        /// Of an RFC 7662 server.
        var clientID: String?
        var clientSecret: [UInt8]?
        var caFile: String?

        var url: FetchTarget? {
            if case .url(let target) = source { target } else { nil }
        }
    }

    /// One entry of `tokens.service`.
    struct Service: Sendable, Equatable {
        var name: String
        var token: [UInt8]
        var isAdmin: Bool
    }
}
