// Owns a growable table of rows of 64-bit atomics that every loop reads and writes without a lock.
// Called by the user and session tables.
// Never shrinks, never moves a row.

public import Synchronization

/// Rows of `columns` atomic 64-bit words, allocated in chunks that never move.
///
/// `ensure(rows:)` must have covered a row before anybody touches it; a row read through a number
/// that was handed out after `ensure` is always there.
@safe public final class AtomicTable: @unchecked Sendable {
    public typealias Word = Atomic<Int64>
    static let chunkShift = 12
    static let chunkRows = 1 << chunkShift

    public let columns: Int
    public let limit: Int
    private let directory: UnsafeMutablePointer<UnsafeMutablePointer<Word>?>
    private let chunkLimit: Int
    private let ready = Atomic<Int>(0)

    /// - Parameters:
    ///   - columns: words a row.
    ///   - limit: the most rows ever.
    public init(columns: Int, limit: Int) {
        self.columns = columns
        self.limit = limit
        chunkLimit = (limit + Self.chunkRows - 1) / Self.chunkRows
        unsafe directory = .allocate(capacity: max(chunkLimit, 1))
        unsafe directory.initialize(repeating: nil, count: max(chunkLimit, 1))
    }

    deinit {
        for chunk in 0..<ready.load(ordering: .acquiring) {
            unsafe directory[chunk]?.deallocate()
        }
        unsafe directory.deallocate()
    }

    /// Allocates until `rows` rows exist. One thread at a time (the caller holds a lock).
    public func ensure(rows: Int) {
        precondition(rows <= limit)
        var have = ready.load(ordering: .relaxed)
        while have * Self.chunkRows < rows {
            let words = Self.chunkRows * columns
            let chunk = UnsafeMutablePointer<Word>.allocate(capacity: words)
            for word in 0..<words { unsafe (chunk + word).initialize(to: Word(0)) }
            unsafe directory[have] = chunk
            have += 1
            ready.store(have, ordering: .releasing)
        }
    }

    @inline(__always)
    private func word(_ row: Int, _ column: Int) -> UnsafeMutablePointer<Word> {
        let chunk = row >> Self.chunkShift
        precondition(
            column < columns && chunk < ready.load(ordering: .acquiring) && row >= 0)
        return unsafe directory[chunk].unsafelyUnwrapped
            + (row & (Self.chunkRows - 1)) * columns + column
    }

    @inline(__always)
    public func load(_ row: Int, _ column: Int) -> Int64 {
        unsafe word(row, column).pointee.load(ordering: .relaxed)
    }

    @inline(__always)
    public func store(_ row: Int, _ column: Int, _ value: Int64) {
        unsafe word(row, column).pointee.store(value, ordering: .relaxed)
    }

    /// Adds to a word that one thread alone writes: a load and a store, no locked instruction.
    @inline(__always)
    public func add(_ row: Int, _ column: Int, _ value: Int64) {
        let place = unsafe word(row, column)
        let sum = unsafe place.pointee.load(ordering: .relaxed) &+ value
        unsafe place.pointee.store(sum, ordering: .relaxed)
    }

    /// Sets bits and returns the word as it was before.
    @inline(__always)
    public func insert(_ row: Int, _ column: Int, bits: Int64) -> Int64 {
        unsafe word(row, column).pointee.bitwiseOr(bits, ordering: .relaxed).oldValue
    }

    /// Stores a value and returns the word as it was before.
    @inline(__always)
    public func exchange(_ row: Int, _ column: Int, _ value: Int64) -> Int64 {
        unsafe word(row, column).pointee.exchange(value, ordering: .acquiringAndReleasing)
    }

    /// Loads such that whatever was written before a `publish` of the value is seen.
    @inline(__always)
    public func observe(_ row: Int, _ column: Int) -> Int64 {
        unsafe word(row, column).pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Stores such that whoever observes the value sees all that was written before it.
    @inline(__always)
    public func publish(_ row: Int, _ column: Int, _ value: Int64) {
        unsafe word(row, column).pointee.store(value, ordering: .sequentiallyConsistent)
    }

    /// Stores `value` only where the word still is `expected`; returns whether it was.
    @inline(__always)
    public func replace(
        _ row: Int, _ column: Int, expected: Int64, with value: Int64
    ) -> Bool {
        unsafe word(row, column).pointee.compareExchange(
            expected: expected, desired: value, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Stores `value` unless the word is already later; returns whether it moved.
    @inline(__always) @discardableResult
    public func advance(_ row: Int, _ column: Int, to value: Int64) -> Bool {
        let place = unsafe word(row, column)
        guard unsafe place.pointee.load(ordering: .relaxed) < value else { return false }
        unsafe place.pointee.store(value, ordering: .relaxed)
        return true
    }
}
