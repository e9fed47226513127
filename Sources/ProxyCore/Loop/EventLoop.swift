// Owns one thread's waiting: descriptors, deadlines and letters from other threads.
// Called by the proxy loop, which is told what happened.
// Never reads or writes a stream, never knows what a key names beyond its kind.

/// What a key in epoll or in the timer wheel names.
public struct EventKey: Equatable, Sendable, BitwiseCopyable {
    public enum Kind: UInt8, Sendable { case mailbox, listener, downstream, upstream }

    /// kind (8 bits) | generation (24) | slot (32)
    public let word: UInt64

    @inlinable public init(_ kind: Kind, slot: Int32, generation: UInt32) {
        word =
            UInt64(kind.rawValue) << 56 | UInt64(generation & 0xff_ffff) << 32
            | UInt64(UInt32(bitPattern: slot))
    }

    @inlinable public init(word: UInt64) { self.word = word }

    @inlinable public var kind: Kind? { Kind(rawValue: UInt8(word >> 56)) }
    /// The low 24 bits of the owner's generation: a stale event differs in it.
    @inlinable public var generation: UInt32 { UInt32(word >> 32) & 0xff_ffff }
    @inlinable public var slot: Int32 { Int32(bitPattern: UInt32(word & 0xffff_ffff)) }
}

/// Who handles the events of a loop.
protocol EventHandler: AnyObject {
    /// Something happened to the descriptor of `key`.
    func ready(_ key: EventKey, _ readiness: Readiness)
    /// A deadline that was noted for `key` has come.
    func expired(_ key: EventKey)
    /// After all events of a turn.
    /// - Returns: the longest the loop may sleep now, milliseconds (0: there is more to do), or
    ///   nil for no bound.
    func turnEnded() -> Milliseconds?
}

/// One thread's epoll, timer wheel and mailbox.
final class EventLoop {
    let epoll: Epoll
    let mailbox: Mailbox
    var wheel: TimerWheel
    /// The time of this turn, since boot: read once a turn.
    private(set) var now: Milliseconds
    /// UTC of this turn.
    private(set) var utc: Milliseconds
    private var steady: SteadyClock
    private var due: [UInt64] = []
    private(set) var isStopped = false

    init() throws(SystemError) {
        epoll = try Epoll()
        mailbox = try Mailbox()
        now = Clock.monotonic()
        let wall = Clock.wall()
        steady = SteadyClock(wall: wall, monotonic: now)
        utc = wall
        wheel = TimerWheel(tick: 32, size: 1024, now: now)
        try epoll.addLevel(
            mailbox.counter.descriptor, key: EventKey(.mailbox, slot: 0, generation: 0).word)
    }

    /// Runs until `stop()`. Generic, so that the calls to the handler are direct ones.
    func run<Handler: EventHandler>(_ handler: Handler) {
        var pause: Milliseconds? = handler.turnEnded()
        while !isStopped {
            let count = epoll.wait(timeout: timeout(pause))
            readClocks()
            for index in 0..<count {
                let event = epoll.event(index)
                let key = EventKey(word: event.key)
                if key.kind == .mailbox {
                    for letter in mailbox.collect() { letter() }
                } else {
                    handler.ready(key, event.readiness)
                }
            }
            due.removeAll(keepingCapacity: true)
            wheel.expire(now: now, into: &due)
            for word in due { handler.expired(EventKey(word: word)) }
            pause = handler.turnEnded()
        }
    }

    /// Ends `run` after this turn. On the loop's thread.
    func stop() { isStopped = true }

    private func readClocks() {
        now = Clock.monotonic()
        utc = steady.now(monotonic: now)
    }

    private func timeout(_ pause: Milliseconds?) -> CInt {
        var longest: Milliseconds = 60_000
        if let pause { longest = min(longest, pause) }
        if let delay = wheel.delay(now: now) { longest = min(longest, delay) }
        return CInt(clamping: max(longest, 0))
    }
}
