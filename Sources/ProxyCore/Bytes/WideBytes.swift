// Owns reading, masking and scanning of bytes eight at a time.
// Called by the WebSocket frames and by the cache of verdicts.
// Never reads outside the span it is given.

extension RawSpan {
    /// The eight bytes at `offset` as a word in memory order; traps outside the span.
    @inlinable public func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= byteCount - 8)
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }

    /// The first place at or after `start` that holds a byte above 127, or the end of the span.
    public func firstBeyondASCII(from start: Int) -> Int {
        precondition(start >= 0)
        var place = start
        while place <= byteCount - 32 {
            let four = unsafe unsafeLoadUnaligned(
                fromUncheckedByteOffset: place, as: SIMD4<UInt64>.self)
            let joined = four[0] | four[1] | four[2] | four[3]
            guard joined & 0x8080_8080_8080_8080 == 0 else { break }
            place += 32
        }
        while place < byteCount, self[unchecked: place] < 0x80 { place += 1 }
        return place
    }
}

extension ByteBuffer {
    /// Appends the three low bytes of `word`, the high one first.
    @inlinable public mutating func append(triple word: UInt32) {
        // Four are written and three are kept: one store instead of three.
        reserve(4)
        unsafe base.unsafelyUnwrapped.storeBytes(
            of: (word << 8).bigEndian, toByteOffset: tail, as: UInt32.self)
        tail += 3
    }

    /// Appends the eight bytes of `word`, the low one first.
    @inlinable public mutating func append(word: UInt64) {
        reserve(8)
        unsafe base.unsafelyUnwrapped.storeBytes(
            of: word.littleEndian, toByteOffset: tail, as: UInt64.self)
        tail += 8
    }

    /// Appends `bytes`, each XORed with its byte of a four-byte key (RFC 6455 §5.3).
    ///
    /// - Parameter key: the key in memory order, already turned so that its first byte meets the
    ///   first of `bytes`.
    public mutating func append(_ bytes: RawSpan, masked key: UInt32) {
        let count = bytes.byteCount
        guard count > 0 else { return }
        _ = unsafe write(atMost: count) { target in
            let wide = SIMD8<UInt32>(repeating: key)
            var place = 0
            while place <= count - 32 {
                let block = unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: place, as: SIMD8<UInt32>.self)
                unsafe target.storeBytes(
                    of: block ^ wide, toByteOffset: place, as: SIMD8<UInt32>.self)
                place += 32
            }
            // 32 is a multiple of the key's length: the tail starts at the key's first byte.
            while place < count {
                let part = UInt8(truncatingIfNeeded: key.littleEndian >> UInt32((place & 3) * 8))
                unsafe target.storeBytes(
                    of: bytes[unchecked: place] ^ part, toByteOffset: place, as: UInt8.self)
                place += 1
            }
            return count
        }
    }
}
