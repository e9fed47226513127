// Owns the lines about requests.
// Called by a loop at the end of each exchange; one log a loop.
// Never blocks: lines that the reader does not take in time are dropped and counted.

/// Collects lines and writes them once a turn.
///
/// `2026-11-21T09:30:00.123Z 10.0.0.1 "POST /orders/" 201 512 3ms`; the query never stands in it,
/// since tokens do. A fault of the exchange follows as `error="..."`.
public final class AccessLog {
    private let output: FileDescriptor
    private var lines = ByteBuffer()
    private var dropped = 0
    /// Bytes that wait for a slow reader of the log at most.
    private static let backlog = 256 * 1024

    /// - Parameter output: a descriptor that stays open; it is not closed here.
    public init(output: FileDescriptor) {
        self.output = output
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
        Timestamp.write(now, into: &lines)
        lines.append(" ")
        client.text(into: &lines)
        lines.append(" \"")
        appendEscaped(request.bytes)
        lines.append("\" ")
        lines.append(decimal: UInt64(clamping: status))
        lines.append(" ")
        lines.append(decimal: bytes)
        lines.append(" ")
        lines.append(decimal: UInt64(clamping: took))
        lines.append("ms")
        if let fault {
            lines.append(" error=\"")
            appendEscaped(fault.rawSpan)
            lines.append("\"")
        }
        lines.append("\n")
    }

    /// Quotes are escaped, so that one request is one line of known form whatever it says.
    private func appendEscaped(_ text: RawSpan) {
        for index in 0..<text.byteCount {
            let byte = text[unchecked: index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { lines.append("\\") }
            lines.append(byte)
        }
    }

    func flush() {
        guard !lines.isEmpty else { return }
        // Said when there is room again, or the saying of it would be what grows.
        if dropped > 0, lines.count < Self.backlog {
            lines.append("access log: ")
            lines.append(decimal: UInt64(dropped))
            lines.append(" lines dropped, the reader is too slow\n")
            dropped = 0
        }
        switch output.write(lines.bytes) {
        case .bytes(let count): lines.consume(count)
        case .blocked: break
        case .failed: lines.removeAll()
        }
    }
}
