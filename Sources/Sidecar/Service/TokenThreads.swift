// Owns the threads that fetch keys and that ask about opaque tokens.
// Called by the service at start and end.
// Never judges a token.

import Presence
import ProxyCore
import StatusAPI

/// What works for the loops where tokens cannot be judged by what is at hand.
final class TokenThreads: Sendable {
    /// nil: every key stands in the configuration.
    let fetcher: KeyFetcher?
    /// nil: nobody is asked.
    let desk: InquiryDesk?
    let ring: KeyRing
    private let audience: Audience

    /// Who waits for keys: made after the fetcher, which tells them of its attempts.
    private final class Audience: Sendable {
        let service = Lock<PresenceService?>(nil)
    }

    init(
        _ config: Config, ring: KeyRing, engine: PresenceEngine, log: ServiceLog
    ) throws {
        self.ring = ring
        let sources = config.keySources
        let audience = Audience()
        self.audience = audience
        fetcher =
            sources.isEmpty
            ? nil
            : try KeyFetcher(
                ring: ring, sources: sources,
                attempted: { _ in audience.service.withLock { $0 }?.keysTried() },
                log: { news in
                    if news.isFailure { log.warning(news.text) } else { log.info(news.text) }
                })
        desk = try config.introspection().map {
            try InquiryDesk($0, engine: engine, report: { log.warning($0) })
        }
    }

    /// Whether it is worth waiting for keys of the issuer of this number.
    func isAwaited(_ issuer: Int) -> Bool { fetcher?.isAwaited(issuer) ?? false }

    /// Starts all of them.
    func start(for service: PresenceService) throws(SystemError) -> [Thread] {
        audience.service.withLock { $0 = service }
        var threads: [Thread] = []
        if let fetcher { threads.append(try Thread(name: "keys") { fetcher.run() }) }
        if let desk {
            for number in 0..<desk.threadCount {
                threads.append(try Thread(name: "inquiry-\(number)") { desk.run() })
            }
        }
        return threads
    }

    func stop() {
        fetcher?.stop()
        desk?.stop()
    }
}
