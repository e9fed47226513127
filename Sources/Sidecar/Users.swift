// Owns `sidecar users`.
// Called by Main.
// Never parses the command line.

/// A table of who is online.
enum Users {
    static func run(_ order: UsersOrder) -> ExitCode {
        Console.complain("sidecar users: not in this version yet")
        return .failure
    }
}
