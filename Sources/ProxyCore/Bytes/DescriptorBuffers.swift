// Owns moving bytes between descriptors and buffers, and reading a file as a whole.
// Called by loops and the configuration reader.
// Never blocks on a socket, never retries anything but EINTR.

import Glibc

extension FileDescriptor {
    /// Receives up to `count` bytes behind what `buffer` holds.
    public func receive(into buffer: inout ByteBuffer, atMost count: Int) -> Transfer {
        var outcome = Transfer.blocked
        _ = unsafe buffer.write(atMost: count) { (space: UnsafeMutableRawBufferPointer) -> Int in
            while true {
                let received = unsafe recv(number, space.baseAddress, space.count, 0)
                if received >= 0 {
                    outcome = .bytes(received)
                    return received
                }
                if errno == EINTR { continue }
                outcome = errno == EAGAIN ? .blocked : .failed(errno)
                return 0
            }
        }
        return outcome
    }

    /// Whether a read would give something now: bytes, the end of the stream or a fault.
    public var hasInput: Bool {
        var byte: UInt8 = 0
        let flags = CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)
        while true {
            let seen = unsafe recv(number, &byte, 1, flags)
            if seen >= 0 { return true }
            if errno != EINTR { return errno != EAGAIN }
        }
    }

    /// Sends what it can of a buffer.
    public func send(_ buffer: borrowing ByteBuffer) -> Transfer { send(buffer.bytes) }

    /// Sends a buffer and a part of another behind it, as one.
    public func send(
        _ first: borrowing ByteBuffer, _ second: borrowing ByteBuffer, _ part: Range<Int>
    ) -> Transfer {
        send(first.bytes, second.bytes.extracting(part))
    }

    /// Reads a whole file of at most `limit` bytes.
    /// - Throws: the errno of `open` or `read`; `EFBIG` beyond the limit.
    public static func contents(of path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let opened = unsafe path.withCString { unsafe open($0, O_RDONLY | O_CLOEXEC) }
        guard opened >= 0 else { throw SystemError(call: "open") }
        let file = FileDescriptor(opened)
        defer { file.close() }
        var buffer = ByteBuffer(capacity: 4096)
        while true {
            var code: CInt = 0
            let count = unsafe buffer.write(atMost: 4096) {
                (space: UnsafeMutableRawBufferPointer) -> Int in
                while true {
                    let got = unsafe read(opened, space.baseAddress, space.count)
                    if got >= 0 { return got }
                    if errno == EINTR { continue }
                    code = errno
                    return 0
                }
            }
            guard code == 0 else { throw SystemError(call: "read", code: code) }
            if count == 0 { return buffer.array() }
            guard buffer.count <= limit else { throw SystemError(call: "read", code: EFBIG) }
        }
    }
}
