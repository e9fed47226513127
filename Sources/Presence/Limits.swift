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
}
