// Owns a file that only one process may use at a time, and the proof that it is still there.
// Called by the store for its database.
// Never reads or writes the file's contents.

import Glibc

/// A regular file, opened for writing and locked against other processes. Where it is missing it
/// is made, readable for its owner and group.
///
/// The lock (`flock`) goes with the process, however it ends. It is advisory: tools that only
/// read are not kept out, a second service that asks the same way is.
///
/// Open a path once in a process: closing any descriptor of a file drops the POSIX locks that
/// another part of the process (SQLite) holds on it.
public struct ExclusiveFile: ~Copyable {
    private let path: String
    private let descriptor: FileDescriptor
    private let device: dev_t
    private let inode: ino_t

    /// - Throws: the call and its errno; `flock: EWOULDBLOCK` where another holds the lock,
    ///   `open: EISDIR`, `EACCES`, `ENOENT`, …; `fstat: EINVAL` for a device or pipe.
    public init(path: String) throws(SystemError) {
        // O_NONBLOCK: a named pipe in this place must not hang the start.
        let opened = unsafe path.withCString {
            unsafe open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        }
        guard opened >= 0 else { throw SystemError(call: "open") }
        let file = FileDescriptor(opened)
        var status = stat()
        guard unsafe fstat(opened, &status) == 0 else {
            let error = SystemError(call: "fstat")
            file.close()
            throw error
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            file.close()
            throw SystemError(call: "fstat", code: EINVAL)
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError(call: "flock")
            file.close()
            throw error
        }
        self.path = path
        descriptor = file
        device = status.st_dev
        inode = status.st_ino
    }

    deinit { descriptor.close() }

    /// Whether the path still names this file: not after it was deleted or replaced.
    public var isInPlace: Bool {
        var status = stat()
        let found = unsafe path.withCString { unsafe stat($0, &status) } == 0
        return found && status.st_dev == device && status.st_ino == inode
    }
}
