// Owns opening the database: the order of the checks, the lock, the settings, the migration.
// Called by PresenceStore.open and, after tests' simulated crashes, by tests.
// Never changes a byte of a file before it is known to be ours.

import ProxyCore

/// An open database that no other sidecar uses.
final class StoreFile {
    let database: Database
    private let lock: ExclusiveFile

    /// - Parameters:
    ///   - patience: milliseconds that a write waits for some other tool's lock.
    ///   - steps: the schema; other than ours in tests of migration only.
    init(
        path: String, patience: CInt = 250, steps: [Migration] = Schema.migrations
    ) throws(StoreProblem) {
        // First the plain call, whose errno tells a directory from a missing folder.
        do throws(SystemError) {
            lock = try ExclusiveFile(path: path)
        } catch {
            throw StoreProblem(error, path: path)
        }
        do throws(DatabaseError) {
            database = try Database(path: path, patience: patience)
        } catch {
            throw StoreProblem(error)
        }
        let version = try Schema.inspect(database, known: steps.last?.version ?? 0)
        do throws(DatabaseError) {
            try Self.configure(database)
            try Schema.migrate(database, from: version, steps: steps)
        } catch {
            throw StoreProblem(error)
        }
    }

    /// Whether the path still names the file that is open.
    var isInPlace: Bool { lock.isInPlace }

    /// Settings of the connection; only the journal mode is written into the file.
    private static func configure(_ database: Database) throws(DatabaseError) {
        let mode = try database.text("PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw DatabaseError(
                file: database.path, operation: "journal_mode = WAL", code: 1,
                message: "not possible on this file system; change store.path", systemCode: 0)
        }
        // FULL: the log is synced at every commit. NORMAL would leave the last seconds to the
        // kernel, and a sync that fails later would lose pages that we believed written. It
        // costs 1 to 4 ms a commit (measured on a busy machine), of which a flush is one.
        try database.execute("PRAGMA synchronous = FULL")
        // The writer moves the log itself, after those who wait have their answers.
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        try database.execute("PRAGMA journal_size_limit = \(PresenceLimits.storeLogBytes)")
        try database.execute("PRAGMA cache_size = -\(PresenceLimits.storeCacheKiB)")
        try database.execute("PRAGMA temp_store = MEMORY")
        // A damaged page is an error here and not a strange row later.
        try database.execute("PRAGMA cell_size_check = ON")
        try database.execute("PRAGMA trusted_schema = OFF")
    }
}
