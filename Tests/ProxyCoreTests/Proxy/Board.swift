// Owns what a loop's thread tells a test's thread, and the waiting for it.
// Called by the scripted application on one side and by tests on the other.
// Never waits without a bound.

import Glibc
import XCTest

/// A value with a lock, and somebody who waits for it to change.
final class Board<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(changed)
        mutex.deallocate()
        changed.deallocate()
    }

    var now: Value { change { $0 } }

    @discardableResult
    func change<R>(_ body: (inout Value) -> R) -> R {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return body(&value)
    }

    /// Waits until `condition` holds; false where it does not in good time.
    @discardableResult
    func await(_ condition: (Value) -> Bool) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += Int(Wire.patience) / 1000
        while !condition(value) {
            guard pthread_cond_timedwait(changed, mutex, &limit) != ETIMEDOUT else {
                return condition(value)
            }
        }
        return true
    }
}
