// Owns the normal form of a request's path, for matching alone.
// Called by RouteTable.
// Never touches what travels on, and says when servers may read a path otherwise than we do.

/// A path as it is matched: decoded, dots resolved, one slash between segments.
enum RoutePath {
    /// Whether the path already is its own normal form (but for a trailing slash).
    static func isPlain(_ path: RawSpan) -> Bool {
        var previous: UInt8 = 0
        for index in 0..<path.byteCount {
            let byte = path[unchecked: index]
            if !byte.isOf(.plainPath) {
                switch byte {
                case 0x2f where previous != 0x2f: break
                case 0x2e where previous != 0x2f: break
                default: return false
                }
            }
            previous = byte
        }
        return true
    }

    /// Writes the normal form, without a trailing slash: empty for the root.
    /// - Returns: whether another server may find another path in it: an encoded or back slash,
    ///   path parameters, dot segments, empty segments, escapes that are broken, that hide
    ///   controls or that are escaped twice.
    static func normalise(_ path: RawSpan, into out: inout ByteBuffer) -> Bool {
        write(path, as: .normal, into: &out)
    }

    /// The same for a server that reads paths so.
    @discardableResult
    static func write(
        _ path: RawSpan, as reading: PathReading, into out: inout ByteBuffer
    ) -> Bool {
        var reader = Reader(path, reading)
        out.removeAll()
        var isAmbiguous = false
        while reader.hasMore {
            let start = out.count
            out.append(0x2f)
            reader.segment(into: &out)
            switch kind(out.bytes.extracting(start + 1..<out.count)) {
            case .name: continue
            case .empty:
                // (The slash at the end of `/a/` begins no segment: it does not come here.)
                if reading.contains(.merges) { out.truncate(to: start) }
            case .dot:
                if reading.contains(.resolves) { out.truncate(to: start) }
            case .dots:
                if reading.contains(.resolves) {
                    out.truncate(to: lastSlash(out.bytes.extracting(0..<start)))
                }
            }
            isAmbiguous = true
        }
        return isAmbiguous || reader.isAmbiguous
    }

    private enum Kind { case name, empty, dot, dots }

    private static func kind(_ segment: RawSpan) -> Kind {
        switch segment.byteCount {
        case 0: .empty
        case 1: segment[at: 0] == 0x2e ? .dot : .name
        case 2: segment[at: 0] == 0x2e && segment[at: 1] == 0x2e ? .dots : .name
        default: .name
        }
    }

    private static func lastSlash(_ bytes: RawSpan) -> Int {
        var at = bytes.byteCount
        while at > 0 {
            at -= 1
            if bytes[at: at] == 0x2f { return at }
        }
        return 0
    }

    /// Cuts a path into segments and decodes them.
    private struct Reader: ~Escapable {
        private let path: RawSpan
        private let reading: PathReading
        private var at: Int
        private(set) var isAmbiguous = false

        @_lifetime(copy path)
        init(_ path: RawSpan, _ reading: PathReading) {
            self.path = path
            self.reading = reading
            at = path.byteCount > 0 && path[at: 0] == 0x2f ? 1 : 0
        }

        var hasMore: Bool { at < path.byteCount }

        /// Writes the next segment, decoded, and steps over the slash behind it.
        @_lifetime(self: copy self)
        mutating func segment(into out: inout ByteBuffer) {
            while at < path.byteCount {
                var byte = path[at: at]
                at += 1
                if byte == 0x2f { return }
                if byte == 0x3b, reading.contains(.cuts) {
                    // Parameters: to the next slash.
                    isAmbiguous = true
                    while at < path.byteCount, path[at: at] != 0x2f { at += 1 }
                    continue
                }
                if byte == 0x25, reading.contains(.decodes), let decoded = escape() {
                    byte = decoded
                }
                if byte == 0x2f || byte == 0x5c {
                    isAmbiguous = true
                    if reading.contains(byte == 0x2f ? .splits : .turns) { return }
                    // Part of a name, which no route has: it must not look like a slash.
                    byte = 0x5c
                }
                out.append(reading.contains(.folds) ? byte.lowercasedASCII : byte)
            }
        }

        /// The byte of the escape behind a `%`, or nil where it is broken.
        @_lifetime(self: copy self)
        private mutating func escape() -> UInt8? {
            guard let byte = pair(at) else {
                isAmbiguous = true
                return nil
            }
            at += 2
            switch byte {
            case 0..<0x20, 0x7f, 0xc0, 0xc1, 0xf5...0xff:
                // Controls, and what begins an overlong or no UTF-8.
                isAmbiguous = true
            case 0x25:
                if pair(at) != nil { isAmbiguous = true }
            default:
                break
            }
            return byte
        }

        private func pair(_ index: Int) -> UInt8? {
            guard index + 1 < path.byteCount, let high = path[at: index].hexadecimal,
                let low = path[at: index + 1].hexadecimal
            else { return nil }
            return high << 4 | low
        }
    }
}
