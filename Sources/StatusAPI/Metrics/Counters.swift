// Owns what is counted, by whom and where it is kept.
// Called by every loop as things happen, and by the exposition.
// Never locks: each loop writes its own row, readers add the rows up.

import ProxyCore

/// One number that only grows. The order of the cases is the order of the columns.
enum Counter: Int, CaseIterable, Sendable {
    // Forwarded requests by the class of their status; 101 is the first.
    case forwarded1xx, forwarded2xx, forwarded3xx, forwarded4xx, forwarded5xx
    /// Of them answered by the proxy itself because the upstream failed.
    case upstreamFailed
    // Our own answers by the class of their status.
    case served1xx, served2xx, served3xx, served4xx, served5xx
    case refusedAmbiguous, rateLimited
    /// On routes that demand a credential.
    case requireRefused

    case sightActivity, sightContact
    /// Sightings that did not count: the application has refused them.
    case sightRefused, sightUntracked, sightAnonymous
    /// Counted later, if whoever was asked says who it was.
    case sightUnasked

    // Looked up, verified anew, refused; why the verifier refused is counted behind the last case.
    case tokenCached, tokenVerified, tokenRevoked, tokenConflict, tokenNoRoom
    // Opaque ones: learnt from a login, by introspection, disowned there, known to nobody.
    case tokenLearnt, tokenInquired, tokenDisowned, tokenStrange
    /// Not looked at: its sender has shown too many signatures in vain.
    case tokenLimited
    /// Not asked about: its sender has caused too many questions.
    case questionLimited
    case tokenService

    case loginSeen, loginFailed, loginUnreadable, loginNotJSON, loginNoUser, loginMismatch
    case loginLearnt, loginTokenUnusable, loginNoToken
    case refreshSeen, refreshFailed, refreshUnread
    case logoutSeen, logoutAnonymous, logoutForgotten

    // Answers to requests for pages, by what became of the client script's tag.
    case pageInjected, pageAlready, pagePolicy, pageFragment, pageNoPlace, pageCharset
    case pageUnclear, pageEncoded, pageNotHTML, pageNoTransform
    // Answers on routes that enrich: enriched, or why not.
    case enriched, enrichEmpty, enrichShape, enrichNotJSON, enrichTooManyItems, enrichTooLarge
    case enrichStatus, enrichPartial, enrichType, enrichCoded, enrichShared, enrichFixed

    case heartbeats, statusesSet, commitFailed, commitLate

    case socketsOpened, socketsRefused, socketsExpired, socketsSlow, socketsRevoked
    /// Opened with an opaque credential that counts no more.
    case socketsDisowned
    case streamsOpened
    case pollsParked, pollsCrowded
    case socketMessages, socketMessagesBad, socketDeliveries, changesEncoded, journalLost
}

/// The counters of all loops.
final class MetricsRegistry: Sendable {
    /// The most loops that register; further ones share the last row (and may miscount).
    private static let rows = 1024
    /// Whole cache lines, so that two loops never write the same one.
    private let table = AtomicTable(
        columns: (Counter.allCases.count + TokenFault.allCases.count + 7) & ~7,
        limit: MetricsRegistry.rows)
    private let used = Lock(0)

    /// A row for one loop.
    func register() -> LoopCounters {
        let row = used.withLock { used in
            used = min(used + 1, Self.rows)
            table.ensure(rows: used)
            return used - 1
        }
        return LoopCounters(rows: table.rows, row: row)
    }

    func total(_ counter: Counter) -> Int64 { total(column: counter.rawValue) }

    func total(_ fault: TokenFault) -> Int64 { total(column: Self.column(of: fault)) }

    private func total(column: Int) -> Int64 {
        let rows = used.withLock { $0 }
        return (0..<rows).reduce(0) { $0 &+ table.rows.load($1, column) }
    }

    fileprivate static func column(of fault: TokenFault) -> Int {
        Counter.allCases.count + (TokenFault.allCases.firstIndex(of: fault) ?? 0)
    }
}

/// The counters of one loop. The registry, which every loop's service keeps, keeps the rows.
struct LoopCounters {
    fileprivate let rows: AtomicRows
    fileprivate let row: Int

    /// One writer a row.
    @inline(__always)
    func add(_ counter: Counter, _ count: Int64 = 1) {
        rows.add(row, counter.rawValue, count)
    }

    func add(_ fault: TokenFault) {
        rows.add(row, MetricsRegistry.column(of: fault), 1)
    }

    @inline(__always)
    func addForwarded(status: Int) { add(at: Counter.forwarded1xx.rawValue, status) }

    func addServed(status: Int) { add(at: Counter.served1xx.rawValue, status) }

    @inline(__always)
    private func add(at first: Int, _ status: Int) {
        rows.add(row, first + min(max(status / 100, 1), 5) - 1, 1)
    }
}
