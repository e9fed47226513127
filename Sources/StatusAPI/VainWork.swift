// Owns how many signatures may be checked in vain, by one peer and by all together.
// Called by the identification of every loop.
// Never judges a token, never slows one that is remembered.

import ProxyCore

/// Allowances of microseconds, shared by all loops.
///
/// A peer's own keeps one from costing much; that of all together keeps many, each with few
/// tokens, from filling the loops.
final class VainWork: Sendable {
    private let peers = RateLimiter(
        vainWork: APILimits.vainWork, ahead: APILimits.vainWorkAhead, keys: APILimits.vainPeers)
    private let together = RateLimiter(
        vainWork: APILimits.vainWorkTogether, ahead: APILimits.vainWorkTogetherAhead, keys: 1)

    /// In how many milliseconds another signature may be checked for this peer; nil: now.
    /// - Parameter sender: nil: that cannot be told, so that only the one of all counts.
    func wait(_ sender: RateKey?, now: Milliseconds) -> Milliseconds? {
        sender.flatMap { peers.wait($0, now: now) } ?? together.wait(.everybody, now: now)
    }

    /// Uses up so many microseconds of both.
    func spend(_ time: Int, _ sender: RateKey?, now: Milliseconds) {
        if let sender { peers.spend(time, sender, now: now) }
        together.spend(time, .everybody, now: now)
    }
}
