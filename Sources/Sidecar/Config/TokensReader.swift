// Owns reading the section `tokens` as a whole.
// Called by ConfigReader.
// Never keeps a key that it could not check.

import ProxyCore
import StatusAPI

/// Reads what counts as a credential and what it says about a person.
struct TokensReader {
    let secrets: SecretReader

    func read(_ section: ConfigSection) -> Config.Tokens {
        var tokens = Config.Tokens()
        if let places = section.value("from") { tokens.from = PlacesReader().read(places) }
        tokens.leeway = section.duration(
            "leeway", or: tokens.leeway, atLeast: 0, atMost: 600_000)
        tokens.claims = ClaimsReader().read(section.section("claims"), over: tokens.claims)
        tokens.keys = KeysReader(
            sources: KeySources(secrets: secrets), claims: tokens.claims, leeway: tokens.leeway
        ).read(section)
        let example = "{ \(IntrospectionReader.pathExample), user: \"$.id\" }"
        if let introspect = section.optionalSection("introspect", like: example) {
            tokens.introspect = IntrospectionReader(secrets: secrets).read(introspect)
        }
        tokens.service = ServiceReader(secrets: secrets).read(
            section, shared: tokens.keys.compactMap(\.sharedSecret))
        if let forward = section.optionalSection("forward", like: ForwardReader.example) {
            tokens.forward = ForwardReader().read(forward, places: tokens.from)
        }
        return tokens
    }
}
