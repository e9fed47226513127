// Owns a look into the store's file from outside, as the tool that explains one token needs it.
// Called by the command line, beside a running service or without one.
// Never writes, never takes the service's lock, never makes a database.

import Glibc
public import ProxyCore

/// What the store keeps of single tokens, read-only.
public final class StoreLook {
    private let database: Database
    /// Of the schema: a file of version 1 has no learnt tokens.
    private let version: Int

    /// Opens the file.
    /// - Throws: one line that says exactly why the file cannot be looked into.
    public static func read(path: String) throws(StoreProblem) -> StoreLook {
        try check(path, called: "it")
        let isLogged = FilePath.obstacle(toReading: path + "-wal") != .missing
        if isLogged { try check(path + "-wal", called: "its log") }
        let database: Database
        let version: Int
        do throws(DatabaseError) {
            // Without a log nobody has the file open, and it is whole by itself. With one SQLite
            // reads both, and the index that the service keeps beside them.
            database = try Database(
                path: path, patience: 250, mode: isLogged ? .readOnly : .frozen)
        } catch {
            throw problem(StoreProblem(error))
        }
        do throws(StoreProblem) {
            version = try Schema.inspect(database, known: Schema.current)
        } catch {
            throw problem(error)
        }
        return StoreLook(database, version)
    }

    private init(_ database: Database, _ version: Int) {
        self.database = database
        self.version = version
    }

    /// UTC until which what is named by the key is revoked; nil: it is not.
    public func revocation(_ key: RevocationKey) throws(StoreProblem) -> Milliseconds? {
        guard version >= 1 else { return nil }
        do throws(DatabaseError) {
            var row = try database.prepare("SELECT expires FROM revocations WHERE token = ?")
            row.bind(1, blob: key.bytes)
            return try row.step() ? row.integer(0) : nil
        } catch {
            throw Self.problem(StoreProblem(error))
        }
    }

    /// What a login has told of an opaque token; nil: nothing, or it was forgotten. Until when it
    /// counts its `goodUntil` says.
    public func learnt(_ digest: TokenDigest) throws(StoreProblem) -> LearntToken? {
        guard version >= 2 else { return nil }
        do throws(DatabaseError) {
            var row = try database.prepare(StoreReader.learntRows + " WHERE token = ?")
            row.bind(1, blob: digest.bytes)
            return try row.step() ? StoreReader.learntToken(row) : nil
        } catch {
            throw Self.problem(StoreProblem(error))
        }
    }

    // MARK: Why not

    private static func check(_ path: String, called name: String) throws(StoreProblem) {
        let words: String
        switch FilePath.obstacle(toReading: path) {
        case nil: return
        case .missing: words = "does not exist: no service has kept anything there yet"
        case .notRegular: words = "is not a regular file"
        case .unfound(let errno): words = "cannot be found (errno \(errno))"
        case .forbidden:
            words = "\(name) may not be read by user \(geteuid()); run this as the service's user"
        }
        throw StoreProblem(path: path, kind: .other(words))
    }

    /// What the store says of writing does not fit a look.
    private static func problem(_ problem: StoreProblem) -> StoreProblem {
        switch problem.kind {
        case .permission, .readOnlyDisk:
            StoreProblem(
                path: problem.path,
                kind: .other(
                    "its log cannot be read by user \(geteuid()), who may not make or change the "
                        + "files beside it; run this as the service's user"))
        case .inUse:
            StoreProblem(
                path: problem.path,
                kind: .other("is locked by another process this moment; try again"))
        default: problem
        }
    }
}
