// Owns one growable run of bytes with a read and a write end.
// Called by whatever collects bytes: loops (scratch input, output), writers of heads and JSON.
// Never shares its memory, never interprets what it holds.

import Glibc

/// A growable byte queue: append at the end, consume at the front.
///
/// Owned uniquely (`~Copyable`), so that no reference is counted on the path of a request. The
/// memory is kept on `removeAll()`; `shrink(to:)` gives a large one back.
@safe public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var room: Int
    @usableFromInline var head: Int
    @usableFromInline var tail: Int

    /// - Parameter capacity: bytes allocated at once; 0 allocates at the first append.
    public init(capacity: Int = 0) {
        unsafe base = capacity > 0 ? .allocate(byteCount: capacity, alignment: 16) : nil
        room = max(capacity, 0)
        head = 0
        tail = 0
    }

    deinit { unsafe base?.deallocate() }

    /// The bytes appended and not yet consumed.
    @inlinable public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let readable = unsafe UnsafeRawBufferPointer(
                start: base.map { unsafe UnsafeRawPointer($0 + head) }, count: tail - head)
            return unsafe _overrideLifetime(
                RawSpan(_unsafeBytes: readable), borrowing: self)
        }
    }

    @inlinable public var count: Int { tail - head }
    @inlinable public var isEmpty: Bool { tail == head }
    @inlinable public var capacity: Int { room }

    /// Forgets the first `count` bytes.
    @inlinable public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= tail - head)
        head += count
        if head == tail {
            head = 0
            tail = 0
        }
    }

    /// Forgets every byte and keeps the memory.
    @inlinable public mutating func removeAll() {
        head = 0
        tail = 0
    }

    /// Cuts the buffer back to its first `count` bytes.
    @inlinable public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= tail - head)
        tail = head + count
    }

    /// Gives the memory back where more than `limit` bytes are held and nothing is stored.
    public mutating func shrink(to limit: Int) {
        guard room > limit, isEmpty else { return }
        unsafe base?.deallocate()
        unsafe base = nil
        room = 0
        removeAll()
    }

    /// Makes room for `count` further bytes, by sliding what is held or by growing.
    @inlinable public mutating func reserve(_ count: Int) {
        if room - tail < count { makeRoom(count) }
    }

    @usableFromInline mutating func makeRoom(_ count: Int) {
        let held = tail - head
        if room - held >= count, head >= held {
            if held > 0, let base = unsafe base {
                unsafe base.copyMemory(from: base + head, byteCount: held)
            }
        } else {
            let wanted = max(held + count, room * 2, 256)
            let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
            if let base = unsafe base {
                unsafe grown.copyMemory(from: base + head, byteCount: held)
                unsafe base.deallocate()
            }
            unsafe base = grown
            room = wanted
        }
        head = 0
        tail = held
    }

    @inlinable public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.unsafelyUnwrapped.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail += 1
    }

    @inlinable public mutating func append(_ bytes: RawSpan) {
        let count = bytes.byteCount
        guard count > 0 else { return }
        reserve(count)
        unsafe bytes.withUnsafeBytes { source in
            unsafe (base.unsafelyUnwrapped + tail).copyMemory(
                from: source.baseAddress.unsafelyUnwrapped, byteCount: count)
        }
        tail += count
    }

    /// What another buffer holds from `offset` on. (A span of one class's buffer cannot be handed
    /// to another buffer's mutation; the buffers themselves can.)
    public mutating func append(_ other: borrowing ByteBuffer, from offset: Int = 0) {
        append(other.bytes.extracting(offset..<other.count))
    }

    /// A part of what another buffer holds.
    public mutating func append(_ other: borrowing ByteBuffer, _ part: Range<Int>) {
        append(other.bytes.extracting(part))
    }

    /// A literal, copied without making a String; inlined, so that its length is a constant and
    /// the copy a few moves.
    @inlinable @inline(__always) public mutating func append(_ literal: StaticString) {
        let count = literal.utf8CodeUnitCount
        guard count > 0 else { return }
        reserve(count)
        unsafe (base.unsafelyUnwrapped + tail).copyMemory(
            from: literal.utf8Start, byteCount: count)
        tail += count
    }

    public mutating func append(_ array: [UInt8]) {
        append(array.rawSpan)
    }

    /// Disfavoured, so that a literal is a StaticString and no String is made of it.
    @_disfavoredOverload
    public mutating func append(_ text: String) {
        append(text.rawSpan)
    }

    /// A whole number in decimal ASCII, without leading zeros.
    public mutating func append(decimal value: UInt64) {
        if value < 10 { return append(UInt8(truncatingIfNeeded: 48 + value)) }
        reserve(20)
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = value
        let memory = unsafe base.unsafelyUnwrapped
        for place in stride(from: tail + digits - 1, through: tail, by: -1) {
            unsafe memory.storeBytes(
                of: UInt8(truncatingIfNeeded: 48 + rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
        tail += digits
    }

    /// A chunk size: lower-case hexadecimal without leading zeros (RFC 9112 §7.1).
    public mutating func append(hexadecimal value: UInt64) {
        let digits = max(1, (64 - value.leadingZeroBitCount + 3) / 4)
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let nibble = UInt8(truncatingIfNeeded: (value >> UInt64(place * 4)) & 15)
            append(nibble < 10 ? 48 + nibble : 87 + nibble)
        }
    }

    /// Lets `fill` write into at least `count` free bytes; it returns how many it wrote.
    @inlinable public mutating func write<E: Error>(
        atMost count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) -> Int {
        reserve(count)
        let space = unsafe UnsafeMutableRawBufferPointer(
            start: base.unsafelyUnwrapped + tail, count: count)
        let written = try unsafe fill(space)
        precondition(written >= 0 && written <= count)
        tail += written
        return written
    }

    /// The bytes held, copied into an array.
    public func array() -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
