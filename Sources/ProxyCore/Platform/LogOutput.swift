// Owns writing log lines to standard error without ever waiting for its reader.
// Called by the access logs, one a loop.
// Never changes a flag of descriptor 2, which other processes may share.

import CLinux
import Glibc

/// Standard error, as loops may use it: a reader that has stopped blocks nobody.
public struct LogOutput: Sendable {
    private enum Kind: Sendable { case file, stream, socket }

    private let descriptor: FileDescriptor
    private let kind: Kind

    /// Writes of at most so many bytes to a pipe are not mixed with those of others (POSIX).
    public static let atomicWrite = 4096

    /// A pipe or a terminal is opened anew, non-blocking; a socket (the journal's) is told so at
    /// each send; a file takes what it is given.
    public static func standardError() -> LogOutput {
        var status = stat()
        guard unsafe fstat(2, &status) == 0 else {
            return LogOutput(descriptor: FileDescriptor(2), kind: .file)
        }
        switch status.st_mode & S_IFMT {
        case S_IFSOCK:
            return LogOutput(descriptor: FileDescriptor(2), kind: .socket)
        case S_IFIFO, S_IFCHR:
            let flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
            let opened = unsafe open("/proc/self/fd/2", flags)
            guard opened >= 0 else { fallthrough }
            return LogOutput(descriptor: FileDescriptor(opened), kind: .stream)
        default:
            return LogOutput(descriptor: FileDescriptor(2), kind: .file)
        }
    }

    /// For tests: any descriptor, written to as it is.
    init(_ descriptor: FileDescriptor) {
        self.init(descriptor: descriptor, kind: .stream)
    }

    private init(descriptor: FileDescriptor, kind: Kind) {
        self.descriptor = descriptor
        self.kind = kind
    }

    func write(_ bytes: RawSpan) -> Transfer {
        guard kind == .socket else { return descriptor.write(bytes) }
        return unsafe bytes.withUnsafeBytes { memory in
            let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
            let sent = unsafe Glibc.send(
                descriptor.number, memory.baseAddress, memory.count, flags)
            if sent >= 0 { return .bytes(sent) }
            return errno == EAGAIN || errno == EINTR ? .blocked : .failed(errno)
        }
    }
}
