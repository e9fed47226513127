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

    /// Whether a login may hand out a token that says nothing itself.
    var learns: Bool {
        routes.contains { route in
            guard case .login(let paths) = route.action else { return false }
            return !paths.token.isEmpty && !paths.user.isEmpty
        }
    }
}
