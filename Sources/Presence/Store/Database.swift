// Owns one SQLite connection: every call's result is checked and becomes a DatabaseError.
// Called by the store's opening, migration, reading and writing, one thread at a time.
// Never knows what the tables mean.

internal import CSQLite
import Glibc

/// An SQLite call that failed.
struct DatabaseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The database file.
    let file: String
    /// What was tried: `open`, `COMMIT`, the statement's text, …
    let operation: String
    /// The extended result code; its low byte is the primary one.
    let code: CInt
    /// SQLite's own words.
    let message: String
    /// The errno beneath an input/output error, else 0.
    let systemCode: CInt

    var primary: CInt { code & 0xff }

    var isFull: Bool { primary == SQLITE_FULL || systemCode == ENOSPC }

    /// `/x/p.sqlite3: COMMIT: database or disk is full (SQLite 13)`
    var description: String { "\(file): \(operation): \(message) (SQLite \(code))" }
}

extension DatabaseError {
    /// What the connection says of the call that has just failed.
    @unsafe init(connection: OpaquePointer, file: String, operation: String) {
        let code = unsafe sqlite3_extended_errcode(connection)
        let isSystem = code & 0xff == SQLITE_IOERR || code & 0xff == SQLITE_CANTOPEN
        self.init(
            file: file, operation: operation, code: code,
            message: unsafe String(cString: sqlite3_errmsg(connection)),
            // SQLite keeps an old errno; beside other codes it means nothing.
            systemCode: isSystem ? unsafe sqlite3_system_errno(connection) : 0)
    }
}

/// How far a checkpoint came.
struct Checkpoint: Equatable, Sendable {
    /// Pages in the log, and how many of them are in the file by now.
    let logged: Int
    let moved: Int
}

extension Database {
    enum Mode {
        case readWrite
        /// No file at all: everything is gone with the connection.
        case memory
        case readOnly
        /// Nobody has the file open: it is read as it is, and no file is made beside it.
        case frozen

        fileprivate var flags: CInt {
            switch self {
            case .readWrite: SQLITE_OPEN_READWRITE
            case .memory: SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY
            case .readOnly: SQLITE_OPEN_READONLY
            case .frozen: SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
            }
        }

        fileprivate func name(of path: String) -> String {
            if self == .memory { return ":memory:" }
            // A relative name never means `:memory:` or a URI.
            let name = path.utf8.first == UInt8(ascii: "/") ? path : "./" + path
            guard self == .frozen else { return name }
            let escaped = name.utf8.map { byte in
                let isPlain = byte > 0x20 && byte < 0x7F && !"%?#".utf8.contains(byte)
                let hexadecimal = String(byte, radix: 16, uppercase: true)
                return isPlain
                    ? String(UnicodeScalar(byte)) : (byte < 16 ? "%0" : "%") + hexadecimal
            }
            // Two slashes and no host: a path that begins with two is no host either.
            return (name == path ? "file://" : "file:") + escaped.joined() + "?immutable=1"
        }
    }
}

/// A connection. Not thread-safe: whoever owns it uses it from one thread at a time.
@safe final class Database {
    let path: String
    private let handle: OpaquePointer
    private var isOpen = true

    /// Opens a file that exists.
    /// - Parameter patience: milliseconds that a call waits for another process's lock.
    init(path: String, patience: CInt, mode: Mode = .readWrite) throws(DatabaseError) {
        self.path = path
        var opened: OpaquePointer?
        let flags = mode.flags | SQLITE_OPEN_NOMUTEX
        let code = unsafe sqlite3_open_v2(mode.name(of: path), &opened, flags, nil)
        guard let connection = unsafe opened else {
            throw DatabaseError(
                file: path, operation: "open", code: code, message: "out of memory", systemCode: 0)
        }
        unsafe handle = unsafe connection
        guard code == SQLITE_OK else {
            let error = unsafe DatabaseError(
                connection: connection, file: path, operation: "open")
            _ = unsafe sqlite3_close_v2(connection)
            isOpen = false
            throw error
        }
        try check(unsafe sqlite3_extended_result_codes(handle, 1), "open")
        try check(unsafe sqlite3_busy_timeout(handle, patience), "open")
        // A broken file stays as it is: closing must not touch it unless we ask for it.
        try check(unsafe csqlite_checkpoint_on_close(handle, 0), "open")
    }

    deinit {
        if isOpen { _ = unsafe sqlite3_close_v2(handle) }
    }

    /// Rows that the last statement inserted, changed or deleted.
    var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(DatabaseError) {
        try check(unsafe sqlite3_exec(handle, sql, nil, nil, nil), sql)
    }

    /// Compiles one statement, which must be finalized (leave its scope) before `close`.
    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        var made: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        try check(unsafe sqlite3_prepare_v3(handle, sql, -1, flags, &made, nil), sql)
        guard let statement = unsafe made else {
            throw DatabaseError(
                file: path, operation: sql, code: SQLITE_MISUSE, message: "an empty statement",
                systemCode: 0)
        }
        return unsafe Statement(statement, path: path, sql: sql)
    }

    /// The first column of the first row.
    func integer(_ sql: String) throws(DatabaseError) -> Int64? {
        var statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    /// The first column of the first row.
    func text(_ sql: String) throws(DatabaseError) -> String? {
        var statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// Runs `body` in one transaction: all of it is in the file, or, where it throws, none.
    func transaction<R>(_ body: () throws(DatabaseError) -> R) throws(DatabaseError) -> R {
        // IMMEDIATE: the write lock is taken here, not at some statement in the middle.
        try execute("BEGIN IMMEDIATE")
        do throws(DatabaseError) {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors; a second time is an error too.
            if unsafe sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// Moves the log's pages into the file as far as readers allow.
    /// - Parameter truncate: wait (as long as `patience`) for readers, then empty the log.
    func checkpoint(truncate: Bool) throws(DatabaseError) -> Checkpoint {
        var logged: CInt = 0
        var moved: CInt = 0
        let mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        try check(
            unsafe sqlite3_wal_checkpoint_v2(handle, "main", mode, &logged, &moved), "checkpoint")
        return Checkpoint(logged: Int(max(logged, 0)), moved: Int(max(moved, 0)))
    }

    /// Closes; every statement must be gone. Further calls on this object are a mistake of ours.
    /// - Parameter tidy: moves the log into the file and removes it. Only for a sound file.
    func close(tidy: Bool) throws(DatabaseError) {
        guard isOpen else { return }
        if tidy { try check(unsafe csqlite_checkpoint_on_close(handle, 1), "close") }
        try check(unsafe sqlite3_close(handle), "close")
        isOpen = false
    }

    private func check(_ code: CInt, _ operation: @autoclosure () -> String) throws(DatabaseError) {
        guard code != SQLITE_OK else { return }
        throw unsafe DatabaseError(connection: handle, file: path, operation: operation())
    }

}
