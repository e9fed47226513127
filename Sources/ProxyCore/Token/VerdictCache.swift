// Owns what is remembered of tokens that were verified: the application's words by whole token.
// Called by the application of one loop, for every request that carries a token.
// Never holds an unverified token, never answers for one that has expired.

/// Verified tokens of one loop, bounded by entries and by bytes.
///
/// A hit costs a hash of the token's last 24 bytes (of the signature, that is: unguessable and
/// evenly spread), one comparison of the whole token and one of the time; it allocates nothing
/// and counts no reference. The hash is keyed per cache, so that nobody can choose tokens that
/// meet in one chain, and a chain is bounded all the same.
///
/// The comparison is not constant-time: who wants to learn a token from it must first meet its
/// hash, which takes the 24 bytes that he could not guess.
public final class VerdictCache<Value: BitwiseCopyable> {
    @usableFromInline struct Entry: ~Copyable {
        @usableFromInline var hash: UInt64
        @usableFromInline var expires: Milliseconds
        @usableFromInline var value: Value
        @usableFromInline var next: Int32
        /// Found since the clock's hand last passed. A new token is cold: a flood of tokens that
        /// are seen once pushes out itself and not those in use.
        @usableFromInline var warm: Bool
        var live: Bool
        @usableFromInline var token: ByteBuffer

        init(hash: UInt64, expires: Milliseconds, value: Value, token: consuming ByteBuffer) {
            self.hash = hash
            self.expires = expires
            self.value = value
            self.token = token
            next = -1
            warm = false
            live = true
        }
    }

    /// Entries of one chain: an even hash makes five the longest of thousands.
    static var chainLimit: Int { 8 }

    @usableFromInline var entries: BoundedTable<Entry>
    @usableFromInline var heads: BoundedTable<Int32>
    @usableFromInline let mask: UInt64
    @usableFromInline let seeds: (UInt64, UInt64, UInt64)
    private var free: Int32 = -1
    private var hand = 0
    public let byteLimit: Int
    /// Tokens held now.
    public private(set) var count = 0
    /// Bytes of the tokens held now.
    public private(set) var byteCount = 0

    /// - Parameters:
    ///   - entries: the most tokens held.
    ///   - bytes: the most bytes that they have together, without the table itself.
    public convenience init(entries: Int, bytes: Int) {
        self.init(
            entries: entries, bytes: bytes,
            seeds: (Secret.randomWord(), Secret.randomWord(), Secret.randomWord()))
    }

    /// With fixed seeds: tests that need a collision.
    init(entries: Int, bytes: Int, seeds: (UInt64, UInt64, UInt64), buckets: Int? = nil) {
        self.entries = BoundedTable(limit: entries)
        byteLimit = bytes
        self.seeds = seeds
        var size = 1
        while size < buckets ?? entries { size *= 2 }
        mask = UInt64(size - 1)
        heads = BoundedTable(limit: size)
        for _ in 0..<size { heads.append(-1) }
    }

    /// The entry of exactly this token that has not expired at `now`, or nil.
    ///
    /// The number is good until the next `insert` or `remove`.
    @inlinable public func find(_ token: RawSpan, now: Milliseconds) -> Int32? {
        let hash = hash(token)
        var slot = heads[Int(hash & mask)]
        while slot >= 0 {
            let index = Int(slot)
            if entries[index].hash == hash, entries[index].token.bytes.equals(token) {
                guard now < entries[index].expires else {
                    remove(slot)
                    return nil
                }
                if !entries[index].warm { entries[index].warm = true }
                return slot
            }
            slot = entries[index].next
        }
        return nil
    }

    /// The application's words for an entry that `find` or `insert` has just named.
    @inlinable public subscript(entry: Int32) -> Value {
        get { entries[Int(entry)].value }
        set { entries[Int(entry)].value = newValue }
    }

    /// When the entry dies.
    public func expires(_ entry: Int32) -> Milliseconds { entries[Int(entry)].expires }

