// Owns memory behind which one byte more cannot be read.
// Called by tests of parsers: reading past the end crashes the test instead of passing by luck.
// Never grows.

import Glibc

/// Pages whose last one is forbidden; bytes are laid right before it.
public final class GuardPage {
    private let base: UnsafeMutableRawPointer
    private let room: Int
    private let mapped: Int

    /// - Parameter capacity: the most bytes that will be laid.
    public init(capacity: Int) {
        let page = Int(getpagesize())
        room = max(1, (capacity + page - 1) / page) * page
        mapped = room + page
        base = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        precondition(base != MAP_FAILED)
        precondition(mprotect(base + room, page, PROT_NONE) == 0)
    }

    deinit { munmap(base, mapped) }

    /// Lays the first `count` of `bytes` against the forbidden page and shows them.
    public func with<R>(
        _ bytes: [UInt8], count: Int? = nil, _ body: (RawSpan) throws -> R
    ) rethrows -> R {
        let count = count ?? bytes.count
        precondition(count <= room && count <= bytes.count)
        let start = base + (room - count)
        bytes.withUnsafeBytes { source in
            if count > 0 { start.copyMemory(from: source.baseAddress!, byteCount: count) }
        }
        return try body(RawSpan(_unsafeStart: start, byteCount: count))
    }
}
