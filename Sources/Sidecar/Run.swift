// Owns `sidecar run`.
// Called by Main.
// Never parses the command line.

/// The service.
enum Run {
    static func run(_ source: ConfigSource) -> ExitCode {
        let loaded = source.load()
        for line in loaded.lines { Console.complain(line) }
        guard loaded.config != nil else { return .failure }
        Console.complain("sidecar run: the service is not assembled yet")
        return .failure
    }
}
