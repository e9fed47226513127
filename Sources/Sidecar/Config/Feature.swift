// Owns the table of what the contract promises and this version does not have.
// Called by the readers of the sections where such a thing is configured.
// Never lets pass in silence what a configuration asks for.

/// A feature that a configuration can ask for. The one place to flip when it arrives.
enum Feature: CaseIterable {
    case tls, cluster, secureUpstream, systemdListen
    case upstreamHealth, webhooks
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
        case .tls, .cluster, .secureUpstream, .systemdListen:
            .refused
        case .upstreamHealth, .webhooks, .connectionsPerAddress:
            .ignored
        }
    }

    /// What a finding calls it, and what to do instead where there is something.
    private var words: (name: String, instead: String?) {
        switch self {
        case .tls: ("TLS", "let nginx or Caddy in front end TLS and leave this out")
        case .cluster: ("a cluster", "run one sidecar and leave this out")
        case .secureUpstream: ("an https upstream", "write http:// or unix:")
        case .systemdListen: ("socket activation", "write an address like \"127.0.0.1:8080\"")
        case .upstreamHealth: ("checking the health of the upstream", nil)
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
