// Owns the fields of one head, in order, in place.
// Called by the head parsers (which fill it), writers and applications (which read it).
// Never allocates after it is made: a table is refilled, and only its counters are reset.

/// One field line.
public struct Field: Sendable, BitwiseCopyable {
    public var name: HeadRange
    /// Without the white space around it.
    public var value: HeadRange
    public var known: KnownField
    /// Not sent on: hop-by-hop, nominated by Connection, or a name that servers confuse with
    /// another (`_`, `.`).
    public var dropped: Bool

    @inlinable init(name: HeadRange, value: HeadRange, known: KnownField, dropped: Bool) {
        self.name = name
        self.value = value
        self.known = known
        self.dropped = dropped
    }
}

/// Up to `Limits.maximumFields` fields.
public struct FieldTable: ~Copyable {
    public private(set) var count: Int
    /// Known fields seen, one bit each.
    private var present: UInt64
    /// Known fields seen more than once.
    private var repeated: UInt64
    /// Where the first of each known field stands; meaningful only where `present` says so.
    private var places: FixedTable<UInt8>
    private var slots: FixedTable<Field>

    public init() {
        count = 0
        present = 0
        repeated = 0
        places = FixedTable(repeating: 0, count: 64)
        slots = FixedTable(
            repeating: Field(name: .empty, value: .empty, known: .other, dropped: false),
            count: Limits.maximumFields)
    }

    public subscript(index: Int) -> Field { slots[index] }

    /// The first field of this name. A dropped one is returned too.
    @inline(__always)
    public func first(_ known: KnownField) -> Field? {
        guard present & known.bit != 0 else { return nil }
        return slots[Int(places[Int(known.rawValue)])]
    }

    @inline(__always)
    public func has(_ known: KnownField) -> Bool { present & known.bit != 0 }

    /// Field lines of this name.
    public func count(of known: KnownField) -> Int {
        guard present & known.bit != 0 else { return 0 }
        guard repeated & known.bit != 0 else { return 1 }
        var found = 0
        for index in 0..<count where slots[index].known == known { found += 1 }
        return found
    }

    /// The value of the first field of that name that is sent on (so that nobody is identified
    /// by a field that the upstream does not see).
    /// - Parameter name: in lower case.
    @_lifetime(copy bytes)
    public func value(_ name: StaticString, in bytes: RawSpan) -> RawSpan? {
        for index in 0..<count {
            let field = slots[index]
            if !field.dropped, bytes[field.name].equalsFolded(name) { return bytes[field.value] }
        }
        return nil
    }

    /// The value of the first field of that kind that is sent on.
    @_lifetime(copy bytes)
    public func value(_ known: KnownField, in bytes: RawSpan) -> RawSpan? {
        guard present & known.bit != 0 else { return nil }
        for index in Int(places[Int(known.rawValue)])..<count {
            let field = slots[index]
            if field.known == known, !field.dropped { return bytes[field.value] }
        }
        return nil
    }

    // MARK: Filling

    @inline(__always)
    mutating func reset() {
        count = 0
        present = 0
        repeated = 0
    }

    /// The caller has checked that there is room.
    @inline(__always)
    mutating func append(_ field: Field) {
        slots[count] = field
        let bit = field.known.bit
        if present & bit == 0 {
            present |= bit
            places[Int(field.known.rawValue)] = UInt8(truncatingIfNeeded: count)
        } else {
            repeated |= bit
        }
        count += 1
    }

    @inline(__always)
    mutating func drop(_ index: Int) { slots.update(index) { $0.dropped = true } }

    @inline(__always)
    func isRepeated(_ known: KnownField) -> Bool { repeated & known.bit != 0 }

    /// Whether any of these kinds is present.
    @inline(__always)
    func hasAny(_ set: UInt64) -> Bool { present & set != 0 }
}
