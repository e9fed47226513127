// Owns every fixed bound of this target, with its unit and its reason.
// Called by the tables and the store.
// Never holds what an operator can set.

/// Bounds that are the same in every installation.
public enum PresenceLimits {
    /// People known at once; a row costs about 200 bytes.
    public static let users = 4 * 1024 * 1024
    /// Bytes of a user id.
    public static let userID = 256
    /// Bytes of a display name; longer ones are cut at a character.
    public static let name = 256
    /// Live sessions of one user; the one longest without contact makes room.
    public static let sessionsPerUser = 64
    /// Changes kept for those who resume.
    public static let journal = 65_536
    /// Explicit facts (claims, logouts, …) that wait for the disk; about 200 bytes each.
    public static let storeFacts = 16_384
    /// Rows of one transaction: it takes some 10 ms, and a fact that comes meanwhile waits for it.
    public static let storeBatch = 4_096
    /// Pages in the write-ahead log before they are moved into the database.
    public static let storeLogPages = 4_096
    /// Bytes that an emptied write-ahead log keeps on the disk.
    public static let storeLogBytes = 64 * 1024 * 1024
    /// Rows that one pass of the retention looks at.
    public static let storeRetention = 2_048
}
