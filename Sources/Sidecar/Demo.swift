// Owns `sidecar demo`.
// Called by Main.
// Never parses the command line.

/// A sample backend, the sidecar before it, and some moving users.
enum Demo {
    static func run(port: UInt16?) -> ExitCode {
        Console.complain("sidecar demo: not in this version yet")
        return .failure
    }
}
