// Owns moving much through a proxy on one thread: what one end sends, the other must take.
// Called by the tests of large bodies and slow readers.
// Never blocks on one end while the other has something to do.

import Glibc
import XCTest

/// Sends `bytes` at one end while a response is read at the other; `limit`: the most that comes.
func pump(
    _ bytes: ArraySlice<UInt8>, from writer: Wire, to reader: Wire, until limit: Int
) -> Message {
    var rest = bytes
    while !rest.isEmpty, reader.end == nil {
        guard let sent = writer.trySend(rest.prefix(1 << 20)) else { break }
        rest = rest.dropFirst(sent)
        if reader.wait(POLLIN, sent == 0 ? 1 : 0) { reader.receive() }
    }
    return reader.readReply()
}

/// Sends the same piece again and again until nothing has been taken for a while.
/// - Returns: how many bytes went.
func fill(_ writer: Wire, atMost limit: Int) -> Int {
    let piece = [UInt8](repeating: 120, count: 65536)
    var sent = 0
    while sent < limit {
        guard let count = writer.trySend(piece.prefix(limit - sent)) else { break }
        sent += count
        if count == 0, !writer.wait(POLLOUT, 300) { break }
    }
    return sent
}
