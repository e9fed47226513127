// Owns the words for what keeps the database from being used: one line, the file, what to do.
// Called by the store's opening and writing; shown by the log, `check`, /readyz.
// Never guesses: what it has no advice for, it passes on in SQLite's words.

internal import CSQLite
import Glibc
import ProxyCore

/// Why the database file cannot be used. The file itself is never changed because of it.
public struct StoreProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        case directory
        case noFolder
        case notRegular
        case permission
        case readOnlyDisk
        case inUse
        case notDatabase
        case damaged(String)
        case foreign
        case newer(found: Int, known: Int)
        case diskFull
        /// Deleted or replaced while we ran.
        case displaced
        case other(String)
    }

    /// The file as the operator named it.
    public let path: String
    public let kind: Kind

    public init(path: String, kind: Kind) {
        self.path = path
        self.kind = kind
    }

    /// One line: the file, what is wrong, what to do.
    public var description: String { "\(path): \(advice)" }

    private var advice: String {
        let untouched = "(it was left as it is)"
        switch kind {
        case .directory:
            let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
            return "is a directory; let store.path name a file, like \(folder)/presence.sqlite3"
        case .noFolder: return "its folder does not exist; create it or change store.path"
        case .notRegular: return "is not a regular file; change store.path"
        case .permission:
            return "may not be written by user \(geteuid()); let that user write the file and its "
                + "folder, or change store.path"
        case .readOnlyDisk: return "lies on a read-only file system; change store.path"
        case .inUse:
            return "is in use by another process; stop that one or give this one its own store.path"
        case .notDatabase:
            return "is not an SQLite database; move it away or change store.path \(untouched)"
        case .damaged(let words):
            return "the database is damaged (\(words)); restore a backup or move it away together "
                + "with its -wal and -shm files \(untouched)"
        case .foreign:
            return "is a database of another program; change store.path \(untouched)"
        case .newer(let found, let known):
            return "was written by a newer version (schema \(found), this one knows \(known)); run "
                + "that version or change store.path \(untouched)"
        case .diskFull: return "the disk is full; free some space"
        case .displaced:
            return "was deleted or replaced while in use; put it back or restart"
        case .other(let words): return words
        }
    }

    /// Whether it may pass by itself, so that the store keeps trying.
    var isPassing: Bool {
        switch kind {
        case .diskFull, .inUse, .permission, .readOnlyDisk, .displaced, .other: true
        case .directory, .noFolder, .notRegular, .notDatabase, .damaged, .foreign, .newer: false
        }
    }
}

extension StoreProblem {
    /// What a failed SQLite call on this file means.
    init(_ error: DatabaseError) {
        self.init(path: error.file, kind: Self.kind(of: error))
    }

    private static func kind(of error: DatabaseError) -> Kind {
        if error.isFull { return .diskFull }
        switch error.primary {
        case SQLITE_NOTADB: return .notDatabase
        case SQLITE_CORRUPT, SQLITE_FORMAT: return .damaged(error.message)
        case SQLITE_BUSY, SQLITE_LOCKED: return .inUse
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN:
            return error.systemCode == EROFS ? .readOnlyDisk : .permission
        default:
            let system = error.systemCode == 0 ? "" : ", errno \(error.systemCode)"
            return .other(
                "\(error.operation): \(error.message) (SQLite \(error.code)\(system))")
        }
    }

    /// What a failed call on the file before SQLite saw it means.
    init(_ error: SystemError, path: String) {
        let kind: Kind
        switch (error.call, error.code) {
        case ("flock", EWOULDBLOCK): kind = .inUse
        case ("fstat", EINVAL): kind = .notRegular
        case (_, EISDIR): kind = .directory
        case (_, ENOENT), (_, ENOTDIR): kind = .noFolder
        case (_, EACCES), (_, EPERM): kind = .permission
        case (_, EROFS): kind = .readOnlyDisk
        case (_, ENOSPC), (_, EDQUOT): kind = .diskFull
        case (_, ENXIO), (_, ENODEV): kind = .notRegular
        default: kind = .other(error.description)
        }
        self.init(path: path, kind: kind)
    }
}
