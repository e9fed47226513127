// Owns durations as people write them: "30m".
// Called by set-status.
// Never rounds: what cannot be written exactly is refused.

import ProxyCore

/// Durations in JSON: a whole number and a unit.
enum Durations {
    private static let units: [(suffix: String, length: Milliseconds)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// `250ms`, `30s`, `2m`, `1h`, `7d`; nil: none of them, or longer than a claim can hold.
    static func parse(_ text: String) -> Milliseconds? {
        let digits = text.utf8.prefix { $0 >= 48 && $0 <= 57 }
        guard !digits.isEmpty, digits.count <= 15,
            let number = Milliseconds(String(decoding: digits, as: UTF8.self)), number > 0
        else { return nil }
        let suffix = text.utf8.dropFirst(digits.count)
        guard let unit = units.first(where: { suffix.elementsEqual($0.suffix.utf8) }),
            number <= APILimits.claimTime / unit.length
        else { return nil }
        return number * unit.length
    }
}
