// Owns the table of what the contract promises and this version does not have.
// Called by the readers of the sections where such a thing is configured.
// Never lets pass in silence what a configuration asks for.

/// A feature that a configuration can ask for. The one place to flip when it arrives.
enum Feature: CaseIterable {
    case tls, cluster, publicKeys, secureUpstream, systemdListen
    case introspection, serviceTokens, otherTokenPlaces, withoutAuthorization, opaqueTokens
    case upstreamHealth, enrichment, injection, servedEvents, history, webhooks
    case connectionsPerAddress

    enum Support {
        case full
        /// Left out with a warning: nothing worse follows than that it does not happen.
        case ignored
        /// An error: leaving it out would be dangerous, or nothing would work.
        case refused
    }

    var support: Support {
        switch self {
        case .tls, .cluster, .publicKeys, .secureUpstream, .systemdListen:
            .refused
        case .introspection, .serviceTokens, .otherTokenPlaces, .withoutAuthorization,
            .opaqueTokens, .upstreamHealth,
            .enrichment, .injection, .servedEvents, .history, .webhooks, .connectionsPerAddress:
            .ignored
        }
    }

    /// What a finding calls it, and what to do instead where there is something.
    private var words: (name: String, instead: String?) {
        switch self {
        case .tls: ("TLS", "let nginx or Caddy in front end TLS and leave this out")
        case .cluster: ("a cluster", "run one sidecar and leave this out")
        case .publicKeys:
            ("verifying by public keys", "use HS256, HS384 or HS512 with a secret")
        case .secureUpstream: ("an https upstream", "write http:// or unix:")
        case .systemdListen: ("socket activation", "write an address like \"127.0.0.1:8080\"")
        case .introspection: ("introspection of opaque tokens", nil)
        case .serviceTokens: ("a token for dashboards", "give the dashboard a user's token")
        case .otherTokenPlaces:
            ("a token elsewhere than in \"header:Authorization\" and \"query:token\"", nil)
        case .withoutAuthorization: ("leaving out \"header:Authorization\"", nil)
        case .opaqueTokens: ("learning a token from a login response's header", nil)
        case .upstreamHealth: ("checking the health of the upstream", nil)
        case .enrichment: ("enriching lists", nil)
        case .injection: ("injecting the client script", nil)
        case .servedEvents: ("serving \"changes\" and \"events\"", "serve \"websocket\"")
        case .history: ("the history", nil)
        case .webhooks: ("sending webhooks", nil)
        case .connectionsPerAddress: ("a limit for each address", nil)
        }
    }

    /// Notes at a value what becomes of it in this version.
    func note(at value: ConfigValue) {
        let instead = words.instead.map { ": \($0)" } ?? ""
        switch support {
        case .full: break
        case .ignored:
            value.warning("\(words.name) is not supported by this version and is ignored\(instead)")
        case .refused:
            value.error("\(words.name) is not supported by this version\(instead)")
        }
    }
}
