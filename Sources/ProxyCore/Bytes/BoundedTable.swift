// Owns one run of elements that is allocated once and filled up to its bound.
// Called by loop-owned tables on the path of a request.
// Never moves an element, never counts a reference.

/// A uniquely owned table of at most `limit` elements, which may be noncopyable.
///
/// An array inside a class costs a retain and a uniqueness check on the path of a request; this
/// costs a bounds check. Memory of elements not yet appended is reserved and not touched.
@safe public struct BoundedTable<Element: ~Copyable>: ~Copyable {
    @usableFromInline let base: UnsafeMutablePointer<Element>
    public let limit: Int
    public private(set) var count = 0

    /// - Parameter limit: the most elements ever held.
    public init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
        unsafe base = .allocate(capacity: limit)
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    /// Adds one element behind the last; traps at the bound.
    /// - Returns: its index.
    @discardableResult
    public mutating func append(_ element: consuming Element) -> Int {
        precondition(count < limit)
        unsafe (base + count).initialize(to: element)
        count += 1
        return count - 1
    }

    /// The element at `index`, in place.
    @inlinable public subscript(index: Int) -> Element {
        @inline(__always)
        unsafeAddress {
            precondition(index >= 0 && index < count)
            return unsafe UnsafePointer(base + index)
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(index >= 0 && index < count)
            return unsafe base + index
        }
    }
}
