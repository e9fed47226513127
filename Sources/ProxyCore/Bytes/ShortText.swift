// Owns a short run of bytes kept in place, without memory of its own.
// Called for request labels and handshake keys that outlive the buffer they came in.
// Never grows: what does not fit is cut.

/// Up to 48 bytes.
public struct ShortText: Sendable, BitwiseCopyable {
    public static let capacity = 48
    @usableFromInline var storage = InlineArray<48, UInt8>(repeating: 0)
    @usableFromInline var length: UInt8 = 0

    @inlinable public init() {}

    /// The first bytes of the parts, one behind the other.
    @inlinable public init(_ first: RawSpan, _ second: RawSpan) {
        let head = min(first.byteCount, Self.capacity)
        let tail = min(second.byteCount, Self.capacity - head)
        var span = storage.mutableSpan
        unsafe span.withUnsafeMutableBytes { target in
            unsafe first.withUnsafeBytes { source in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<head]))
            }
            unsafe second.withUnsafeBytes { source in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[head...])
                unsafe rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<tail]))
            }
        }
        length = UInt8(head + tail)
    }

    @inlinable public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { unsafe storage.span.bytes.extracting(first: Int(length)) }
    }

    @inlinable public var isEmpty: Bool { length == 0 }
}
