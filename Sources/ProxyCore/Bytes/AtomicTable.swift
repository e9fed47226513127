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
    static let chunkRows = 1 << AtomicRows.chunkShift

    public let columns: Int
    public let limit: Int
    /// For the passing path. Valid as long as this table lives: keep both together.
    public let rows: AtomicRows
    private let directory: UnsafeMutablePointer<UnsafeMutablePointer<Word>?>
    private let ready: UnsafeMutablePointer<Atomic<Int>>

    /// - Parameters:
    ///   - columns: words a row.
    ///   - limit: the most rows ever.
    public init(columns: Int, limit: Int) {
        self.columns = columns
        self.limit = limit
        let chunks = max((limit + Self.chunkRows - 1) / Self.chunkRows, 1)
        unsafe directory = .allocate(capacity: chunks)
        unsafe directory.initialize(repeating: nil, count: chunks)
        unsafe ready = .allocate(capacity: 1)
        unsafe ready.initialize(to: Atomic(0))
        unsafe rows = AtomicRows(columns: columns, directory: directory, ready: ready)
    }

    deinit {
        for chunk in 0..<(unsafe ready.pointee.load(ordering: .acquiring)) {
            unsafe directory[chunk]?.deallocate()
        }
        unsafe directory.deallocate()
        unsafe ready.deallocate()
    }

    /// Allocates until `rows` rows exist. One thread at a time (the caller holds a lock).
    public func ensure(rows: Int) {
        precondition(rows <= limit)
        var have = unsafe ready.pointee.load(ordering: .relaxed)
        while have * Self.chunkRows < rows {
            let words = Self.chunkRows * columns
            let chunk = UnsafeMutablePointer<Word>.allocate(capacity: words)
            for word in 0..<words { unsafe (chunk + word).initialize(to: Word(0)) }
            unsafe directory[have] = chunk
            have += 1
            unsafe ready.pointee.store(have, ordering: .releasing)
        }
    }
}

/// The rows of an `AtomicTable`, as plain pointers: to copy and use it counts no reference, which
/// the passing path cannot afford. Whoever keeps it keeps the table.
@safe public struct AtomicRows: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline static var chunkShift: Int { 12 }
    @usableFromInline let columns: Int
    @usableFromInline let directory: UnsafeMutablePointer<UnsafeMutablePointer<AtomicTable.Word>?>
    @usableFromInline let ready: UnsafeMutablePointer<Atomic<Int>>

    init(
        columns: Int, directory: UnsafeMutablePointer<UnsafeMutablePointer<AtomicTable.Word>?>,
        ready: UnsafeMutablePointer<Atomic<Int>>
    ) {
        self.columns = columns
        unsafe self.directory = directory
        unsafe self.ready = ready
    }

    @inlinable @inline(__always)
    func word(_ row: Int, _ column: Int) -> UnsafeMutablePointer<AtomicTable.Word> {
        let chunk = row >> Self.chunkShift
        precondition(
            column < columns && chunk < (unsafe ready.pointee.load(ordering: .acquiring))
                && row >= 0)
        return unsafe directory[chunk].unsafelyUnwrapped
            + (row & ((1 << Self.chunkShift) - 1)) * columns + column
    }

    @inlinable @inline(__always)
    public func load(_ row: Int, _ column: Int) -> Int64 {
        unsafe word(row, column).pointee.load(ordering: .relaxed)
    }

    @inlinable @inline(__always)
    public func store(_ row: Int, _ column: Int, _ value: Int64) {
        unsafe word(row, column).pointee.store(value, ordering: .relaxed)
    }

    /// Adds to a word that one thread alone writes: a load and a store, no locked instruction.
    @inlinable @inline(__always)
    public func add(_ row: Int, _ column: Int, _ value: Int64) {
        let place = unsafe word(row, column)
        let sum = unsafe place.pointee.load(ordering: .relaxed) &+ value
        unsafe place.pointee.store(sum, ordering: .relaxed)
    }

    /// Adds one to a word that any thread may write: whoever observes the sum sees all that was
    /// written before.
    @inlinable @inline(__always)
    public func increment(_ row: Int, _ column: Int) {
        unsafe word(row, column).pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
    }

    /// Sets bits and returns the word as it was before.
    @inlinable @inline(__always)
    public func insert(_ row: Int, _ column: Int, bits: Int64) -> Int64 {
        unsafe word(row, column).pointee.bitwiseOr(bits, ordering: .relaxed).oldValue
    }

    /// Stores a value and returns the word as it was before.
    @inlinable @inline(__always)
    public func exchange(_ row: Int, _ column: Int, _ value: Int64) -> Int64 {
        unsafe word(row, column).pointee.exchange(value, ordering: .acquiringAndReleasing)
    }

    /// Loads such that whatever was written before a `publish` of the value is seen.
    @inlinable @inline(__always)
    public func observe(_ row: Int, _ column: Int) -> Int64 {
        unsafe word(row, column).pointee.load(ordering: .sequentiallyConsistent)
    }

    /// Stores such that whoever observes the value sees all that was written before it.
    @inlinable @inline(__always)
    public func publish(_ row: Int, _ column: Int, _ value: Int64) {
        unsafe word(row, column).pointee.store(value, ordering: .sequentiallyConsistent)
    }

    /// Stores `value` only where the word still is `expected`; returns whether it was.
    @inlinable @inline(__always)
    public func replace(
        _ row: Int, _ column: Int, expected: Int64, with value: Int64
    ) -> Bool {
        unsafe word(row, column).pointee.compareExchange(
            expected: expected, desired: value, ordering: .sequentiallyConsistent
        ).exchanged
    }

    /// Stores `value` unless the word is already later; returns whether it moved.
    @inlinable @inline(__always) @discardableResult
    public func advance(_ row: Int, _ column: Int, to value: Int64) -> Bool {
        let place = unsafe word(row, column)
        guard unsafe place.pointee.load(ordering: .relaxed) < value else { return false }
        unsafe place.pointee.store(value, ordering: .relaxed)
        return true
    }
}
