// Owns reading field lines, and the rule of when an incomplete head is worth reading again.
// Called by RequestHead and ResponseHead.
// Never judges what a field means: that is settled when the blank line has been seen.

/// Why reading stopped before the end of a head. Thrown by value: no allocation.
enum HeadStop: Error {
    case partial
    case refused(Refusal)

    @inline(never)
    static func malformed(_ reason: RefusalReason) -> HeadStop { .refused(Refusal(reason)) }
}

/// The steps that requests and responses share.
enum HeadParser {
    /// Whether bytes from `scanned` on can change a `.partial`: a line ended, a byte that no head
    /// holds, or a limit was passed. Thus a head that drips in is read once a line and not once a
    /// byte.
    static func isWorthReading(
        _ bytes: RawSpan, from scanned: Int, limits: HeadLimits
    ) -> Bool {
        let count = bytes.byteCount
        guard scanned > 0, scanned <= count else { return true }
        if count > limits.headerBytes { return true }
        // Up to two CRLFs may stand before the line.
        if count > limits.requestLine, scanned <= limits.requestLine + 4 { return true }
        if bytes[at: scanned - 1] == .carriageReturn, scanned < count { return true }
        var at = scanned
        while at < count {
            at = bytes.firstControl(from: at, before: count)
            guard at < count else { return false }
            let byte = bytes[unchecked: at]
            if byte == .carriageReturn, at + 1 == count { return false }
            if byte != .tab { return true }
            at += 1
        }
        return false
    }

    /// Reads field lines from `start` to the blank line.
    /// - Returns: the offset behind the blank line.
    @inline(__always)
    static func fields(
        _ bytes: RawSpan, from start: Int, limits: HeadLimits, hopByHop: UInt64,
        dropsConfusable: Bool, into table: inout FieldTable
    ) throws(HeadStop) -> Int {
        let end = min(bytes.byteCount, limits.headerBytes)
        let room = min(limits.headerCount, Limits.maximumFields)
        var at = start
        while true {
            guard at < end else { throw exhausted(bytes, limits) }
            let nameStart = at
            let first = bytes[unchecked: at]
            if first == .carriageReturn { return try blankLine(bytes, at, end, limits) }

            let colon = bytes.firstNear(.colon, from: at, before: end)
            guard colon < end, colon > at else {
                throw nameFault(bytes, at, end, limits, isFirst: table.count == 0)
            }
            let known = KnownField(bytes, nameStart, colon)
            var dropped = hopByHop & known.bit != 0
            if known == .other {
                switch nameClass(bytes, nameStart, colon) {
                case .plain: break
                case .confusable: dropped = dropsConfusable
                case .malformed:
                    throw nameFault(bytes, at, end, limits, isFirst: table.count == 0)
                }
            }

            at = colon &+ 1
            while at < end, bytes[unchecked: at].isBlank { at &+= 1 }
            let valueStart = at
            at = bytes.firstControl(from: at, before: end)
            while at < end, bytes[unchecked: at] == .tab {
                at = bytes.firstControl(from: at + 1, before: end)
            }
            guard at &+ 1 < end, bytes[unchecked: at] == .carriageReturn,
                bytes[unchecked: at &+ 1] == .lineFeed
            else { throw valueFault(bytes, at, end, limits) }
            var valueEnd = at
            while valueEnd > valueStart, bytes[unchecked: valueEnd &- 1].isBlank { valueEnd &-= 1 }

            guard table.count < room else {
                throw HeadStop.refused(Refusal(status: 431, reason: .tooManyFields))
            }
            table.append(
                Field(
                    name: HeadRange(nameStart, colon), value: HeadRange(valueStart, valueEnd),
                    known: known, dropped: dropped))
            at &+= 2
        }
    }

    // MARK: Off the straight path

    private enum NameClass { case plain, confusable, malformed }

    @inline(__always)
    private static func nameClass(_ bytes: RawSpan, _ start: Int, _ end: Int) -> NameClass {
        var all = ByteClass.token.rawValue | ByteClass.plainToken.rawValue
        for index in start..<end { all &= ByteClass.bits(of: bytes[unchecked: index]) }
        if all & ByteClass.plainToken.rawValue != 0 { return .plain }
        return all & ByteClass.token.rawValue != 0 ? .confusable : .malformed
    }

    @inline(__always)
    private static func blankLine(
        _ bytes: RawSpan, _ at: Int, _ end: Int, _ limits: HeadLimits
    ) throws(HeadStop) -> Int {
        guard at + 1 < end else { throw exhausted(bytes, limits) }
        guard bytes[unchecked: at + 1] == .lineFeed else { throw .malformed(.lineEnding) }
        return at + 2
    }

    /// The input ended, or as much of it as a head may have.
    @inline(never)
    private static func exhausted(_ bytes: RawSpan, _ limits: HeadLimits) -> HeadStop {
        guard bytes.byteCount > limits.headerBytes else { return .partial }
        return .refused(Refusal(status: 431, reason: .headTooLarge))
    }

    /// What is wrong with the name that begins at `start`.
    @inline(never)
    private static func nameFault(
        _ bytes: RawSpan, _ start: Int, _ end: Int, _ limits: HeadLimits, isFirst: Bool
    ) -> HeadStop {
        var at = start
        while at < end, bytes[at: at].isOf(.token) { at += 1 }
        guard at < end else { return exhausted(bytes, limits) }
        let byte = bytes[at: at]
        if byte.isBlank {
            if at == start { return .malformed(isFirst ? .leadingSpace : .foldedLine) }
            return .malformed(.nameSpace)
        }
        switch byte {
        case .colon: return .malformed(.nameEmpty)
        case .lineFeed: return .malformed(.lineEnding)
        case .carriageReturn:
            guard at + 1 < end else { return exhausted(bytes, limits) }
            return .malformed(bytes[at: at + 1] == .lineFeed ? .missingColon : .lineEnding)
        default: return .malformed(.nameCharacter)
        }
    }

    /// What is wrong with the value in which the byte at `at` is the first that cannot stand.
    @inline(never)
    private static func valueFault(
        _ bytes: RawSpan, _ at: Int, _ end: Int, _ limits: HeadLimits
    ) -> HeadStop {
        guard at < end else { return exhausted(bytes, limits) }
        switch bytes[at: at] {
        case .carriageReturn where at + 1 == end: return exhausted(bytes, limits)
        case .carriageReturn, .lineFeed: return .malformed(.lineEnding)
        default: return .malformed(.valueCharacter)
        }
    }
}
