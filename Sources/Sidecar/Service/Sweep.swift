// Owns the thread that announces what the passing of time has changed.
// Called by the service at start and end.
// Never decides a status.

import Presence
import ProxyCore
import Synchronization

/// Sweeps the engine several times a second.
final class Sweep: Sendable {
    /// A change is announced at most so late, milliseconds; a read is never late.
    static let period: Milliseconds = 100

    private let engine: PresenceEngine
    private let wake: EventCounter
    private let stopping = Atomic<Bool>(false)

    init(_ engine: PresenceEngine) throws(SystemError) {
        self.engine = engine
        wake = try EventCounter()
    }

    deinit { wake.descriptor.close() }

    /// Until `stop()`: the body of a thread of its own.
    func run() {
        var clock = SteadyClock(wall: Clock.wall(), monotonic: Clock.monotonic())
        while !stopping.load(ordering: .relaxed) {
            let isMore = engine.sweep(now: clock.now(monotonic: Clock.monotonic()))
            wake.wait(atMost: isMore ? 1 : Self.period)
        }
    }

    func stop() {
        stopping.store(true, ordering: .relaxed)
        wake.signal()
    }
}
