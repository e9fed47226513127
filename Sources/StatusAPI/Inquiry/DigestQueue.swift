// Owns the order in which questions were asked.
// Called by the machine of inquiries, under its lock.
// Never holds a question: only the digest by which it is found.

import ProxyCore

/// First in, first out. Its bound is its caller's.
struct DigestQueue {
    private var digests: [TokenDigest] = []
    /// Places before it are taken out.
    private var start = 0

    var count: Int { digests.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ digest: TokenDigest) { digests.append(digest) }

    mutating func removeFirst() -> TokenDigest? {
        guard start < digests.count else { return nil }
        let digest = digests[start]
        start += 1
        if start == digests.count {
            // What a burst has made it grow to is given back.
            if start > 64 { digests = [] } else { digests.removeAll(keepingCapacity: true) }
            start = 0
        } else if start > 256, start * 2 > digests.count {
            digests.removeFirst(start)
            start = 0
        }
        return digest
    }
}
