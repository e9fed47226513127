// Owns the tests of the lock.
// Called by XCTest; the thread sanitizer judges the same tests once more.
// Never waits for time.

import XCTest

@testable import ProxyCore

final class LockTests: XCTestCase {
    private func increments(_ change: @escaping @Sendable () -> Void) throws {
        let threads = try (0..<4).map { _ in
            try ProxyCore.Thread(name: "user") { for _ in 0..<1_000 { change() } }
        }
        for thread in threads { thread.join() }
    }

    func testOneAtATimeHasTheValue() throws {
        let lock = Lock(0)
        try increments { lock.withLock { $0 += 1 } }
        XCTAssertEqual(lock.withLock { $0 }, 4_000)
    }

    func testALockThatHoldsNoValueKeepsOthersOut() throws {
        final class Guarded: @unchecked Sendable { var count = 0 }
        let lock = Lock(())
        let guarded = Guarded()
        try increments { lock.withLock { _ in guarded.count += 1 } }
        XCTAssertEqual(guarded.count, 4_000)
    }

    /// There everybody reads the type, with or without the lock.
    func testNoValueLiesAtTheBeginningOfTheObject() {
        func place<Value>(_ lock: Lock<Value>) -> Int {
            lock.withLock { withUnsafeMutablePointer(to: &$0) { Int(bitPattern: $0) } }
                - Int(bitPattern: Unmanaged.passUnretained(lock).toOpaque())
        }
        XCTAssertGreaterThan(place(Lock(())), 0)
        XCTAssertGreaterThan(place(Lock(0)), 0)
    }
}
