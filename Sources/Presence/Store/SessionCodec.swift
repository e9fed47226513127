// Owns the bytes in which a user's sessions are kept.
// Called by the store's reading, writing and retention.
// Never fails on damaged bytes: what is no whole record is no session.

import ProxyCore

/// Sessions as a run of records of 17 bytes: tag and contact (8 bytes each, big-endian), flags.
enum SessionCodec {
    static let recordSize = 17
    private static let awayFlag: UInt8 = 1
    private static let openFlag: UInt8 = 2

    static func encode(_ sessions: [StoredSession], into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        for session in sessions {
            append(session.tag, to: &bytes)
            append(UInt64(bitPattern: session.contact), to: &bytes)
            bytes.append(
                (session.saidAway ? awayFlag : 0) | (session.open ? openFlag : 0))
        }
    }

    static func decode(_ bytes: [UInt8]) -> [StoredSession] {
        guard bytes.count >= recordSize else { return [] }
        var sessions: [StoredSession] = []
        sessions.reserveCapacity(bytes.count / recordSize)
        for start in stride(from: 0, through: bytes.count - recordSize, by: recordSize) {
            let flags = bytes[start + 16]
            sessions.append(
                StoredSession(
                    tag: word(bytes, start),
                    contact: Milliseconds(bitPattern: word(bytes, start + 8)),
                    saidAway: flags & awayFlag != 0, open: flags & openFlag != 0))
        }
        return sessions
    }

    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }

    private static func word(_ bytes: [UInt8], _ start: Int) -> UInt64 {
        var word: UInt64 = 0
        for place in start..<start + 8 { word = word << 8 | UInt64(bytes[place]) }
        return word
    }
}
