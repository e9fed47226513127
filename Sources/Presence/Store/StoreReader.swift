// Owns reading everything back at the start, row by row.
// Called by PresenceStore.open.
// Never writes, never lets one damaged table hide another that can be read.

import ProxyCore

enum StoreReader {
    /// In this order: a token that was revoked must stay so even where the rest is lost.
    private enum Part: CaseIterable {
        case revocations, learnt, continued, claims, hours, aliveAt, users
    }

    /// Reads all tables; it visits every page of them, so it finds damage as well.
    /// - Returns: what could be read, and the first error.
    static func read(_ database: Database) -> (state: RestoredState, error: DatabaseError?) {
        var state = RestoredState()
        var first: DatabaseError?
        for part in Part.allCases {
            do throws(DatabaseError) {
                try read(part, of: database, into: &state)
            } catch {
                if first == nil { first = error }
            }
        }
        return (state, first)
    }

    private static func read(
        _ part: Part, of database: Database, into state: inout RestoredState
    ) throws(DatabaseError) {
        switch part {
        case .revocations: try revocations(database, &state)
        case .learnt: try learnt(database, &state)
        case .continued: try continued(database, &state)
        case .claims: try claims(database, &state)
        case .hours: try hours(database, &state)
        case .aliveAt: try aliveAt(database, &state)
        case .users: try users(database, &state)
        }
    }

    private static func revocations(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare("SELECT token, expires FROM revocations")
        while try rows.step() {
            let token = rows.blob(0)
            guard let key = RevocationKey(token.rawSpan) else { continue }
            state.revocations.append(StoredRevocation(key: key, expires: rows.integer(1)))
        }
    }

    /// All columns of learnt tokens; a condition may follow.
    static let learntRows = "SELECT token, user, name, admin, session, expires, seen FROM learnt"

    /// A row of `learntRows`; nil where its key is no digest.
    static func learntToken(_ row: borrowing Statement) -> LearntToken? {
        let token = row.blob(0)
        guard let digest = TokenDigest(bytes: token.rawSpan) else { return nil }
        return LearntToken(
            digest: digest, user: row.text(1), name: row.optionalText(2), isAdmin: row.bool(3),
            session: UInt64(bitPattern: row.integer(4)), expires: row.optionalInteger(5),
            seenAt: row.integer(6))
    }

    private static func learnt(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare(learntRows)
        while try rows.step() {
            if let token = learntToken(rows) { state.learnt.append(token) }
        }
    }

    private static func continued(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare("SELECT tag, user, session, expires FROM continued")
        while try rows.step() {
            state.continued.append(
                StoredContinuation(
                    user: rows.text(1), tag: UInt64(bitPattern: rows.integer(0)),
                    session: UInt64(bitPattern: rows.integer(2)), expires: rows.integer(3)))
        }
    }

    private static func claims(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare("SELECT user, status, set_at, until FROM claims")
        while try rows.step() {
            guard let status = status(rows.integer(1)) else { continue }
            state.claims.append(
                StoredClaim(
                    user: rows.text(0), status: status, setAt: rows.integer(2),
                    until: rows.optionalInteger(3)))
        }
    }

    private static func hours(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare(
            "SELECT hour, peak, peak_at, users FROM hours ORDER BY hour DESC LIMIT ?")
        rows.bind(1, Int64(PresenceLimits.hours))
        while try rows.step() {
            state.hours.append(
                HourTally(
                    hour: rows.integer(0), peak: Int(clamping: rows.integer(1)),
                    peakAt: rows.integer(2), users: Int(clamping: rows.integer(3))))
        }
    }

    private static func aliveAt(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        state.aliveAt = try database.integer("SELECT value FROM meta WHERE name = 'alive_at'") ?? 0
    }

    private static func users(
        _ database: Database, _ state: inout RestoredState
    ) throws(DatabaseError) {
        var rows = try database.prepare(
            """
            SELECT id, name, last_seen, last_active, status, since, logged_out_at, sessions
            FROM users
            """)
        while try rows.step() {
            state.users.append(
                StoredUser(
                    id: rows.text(0), name: rows.optionalText(1),
                    lastSeen: rows.optionalInteger(2), lastActive: rows.optionalInteger(3),
                    status: status(rows.integer(4)) ?? .offline, since: rows.optionalInteger(5),
                    loggedOutAt: rows.optionalInteger(6),
                    sessions: SessionCodec.decode(rows.blob(7))))
        }
    }

    private static func status(_ value: Int64) -> Status? {
        UInt8(exactly: value).flatMap(Status.init(rawValue:))
    }
}
