// Owns the date format of HTTP.
// Called once a second by whoever caches the Date of local answers.
// Never reads a clock.

/// IMF-fixdate (RFC 9110 §5.6.7).
public enum HTTPDate {
    /// Writes `Sun, 06 Nov 1994 08:49:37 GMT`: 29 bytes.
    /// - Parameter now: UTC since 1970; clamped to the years 1970...9999.
    public static func write(_ now: Milliseconds, into out: inout ByteBuffer) {
        let last: Milliseconds = 253_402_300_799
        let seconds = min(max(now / 1000, 0), last)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = Timestamp.civil(days)

        out.reserve(29)
        // 1970-01-01 was a Thursday.
        name("ThuFriSatSunMonTueWed", Int(days % 7), &out)
        out.append(", ")
        pair(day, &out)
        out.append(.space)
        name("JanFebMarAprMayJunJulAugSepOctNovDec", Int(month) - 1, &out)
        out.append(.space)
        pair(year / 100, &out)
        pair(year % 100, &out)
        out.append(.space)
        pair(second / 3600, &out)
        out.append(.colon)
        pair(second / 60 % 60, &out)
        out.append(.colon)
        pair(second % 60, &out)
        out.append(" GMT")
    }

    private static func name(_ names: StaticString, _ index: Int, _ out: inout ByteBuffer) {
        out.append(names.bytes.extracting(index * 3..<index * 3 + 3))
    }

    private static func pair(_ number: Int64, _ out: inout ByteBuffer) {
        out.append(UInt8(truncatingIfNeeded: 48 + number / 10))
        out.append(UInt8(truncatingIfNeeded: 48 + number % 10))
    }
}
