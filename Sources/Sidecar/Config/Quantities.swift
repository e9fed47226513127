// Owns durations, sizes and rates as text: "2m", "64KiB", "20/s".
// Called by the config reader, the command line and messages.
// Never guesses a unit: a number without one is refused.

import ProxyCore
import StatusAPI

/// A whole number and the unit behind it.
private func split(_ text: String) -> (number: Int64, unit: Substring)? {
    let digits = text.prefix { $0 >= "0" && $0 <= "9" }
    // 18 digits cannot overflow; nobody writes more.
    guard !digits.isEmpty, digits.utf8.count <= 18, let number = Int64(digits) else { return nil }
    return (number, text.dropFirst(digits.count))
}

/// `250ms`, `30s`, `2m`, `1h`, `30d`.
enum DurationText {
    private static let units: [(name: String, length: Milliseconds)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]
    /// What the longest duration that makes sense comes to: ten years.
    static let longest: Milliseconds = 3_650 * 86_400_000

    /// Milliseconds; nil where the text is no duration.
    static func parse(_ text: String) -> Milliseconds? {
        guard let (number, unit) = split(text),
            let length = units.first(where: { $0.name == unit })?.length
        else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: length)
        return overflow ? nil : value
    }

    /// In the largest unit that shows it exactly: `"2m"` for 120,000 but `"110s"` for 110,000.
    static func text(_ value: Milliseconds) -> String {
        guard value != 0 else { return "0s" }
        for (name, length) in units where value % length == 0 { return "\(value / length)\(name)" }
        return "\(value)ms"
    }
}

/// `512B`, `64KiB`, `10MiB`, `1GiB`.
enum SizeText {
    private static let units: [(name: String, length: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// Bytes; nil where the text is no size.
    static func parse(_ text: String) -> Int? {
        guard let (number, unit) = split(text),
            let length = units.first(where: { $0.name == unit })?.length
        else { return nil }
        let (value, overflow) = Int(number).multipliedReportingOverflow(by: length)
        return overflow ? nil : value
    }

    /// In the largest unit that shows it exactly.
    static func text(_ value: Int) -> String {
        guard value != 0 else { return "0B" }
        for (name, length) in units where value % length == 0 { return "\(value / length)\(name)" }
        return "\(value)B"
    }
}

/// `20/s`, `100/m`, `1000/h`.
enum RateText {
    private static let periods: [String: Milliseconds] = [
        "/s": 1_000, "/m": 60_000, "/h": 3_600_000,
    ]

    /// nil where the text is no rate.
    static func parse(_ text: String) -> Rate? {
        guard let (number, unit) = split(text), (1...1_000_000).contains(number),
            let period = periods[String(unit)]
        else { return nil }
        return Rate(count: Int(number), period: period)
    }
}
