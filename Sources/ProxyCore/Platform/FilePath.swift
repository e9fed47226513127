// Owns asking the file system whether a path could be used.
// Called by the configuration check.
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

    private static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
