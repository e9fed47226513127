// Owns waiting for one descriptor with an end: a deadline, or a wake-up from another thread.
// Called by clients on threads of their own.
// Never used on a loop.

import Glibc
import Synchronization

/// Why a wait came to nothing.
public enum PatienceEnd: Error, Equatable, Sendable {
    /// The deadline has passed.
    case timedOut
    /// Another thread has ended it.
    case interrupted
}

/// Ends every wait that was given it, now and from now on; from any thread.
public final class Interruption: Sendable {
    /// Signalled once and never cleared, so that every later wait ends at once too.
    fileprivate let counter: EventCounter
    private let flag = Atomic<Bool>(false)

    public init() throws(SystemError) {
        counter = try EventCounter()
    }

    deinit { counter.descriptor.close() }

    public func interrupt() {
        flag.store(true, ordering: .releasing)
        counter.signal()
    }

    public var isInterrupted: Bool { flag.load(ordering: .acquiring) }
}

/// How long a thread waits, for all its waits together.
public struct Patience: Sendable {
    /// By the monotonic clock.
    public let deadline: Milliseconds
    private let interruption: Interruption?

    /// - Parameters:
    ///   - milliseconds: from now.
    ///   - interruption: what may end it before.
    public init(_ milliseconds: Milliseconds, unless interruption: Interruption? = nil) {
        deadline = Clock.monotonic() + milliseconds
        self.interruption = interruption
    }

    private init(deadline: Milliseconds, interruption: Interruption?) {
        self.deadline = deadline
        self.interruption = interruption
    }

    /// What is left of it, for one of `parts` that are tried one after the other.
    public func share(of parts: Int) -> Patience {
        let now = Clock.monotonic()
        let part = max(deadline - now, 0) / Milliseconds(max(parts, 1))
        return Patience(deadline: now + part, interruption: interruption)
    }

    /// Waits until `descriptor` can be read or written.
    public func wait(
        for descriptor: FileDescriptor, _ wanted: Readiness
    ) throws(PatienceEnd) {
        var events: CInt = 0
        if wanted.contains(.readable) { events |= POLLIN }
        if wanted.contains(.writable) { events |= POLLOUT }
        // poll(2) passes over a negative descriptor.
        let wake = interruption?.counter.descriptor ?? .none
        while true {
            let left = deadline - Clock.monotonic()
            guard left > 0 else { throw .timedOut }
            var queries: [2 of pollfd] = [
                pollfd(
                    fd: descriptor.number, events: Int16(truncatingIfNeeded: events), revents: 0),
                pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0),
            ]
            let ready = unsafe withUnsafeMutableBytes(of: &queries) { memory in
                unsafe poll(
                    memory.baseAddress?.assumingMemoryBound(to: pollfd.self), 2,
                    CInt(clamping: left))
            }
            if queries[1].revents != 0 { throw .interrupted }
            if ready > 0 { return }
            // A descriptor that cannot be polled would make this a busy loop.
            if ready < 0, errno != EINTR { throw .timedOut }
        }
    }
}
