// Owns the last changes of status, in order, and the cursors by which readers resume.
// Called by shards under their lock (append) and by every consumer of changes (read).
// Never waits for a reader: who is too slow starts anew.

public import ProxyCore

/// One change of one user's status.
public struct Change: Sendable, Equatable, BitwiseCopyable {
    public let subject: UInt32
    public let status: Status
    public let previous: Status
    /// When the status began; earlier than its announcement where time alone changed it.
    public let since: Milliseconds

    public init(subject: UInt32, status: Status, previous: Status, since: Milliseconds) {
        self.subject = subject
        self.status = status
        self.previous = previous
        self.since = since
    }
}

/// A place in the journal of one life of this process.
public struct Cursor: Sendable, Hashable {
    let epoch: UInt64
    let sequence: UInt64

    init(epoch: UInt64, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// "EPOCH-SEQUENCE", both hexadecimal; opaque to clients, safe in a URL.
    public var text: String {
        String(epoch, radix: 16) + "-" + String(sequence, radix: 16)
    }

    /// Whether it stands before another one of the same life.
    public func isBefore(_ other: Cursor) -> Bool {
        epoch == other.epoch && sequence < other.sequence
    }

    /// Nil where it is none of ours in form.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= 33, parts.count == 2,
            let epoch = UInt64(parts[0], radix: 16), let sequence = UInt64(parts[1], radix: 16)
        else { return nil }
        self.init(epoch: epoch, sequence: sequence)
    }
}

/// What has changed since a cursor.
public enum JournalRead: Sendable, Equatable {
    /// Each user's last change, in order, and where to go on; empty: nothing new.
    case changes([Change], next: Cursor)
    /// The cursor is too old or of another life: take a snapshot, then read on from `next`
    /// (taken now, so read it before the snapshot is made).
    case reset(next: Cursor)
}

/// A bounded ring of changes.
public final class Journal: Sendable {
    private struct Ring {
        var changes: [Change] = []
        /// Changes ever appended; the next one's sequence.
        var count: UInt64 = 0
    }

    private let ring: Lock<Ring>
    private let epoch: UInt64
    private let capacity: Int

    /// - Parameter epoch: random, so that a cursor of a former life is recognised.
    init(capacity: Int, epoch: UInt64) {
        ring = Lock(Ring())
        self.epoch = epoch
        self.capacity = max(capacity, 1)
    }

    /// Where a reader begins who takes a snapshot after this.
    public var cursor: Cursor {
        Cursor(epoch: epoch, sequence: count)
    }

    /// Changes ever appended.
    public var count: UInt64 { ring.withLock { $0.count } }

    /// How many changes there were since `cursor`; nil: it is too old or of another life.
    public func distance(from cursor: Cursor) -> Int? {
        ring.withLock { ring in
            let oldest = ring.count - UInt64(ring.changes.count)
            guard cursor.epoch == epoch, cursor.sequence <= ring.count,
                cursor.sequence >= oldest
            else { return nil }
            return Int(ring.count - cursor.sequence)
        }
    }

    func append(_ change: Change) {
        ring.withLock { ring in
            if ring.changes.count < capacity {
                ring.changes.append(change)
            } else {
                ring.changes[Int(ring.count % UInt64(capacity))] = change
            }
            ring.count += 1
        }
    }

    /// What has changed since `cursor`. Of several changes of one user the last alone is told.
    /// - Parameter limit: changes looked at in one call; call again from `next` for the rest.
    public func read(since cursor: Cursor, limit: Int = 4_096) -> JournalRead {
        guard let (changes, end) = every(since: cursor, limit: limit) else {
            return .reset(next: self.cursor)
        }
        return .changes(Self.last(of: changes), next: end)
    }

    /// Every change since `cursor`, in order, and where to go on; nil: it is too old.
    func every(since cursor: Cursor, limit: Int) -> (changes: [Change], next: Cursor)? {
        ring.withLock { ring in
            let oldest = ring.count - UInt64(ring.changes.count)
            guard cursor.epoch == epoch, cursor.sequence <= ring.count,
                cursor.sequence >= oldest
            else { return nil }
            let end = min(ring.count, cursor.sequence + UInt64(max(limit, 1)))
            var changes: [Change] = []
            changes.reserveCapacity(Int(end - cursor.sequence))
            for sequence in cursor.sequence..<end {
                changes.append(ring.changes[Int(sequence % UInt64(capacity))])
            }
            return (changes, Cursor(epoch: epoch, sequence: end))
        }
    }

    /// Each user's last change, in the order in which they happened.
    static func last(of changes: [Change]) -> [Change] {
        var told: Set<UInt32> = []
        var kept: [Change] = []
        for change in changes.reversed() where told.insert(change.subject).inserted {
            kept.append(change)
        }
        kept.reverse()
        return kept
    }
}
