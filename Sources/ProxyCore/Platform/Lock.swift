// Owns mutual exclusion.
// Called by whatever is shared between loops and off the passing path.
// Never guards the path of a request.

import Glibc

/// A value that only the holder of the lock touches.
///
/// A POSIX mutex and not `Synchronization.Mutex`: the thread sanitizer does not see the latter
/// and reports races in correct programs. Uncontended it costs some 20 ns, off the hot path.
@safe public final class Lock<Value>: @unchecked Sendable {
    /// Swift puts a field without a size, as of `Lock(())`, at the beginning of the object, where
    /// everybody reads its type: the thread sanitizer would report that as a race. A byte beside
    /// the value gives it a place of its own.
    private struct Held {
        var value: Value
        private let byte: UInt8 = 0

        init(_ value: Value) { self.value = value }
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var held: Held

    public init(_ value: sending Value) {
        held = Held(value)
        unsafe mutex = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Runs `body` alone with the value. Not re-entrant.
    public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body(&held.value)
    }
}
