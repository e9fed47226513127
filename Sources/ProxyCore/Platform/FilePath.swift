// Owns asking the file system whether a path could be used.
// Called by the configuration check, and by whoever looks into a file of another process.
// Never makes or changes anything.

import Glibc

/// A path as the file system has it now.
public enum FilePath {
    /// Why a file at `path` could be neither opened for writing nor made; nil: it could.
    public static func obstacle(toWriting path: String) -> String? {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return "is a folder" }
            return unsafe access(path, W_OK) == 0 ? nil : "cannot be written"
        }
        let folder = parent(of: path)
        guard unsafe stat(folder, &status) == 0 else {
            return "lies in \(folder), which does not exist"
        }
        return unsafe access(folder, W_OK | X_OK) == 0
            ? nil : "cannot be made in \(folder), which cannot be written"
    }

    /// Why a file cannot be read.
    public enum Unreadable: Equatable, Sendable {
        case missing, notRegular, forbidden
        case unfound(errno: CInt)
    }

    /// Why this process could not read a file at `path`; nil: it could. The file is not opened:
    /// to close it would drop the locks that SQLite holds on it in this process.
    public static func obstacle(toReading path: String) -> Unreadable? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            return errno == ENOENT ? .missing : .unfound(errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return .notRegular }
        return unsafe faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 ? nil : .forbidden
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
