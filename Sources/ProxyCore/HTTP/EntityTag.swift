// Owns entity tags: the text in one, one with a mark, and whether If-None-Match names it.
// Called by the head writer, and for responses that are changed on their way.
// Never compares strongly: whatever is compared here was changed, and is weak.

/// Entity tags (RFC 9110 §8.8.3): `"opaque"`, or `W/"opaque"` for a weak one.
enum EntityTag {
    /// The text between the quotes; nil: that is no tag.
    static func opaque(_ tag: RawSpan) -> Range<Int>? {
        let start = isWeak(tag) ? 3 : 1
        let end = tag.byteCount - 1
        guard start <= end, tag[at: start - 1] == quote, tag.first(quote, from: start) == end
        else { return nil }
        return start..<end
    }

    /// The mark is a capital letter.
    static func isWeak(_ tag: RawSpan) -> Bool {
        tag.byteCount > 1 && tag[at: 0] == UInt8(ascii: "W") && tag[at: 1] == UInt8(ascii: "/")
    }

    /// The text of a tag with a number behind it, as it stands between the quotes.
    /// - Returns: false: that is no tag.
    static func append(_ tag: RawSpan, mark: UInt64, to out: inout ByteBuffer) -> Bool {
        guard let opaque = opaque(tag) else { return false }
        out.append(tag.extracting(opaque))
        out.append("-")
        out.append(hexadecimal: mark)
        return true
    }

    /// Whether a list of tags names this one by the weak comparison (§8.8.3.2), or is `*`.
    static func list(_ list: RawSpan, names opaque: RawSpan) -> Bool {
        var place = 0
        while let start = list.first(quote, from: place),
            let end = list.first(quote, from: start + 1)
        {
            if list.extracting(start + 1..<end).equals(opaque) { return true }
            place = end + 1
        }
        return place == 0 && list.first(UInt8(ascii: "*")) != nil
    }

    private static var quote: UInt8 { UInt8(ascii: "\"") }
}
