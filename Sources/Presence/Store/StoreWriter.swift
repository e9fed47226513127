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
        alive = try database.prepare(
            "INSERT OR REPLACE INTO meta (name, value) VALUES ('alive_at', ?)")
    }

    /// Writes users as the engine handed them out.
    func write(_ users: [StoredUser]) throws(DatabaseError) {
        for row in users { try write(row, with: &user) }
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
        case .tokenLearnt, .tokenForgotten, .sessionContinued: break
        }
    }

    /// Notes that everything drained so far is true of this moment.
    func writeAlive(at now: Milliseconds) throws(DatabaseError) {
        alive.bind(1, now)
        try alive.run()
    }

    private func write(_ token: StoredRevocation) throws(DatabaseError) {
        revocation.bind(1, blob: token.key.bytes)
        revocation.bind(2, token.expires)
        try revocation.run()
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
