// Owns whether a response may be enriched, as far as its head tells.
// Called at the head of each answer on a route with `enrich`.
// Never looks at a body.

import ProxyCore

/// What a head says about the body behind it.
enum EnrichableHead: Equatable {
    /// JSON that may be changed; or there is no body here, and that of a GET would be such.
    case enrichable
    /// Not 2xx, or an answer without a body.
    case status
    /// 206: a part of something.
    case partial
    /// Not JSON in UTF-8.
    case type
    /// Compressed, although it was asked not to be.
    case coded
    /// Meant to be kept for everybody (RFC 9111 §5.2.2.9, §5.2.2.10), for longer than presence is
    /// true.
    case shared
    /// `no-transform` (RFC 9110 §7.7, RFC 9111 §5.2.2.6).
    case fixed

    init(_ head: borrowing ResponseHead, _ bytes: RawSpan) {
        let directives = CacheDirectives(head, bytes)
        switch head.status {
        case 304:
            self = directives.isShared ? .shared : directives.forbidsChange ? .fixed : .enrichable
            return
        case 206:
            self = .partial
            return
        case 204, 205:
            self = .status
            return
        case 200...299: break
        default:
            self = .status
            return
        }
        if !Self.isJSON(head, bytes) {
            self = .type
        } else if Self.isCoded(head, bytes) {
            self = .coded
        } else if directives.isShared {
            self = .shared
        } else {
            self = directives.forbidsChange ? .fixed : .enrichable
        }
    }

    /// By more than `identity`, which some servers say although it is none (RFC 9110 §8.4.1).
    private static func isCoded(_ head: borrowing ResponseHead, _ bytes: RawSpan) -> Bool {
        guard let field = head.fields.first(.contentEncoding) else { return false }
        return head.fields.count(of: .contentEncoding) > 1
            || !bytes[field.value].equalsFolded("identity")
    }

    /// `application/json` or `application/…+json` (RFC 6839 §3.1), in UTF-8 as JSON is.
    static func isJSON(_ head: borrowing ResponseHead, _ bytes: RawSpan) -> Bool {
        guard let field = head.fields.first(.contentType), head.fields.count(of: .contentType) == 1
        else { return false }
        let value = bytes[field.value]
        let end = value.first(UInt8(ascii: ";")) ?? value.byteCount
        guard isJSON(value.extracting(trimming: 0..<end)) else { return false }
        var start = end + 1
        while start < value.byteCount {
            let stop = value.first(UInt8(ascii: ";"), from: start) ?? value.byteCount
            guard isNoOtherCharset(value.extracting(trimming: start..<stop)) else { return false }
            start = stop + 1
        }
        return true
    }

    private static func isJSON(_ type: RawSpan) -> Bool {
        if type.equalsFolded("application/json") || type.equalsFolded("text/json") { return true }
        let suffix = type.byteCount - 5
        return suffix > 12 && type.extracting(suffix..<type.byteCount).equalsFolded("+json")
            && type.extracting(0..<12).equalsFolded("application/")
    }

    /// Of a parameter of the type: whether it names no other charset than UTF-8, or a part of it.
    private static func isNoOtherCharset(_ parameter: RawSpan) -> Bool {
        guard parameter.byteCount >= 8, parameter.extracting(0..<8).equalsFolded("charset=") else {
            return true
        }
        var value = parameter.extracting(8..<parameter.byteCount)
        let last = value.byteCount - 1
        if last > 0, value[at: 0] == UInt8(ascii: "\""), value[at: last] == UInt8(ascii: "\"") {
            value = value.extracting(1..<last)
        }
        return value.equalsFolded("utf-8") || value.equalsFolded("utf8")
            || value.equalsFolded("us-ascii")
    }
}

/// What the Cache-Control fields of a response say that matters to whoever changes it.
struct CacheDirectives {
    private(set) var isShared = false
    private(set) var forbidsChange = false

    init(_ head: borrowing ResponseHead, _ bytes: RawSpan) {
        guard head.fields.has(.cacheControl) else { return }
        for index in 0..<head.fields.count where head.fields[index].known == .cacheControl {
            read(bytes[head.fields[index].value])
        }
    }

    /// RFC 9111 §5.2: directives stand between commas, some with an argument, which may be quoted.
    private mutating func read(_ list: RawSpan) {
        var start = 0
        var isQuoted = false
        for index in 0...list.byteCount {
            if index < list.byteCount {
                let byte = list[at: index]
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                if byte != UInt8(ascii: ",") || isQuoted { continue }
            }
            note(list.extracting(trimming: start..<index))
            start = index + 1
        }
    }

    private mutating func note(_ directive: RawSpan) {
        let end = directive.first(UInt8(ascii: "=")) ?? directive.byteCount
        let name = directive.extracting(trimming: 0..<end)
        if name.equalsFolded("public") || name.equalsFolded("s-maxage") { isShared = true }
        if name.equalsFolded("no-transform") { forbidsChange = true }
    }
}

extension RawSpan {
    /// A part without the blanks at its ends.
    @_lifetime(copy self)
    fileprivate func extracting(trimming range: Range<Int>) -> RawSpan {
        func isBlank(_ index: Int) -> Bool { self[at: index] == 0x20 || self[at: index] == 0x09 }
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isBlank(start) { start += 1 }
        while start < end, isBlank(end - 1) { end -= 1 }
        return extracting(start..<end)
    }
}
