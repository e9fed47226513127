// Owns addresses as text, both ways.
// Called by forwarding (a hop's address), logs and the config reader.
// Never takes what only some readers take: no leading zeros, no zone, no missing parts.

extension ClientAddress: CustomStringConvertible {
    /// `1.2.3.4` or `2001:db8::1` (RFC 5952), without the port; `unix` for a Unix socket.
    public func text(into out: inout ByteBuffer) {
        switch family {
        case .local: out.append("unix")
        case .v4: writeV4(&out)
        case .v6: writeV6(&out)
        }
    }

    /// The text as a String, for logs and messages.
    public var description: String {
        var out = ByteBuffer(capacity: 48)
        text(into: &out)
        return out.bytes.text() ?? ""
    }

    private func writeV4(_ out: inout ByteBuffer) {
        out.reserve(15)
        for part in 0..<4 {
            if part > 0 { out.append(0x2e) }
            let number = UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * part))
            if number >= 100 { out.append(48 + number / 100) }
            if number >= 10 { out.append(48 + number / 10 % 10) }
            out.append(48 + number % 10)
        }
    }

    private func group(_ index: Int) -> UInt64 {
        let half = index < 4 ? high : low
        return half >> UInt64((3 - index & 3) * 16) & 0xffff
    }

    /// The longest run of two or more zero groups becomes `::`, the first of equal ones.
    private func writeV6(_ out: inout ByteBuffer) {
        var gap = 8
        var gapLength = 1
        var index = 0
        while index < 8 {
            var stop = index
            while stop < 8, group(stop) == 0 { stop += 1 }
            if stop - index > gapLength {
                gap = index
                gapLength = stop - index
            }
            index = max(stop, index + 1)
        }
        index = 0
        while index < 8 {
            if index == gap {
                out.append("::")
                index += gapLength
                continue
            }
            if index > 0, index != gap + gapLength { out.append(.colon) }
            out.append(hexadecimal: group(index))
            index += 1
        }
    }

    /// Reads `1.2.3.4` or `2001:db8::1`, nothing around it; nil: no address.
    public static func parse(_ bytes: RawSpan) -> ClientAddress? {
        guard bytes.byteCount >= 2, bytes.byteCount <= 45 else { return nil }
        if bytes.first(.colon) != nil { return parseV6(bytes) }
        guard let number = parseV4(bytes) else { return nil }
        return ClientAddress(family: .v4, port: 0, high: 0, low: number)
    }

    public static func parse(_ text: String) -> ClientAddress? { parse(text.rawSpan) }

    /// Four decimal numbers without leading zeros (to some readers those are octal).
    private static func parseV4(_ bytes: RawSpan) -> UInt64? {
        var number: UInt64 = 0
        var part: UInt64 = 0
        var digits = 0
        var parts = 0
        for index in 0...bytes.byteCount {
            if index == bytes.byteCount || bytes[at: index] == 0x2e {
                guard digits > 0, parts < 4 else { return nil }
                number = number << 8 | part
                parts += 1
                part = 0
                digits = 0
                continue
            }
            let byte = bytes[at: index]
            guard byte.isDigit, digits == 0 || part > 0 else { return nil }
            part = part * 10 + UInt64(byte &- 48)
            digits += 1
            guard part <= 255 else { return nil }
        }
        return parts == 4 ? number : nil
    }

    /// RFC 4291 §2.2, all three forms.
    private static func parseV6(_ bytes: RawSpan) -> ClientAddress? {
        let count = bytes.byteCount
        var groups = GroupList()
        var at = 0
        if bytes[at: 0] == .colon {
            guard bytes[at: 1] == .colon else { return nil }
            groups.openGap()
            at = 2
        }
        while at < count {
            let start = at
            var number: UInt64 = 0
            while at < count, at - start < 5, let digit = bytes[at: at].hexadecimal {
                number = number << 4 | UInt64(digit)
                at += 1
            }
            if at < count, bytes[at: at] == 0x2e {
                guard let tail = parseV4(bytes.extracting(start..<count)),
                    groups.append(tail >> 16), groups.append(tail & 0xffff)
                else { return nil }
                break
            }
            guard at > start, at - start <= 4, groups.append(number) else { return nil }
            if at == count { break }
            guard bytes[at: at] == .colon, at + 1 < count else { return nil }
            at += 1
            if bytes[at: at] == .colon {
                guard groups.openGap() else { return nil }
                at += 1
            }
        }
        return groups.address
    }
}

/// The groups of an IPv6 address while it is read.
private struct GroupList {
    private var groups: [8 of UInt64] = .init(repeating: 0)
    private var count = 0
    private var gap: Int?

    mutating func append(_ group: UInt64) -> Bool {
        guard count < 8 else { return false }
        groups[count] = group
        count += 1
        return true
    }

    @discardableResult
    mutating func openGap() -> Bool {
        guard gap == nil else { return false }
        gap = count
        return true
    }

    var address: ClientAddress? {
        guard gap != nil ? count < 8 : count == 8 else { return nil }
        let zeros = 8 - count
        var halves: [2 of UInt64] = [0, 0]
        for index in 0..<count {
            let place = index < gap ?? 8 ? index : index + zeros
            halves[place / 4] |= groups[index] << UInt64((3 - place % 4) * 16)
        }
        return ClientAddress(v6High: halves[0], low: halves[1], port: 0)
    }
}
