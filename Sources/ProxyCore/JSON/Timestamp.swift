// Owns times as text: RFC 3339.
// Called by whoever writes times into JSON or logs and reads them from queries.
// Never knows a time zone but the offset that stands in the text.

/// Times as RFC 3339 text.
public enum Timestamp {
    /// The years that four digits can show.
    private static let first: Milliseconds = -62_167_219_200_000
    private static let last: Milliseconds = 253_402_300_799_999
    private static let day: Milliseconds = 86_400_000

    /// `2026-11-21T09:30:00.123Z`: UTC, always with milliseconds. Outside the years 0000–9999 the
    /// nearest time that can be written.
    public static func write(_ time: Milliseconds, into buffer: inout ByteBuffer) {
        let time = min(max(time, first), last)
        var days = time / day
        var rest = time % day
        if rest < 0 {
            days -= 1
            rest += day
        }
        let date = civil(days)
        let ofDay = UInt32(truncatingIfNeeded: rest)
        // Three words of eight bytes: lists hold a time for each user.
        buffer.append(
            word: pair(UInt32(truncatingIfNeeded: date.year / 100))
                | pair(UInt32(truncatingIfNeeded: date.year % 100)) << 16 | mark("-") << 32
                | pair(UInt32(truncatingIfNeeded: date.month)) << 40 | mark("-") << 56)
        buffer.append(
            word: pair(UInt32(truncatingIfNeeded: date.day)) | mark("T") << 16
                | pair(ofDay / 3_600_000) << 24 | mark(":") << 40
                | pair(ofDay / 60_000 % 60) << 48)
        buffer.append(
            word: mark(":") | pair(ofDay / 1000 % 60) << 8 | mark(".") << 24
                | (0x30 | UInt64(ofDay % 1000 / 100)) << 32 | pair(ofDay % 100) << 40
                | mark("Z") << 56)
    }

    /// The same as a String, for cold paths.
    public static func text(_ time: Milliseconds) -> String {
        var buffer = ByteBuffer(capacity: 24)
        write(time, into: &buffer)
        return buffer.bytes.text() ?? ""
    }

    /// Reads an RFC 3339 time (§5.6) with any offset and an optional fraction, of which
    /// milliseconds are kept; a space may stand for the `T`. A leap second is the second after.
    public static func parse(_ bytes: RawSpan) -> Milliseconds? {
        guard bytes.byteCount >= 20, bytes.byteCount <= 64,
            let year = number(bytes, 0, 4), bytes[at: 4] == JSONByte.minus,
            let month = number(bytes, 5, 2), bytes[at: 7] == JSONByte.minus,
            let dayOfMonth = number(bytes, 8, 2), isSeparator(bytes[at: 10]),
            let hour = number(bytes, 11, 2), bytes[at: 13] == JSONByte.colon,
            let minute = number(bytes, 14, 2), bytes[at: 16] == JSONByte.colon,
            let second = number(bytes, 17, 2)
        else { return nil }
        guard (1...12).contains(month), dayOfMonth >= 1, hour < 24, minute < 60, second <= 60,
            dayOfMonth <= length(of: month, year)
        else { return nil }
        var index = 19
        var fraction: Milliseconds = 0
        if bytes[at: index] == JSONByte.point {
            guard let (value, end) = Self.fraction(bytes, from: index + 1) else { return nil }
            (fraction, index) = (value, end)
        }
        guard let offset = zone(bytes, from: index) else { return nil }
        let minutes = hour * 60 + minute - offset
        return daysSince1970(year, month, dayOfMonth) * day + minutes * 60_000 + second * 1000
            + fraction
    }

    /// Two digits, as they stand in a word.
    @inline(__always)
    private static func pair(_ value: UInt32) -> UInt64 {
        UInt64(0x3030 | value / 10 | (value % 10) << 8)
    }

    @inline(__always)
    private static func mark(_ mark: Unicode.Scalar) -> UInt64 { UInt64(mark.value) }

    private static func number(_ bytes: RawSpan, _ start: Int, _ count: Int) -> Int64? {
        guard start + count <= bytes.byteCount else { return nil }
        var value: Int64 = 0
        for index in start..<(start + count) {
            let byte = bytes[at: index]
            guard JSONByte.isDigit(byte) else { return nil }
            value = value * 10 + Int64(byte - JSONByte.zero)
        }
        return value
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte | 0x20 == 0x74 || byte == JSONByte.space
    }

    private static func fraction(
        _ bytes: RawSpan, from start: Int
    ) -> (value: Milliseconds, end: Int)? {
        var index = start
        var value: Milliseconds = 0
        var weight: Milliseconds = 100
        while index < bytes.byteCount, JSONByte.isDigit(bytes[at: index]) {
            value += weight * Milliseconds(bytes[at: index] - JSONByte.zero)
            weight /= 10
            index += 1
        }
        return index > start ? (value, index) : nil
    }

    /// The offset in minutes that ends the text.
    private static func zone(_ bytes: RawSpan, from start: Int) -> Int64? {
        guard start < bytes.byteCount else { return nil }
        let sign = bytes[at: start]
        if sign | 0x20 == 0x7A { return start + 1 == bytes.byteCount ? 0 : nil }
        guard sign == JSONByte.plus || sign == JSONByte.minus, start + 6 == bytes.byteCount,
            let hours = number(bytes, start + 1, 2), bytes[at: start + 3] == JSONByte.colon,
            let minutes = number(bytes, start + 4, 2), hours < 24, minutes < 60
        else { return nil }
        return (sign == JSONByte.minus ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func length(of month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: return 30
        default: return 31
        }
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March in
    /// eras of 400 years (146,097 days), so that the leap day comes last.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date that lies `days` after 1970-01-01; the reverse of `daysSince1970`.
    static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
