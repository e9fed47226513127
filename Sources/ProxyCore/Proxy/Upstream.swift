// Owns what is remembered of one connection to a backend.
// Called by the loop that opened it.
// Never outlives its place in the pool: a connection is idle there, or serves one exchange.

/// One connection to a backend.
struct Upstream: ~Copyable {
    enum Phase: Sendable { case connecting, idle, busy, tunnel }

    let stream: FileDescriptor
    let generation: UInt32
    /// Which server of the pool.
    let server: Int
    var phase = Phase.connecting
    var flags: StreamFlags = [.writable]
    /// A partial response head.
    var input = ByteBuffer()
    /// What is to be sent. The first `sent` bytes have been, and stay for a retry.
    var output = ByteBuffer()
    var sent = 0
    /// Whether what was sent is kept until the first byte of the response.
    var keepsSent = false
    var scanned: Int32 = 0
    var exchange: Int32 = -1
    /// Whether it served an exchange before this one.
    var isReused = false
    var deadline: Milliseconds = .max
    var armed: Milliseconds = .max

    init(stream: FileDescriptor, generation: UInt32, server: Int) {
        self.stream = stream
        self.generation = generation
        self.server = server
    }

    /// Whether the kernel has taken everything.
    var isFlushed: Bool { output.count == sent }

    /// Sends until everything is gone or the kernel takes no more.
    mutating func sendPending() -> Transfer {
        while !isFlushed {
            let outcome = stream.send(output.bytes.extracting(sent..<output.count))
            guard case .bytes(let count) = outcome else {
                flags.remove(.writable)
                return outcome
            }
            if keepsSent {
                sent += count
            } else {
                output.consume(count)
            }
        }
        return .bytes(0)
    }

    /// Forgets what was kept for a retry.
    mutating func forgetSent() {
        guard keepsSent else { return }
        keepsSent = false
        output.consume(sent)
        sent = 0
    }
}
