// Owns making settings of the section `tokens`: the key ring, its sources, who is asked.
// Called by the service at start, and by `whoami`.
// Never fetches, never asks.

import ProxyCore
import StatusAPI

extension Config {
    /// All issuers with the keys that are known without fetching.
    func keyRing() throws(AssemblyError) -> KeyRing {
        do throws(KeyError) {
            return try KeyRing(
                tokens.keys.map(\.issuer), claims: tokens.claims, leeway: tokens.leeway)
        } catch {
            throw AssemblyError(description: "tokens.keys: \(error)")
        }
    }

    func tokenSettings(_ ring: KeyRing) throws(AssemblyError) -> TokenSettings {
        var settings = TokenSettings(ring: ring)
        settings.places = tokens.from
        settings.service = tokens.service.map {
            ServiceToken(name: $0.name, token: $0.token, isAdmin: $0.isAdmin)
        }
        settings.forwarded = tokens.forward
        settings.trusted = try trustedNetworks()
        settings.learns = learns
        return settings
    }

    /// The key sets that are read again while the service runs.
    var keySources: [KeySource] {
        tokens.keys.enumerated().compactMap { index, key in
            guard case .published(let place, let caFile) = key.source else { return nil }
            return KeySource(issuer: index, place: place, caFile: caFile)
        }
    }

    /// Who is asked about tokens that say nothing themselves; nil: nobody.
    func introspection() throws(AssemblyError) -> IntrospectionSettings? {
        guard let asked = tokens.introspect else { return nil }
        let mode: IntrospectionSettings.Mode
        switch asked.source {
        case .path(let path): mode = .backend(servers: try backends(), path: path)
        case .url(let target):
            mode = .standard(
                target, clientID: asked.clientID, secret: asked.clientSecret, caFile: asked.caFile)
        }
        var settings = IntrospectionSettings(mode: mode, user: asked.user)
        settings.name = asked.name
        settings.admin = asked.admin
        settings.session = asked.session
        settings.cache = asked.cache
        settings.timeout = asked.timeout
        settings.concurrency = asked.concurrency
        // A token that came by a place the application does not look at is shown where it does.
        let places = tokens.from.filter { if case .query = $0 { false } else { true } }
        switch places.first {
        case .header(let name, nil) where name.lowercased() == "authorization": break
        case .some(let first): settings.shownAs = first
        case nil: break
        }
        return settings
    }

    private func backends() throws(AssemblyError) -> [FetchTarget] {
        var targets: [FetchTarget] = []
        for server in upstream.servers {
            do throws(FetchURLError) {
                targets.append(try FetchTarget(server.text))
            } catch {
                throw AssemblyError(
                    description: "upstream.servers: \(server.text) \(error), or introspect by url")
            }
        }
        return targets
    }

    /// Whether a login may hand out a token that says nothing itself.
    var learns: Bool {
        routes.contains { route in
            guard case .login(let paths) = route.action else { return false }
            return !paths.token.isEmpty && !paths.user.isEmpty
        }
    }
}
