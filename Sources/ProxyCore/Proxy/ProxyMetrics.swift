// Owns what the proxy counts.
// Called by every step of an exchange, and read by the metrics page.
// Never shares a counter between loops: each has a row of its own.

/// Counters of all loops.
public final class ProxyMetrics: Sendable {
    /// What is counted. The raw value is the column.
    public enum Counter: Int, CaseIterable, Sendable {
        case connectionsAccepted, connectionsClosed, connectionsRefused, acceptsFailed
        case requests, requestsRefused
        case status1xx, status2xx, status3xx, status4xx, status5xx
        case upstreamConnects, retries
        case errorConnect, errorTimeout, errorUpstreamClosed, errorBadResponse, errorTruncated
        case errorClient, errorClientGone, errorOverloaded
        case socketsOpened, socketsClosed, tunnelsOpened, tunnelsClosed
        case holdsExpired, fieldsOmitted, drainsCut
    }

    /// Kept for its rows.
    private let table: AtomicTable
    private let rows: AtomicRows
    public let loops: Int

    public init(loops: Int) {
        self.loops = loops
        // A row is longer than a cache line, so that loops do not share one by accident.
        table = AtomicTable(columns: Counter.allCases.count + 8, limit: loops)
        table.ensure(rows: loops)
        rows = table.rows
    }

    /// Only the loop of that row writes it: a load and a store, no locked instruction.
    @inline(__always)
    func add(_ counter: Counter, _ row: Int, by amount: Int64 = 1) {
        rows.add(row, counter.rawValue, amount)
    }

    func count(status: Int, _ row: Int) {
        switch status {
        case ..<200: add(.status1xx, row)
        case ..<300: add(.status2xx, row)
        case ..<400: add(.status3xx, row)
        case ..<500: add(.status4xx, row)
        default: add(.status5xx, row)
        }
    }

    func count(error: ProxyError, _ row: Int) {
        switch error {
        case .connect: add(.errorConnect, row)
        case .connectTimeout, .responseTimeout: add(.errorTimeout, row)
        case .noConnection, .overloaded: add(.errorOverloaded, row)
        case .upstreamClosed: add(.errorUpstreamClosed, row)
        case .badResponse, .interimFlood, .badUpgrade: add(.errorBadResponse, row)
        case .truncated: add(.errorTruncated, row)
        case .badBody, .bodyTimeout, .bodyTooSlow, .bodyTooLarge: add(.errorClient, row)
        case .clientGone: add(.errorClientGone, row)
        }
    }

    /// The sum over all loops.
    public func total(_ counter: Counter) -> Int64 {
        (0..<loops).reduce(0) { $0 &+ rows.load($1, counter.rawValue) }
    }
}
