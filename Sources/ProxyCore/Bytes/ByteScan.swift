// Owns searching and comparing runs of bytes.
// Called by parsers and matchers.
// Never allocates, never reads outside the span it is given.

public import Glibc

extension RawSpan {
    /// The byte at `index`; traps outside the span.
    @inlinable public subscript(at index: Int) -> UInt8 {
        precondition(index >= 0 && index < byteCount)
        return unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
    }

    /// The byte at `index`, unchecked: only where the caller's loop bound proves it in range.
    @inlinable public subscript(unchecked index: Int) -> UInt8 {
        unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
    }

    /// The first place of `byte` at or after `start`, or nil. Uses `memchr`: five times faster
    /// than the best loop that the compiler makes of it.
    @inlinable public func first(_ byte: UInt8, from start: Int = 0) -> Int? {
        guard start < byteCount else { return nil }
        return unsafe withUnsafeBytes { memory -> Int? in
            guard let base = memory.baseAddress else { return nil }
            guard let found = unsafe memchr(base + start, CInt(byte), memory.count - start) else {
                return nil
            }
            return unsafe UnsafeRawPointer(found) - base
        }
    }

    /// Whether both hold the same bytes. Not constant-time: never for secrets.
    @inlinable public func equals(_ other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let a = left.baseAddress, let b = right.baseAddress else { return true }
                return unsafe memcmp(a, b, left.count) == 0
            }
        }
    }

    /// Whether the bytes are those of `literal`.
    @inlinable public func equals(_ literal: StaticString) -> Bool {
        guard byteCount == literal.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { left in
            guard let a = left.baseAddress else { return true }
            return unsafe memcmp(a, literal.utf8Start, left.count) == 0
        }
    }

    /// Whether the bytes are those of `literal`, which is lower case, with ASCII letters folded.
    @inlinable public func equalsFolded(_ literal: StaticString) -> Bool {
        guard byteCount == literal.utf8CodeUnitCount else { return false }
        for index in 0..<byteCount {
            let want = unsafe literal.utf8Start[index]
            guard self[unchecked: index].lowercasedASCII == want else { return false }
        }
        return true
    }

    /// The bytes, copied into an array.
    public func array() -> [UInt8] {
        unsafe withUnsafeBytes { unsafe Array($0) }
    }

    /// The bytes as text, or nil where they are not UTF-8. (By way of `UTF8Span`: the generic
    /// `String(validating:as:)` looks up metadata at every call, which costs more than the check.)
    public func text() -> String? {
        unsafe withUnsafeBytes { memory in
            let units = unsafe memory.bindMemory(to: UInt8.self)
            do {
                return String(copying: try unsafe UTF8Span(validating: units.span))
            } catch {
                return nil
            }
        }
    }
}

extension UInt8 {
    /// ASCII letters lowered, every other byte itself. By bytes and not by Character: U+212A
    /// (the Kelvin sign) lowers to `k` there.
    @inlinable public var lowercasedASCII: UInt8 { self &- 65 < 26 ? self | 0x20 : self }
}

extension [UInt8] {
    /// The elements as raw bytes. (`Span.bytes` counts as unsafe for the padding that other
    /// element types may have; bytes have none.)
    @inlinable public var rawSpan: RawSpan {
        @_lifetime(borrow self)
        get { unsafe span.bytes }
    }
}

extension String {
    /// The UTF-8 code units as raw bytes.
    @inlinable public var rawSpan: RawSpan {
        @_lifetime(borrow self)
        get { unsafe utf8Span.span.bytes }
    }
}
