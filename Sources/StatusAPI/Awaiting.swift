// Owns the answers that wait for the store: until a fact is safe, or something has been read.
// Called by set-status and history (put), the loop's turn (take, overdue).
// Never keeps a client waiting longer than `APILimits.commitPatience`.

import ProxyCore

/// Answers of one loop, by exchange.
struct Awaiting {
    private struct Entry {
        /// Once the fact is kept.
        var response: LocalResponse
        /// Where it is not, or not in time.
        var otherwise: LocalResponse
        var deadline: Milliseconds
    }

    private var entries: [ExchangeID: Entry] = [:]
    /// In the order of their deadlines, since all wait equally long.
    private var order: [(id: ExchangeID, deadline: Milliseconds)] = []

    /// Said where the fact holds now and might not after a crash.
    static let unkept = Problem.unavailable(
        "The status is set, but could not be written to disk yet.", retryAfter: 5_000)

    var isFull: Bool { entries.count >= APILimits.pendingAnswers }

    mutating func put(_ id: ExchangeID, _ response: LocalResponse, now: Milliseconds) {
        put(id, response, otherwise: Self.unkept.response, now: now)
    }

    /// Waits for an answer that somebody else makes.
    /// - Parameter late: said where it does not come in time.
    mutating func put(_ id: ExchangeID, late: LocalResponse, now: Milliseconds) {
        put(id, late, otherwise: late, now: now)
    }

    private mutating func put(
        _ id: ExchangeID, _ response: LocalResponse, otherwise: LocalResponse,
        now: Milliseconds
    ) {
        let deadline = now + APILimits.commitPatience
        entries[id] = Entry(response: response, otherwise: otherwise, deadline: deadline)
        order.append((id, deadline))
    }

    /// The answer of an exchange whose commit has ended; nil: answered already, or given up.
    mutating func take(_ id: ExchangeID, kept: Bool) -> LocalResponse? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        if entries.isEmpty { order.removeAll() }
        return kept ? entry.response : entry.otherwise
    }

    mutating func forget(_ id: ExchangeID) {
        entries[id] = nil
        if entries.isEmpty { order.removeAll() }
    }

    /// Those whose patience is over.
    mutating func overdue(now: Milliseconds) -> [(ExchangeID, LocalResponse)] {
        guard let first = order.first, first.deadline <= now else { return [] }
        let due = order.prefix { $0.deadline <= now }
        order.removeFirst(due.count)
        return due.compactMap { id, deadline in
            guard entries[id]?.deadline == deadline else { return nil }
            return take(id, kept: false).map { (id, $0) }
        }
    }

    func delay(now: Milliseconds) -> Milliseconds? {
        order.first.map { max($0.deadline - now, 0) }
    }
}
