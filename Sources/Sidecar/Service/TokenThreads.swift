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

    /// - Parameter attempted: an attempt to fetch the keys of an issuer has ended; called on the
    ///   fetching thread.
    init(
        _ config: Config, ring: KeyRing, engine: PresenceEngine, log: ServiceLog,
        attempted: @escaping @Sendable (_ issuer: Int) -> Void
    ) throws {
        self.ring = ring
        let sources = config.keySources
        fetcher =
            sources.isEmpty
            ? nil
            : try KeyFetcher(
                ring: ring, sources: sources, attempted: attempted,
                log: { news in
                    if news.isFailure { log.warning(news.text) } else { log.info(news.text) }
                })
        desk = try config.introspection().map {
            try InquiryDesk($0, engine: engine, report: { log.warning($0) })
        }
    }

    /// Starts all of them.
    func start() throws(SystemError) -> [Thread] {
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
