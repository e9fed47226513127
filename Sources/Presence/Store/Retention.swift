// Owns forgetting what has expired: a walk through the tables, some rows a pass.
// Called by StoreCore every few seconds.
// Never deletes a user: when somebody was last seen is what we are for.

import ProxyCore

/// A walk over three tables by their keys. No index on the expiry: it would cost each write,
/// and nothing hurts if an expired row stays some minutes longer.
struct Retention {
    private enum Walk { case revocations, claims, sessions }

    private var walk = Walk.revocations
    /// The last key seen; nil: from the start of the table.
    private var revocation: [UInt8] = []
    private var text = ""
    private let limit: Int

    init(limit: Int = PresenceLimits.storeRetentionRows) {
        self.limit = limit
    }

    /// Looks at up to `limit` rows, in a transaction of the caller's.
    /// - Returns: rows deleted or shortened.
    mutating func pass(_ database: Database, now: Milliseconds) throws(DatabaseError) -> Int {
        let old = now - PresenceLimits.storeExpiredFor
        switch walk {
        case .revocations: return try revocations(database, before: old)
        case .claims: return try claims(database, before: old)
        case .sessions:
            return try sessions(database, before: now - PresenceLimits.storeSessionFor)
        }
    }

    private mutating func revocations(
        _ database: Database, before old: Milliseconds
    ) throws(DatabaseError) -> Int {
        var rows = try database.prepare(
            "SELECT token, expires FROM revocations WHERE token > ? ORDER BY token LIMIT ?")
        rows.bind(1, blob: revocation)
        rows.bind(2, Int64(limit))
        var seen = 0
        var last = revocation
        var expired: [[UInt8]] = []
        while try rows.step() {
            seen += 1
            last = rows.blob(0)
            if rows.integer(1) < old { expired.append(last) }
        }
        var delete = try database.prepare("DELETE FROM revocations WHERE token = ?")
        for token in expired {
            delete.bind(1, blob: token)
            try delete.run()
        }
        revocation = seen < limit ? [] : last
        if seen < limit { walk = .claims }
        return expired.count
    }

    private mutating func claims(
        _ database: Database, before old: Milliseconds
    ) throws(DatabaseError) -> Int {
        var rows = try database.prepare(
            "SELECT user, until FROM claims WHERE user > ? ORDER BY user LIMIT ?")
        rows.bind(1, text)
        rows.bind(2, Int64(limit))
        var seen = 0
        var last = text
        var expired: [String] = []
        while try rows.step() {
            seen += 1
            last = rows.text(0)
            if let until = rows.optionalInteger(1), until < old { expired.append(last) }
        }
        var delete = try database.prepare("DELETE FROM claims WHERE user = ?")
        for user in expired {
            delete.bind(1, user)
            try delete.run()
        }
        text = seen < limit ? "" : last
        if seen < limit { walk = .sessions }
        return expired.count
    }

    private mutating func sessions(
        _ database: Database, before old: Milliseconds
    ) throws(DatabaseError) -> Int {
        var rows = try database.prepare(
            "SELECT id, sessions FROM users WHERE id > ? ORDER BY id LIMIT ?")
        rows.bind(1, text)
        rows.bind(2, Int64(limit))
        var seen = 0
        var last = text
        var shortened: [(String, [StoredSession])] = []
        while try rows.step() {
            seen += 1
            last = rows.text(0)
            let all = SessionCodec.decode(rows.blob(1))
            // With a socket a session is in contact without a word; its end will be written.
            let kept = all.filter { $0.open || $0.contact >= old }
            if kept.count < all.count { shortened.append((last, kept)) }
        }
        var update = try database.prepare("UPDATE users SET sessions = ? WHERE id = ?")
        var bytes: [UInt8] = []
        for (user, kept) in shortened {
            SessionCodec.encode(kept, into: &bytes)
            update.bind(1, blob: bytes)
            update.bind(2, user)
            try update.run()
        }
        text = seen < limit ? "" : last
        if seen < limit { walk = .revocations }
        return shortened.count
    }
}
