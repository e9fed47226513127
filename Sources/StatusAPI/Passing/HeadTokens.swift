// Owns finding the token that the head of a login's answer issues.
// Called at the heads of answers to login and refresh routes.
// Never judges a token, never changes a byte.

import ProxyCore

/// A token out of the head of an answer.
struct HeadToken: Equatable {
    /// Which of the route's sources named it.
    var source: Int
    var token: [UInt8]
}

enum HeadTokens {
    /// The token of the first source that stands in the head.
    static func first(
        of sources: [TokenSource], _ head: borrowing ResponseHead, _ bytes: RawSpan,
        now: Milliseconds
    ) -> HeadToken? {
        for (index, source) in sources.enumerated() {
            let found: [UInt8]?
            switch source {
            case .path: found = nil
            case .header(let name): found = field(name, head, bytes)
            case .cookie(let name): found = cookie(name, head, bytes, now: now)
            }
            if let found, found.count <= Limits.tokenBytes {
                return HeadToken(source: index, token: found)
            }
        }
        return nil
    }

    /// The value of a field, without its scheme. Two that differ name no token: nobody can say
    /// which one the client will use.
    private static func field(
        _ name: String, _ head: borrowing ResponseHead, _ bytes: RawSpan
    ) -> [UInt8]? {
        var found: [UInt8]?
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            guard !field.dropped, equalsFolded(bytes[field.name], name) else { continue }
            let value = SchemeChoice.stripped(bytes[field.value])
            guard !value.isEmpty, found ?? value == value else { return nil }
            found = value
        }
        return found
    }

    /// The value that the answer's last `Set-Cookie` of that name sets. A line that empties or
    /// ends a cookie is passed over: answers often clear an old path before they set a new one.
    /// Empty where no request with it will be known.
    private static func cookie(
        _ name: String, _ head: borrowing ResponseHead, _ bytes: RawSpan, now: Milliseconds
    ) -> [UInt8]? {
        var found: [UInt8]?
        for index in 0..<head.fields.count {
            let field = head.fields[index]
            guard !field.dropped, field.known == .setCookie else { continue }
            if let value = SetCookie(bytes[field.value]).live(name, now: now) { found = value }
        }
        return found
    }

    private static func equalsFolded(_ bytes: RawSpan, _ name: String) -> Bool {
        let wanted = name.rawSpan
        guard bytes.byteCount == wanted.byteCount else { return false }
        for index in 0..<bytes.byteCount
        where folded(bytes[at: index]) != folded(wanted[at: index]) {
            return false
        }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension SchemeChoice {
    /// What stands behind a scheme; the whole where there is none.
    static func stripped(_ value: RawSpan) -> [UInt8] {
        let whole = HeadRange(0, value.byteCount)
        guard case .shown(let shown) = usual.credential(value, whole, 0) else {
            return value.array()
        }
        return value[shown.token].array()
    }
}

/// One `Set-Cookie` (RFC 6265 §5.2): a name, a value and attributes.
struct SetCookie {
    private let parts: [ArraySlice<UInt8>]

    init(_ line: RawSpan) {
        parts = line.array().split(separator: 0x3B, omittingEmptySubsequences: false)
    }

    /// The value, if the cookie has this name, a value, and is not over at once. It is what
    /// requests with it are known by (`RawSpan.unquoted`); empty where they are by nothing.
    func live(_ name: String, now: Milliseconds) -> [UInt8]? {
        guard let first = parts.first, let (found, value) = Self.pair(first),
            found.elementsEqual(name.utf8), !value.isEmpty, !isOver(now: now)
        else { return nil }
        let bytes = Array(value)
        let span = bytes.rawSpan
        return span.unquoted(HeadRange(0, bytes.count)).map { span[$0].array() } ?? []
    }

    /// `Max-Age` counts before `Expires`, and of each the last one (§5.3). What is no number or
    /// no date is ignored.
    private func isOver(now: Milliseconds) -> Bool {
        var age: Int64?
        var expires: Milliseconds?
        for part in parts.dropFirst() {
            guard let (name, value) = Self.pair(part) else { continue }
            let text = String(decoding: value, as: UTF8.self)
            switch String(decoding: name, as: UTF8.self).lowercased() {
            case "max-age": age = Self.seconds(text) ?? age
            case "expires": expires = CookieDate.parse(text) ?? expires
            default: break
            }
        }
        if let age { return age <= 0 }
        return expires.map { $0 <= now } ?? false
    }

    /// Digits, perhaps behind a minus; more of them than a number holds are very many seconds.
    private static func seconds(_ text: String) -> Int64? {
        let digits = text.utf8.drop { $0 == 0x2D }
        guard !digits.isEmpty, text.utf8.count - digits.count <= 1,
            digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return Int64(text) ?? (text.utf8.first == 0x2D ? .min : .max)
    }

    /// Name and value around the first `=`, without the blanks around them.
    private static func pair(
        _ part: ArraySlice<UInt8>
    ) -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
        guard let equals = part.firstIndex(of: 0x3D) else { return nil }
        return (trimmed(part[..<equals]), trimmed(part[(equals + 1)...]))
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let last = bytes.lastIndex(where: { !isBlank($0) }) else { return [] }
        return bytes[...last].drop(while: isBlank)
    }
}
