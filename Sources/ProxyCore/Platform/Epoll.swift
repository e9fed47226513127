// Owns waiting for descriptors and waking a waiting thread.
// Called by the event loop.
// Never knows what a descriptor is for: it hands back the 64-bit key that came with it.

import CLinux
import Glibc

/// What happened to a descriptor.
public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer will send nothing more.
    public static let peerEnded = Readiness(rawValue: EPOLLRDHUP.rawValue)
    /// Both directions are over.
    public static let hangup = Readiness(rawValue: EPOLLHUP.rawValue)
    public static let error = Readiness(rawValue: EPOLLERR.rawValue)
    /// Reported once a change, not as long as it holds.
    static let edge = Readiness(rawValue: EPOLLET.rawValue)
    static let exclusive = Readiness(rawValue: EPOLLEXCLUSIVE.rawValue)

    /// How a stream is registered, once for its life.
    static let stream: Readiness = [.readable, .writable, .peerEnded, .edge]
}

/// One epoll instance.
@safe public struct Epoll: ~Copyable {
    private let descriptor: FileDescriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private static let batch: CInt = 512

    public init() throws(SystemError) {
        let made = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard made >= 0 else { throw SystemError(call: "epoll_create1") }
        descriptor = FileDescriptor(made)
        unsafe events = .allocate(capacity: Int(Self.batch))
    }

    deinit {
        descriptor.close()
        unsafe events.deallocate()
    }

    /// Watches a stream edge-triggered until it is closed.
    public func add(_ stream: FileDescriptor, key: UInt64) throws(SystemError) {
        try control(EPOLL_CTL_ADD, stream, .stream, key)
    }

    /// Watches a listener or an event counter level-triggered.
    /// - Parameter exclusive: one waiting thread of several is woken (a shared listener).
    public func addLevel(
        _ descriptor: FileDescriptor, key: UInt64, exclusive: Bool = false
    ) throws(SystemError) {
        try control(
            EPOLL_CTL_ADD, descriptor, exclusive ? [.readable, .exclusive] : [.readable], key)
    }

    /// Stops watching; closing the descriptor does the same.
    public func remove(_ stream: FileDescriptor) throws(SystemError) {
        try control(EPOLL_CTL_DEL, stream, [], 0)
    }

    private func control(
        _ operation: CInt, _ stream: FileDescriptor, _ interest: Readiness, _ key: UInt64
    ) throws(SystemError) {
        var event = unsafe epoll_event()
        unsafe event.events = interest.rawValue
        unsafe event.data.u64 = key
        let failed = unsafe epoll_ctl(descriptor.number, operation, stream.number, &event)
        guard failed == 0 else { throw SystemError(call: "epoll_ctl") }
    }

    /// Waits at most `timeout` milliseconds (-1: for ever); returns how many events are to be
    /// read with `event(_:)`.
    public func wait(timeout: CInt) -> Int {
        let count = unsafe epoll_wait(descriptor.number, events, Self.batch, timeout)
        return max(0, Int(count))
    }

    /// Event `index` of the last wait.
    public func event(_ index: Int) -> (key: UInt64, readiness: Readiness) {
        precondition(index >= 0 && index < Int(Self.batch))
        let event = unsafe events[index]
        return (unsafe event.data.u64, Readiness(rawValue: unsafe event.events))
    }
}

/// A counter that makes a waiting thread wake.
public struct EventCounter: Sendable {
    public let descriptor: FileDescriptor

    public init() throws(SystemError) {
        let made = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        guard made >= 0 else { throw SystemError(call: "eventfd") }
        descriptor = FileDescriptor(made)
    }

    /// Wakes the thread; from any thread.
    public func signal() {
        var one: UInt64 = 1
        // Full (2^64-2) or interrupted, the counter is not zero and the waiter wakes all the same.
        _ = unsafe write(descriptor.number, &one, 8)
    }

    /// Clears the counter after a wake.
    public func clear() {
        var value: UInt64 = 0
        _ = unsafe read(descriptor.number, &value, 8)
    }

    /// Waits until it is signalled or `timeout` milliseconds have passed, and clears it: for a
    /// thread that waits for nothing else.
    public func wait(atMost timeout: Milliseconds) {
        var wanted = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        // Interrupted, it looks like a signal: the thread finds nothing to do and returns here.
        _ = unsafe poll(&wanted, 1, CInt(clamping: max(timeout, 0)))
        clear()
    }
}
