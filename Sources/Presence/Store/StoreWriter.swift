// Owns the statements that write, each compiled once.
// Called by StoreCore inside its transactions.
// Never decides what is written when.

import ProxyCore

/// What writes rows. Lives shorter than its database.
final class StoreWriter {
    private let database: Database
    private var user: Statement
    private var snapshot: Statement
    private var claim: Statement
    private var unclaim: Statement
    private var revocation: Statement
    private var restoration: Statement
    private var learnt: Statement
    private var forgotten: Statement
    private var seen: Statement
    private var continued: Statement
    private var alive: Statement
    private var scratch: [UInt8] = []

    private static let upsert = """
        INSERT INTO users
            (id, name, last_seen, last_active, status, since, logged_out_at, sessions)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET name = ?2, last_seen = ?3, last_active = ?4,
            status = ?5, since = ?6, logged_out_at = ?7, sessions = ?8
        """

    init(_ database: Database) throws(DatabaseError) {
        self.database = database
        user = try database.prepare(Self.upsert)
        // A fact may reach us after a batch that was drained later and says more: then the row
        // has been in contact since, and it stays.
        snapshot = try database.prepare(
            Self.upsert + " WHERE coalesce(last_seen, 0) <= max(coalesce(?3, 0), coalesce(?7, 0))")
        claim = try database.prepare(
            "INSERT OR REPLACE INTO claims (user, status, set_at, until) VALUES (?, ?, ?, ?)")
        unclaim = try database.prepare("DELETE FROM claims WHERE user = ? AND set_at <= ?")
        revocation = try database.prepare(
            "INSERT OR REPLACE INTO revocations (token, expires) VALUES (?, ?)")
        restoration = try database.prepare("DELETE FROM revocations WHERE token = ?")
        learnt = try database.prepare(
            """
            INSERT OR REPLACE INTO learnt (token, user, name, admin, session, expires, seen)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """)
        forgotten = try database.prepare("DELETE FROM learnt WHERE token = ?")
        // A token that was learnt anew after it was drained has been seen later than that.
        seen = try database.prepare("UPDATE learnt SET seen = ?2 WHERE token = ?1 AND seen < ?2")
        continued = try database.prepare(
            "INSERT OR REPLACE INTO continued (tag, user, session, expires) VALUES (?, ?, ?, ?)")
        alive = try database.prepare(
            "INSERT OR REPLACE INTO meta (name, value) VALUES ('alive_at', ?)")
    }

    /// Writes users as the engine handed them out.
    func write(_ users: [StoredUser]) throws(DatabaseError) {
        for row in users { try write(row, with: &user) }
    }

    func write(_ tokens: [SeenToken]) throws(DatabaseError) {
        for token in tokens {
            seen.bind(1, blob: token.digest.bytes)
            seen.bind(2, token.seenAt)
            try seen.run()
        }
    }

    func write(_ fact: Fact) throws(DatabaseError) {
        switch fact {
        case .claimSet(let set):
            claim.bind(1, set.user)
            claim.bind(2, Int64(set.status.rawValue))
            claim.bind(3, set.setAt)
            claim.bind(4, set.until)
            try claim.run()
        case .claimCleared(let user, let setAt):
            unclaim.bind(1, user)
            unclaim.bind(2, setAt)
            try unclaim.run()
        case .loggedOut(let user, let token):
            try write(user, with: &snapshot)
            try write(token)
        case .revoked(let token):
            try write(token)
        case .tokenLearnt(let token): try write(token)
        case .tokenForgotten(let digest): try forget(digest)
        case .sessionContinued(let continuation):
            continued.bind(1, Int64(bitPattern: continuation.tag))
            continued.bind(2, continuation.user)
            continued.bind(3, Int64(bitPattern: continuation.session))
            continued.bind(4, continuation.expires)
            try continued.run()
        }
    }

    /// Notes that everything drained so far is true of this moment.
    func writeAlive(at now: Milliseconds) throws(DatabaseError) {
        alive.bind(1, now)
        try alive.run()
    }

    /// Whatever is revoked is not learnt any more.
    private func write(_ token: StoredRevocation) throws(DatabaseError) {
        revocation.bind(1, blob: token.key.bytes)
        revocation.bind(2, token.expires)
        try revocation.run()
        try forget(token.key.digest)
    }

    private func write(_ token: LearntToken) throws(DatabaseError) {
        learnt.bind(1, blob: token.digest.bytes)
        learnt.bind(2, token.user)
        learnt.bind(3, token.name)
        learnt.bind(4, token.isAdmin)
        learnt.bind(5, Int64(bitPattern: token.session))
        learnt.bind(6, token.expires)
        learnt.bind(7, token.seenAt)
        try learnt.run()
        restoration.bind(1, blob: token.digest.bytes)
        try restoration.run()
    }

    private func forget(_ digest: TokenDigest) throws(DatabaseError) {
        forgotten.bind(1, blob: digest.bytes)
        try forgotten.run()
    }

    private func write(_ row: StoredUser, with statement: inout Statement) throws(DatabaseError) {
        statement.bind(1, row.id)
        statement.bind(2, row.name)
        statement.bind(3, row.lastSeen)
        statement.bind(4, row.lastActive)
        statement.bind(5, Int64(row.status.rawValue))
        statement.bind(6, row.since)
        statement.bind(7, row.loggedOutAt)
        SessionCodec.encode(row.sessions, into: &scratch)
        statement.bind(8, blob: scratch)
        try statement.run()
    }
}
