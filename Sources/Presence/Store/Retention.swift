// Owns forgetting what has expired: a walk through the tables, some rows a pass.
// Called by StoreCore every few seconds.
// Never deletes a user: when somebody was last seen is what we are for.

import ProxyCore

/// The key of a row, of whatever kind its table has.
enum RowKey: Equatable {
    case blob([UInt8])
    case text(String)
    case integer(Int64)

    func bind(_ index: CInt, to statement: inout Statement) {
        switch self {
        case .blob(let bytes): statement.bind(index, blob: bytes)
        case .text(let text): statement.bind(index, text)
        case .integer(let integer): statement.bind(index, integer)
        }
    }

    /// The key of the same kind in a column.
    func read(_ column: CInt, of statement: borrowing Statement) -> RowKey {
        switch self {
        case .blob: .blob(statement.blob(column))
        case .text: .text(statement.text(column))
        case .integer: .integer(statement.integer(column))
        }
    }
}

/// A walk over all tables by their keys. No index on the expiry: it would cost each write,
/// and nothing hurts if an expired row stays some minutes longer.
struct Retention {
    private enum Walk: Int, CaseIterable {
        case revocations, claims, users, learnt, continued

        /// The table has the case's name.
        var key: String {
            switch self {
            case .revocations, .learnt: "token"
            case .claims: "user"
            case .users: "id"
            case .continued: "tag"
            }
        }

        /// What `verdict` looks at, behind the key.
        var columns: String {
            switch self {
            case .revocations, .continued: "expires"
            case .claims: "until"
            case .users: "sessions"
            case .learnt: "expires, seen"
            }
        }

        /// Before the first key.
        var start: RowKey {
            switch self {
            case .revocations, .learnt: .blob([])
            case .claims, .users: .text("")
            case .continued: .integer(.min)
            }
        }

        var next: Walk { Walk(rawValue: rawValue + 1) ?? .revocations }
    }

    private enum Verdict {
        case keep, delete
        case shorten([StoredSession])
    }

    private var walk = Walk.revocations
    /// The last key seen.
    private var last = Walk.revocations.start
    private let limit: Int

    init(limit: Int = PresenceLimits.storeRetentionRows) {
        self.limit = limit
    }

    /// Looks at up to `limit` rows, in a transaction of the caller's. A table that cannot be read
    /// is passed over, so that it does not keep the others from being looked after.
    /// - Returns: rows deleted or shortened.
    mutating func pass(_ database: Database, now: Milliseconds) throws(DatabaseError) -> Int {
        do throws(DatabaseError) {
            return try look(database, now: now)
        } catch {
            goOn()
            throw error
        }
    }

    private mutating func look(
        _ database: Database, now: Milliseconds
    ) throws(DatabaseError) -> Int {
        var rows = try database.prepare(
            """
            SELECT \(walk.key), \(walk.columns) FROM \(walk)
            WHERE \(walk.key) > ? ORDER BY \(walk.key) LIMIT ?
            """)
        last.bind(1, to: &rows)
        rows.bind(2, Int64(limit))
        var seen = 0
        var found: [(key: RowKey, verdict: Verdict)] = []
        while try rows.step() {
            seen += 1
            last = last.read(0, of: rows)
            let verdict = verdict(rows, now: now)
            if case .keep = verdict { continue }
            found.append((last, verdict))
        }
        try carryOut(found, in: database)
        if seen < limit { goOn() }
        return found.count
    }

    private mutating func goOn() {
        walk = walk.next
        last = walk.start
    }

    private func verdict(_ row: borrowing Statement, now: Milliseconds) -> Verdict {
        let old = now - PresenceLimits.storeExpiredFor
        switch walk {
        case .revocations, .continued: return row.integer(1) < old ? .delete : .keep
        case .claims: return row.optionalInteger(1) ?? .max < old ? .delete : .keep
        case .learnt:
            let unseen = row.integer(2).plus(PresenceLimits.learntUnseen)
            return min(row.optionalInteger(1) ?? .max, unseen) < old ? .delete : .keep
        case .users:
            let all = SessionCodec.decode(row.blob(1))
            let dead = now - PresenceLimits.storeSessionFor
            // With a socket a session is in contact without a word; its end will be written.
            let kept = all.filter { $0.open || $0.contact >= dead }
            return kept.count < all.count ? .shorten(kept) : .keep
        }
    }

    private func carryOut(
        _ found: [(key: RowKey, verdict: Verdict)], in database: Database
    ) throws(DatabaseError) {
        guard !found.isEmpty else { return }
        var delete = try database.prepare("DELETE FROM \(walk) WHERE \(walk.key) = ?")
        var shorten = try database.prepare("UPDATE users SET sessions = ? WHERE id = ?")
        var bytes: [UInt8] = []
        for (key, verdict) in found {
            switch verdict {
            case .keep: break
            case .delete:
                key.bind(1, to: &delete)
                try delete.run()
            case .shorten(let sessions):
                SessionCodec.encode(sessions, into: &bytes)
                shorten.bind(1, blob: bytes)
                key.bind(2, to: &shorten)
                try shorten.run()
            }
        }
    }
}
