// Owns the lines about requests.
// Called by a loop at the end of each exchange; one log a loop.
// Never blocks: lines that the reader does not take in time are dropped and counted.

/// Collects lines and writes them once a turn.
///
/// `2026-11-21T09:30:00.123Z 10.0.0.1 "POST /orders/" 201 512 3ms`, or the same as a JSON object.
/// The query never stands in it, since tokens do. A fault of the exchange follows as `error`.
public final class AccessLog {
    public enum Format: Sendable { case text, json }

    private let output: LogOutput
    private let format: Format
    private var lines = ByteBuffer()
    private var dropped = 0
    /// Bytes that wait for a slow reader of the log at most.
    private static let backlog = 256 * 1024
    /// Bytes of a request that a line shows; with them a line stays below one atomic write.
    private static let shown = 2048

    public init(output: LogOutput, format: Format = .text) {
        self.output = output
        self.format = format
    }

    /// - Parameters:
    ///   - request: method and path, as sent.
    ///   - fault: what went wrong, where something did.
    func line(
        _ client: ClientAddress, request: borrowing ByteBuffer, status: Int, bytes: UInt64 = 0,
        took: Milliseconds = 0, fault: String? = nil, now: Milliseconds
    ) {
        guard lines.count < Self.backlog else {
            dropped += 1
            return
        }
        let isText = format == .text
        lines.append(isText ? "" : "{\"time\":\"")
        Timestamp.write(now, into: &lines)
        lines.append(isText ? " " : "\",\"client\":\"")
        client.text(into: &lines)
        lines.append(isText ? " \"" : "\",\"request\":\"")
        appendEscaped(request.bytes.extracting(first: Self.shown))
        lines.append(isText ? "\" " : "\",\"status\":")
        lines.append(decimal: UInt64(clamping: status))
        lines.append(isText ? " " : ",\"bytes\":")
        lines.append(decimal: bytes)
        lines.append(isText ? " " : ",\"ms\":")
        lines.append(decimal: UInt64(clamping: took))
        if isText { lines.append("ms") }
        if let fault {
            lines.append(isText ? " error=\"" : ",\"error\":\"")
            appendEscaped(fault.rawSpan)
            lines.append("\"")
        }
        lines.append(isText ? "\n" : "}\n")
    }

    /// Quotes are escaped, so that one request is one line of known form whatever it says. (No
    /// control byte gets past the parser; one in a fault's text becomes a space.)
    private func appendEscaped(_ text: RawSpan) {
        for index in 0..<text.byteCount {
            let byte = text[unchecked: index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { lines.append("\\") }
            lines.append(byte < 0x20 ? 0x20 : byte)
        }
    }

    /// Writes whole lines, as many at once as stay together beside the lines of other loops.
    func flush() {
        if dropped > 0, lines.count < Self.backlog { noteDropped() }
        while !lines.isEmpty {
            switch output.write(lines.bytes.extracting(first: Self.lengthOfWholeLines(lines.bytes)))
            {
            case .bytes(let count): lines.consume(count)
            case .blocked: return
            case .failed: lines.removeAll()
            }
        }
        lines.shrink(to: Self.backlog / 4)
    }

    private func noteDropped() {
        let text = "\(dropped) lines of the access log dropped: its reader is too slow"
        lines.append(
            format == .text ? "access log: \(text)\n" : "{\"message\":\"\(text)\"}\n")
        dropped = 0
    }

    private static func lengthOfWholeLines(_ all: RawSpan) -> Int {
        guard all.byteCount > LogOutput.atomicWrite else { return all.byteCount }
        var end = 0
        while let newline = all.first(UInt8(ascii: "\n"), from: end),
            end == 0 || newline < LogOutput.atomicWrite
        {
            end = newline + 1
        }
        return end == 0 ? all.byteCount : end
    }
}
