// Owns the schema, its version, and bringing an older file up to it.
// Called once, when the store opens its file.
// Never touches a file that is not ours or that a newer version wrote.

/// One step of the schema: from `version - 1` to `version`.
struct Migration: Sendable {
    let version: Int
    let sql: String
}

enum Schema {
    /// "PSID" in the file's header: `file presence.sqlite3` and we recognise it by that.
    static let applicationID: Int64 = 0x5053_4944

    /// Every step ever released, in order; a released one is never edited.
    ///
    /// No table has a second index: a batch costs one tree a row, and the read at the start
    /// visits every page (but those of the history), which makes it the check of the file as well.
    static let migrations: [Migration] = [
        Migration(version: 1, sql: first), Migration(version: 2, sql: second),
        Migration(version: 3, sql: third),
    ]

    // Times are UTC in milliseconds; `status` is 0 offline, 1 away, 2 online. `sessions` is a run
    // of SessionCodec records, not a table: a user's sessions are replaced with the user, and a
    // second tree would double what each sighting costs.
    private static let first = """
        CREATE TABLE meta (
            name TEXT PRIMARY KEY NOT NULL,
            value INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE users (
            id TEXT PRIMARY KEY NOT NULL,
            name TEXT,
            last_seen INTEGER,
            last_active INTEGER,
            status INTEGER NOT NULL,
            since INTEGER,
            logged_out_at INTEGER,
            sessions BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE claims (
            user TEXT PRIMARY KEY NOT NULL,
            status INTEGER NOT NULL,
            set_at INTEGER NOT NULL,
            until INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE revocations (
            token BLOB PRIMARY KEY NOT NULL,
            expires INTEGER NOT NULL
        ) WITHOUT ROWID;
        """

    // `session` and `tag` are 64 bits, of which SQLite keeps the sign. Expired rows are found by
    // walking, as elsewhere.
    private static let second = """
        CREATE TABLE learnt (
            token BLOB PRIMARY KEY NOT NULL,
            user TEXT NOT NULL,
            name TEXT,
            admin INTEGER NOT NULL,
            session INTEGER NOT NULL,
            expires INTEGER,
            seen INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE continued (
            tag INTEGER PRIMARY KEY NOT NULL,
            user TEXT NOT NULL,
            session INTEGER NOT NULL,
            expires INTEGER NOT NULL
        );
        """

    // `present`: who is not offline, by the history. `intervals`: what has ended, under the day
    // (UTC) in which it did, so that the oldest stand together and one user's rows of a day too.
    private static let third = """
        CREATE TABLE present (
            user TEXT PRIMARY KEY NOT NULL,
            status INTEGER NOT NULL,
            since INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE intervals (
            day INTEGER NOT NULL,
            user TEXT NOT NULL,
            began INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            status INTEGER NOT NULL,
            PRIMARY KEY (day, user, began)
        ) WITHOUT ROWID;
        CREATE TABLE gaps (
            began INTEGER PRIMARY KEY NOT NULL,
            ended INTEGER NOT NULL
        );
        CREATE TABLE hours (
            hour INTEGER PRIMARY KEY NOT NULL,
            peak INTEGER NOT NULL,
            peak_at INTEGER NOT NULL,
            users INTEGER NOT NULL
        );
        """

    /// The version this program writes.
    static var current: Int { migrations.last?.version ?? 0 }

    /// Refuses files that are not ours or too new; reads only.
    /// - Returns: the file's version, 0 where it is empty.
    static func inspect(_ database: Database, known: Int) throws(StoreProblem) -> Int {
        let application: Int64
        let version: Int
        let objects: Int64
        do throws(DatabaseError) {
            application = try database.integer("PRAGMA application_id") ?? 0
            version = Int(try database.integer("PRAGMA user_version") ?? 0)
            objects = try database.integer("SELECT count(*) FROM sqlite_master") ?? 0
        } catch {
            throw StoreProblem(error)
        }
        let isEmpty = application == 0 && version == 0 && objects == 0
        guard isEmpty || application == applicationID else {
            throw StoreProblem(path: database.path, kind: .foreign)
        }
        guard version <= known else {
            throw StoreProblem(path: database.path, kind: .newer(found: version, known: known))
        }
        return version
    }

    /// Takes every missing step, each in a transaction of its own: a step that fails or a power
    /// cut leaves the file at the version before it.
    static func migrate(
        _ database: Database, from version: Int, steps: [Migration]
    ) throws(DatabaseError) {
        for step in steps where step.version > version {
            try database.transaction { () throws(DatabaseError) in
                try database.execute(step.sql)
                try database.execute("PRAGMA user_version = \(step.version)")
                try database.execute("PRAGMA application_id = \(applicationID)")
            }
        }
    }
}
