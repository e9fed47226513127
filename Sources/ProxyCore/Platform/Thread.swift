// Owns operating system threads.
// Called by the loops, the store and the sweep, once each at start.
// Never used for work that comes and goes: there is no pool here.

import CLinux
import Glibc

/// A named thread that runs one function to its end.
public final class Thread: @unchecked Sendable {
    private let handle: pthread_t

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts at once. `name` shows in `top -H` (15 bytes).
    /// - Throws: the errno of `pthread_create`, where the system has no room for a thread.
    public init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let start = unsafe Unmanaged.passRetained(Start(name, body))
        var made = pthread_t()
        let failed = unsafe pthread_create(
            &made, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped)
                    .takeRetainedValue()
                _ = unsafe String(start.name.prefix(15)).withCString {
                    unsafe clinux_set_thread_name($0)
                }
                start.body()
                return nil
            }, start.toOpaque())
        guard failed == 0 else {
            unsafe start.release()
            throw SystemError(call: "pthread_create", code: failed)
        }
        handle = made
    }

    /// Waits until the function has returned. Call once.
    public func join() {
        pthread_join(handle, nil)
    }

    /// Lets it end by itself, for a call that cannot be broken off (the system's resolver). Call
    /// once, and then never `join`.
    public func detach() {
        pthread_detach(handle)
    }
}
