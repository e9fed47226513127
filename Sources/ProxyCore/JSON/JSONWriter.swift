// Owns writing JSON: commas, colons and escapes.
// Called by whoever answers with JSON: the API, the hub, token minting, the log.
// Never checks that the document makes sense, only that it is JSON.

/// Writes one JSON document into its own buffer.
///
/// Text is escaped minimally (RFC 8259 §7), plus `<`, U+2028 and U+2029: the result can stand in
/// a script element. Bytes that are not UTF-8 become U+FFFD, so that the result always is.
public struct JSONWriter: ~Copyable {
    private var buffer: ByteBuffer
    /// Whether a value stands before the present place. One flag for all depths: a container that
    /// has just been opened has none before it, one that has just been closed is one.
    private var separates = false

    public init(capacity: Int = 256) {
        buffer = ByteBuffer(capacity: capacity)
    }

    /// What has been written so far.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get { buffer.bytes }
    }

    public consuming func finish() -> [UInt8] { buffer.array() }

    /// Forgets the document and keeps the memory.
    public mutating func removeAll() {
        buffer.removeAll()
        separates = false
    }

    public mutating func beginObject() { open(JSONByte.leftBrace) }
    public mutating func endObject() { close(JSONByte.rightBrace) }
    public mutating func beginArray() { open(JSONByte.leftBracket) }
    public mutating func endArray() { close(JSONByte.rightBracket) }

    /// A name that needs no escape: printable ASCII without `"`, `\` and `<`.
    public mutating func key(_ name: StaticString) {
        comma()
        buffer.append(JSONByte.quote)
        buffer.append(name)
        buffer.append("\":")
        separates = false
    }

    /// Any name.
    public mutating func key(text name: String) {
        string(name)
        buffer.append(JSONByte.colon)
        separates = false
    }

    public mutating func string(_ text: String) { string(text.rawSpan) }

    /// Text as UTF-8; what is not UTF-8 in it becomes U+FFFD.
    public mutating func string(_ utf8: RawSpan) {
        comma()
        buffer.reserve(utf8.byteCount + 2)
        buffer.append(JSONByte.quote)
        var run = 0
        var index = 0
        while index < utf8.byteCount {
            let byte = utf8[at: index]
            if Self.isPlain(byte) {
                index += 1
                continue
            }
            if byte >= 0x80, let length = UTF8Sequence.length(at: index, in: utf8),
                !Self.isSeparator(at: index, in: utf8)
            {
                index += length
                continue
            }
            buffer.append(utf8.extracting(run..<index))
            index += escape(byte, at: index, of: utf8)
            run = index
        }
        buffer.append(utf8.extracting(run..<index))
        buffer.append(JSONByte.quote)
        separates = true
    }

    public mutating func integer(_ value: Int64) {
        comma()
        if value < 0 { buffer.append(JSONByte.minus) }
        buffer.append(decimal: value.magnitude)
        separates = true
    }

    /// The shortest text that reads back as the same number; `null` where it is not finite.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        comma()
        buffer.append("\(value)")
        separates = true
    }

    public mutating func bool(_ value: Bool) {
        comma()
        buffer.append(value ? "true" : "false" as StaticString)
        separates = true
    }

    public mutating func null() {
        comma()
        buffer.append("null")
        separates = true
    }

    /// A time as RFC 3339 in UTC.
    public mutating func timestamp(_ time: Milliseconds) {
        comma()
        buffer.append(JSONByte.quote)
        Timestamp.write(time, into: &buffer)
        buffer.append(JSONByte.quote)
        separates = true
    }

    /// A value that is JSON already, taken as it is.
    public mutating func raw(_ value: RawSpan) {
        comma()
        buffer.append(value)
        separates = true
    }

    private mutating func comma() {
        if separates { buffer.append(JSONByte.comma) }
    }

    private mutating func open(_ byte: UInt8) {
        comma()
        buffer.append(byte)
        separates = false
    }

    private mutating func close(_ byte: UInt8) {
        buffer.append(byte)
        separates = true
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= JSONByte.space && byte < 0x80 && byte != JSONByte.quote
            && byte != JSONByte.backslash && byte != JSONByte.less
    }

    /// U+2028 or U+2029: line ends to JavaScript before 2019.
    private static func isSeparator(at index: Int, in utf8: RawSpan) -> Bool {
        guard utf8[at: index] == 0xE2, index + 2 < utf8.byteCount, utf8[at: index + 1] == 0x80
        else { return false }
        return utf8[at: index + 2] & 0xFE == 0xA8
    }

    /// Writes what must not stand as it is; returns how many bytes of the text that was.
    private mutating func escape(_ byte: UInt8, at index: Int, of utf8: RawSpan) -> Int {
        switch byte {
        case JSONByte.quote: buffer.append("\\\"")
        case JSONByte.backslash: buffer.append("\\\\")
        case JSONByte.less: buffer.append("\\u003c")
        case JSONByte.lineFeed: buffer.append("\\n")
        case JSONByte.carriageReturn: buffer.append("\\r")
        case JSONByte.tab: buffer.append("\\t")
        case ..<JSONByte.space:
            buffer.append(byte < 16 ? "\\u000" : "\\u00" as StaticString)
            buffer.append(hexadecimal: UInt64(byte))
        default:
            if Self.isSeparator(at: index, in: utf8) {
                let last = utf8[at: index + 2] == 0xA8
                buffer.append(last ? "\\u2028" : "\\u2029" as StaticString)
                return 3
            }
            buffer.append("\u{FFFD}" as StaticString)
        }
        return 1
    }
}
