// Owns the date format of HTTP.
// Called once a second by whoever caches the Date of local answers.
// Never reads a clock.

/// IMF-fixdate (RFC 9110 §5.6.7).
public enum HTTPDate {
    /// Writes `Sun, 06 Nov 1994 08:49:37 GMT`: 29 bytes.
    /// - Parameter now: UTC since 1970; clamped to the years 1970...9999.
    public static func write(_ now: Milliseconds, into out: inout ByteBuffer) {}
}