    /// Remembers a token that was verified; a token already held gets the new value and time.
    ///
    /// - Parameter expires: the first moment at which the token no longer counts, leeway included.
    /// - Returns: the entry, or nil where the token is not worth one (expired, too long).
    @discardableResult
    public func insert(
        _ token: RawSpan, _ value: Value, expires: Milliseconds, now: Milliseconds
    ) -> Int32? {
        let length = token.byteCount
        guard expires > now, length > 0, length <= min(Limits.tokenBytes, byteLimit) else {
            return nil
        }
        if let slot = find(token, now: now) {
            entries[Int(slot)].value = value
            entries[Int(slot)].expires = expires
            return slot
        }
        while byteCount + length > byteLimit { evict(now: now) }
        if free < 0, entries.count == entries.limit { evict(now: now) }
        let hash = hash(token)
        trimChain(hash)
        var copy = ByteBuffer(capacity: length)
        copy.append(token)
        let slot = place(Entry(hash: hash, expires: expires, value: value, token: copy))
        let bucket = Int(hash & mask)
        entries[Int(slot)].next = heads[bucket]
        heads[bucket] = slot
        count += 1
        byteCount += length
        return slot
    }

    /// Forgets the entry.
    public func remove(_ entry: Int32) {
        let index = Int(entry)
        guard entries[index].live else { return }
        let bucket = Int(entries[index].hash & mask)
        let next = entries[index].next
        if heads[bucket] == entry {
            heads[bucket] = next
        } else {
            var before = Int(heads[bucket])
            while entries[before].next != entry { before = Int(entries[before].next) }
            entries[before].next = next
        }
        count -= 1
        byteCount -= entries[index].token.count
        entries[index].live = false
        entries[index].token = ByteBuffer()
        entries[index].next = free
        free = entry
    }

    /// Forgets every token: the keys have changed.
    public func removeAll() {
        for index in 0..<entries.count { remove(Int32(index)) }
    }

    private func place(_ entry: consuming Entry) -> Int32 {
        guard free >= 0 else { return Int32(entries.append(entry)) }
        let slot = free
        free = entries[Int(slot)].next
        entries[Int(slot)] = entry
        return slot
    }

    /// Frees one entry: the next that has expired or was not found since the hand last passed.
    private func evict(now: Milliseconds) {
        // The second round meets no warm entry any more.
        for _ in 0..<(2 * entries.count + 1) {
            if hand >= entries.count { hand = 0 }
            let index = hand
            hand += 1
            guard entries[index].live else { continue }
            if entries[index].warm, entries[index].expires > now {
                entries[index].warm = false
                continue
            }
            remove(Int32(index))
            return
        }
    }

    /// Makes room in the chain of `hash`, at its old end.
    private func trimChain(_ hash: UInt64) {
        var last: Int32 = -1
        var length = 0
        var slot = heads[Int(hash & mask)]
        while slot >= 0 {
            last = slot
            length += 1
            slot = entries[Int(slot)].next
        }
        if length >= Self.chainLimit { remove(last) }
    }

    /// A folded multiplication of the last three words with the seeds and the length.
    @inlinable @inline(__always)
    func hash(_ token: RawSpan) -> UInt64 {
        let count = token.byteCount
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        if count >= 24 {
            words = (
                token.word(at: count - 24), token.word(at: count - 16), token.word(at: count - 8)
            )
        } else {
            words = Self.shortWords(token)
        }
        let first = (words.0 ^ seeds.0).multipliedFullWidth(by: words.1 ^ seeds.1)
        let mixed = first.high ^ first.low
        let second = (mixed ^ words.2).multipliedFullWidth(by: seeds.2 ^ UInt64(count))
        return second.high ^ second.low
    }

    @usableFromInline
    static func shortWords(_ token: RawSpan) -> (UInt64, UInt64, UInt64) {
        var words: [3 of UInt64] = [0, 0, 0]
        for index in 0..<token.byteCount {
            words[index >> 3] |= UInt64(token[at: index]) << UInt64((index & 7) * 8)
        }
        return (words[0], words[1], words[2])
    }
}
