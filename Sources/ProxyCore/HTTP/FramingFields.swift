// Owns reading Content-Length, Transfer-Encoding and Via.
// Called by the request and response heads.
// Never takes what is almost a number or almost a coding: smuggling lives there.

enum ContentLength {
    /// `1*DIGIT` of at most 2^63-1 (RFC 9110 §8.6); leading zeros are digits.
    static func read(_ text: RawSpan) throws(HeadStop) -> UInt64 {
        guard text.byteCount > 0 else { throw .malformed(.lengthMalformed) }
        var number: UInt64 = 0
        var isTooLarge = false
        for index in 0..<text.byteCount {
            let byte = text[unchecked: index]
            guard byte.isDigit else { throw .malformed(.lengthMalformed) }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            number = product &+ UInt64(byte &- 48)
            if overflow || number > UInt64(Int64.max) { isTooLarge = true }
        }
        guard !isTooLarge else { throw .malformed(.lengthTooLarge) }
        return number
    }
}

enum TransferCoding {
    /// The value must be `chunked` and nothing else. 501 is for a list that is well-formed, ends
    /// in `chunked` and names a coding that nobody registered (RFC 9112 §6.1).
    static func requireChunked(_ bytes: RawSpan, _ value: HeadRange) throws(HeadStop) {
        if bytes[value].matches("chunked") { return }
        var list = ListReader(value)
        var isUnknown = false
        var last = HeadRange.empty
        while let item = list.next(in: bytes) {
            guard bytes[item].isToken else { throw .malformed(.codingMalformed) }
            if !isRegistered(bytes[item]) { isUnknown = true }
            last = item
        }
        if isUnknown, bytes[last].matches("chunked") {
            throw .refused(Refusal(status: 501, reason: .codingUnknown))
        }
        throw .malformed(.codingMalformed)
    }

    private static func isRegistered(_ name: RawSpan) -> Bool {
        name.matches("chunked") || name.matches("gzip") || name.matches("deflate")
            || name.matches("compress") || name.matches("x-gzip")
            || name.matches("x-compress") || name.matches("identity")
            || name.matches("trailers")
    }
}

/// The trace that each message carries of its proxies (RFC 9110 §7.6.3).
enum Via {
    /// The name by which this proxy knows itself again.
    static var name: StaticString { "presence-sidecar" }

    /// Whether our name stands in `value` as a word of its own.
    static func namesUs(_ bytes: RawSpan, _ value: HeadRange) -> Bool {
        var at = Int(value.start)
        let end = Int(value.end)
        while at < end {
            let byte = bytes[at: at]
            if byte.isBlank || byte == .comma {
                at += 1
                continue
            }
            var stop = at
            while stop < end, !bytes[at: stop].isBlank, bytes[at: stop] != .comma { stop += 1 }
            if bytes[HeadRange(at, stop)].equalsFolded(name) { return true }
            at = stop
        }
        return false
    }
}

extension FieldTable {
    /// Whether Transfer-Encoding frames the body, for requests and responses alike: then it is one
    /// `chunked`, in HTTP/1.1, and no Content-Length stands beside it (RFC 9112 §6.1, §6.3).
    @inline(__always)
    func statesChunked(_ bytes: RawSpan, _ version: HTTPVersion) throws(HeadStop) -> Bool {
        guard let coding = first(.transferEncoding) else { return false }
        guard version != .http10 else { throw .malformed(.codingInHTTP10) }
        guard !has(.contentLength) else { throw .malformed(.lengthAndCoding) }
        guard !isRepeated(.transferEncoding) else { throw .malformed(.codingRepeated) }
        try TransferCoding.requireChunked(bytes, coding.value)
        return true
    }
}
