// Owns the times of cookies as text, in all the forms that browsers take.
// Called by the reading of Set-Cookie.
// Never judges whether a time is past.

import ProxyCore

/// The date of a cookie's `Expires` (RFC 6265 §5.1.1): the parts are known by their shape and
/// may come in any order, of each the first counts.
struct CookieDate {
    private var clock: [Int]?
    private var day: Int?
    private var month: Int?
    private var year: Int?

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// UTC; nil: no date.
    static func parse(_ text: String) -> Milliseconds? {
        guard text.utf8.count <= 64 else { return nil }
        var date = CookieDate()
        for token in text.utf8.split(whereSeparator: isDelimiter) {
            date.take(Array(token))
        }
        return date.time
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x20...0x2F, 0x3B...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    private mutating func take(_ token: [UInt8]) {
        if clock == nil, let found = Self.clock(token) {
            clock = found
        } else if day == nil, let found = Self.number(token, digits: 1...2) {
            day = found
        } else if month == nil, let found = Self.month(token) {
            month = found
        } else if year == nil, let found = Self.number(token, digits: 2...4) {
            // Two digits are of the years 1970 to 2069.
            year = found < 70 ? found + 2000 : found < 100 ? found + 1900 : found
        }
    }

    private static func clock(_ token: [UInt8]) -> [Int]? {
        let parts = token.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let numbers = parts.compactMap { number(Array($0), digits: 1...2) }
        return numbers.count == 3 ? numbers : nil
    }

    private static func month(_ token: [UInt8]) -> Int? {
        guard token.count >= 3 else { return nil }
        let name = String(decoding: token.prefix(3), as: UTF8.self).lowercased()
        return months.firstIndex(of: name).map { $0 + 1 }
    }

    /// So many digits, and nothing or no further digit behind them.
    private static func number(_ token: [UInt8], digits: ClosedRange<Int>) -> Int? {
        let found = token.prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard digits.contains(found.count) else { return nil }
        return found.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private var time: Milliseconds? {
        guard let clock, let day, let month, let year, year >= 1601 else { return nil }
        let parts = [(year, 4), (month, 2), (day, 2), (clock[0], 2), (clock[1], 2), (clock[2], 2)]
        let text = parts.map { part in
            let digits = String(part.0)
            return String(repeating: "0", count: max(part.1 - digits.utf8.count, 0)) + digits
        }
        let date = text[0..<3].joined(separator: "-") + "T" + text[3...].joined(separator: ":")
        return Timestamp.parse((date + "Z").rawSpan)
    }
}
