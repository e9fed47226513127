// Owns the store's fixed bounds, with their units and reasons.
// Called by the store alone.
// Never holds what an operator can set.

import ProxyCore

extension PresenceLimits {
    /// Explicit facts (claims, logouts, …) that wait for the disk; about 200 bytes each.
    static let storeFacts = 16_384
    /// Refused facts whose askers wait to be told; more only where the disk hangs for seconds.
    static let storeRefusals = 65_536
    /// Facts of one transaction: it takes some 10 ms, and what comes meanwhile waits for it.
    static let storeFactBatch = 4_096
    /// Pages in the write-ahead log before they are moved into the database (64 MiB): pages that
    /// many flushes change are moved once.
    static let storeLogPages = 16_384
    /// Bytes that an emptied write-ahead log keeps on the disk.
    static let storeLogBytes = 64 * 1024 * 1024
    /// Between two notes of being alive while nothing is to be written, milliseconds. After a
    /// crash, who was present at the last note is presumed present for a while.
    static let storeIdleStamp: Milliseconds = 10_000
    /// Memory for pages, KiB.
    static let storeCacheKiB = 16 * 1024
    /// Rows that one pass of the retention looks at.
    static let storeRetentionRows = 2_048
    /// Intervals of the history that one pass of the retention deletes: 17 million a day.
    static let storeHistoryPrune = 2_048
    /// Questions about histories that wait. Beyond it they are refused with 503.
    static let storeHistoryRequests = 256
    /// Gaps that one answer names.
    static let storeHistoryGaps = 100
    /// Time between two passes of the retention, milliseconds.
    static let storeRetentionEvery: Milliseconds = 10_000
    /// How long what has expired is kept: clocks differ, and tokens are granted some leeway.
    static let storeExpiredFor: Milliseconds = 3_600_000
    /// How long a session without a socket is kept after its last contact: far longer than any
    /// sensible `offline_after`.
    static let storeSessionFor: Milliseconds = 30 * 86_400_000
}
