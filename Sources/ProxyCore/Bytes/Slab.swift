// Owns a table of elements that are addressed by a slot number and reused through a free list.
// Called by loops for connections, exchanges and buffers.
// Never moves a live element; never grows beyond its stated bound.

/// A bounded table of slots in one run of memory, elements of which may be noncopyable.
///
/// A slot number stays valid from `insert` to `remove`. Chunks are allocated as they are needed
/// and never move, so that a large bound costs nothing until it is used.
@safe public final class Slab<Element: ~Copyable> {
    @usableFromInline static var chunkShift: Int { 8 }
    @usableFromInline static var chunkSize: Int { 256 }

    @usableFromInline var chunks: [UnsafeMutablePointer<Element>] = unsafe []
    @usableFromInline var live: [Bool] = []
    @usableFromInline var free: [Int32] = []
    public let limit: Int
    public private(set) var count = 0

    /// - Parameter limit: the most elements held at once; `insert` refuses beyond it.
    public init(limit: Int) {
        self.limit = limit
    }

    deinit {
        for slot in live.indices where live[slot] {
            unsafe pointer(Int32(slot)).deinitialize(count: 1)
        }
        while let chunk = unsafe chunks.popLast() { unsafe chunk.deallocate() }
    }

    @inlinable @inline(__always)
    func pointer(_ slot: Int32) -> UnsafeMutablePointer<Element> {
        let index = Int(slot)
        return unsafe chunks[index >> Self.chunkShift] + (index & (Self.chunkSize - 1))
    }

    /// The element in `slot`, in place. Traps where the slot is empty.
    @inlinable public subscript(slot: Int32) -> Element {
        @inline(__always)
        unsafeAddress {
            precondition(live[Int(slot)])
            return unsafe UnsafePointer(pointer(slot))
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(live[Int(slot)])
            return unsafe pointer(slot)
        }
    }

    /// Whether `slot` holds an element now.
    @inlinable public func contains(_ slot: Int32) -> Bool {
        slot >= 0 && Int(slot) < live.count && live[Int(slot)]
    }

    /// Stores the element and returns its slot, or nil at the bound (the element is dropped).
    public func insert(_ element: consuming Element) -> Int32? {
        if free.isEmpty {
            guard live.count < limit else { return nil }
            let start = live.count
            let size = min(Self.chunkSize, limit - start)
            unsafe chunks.append(.allocate(capacity: Self.chunkSize))
            live.append(contentsOf: repeatElement(false, count: size))
            for slot in stride(from: start + size - 1, through: start, by: -1) {
                free.append(Int32(slot))
            }
        }
        guard let slot = free.popLast() else { return nil }
        unsafe pointer(slot).initialize(to: element)
        live[Int(slot)] = true
        count += 1
        return slot
    }

    /// Takes the element out; the slot is free from now on.
    @discardableResult
    public func remove(_ slot: Int32) -> Element {
        precondition(live[Int(slot)])
        live[Int(slot)] = false
        count -= 1
        free.append(slot)
        return unsafe pointer(slot).move()
    }

    /// The slots that hold an element now, for a walk over all of them (drain, close).
    public var slots: [Int32] {
        live.indices.filter { live[$0] }.map { Int32($0) }
    }
}
