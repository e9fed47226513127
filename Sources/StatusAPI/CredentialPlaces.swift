// Owns reading one configured place of a head: a field with its schemes, or a cookie.
// Called by Credentials, where there are other places than the usual one.
// Never decides between places.

import ProxyCore

/// Words that may stand before a token in a field. Compared without regard to case (RFC 9110
/// §11.1).
struct SchemeChoice {
    /// In lower case.
    private let words: [[UInt8]]
    /// Whether a token may stand alone.
    private let isOptional: Bool

    /// `Bearer` (RFC 6750 §2.1); `Token` and `JWT` are Django REST framework's and its friends'.
    static let usual = SchemeChoice(words: ["bearer", "token", "jwt"], isOptional: true)

    init(only scheme: String) { self.init(words: [scheme.lowercased()], isOptional: false) }

    private init(words: [String], isOptional: Bool) {
        self.words = words.map { Array($0.utf8) }
        self.isOptional = isOptional
    }

    /// The token in a field's value. A single word is a token, unless it is one of the schemes;
    /// anything else behind another word (`Basic`, `Digest`) is none.
    @inline(never)
    func credential(_ bytes: RawSpan, _ value: HeadRange, _ place: UInt8) -> Credential {
        let start = Int(value.start)
        let end = Int(value.end)
        guard start < end else { return .none }
        let space = bytes.first(0x20, from: start).flatMap { $0 < end ? $0 : nil }
        let word = bytes.extracting(start..<(space ?? end))
        let isScheme = words.contains { word.equalsLowered($0) }
        guard let space else {
            return isOptional && !isScheme ? .shown(Shown(token: value, place: place)) : .none
        }
        guard isScheme else { return .none }
        var token = space
        while token < end, bytes[at: token] == 0x20 { token += 1 }
        guard token < end else { return .none }
        return .shown(
            Shown(token: HeadRange(token, end), scheme: HeadRange(start, space), place: place))
    }
}

/// A place of a head, prepared.
struct HeadPlace {
    private enum Kind {
        case field(KnownField, SchemeChoice)
        /// A field that the parser does not know; in lower case.
        case named([UInt8], SchemeChoice)
        case cookie([UInt8])
    }

    private let kind: Kind
    let place: UInt8
    /// It is `Authorization` with the usual schemes.
    let isUsual: Bool

    /// nil: it is no place of a head.
    init?(_ place: TokenPlace, _ number: UInt8) {
        self.place = number
        switch place {
        case .query: return nil
        case .cookie(let name):
            kind = .cookie(Array(name.utf8))
            isUsual = false
        case .header(let name, let scheme):
            let schemes = scheme.map { SchemeChoice(only: $0) } ?? .usual
            let folded = Array(name.lowercased().utf8)
            let known = KnownField(folded.rawSpan)
            kind = known == .other ? .named(folded, schemes) : .field(known, schemes)
            isUsual = known == .authorization && scheme == nil
        }
    }

    func credential(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Credential {
        switch kind {
        case .field(let known, let schemes):
            guard let field = request.fields.first(known) else { return .none }
            guard request.fields.count(of: known) == 1 else { return .conflict }
            // A field that the Connection field names is not seen by the upstream.
            return field.dropped ? .none : schemes.credential(bytes, field.value, place)
        case .named(let name, let schemes):
            return named(request, bytes, name, schemes)
        case .cookie(let name):
            return cookie(request, bytes, name)
        }
    }

    private func named(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ name: [UInt8], _ schemes: SchemeChoice
    ) -> Credential {
        var found: HeadRange?
        for index in 0..<request.fields.count {
            let field = request.fields[index]
            guard field.known == .other, !field.dropped, field.name.count == name.count,
                bytes[field.name].equalsLowered(name)
            else { continue }
            guard found == nil else { return .conflict }
            found = field.value
        }
        return found.map { schemes.credential(bytes, $0, place) } ?? .none
    }

    /// RFC 6265 §5.4: one line of pairs. A second line is read in as many ways as there are
    /// servers, and so is a second cookie of the name.
    private func cookie(
        _ request: borrowing RequestHead, _ bytes: RawSpan, _ name: [UInt8]
    ) -> Credential {
        guard request.fields.has(.cookie) else { return .none }
        var found: HeadRange?
        for index in 0..<request.fields.count {
            let field = request.fields[index]
            guard field.known == .cookie, !field.dropped else { continue }
            var start = Int(field.value.start)
            let end = Int(field.value.end)
            while start < end {
                let stop = bytes.first(0x3B, from: start).flatMap { $0 < end ? $0 : nil } ?? end
                if let value = Self.value(bytes, start, stop, name) {
                    guard found == nil else { return .conflict }
                    found = value
                }
                start = stop + 1
            }
        }
        guard let found, !found.isEmpty else { return .none }
        guard request.fields.count(of: .cookie) == 1 else { return .conflict }
        guard let token = bytes.unquoted(found) else { return .conflict }
        guard !token.isEmpty else { return .none }
        return .shown(Shown(token: token, place: place, isQuoted: token != found))
    }

    /// The value of the pair where it has this name, without the blanks around it.
    private static func value(
        _ bytes: RawSpan, _ start: Int, _ stop: Int, _ name: [UInt8]
    ) -> HeadRange? {
        var first = start
        while first < stop, bytes[at: first] == 0x20 || bytes[at: first] == 0x09 { first += 1 }
        guard first + name.count < stop + 1,
            bytes.extracting(first..<(first + name.count)).equals(name.rawSpan),
            let equals = bytes.first(0x3D, from: first + name.count), equals < stop,
            bytes.withoutBlanks(first + name.count, equals).isEmpty
        else { return nil }
        return bytes.withoutBlanks(equals + 1, stop)
    }
}

extension RawSpan {
    /// Whether it is `lowered` but for the case of ASCII letters.
    func equalsLowered(_ lowered: [UInt8]) -> Bool {
        guard byteCount == lowered.count else { return false }
        for index in 0..<byteCount {
            let byte = self[at: index]
            let isUpper = byte >= 0x41 && byte <= 0x5A
            guard (isUpper ? byte | 0x20 : byte) == lowered[index] else { return false }
        }
        return true
    }

    /// What a cookie's value is known by: what stands between double quotes around it. They are
    /// no part of it (RFC 2109 §4.1; by RFC 6265 §4.1.1 they are), and Python's servers take them
    /// off: one credential must not have two names, since only one would end at a logout.
    ///
    /// - Returns: nil where a quote or a backslash stands elsewhere: such servers read an escape.
    func unquoted(_ value: HeadRange) -> HeadRange? {
        var first = Int(value.start)
        var last = Int(value.end)
        if last - first >= 2, self[at: first] == 0x22, self[at: last - 1] == 0x22 {
            first += 1
            last -= 1
        }
        for index in first..<last where self[at: index] == 0x22 || self[at: index] == 0x5C {
            return nil
        }
        return HeadRange(first, last)
    }

    /// The run `start..<end` without blanks at its ends.
    func withoutBlanks(_ start: Int, _ end: Int) -> HeadRange {
        var first = start
        var last = end
        while first < last, self[at: first] == 0x20 || self[at: first] == 0x09 { first += 1 }
        while last > first, self[at: last - 1] == 0x20 || self[at: last - 1] == 0x09 { last -= 1 }
        return HeadRange(first, last)
    }
}
