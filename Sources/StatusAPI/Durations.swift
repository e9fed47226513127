// Owns durations as people write them: "30m".
// Called by set-status and changes.
// Never rounds: what is no whole number of a unit is refused.

import ProxyCore

/// Durations in JSON and queries: a whole number and a unit.
enum Durations {
    private static let units: [(suffix: String, length: Milliseconds)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// `250ms`, `30s`, `2m`, `1h`, `7d`; nil: none of them, or longer than a claim can hold.
    static func parse(_ text: String) -> Milliseconds? {
        guard let (number, unit) = parts(text), number > 0,
            number <= APILimits.claimTime / unit
        else { return nil }
        return number * unit
    }

    /// The same, and none at all (`0s`, `0`); whatever is longer than `limit` is cut to it.
    static func parse(_ text: String, cutTo limit: Milliseconds) -> Milliseconds? {
        if text == "0" { return 0 }
        guard let (number, unit) = parts(text) else { return nil }
        return number > limit / unit ? limit : number * unit
    }

    private static func parts(_ text: String) -> (number: Milliseconds, unit: Milliseconds)? {
        let digits = text.utf8.prefix { $0 >= 48 && $0 <= 57 }
        let suffix = text.utf8.dropFirst(digits.count)
        guard !digits.isEmpty,
            let unit = units.first(where: { suffix.elementsEqual($0.suffix.utf8) })
        else { return nil }
        // More digits than any number has are a long time all the same.
        return (Milliseconds(String(decoding: digits, as: UTF8.self)) ?? .max, unit.length)
    }
}
