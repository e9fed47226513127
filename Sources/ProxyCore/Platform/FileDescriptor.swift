// Owns reading, writing and closing descriptors: each kernel call wrapped once.
// Called by loops and the log; with buffers by the page DescriptorBuffers of Bytes.
// Never blocks on a socket, never retries anything but EINTR.

import CLinux
import Glibc

/// What a read or write on a non-blocking descriptor came to.
public enum Transfer: Equatable, Sendable {
    /// So many bytes; 0 on a read is the peer's end of stream.
    case bytes(Int)
    /// Nothing can move now.
    case blocked
    /// The connection is broken; the errno says how.
    case failed(CInt)
}

/// A descriptor number. A plain value: whoever opened it closes it.
public struct FileDescriptor: Equatable, Hashable, Sendable {
    public let number: CInt

    @inlinable public init(_ number: CInt) { self.number = number }

    public static let none = FileDescriptor(-1)

    /// Closes it. EINTR is not retried: Linux has closed the descriptor by then.
    public func close() {
        guard number >= 0 else { return }
        _ = Glibc.close(number)
    }

    /// Sends what it can of `bytes`; a broken pipe is an outcome, not a signal.
    public func send(_ bytes: RawSpan) -> Transfer {
        unsafe bytes.withUnsafeBytes { memory in
            while true {
                let sent = unsafe Glibc.send(
                    number, memory.baseAddress, memory.count, CInt(MSG_NOSIGNAL))
                if sent >= 0 { return .bytes(sent) }
                if errno == EINTR { continue }
                return errno == EAGAIN ? .blocked : .failed(errno)
            }
        }
    }

    /// Sends two runs as one: a head from one place, a body from another.
    public func send(_ first: RawSpan, _ second: RawSpan) -> Transfer {
        unsafe first.withUnsafeBytes { head in
            unsafe second.withUnsafeBytes { body in
                var parts: InlineArray<2, iovec> = unsafe [
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress),
                        iov_len: head.count),
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress),
                        iov_len: body.count),
                ]
                var span = unsafe parts.mutableSpan
                return unsafe span.withUnsafeMutableBufferPointer { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector.baseAddress
                    unsafe message.msg_iovlen = 2
                    while true {
                        let sent = unsafe sendmsg(number, &message, CInt(MSG_NOSIGNAL))
                        if sent >= 0 { return .bytes(sent) }
                        if errno == EINTR { continue }
                        return errno == EAGAIN ? .blocked : .failed(errno)
                    }
                }
            }
        }
    }

    /// Writes to a file or pipe what one call takes.
    public func write(_ bytes: RawSpan) -> Transfer {
        unsafe bytes.withUnsafeBytes { memory in
            while true {
                let written = unsafe Glibc.write(number, memory.baseAddress, memory.count)
                if written >= 0 { return .bytes(written) }
                if errno == EINTR { continue }
                return errno == EAGAIN ? .blocked : .failed(errno)
            }
        }
    }

    /// Blocks until it can be read or written, for threads of their own; never on a loop.
    /// - Returns: whether it can, within `timeout` milliseconds.
    public func wait(_ wanted: Readiness, atMost timeout: Milliseconds) -> Bool {
        var events: Int32 = 0
        if wanted.contains(.readable) { events |= POLLIN }
        if wanted.contains(.writable) { events |= POLLOUT }
        var query = pollfd(fd: number, events: Int16(truncatingIfNeeded: events), revents: 0)
        return unsafe poll(&query, 1, CInt(clamping: max(timeout, 0))) > 0
    }

    /// Another number for the same open file.
    public func duplicate() throws(SystemError) -> FileDescriptor {
        let made = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard made >= 0 else { throw SystemError(call: "fcntl") }
        return FileDescriptor(made)
    }

    /// Ends our sending side; the peer reads the end of the stream (half-close).
    public func shutdownWrite() {
        _ = shutdown(number, CInt(SHUT_WR))
    }

    /// Makes the coming `close` a reset: an aborted message must not look complete.
    public func resetOnClose() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            number, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
    }
}
