// Owns stepping over JSON values: whether the bytes are JSON, and where each value ends.
// Called by surveys of documents that pass through.
// Never decodes or keeps a value, never recurses.

/// Steps over JSON texts as of RFC 8259, at the speed of wide loads.
///
/// Stricter than the grammar only in wanting UTF-8. What it leaves to readers, since it changes
/// nothing of it: duplicate names, surrogate escapes without their other half, numbers that no
/// type can hold. Each function takes where something begins and gives the offset behind it; nil:
/// that is no JSON, or is nested too deep.
struct JSONSkim: ~Escapable {
    let bytes: RawSpan
    private let end: Int
    /// An escape was passed since this was last set to false.
    var passedEscape = false

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
        end = bytes.byteCount
    }

    /// The byte at `place`; NUL, which is nowhere JSON, behind the end.
    @inline(__always)
    func byte(_ place: Int) -> UInt8 { place < end ? bytes[unchecked: place] : 0 }

    /// The first place at or after `start` without white space.
    @inline(__always)
    func behindBlank(_ start: Int) -> Int {
        var at = start
        while at < end {
            switch bytes[unchecked: at] {
            case JSONByte.space, JSONByte.lineFeed, JSONByte.carriageReturn, JSONByte.tab: at &+= 1
            default: return at
            }
        }
        return at
    }

    /// A string, from behind its opening quote.
    @inline(__always)
    mutating func behindString(_ start: Int) -> Int? {
        var high: UInt8 = 0
        var at = bytes.firstTextEnd(from: start, before: end, high: &high)
        if byte(at) == JSONByte.backslash {
            guard let last = behindEscapes(at, &high) else { return nil }
            at = last
        }
        guard byte(at) == JSONByte.quote else { return nil }
        if high >= 0x80, !bytes.extracting(start..<at).isUTF8 { return nil }
        return at &+ 1
    }

    /// From the first escape of a string to its closing quote.
    @inline(never)
    private mutating func behindEscapes(_ start: Int, _ high: inout UInt8) -> Int? {
        passedEscape = true
        var at = start
        while byte(at) == JSONByte.backslash {
            switch byte(at &+ 1) {
            case JSONByte.quote, JSONByte.backslash, JSONByte.slash, 0x62, 0x66, 0x6E, 0x72, 0x74:
                at &+= 2
            case 0x75:
                for index in at &+ 2..<at &+ 6 where JSONByte.hexadecimal(byte(index)) == nil {
                    return nil
                }
                at &+= 6
            default: return nil
            }
            at = bytes.firstTextEnd(from: at, before: end, high: &high)
        }
        return at
    }

    /// A number: its form alone (RFC 8259 §6).
    @inline(__always)
    func behindNumber(_ start: Int) -> Int? {
        var at = start
        if byte(at) == JSONByte.minus { at &+= 1 }
        let whole = at
        at = behindDigits(at)
        guard at > whole, at == whole &+ 1 || byte(whole) != JSONByte.zero else { return nil }
        let next = byte(at)
        if next == JSONByte.point || next | 0x20 == 0x65 { return behindFraction(at) }
        return at
    }

    @inline(never)
    private func behindFraction(_ start: Int) -> Int? {
        var at = start
        if byte(at) == JSONByte.point {
            at = behindDigits(start &+ 1)
            guard at > start &+ 1 else { return nil }
        }
        guard byte(at) | 0x20 == 0x65 else { return at }
        at &+= 1
        if byte(at) == JSONByte.plus || byte(at) == JSONByte.minus { at &+= 1 }
        let exponent = at
        at = behindDigits(at)
        return at > exponent ? at : nil
    }

    @inline(__always)
    private func behindDigits(_ start: Int) -> Int {
        var at = start
        while JSONByte.isDigit(byte(at)) { at &+= 1 }
        return at
    }

    @inline(__always)
    private func behind(_ word: StaticString, _ start: Int) -> Int? {
        let count = word.utf8CodeUnitCount
        guard start &+ count <= end else { return nil }
        for index in 0..<count
        where bytes[unchecked: start &+ index] != word.bytes[unchecked: index] {
            return nil
        }
        return start &+ count
    }

    /// A value that is neither object nor array.
    @inline(__always)
    mutating func behindScalar(_ start: Int) -> Int? {
        switch byte(start) {
        case JSONByte.quote: behindString(start &+ 1)
        case JSONByte.minus, 0x30...0x39: behindNumber(start)
        case 0x74: behind("true", start)
        case 0x66: behind("false", start)
        case 0x6E: behind("null", start)
        default: nil
        }
    }

    /// A name and its colon: gives where its value begins.
    @inline(__always)
    mutating func valueBehindName(_ start: Int) -> Int? {
        guard byte(start) == JSONByte.quote, let name = behindString(start &+ 1) else { return nil }
        return valueBehindColon(name)
    }

    /// From behind a name.
    @inline(__always)
    func valueBehindColon(_ start: Int) -> Int? {
        let colon = behindBlank(start)
        guard byte(colon) == JSONByte.colon else { return nil }
        return behindBlank(colon &+ 1)
    }

    /// Any value.
    /// - Parameter depth: containers around it.
    @inline(__always)
    mutating func behindValue(_ start: Int, depth: Int) -> Int? {
        switch byte(start) {
        case JSONByte.leftBrace, JSONByte.leftBracket: behindContainer(start, depth: depth)
        default: behindScalar(start)
        }
    }

    /// An object or an array, with whatever it holds.
    @inline(never)
    private mutating func behindContainer(_ start: Int, depth: Int) -> Int? {
        var open = OpenContainers(depth: depth)
        var at = start
        while true {
            let first = byte(at)
            if first == JSONByte.leftBrace || first == JSONByte.leftBracket {
                let isObject = first == JSONByte.leftBrace
                guard open.enter(isObject: isObject) else { return nil }
                at = behindBlank(at &+ 1)
                if byte(at) != open.close {
                    if !isObject { continue }
                    guard let value = valueBehindName(at) else { return nil }
                    at = value
                    continue
                }
                open.leave()
                at &+= 1
            } else {
                guard let behind = behindScalar(at) else { return nil }
                at = behind
            }
            // A value is complete: what closes behind it is complete too.
            while !open.isEmpty {
                at = behindBlank(at)
                let byte = byte(at)
                at &+= 1
                if byte == JSONByte.comma { break }
                guard byte == open.close else { return nil }
                open.leave()
            }
            if open.isEmpty { return at }
            at = behindBlank(at)
            if open.isObject {
                guard let value = valueBehindName(at) else { return nil }
                at = value
            }
        }
    }
}

/// What is open around a place: a bit a level.
private struct OpenContainers {
    private var objects = InlineArray<8, UInt64>(repeating: 0)
    private let outside: Int
    private var count = 0
    /// Of the innermost.
    private(set) var isObject = false

    /// - Parameter depth: levels around all of it.
    init(depth: Int) { outside = depth }

    var isEmpty: Bool { count == 0 }

    /// What closes the innermost.
    var close: UInt8 { isObject ? JSONByte.rightBrace : JSONByte.rightBracket }

    /// False: that is too deep.
    @inline(__always)
    mutating func enter(isObject: Bool) -> Bool {
        guard outside &+ count < Limits.jsonSkimDepth else { return false }
        let bit: UInt64 = 1 << UInt64(count & 63)
        let word = count >> 6
        objects[word] = isObject ? objects[word] | bit : objects[word] & ~bit
        count &+= 1
        self.isObject = isObject
        return true
    }

    @inline(__always)
    mutating func leave() {
        count &-= 1
        guard count > 0 else { return }
        let above = count &- 1
        isObject = objects[above >> 6] >> UInt64(above & 63) & 1 == 1
    }
}
