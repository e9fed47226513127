// Owns `sidecar check`.
// Called by Main.
// Never changes anything, never opens a socket.

/// Says what is wrong with a config file.
enum Check {
    /// The lines for standard output, and how the process ends.
    static func report(
        file: String, surroundings: Surroundings = .system
    ) -> (lines: [String], code: ExitCode) {
        let loaded = ConfigSource.file(file).load(surroundings)
        guard loaded.config != nil else { return (loaded.lines, .failure) }
        return (loaded.lines.isEmpty ? ["\(file): ok"] : loaded.lines, .success)
    }

    static func run(file: String) -> ExitCode {
        let (lines, code) = report(file: file)
        for line in lines { Console.print(line) }
        return code
    }
}
