// Owns a table whose size is settled when it is made.
// Called by owners that refill one table for ever, such as the fields of a head.
// Never grows, never shares its memory.

/// `count` elements in one allocation, checked on access.
///
/// An InlineArray in a struct would need no allocation, but Swift 6.3 copies it whole to read one
/// element through a property (measured: 5 KiB copied for each field looked at).
@safe public struct FixedTable<Element: BitwiseCopyable>: ~Copyable {
    private let base: UnsafeMutablePointer<Element>
    public let count: Int

    public init(repeating element: Element, count: Int) {
        precondition(count > 0)
        unsafe base = .allocate(capacity: count)
        unsafe base.initialize(repeating: element, count: count)
        self.count = count
    }

    deinit { unsafe base.deallocate() }

    public subscript(index: Int) -> Element {
        @inline(__always)
        get {
            precondition(index >= 0 && index < count)
            return unsafe base[index]
        }
        @inline(__always)
        set {
            precondition(index >= 0 && index < count)
            unsafe base[index] = newValue
        }
    }

    /// Changes one element in place.
    @inline(__always)
    mutating func update(_ index: Int, _ change: (inout Element) -> Void) {
        precondition(index >= 0 && index < count)
        unsafe change(&base[index])
    }
}
