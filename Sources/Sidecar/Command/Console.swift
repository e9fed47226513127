// Owns writing lines to the terminal, and the exit codes.
// Called by the commands.
// Never keeps text back.

import ProxyCore

/// What the process says when it ends.
enum ExitCode: Int32, Sendable {
    case success = 0
    case failure = 1
    /// It could not be found out (`whoami`).
    case unknown = 2
    /// The command line could not be understood (sysexits.h: EX_USAGE).
    case usage = 64
}

/// Standard output and standard error.
enum Console {
    static func print(_ text: String) { write(text + "\n", to: FileDescriptor(1)) }
    static func complain(_ text: String) { write(text + "\n", to: FileDescriptor(2)) }

    private static func write(_ text: String, to file: FileDescriptor) {
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            // A reader that went away (`sidecar check | head -1`) has read enough.
            guard
                case .bytes(let count) = file.write(bytes.rawSpan.extracting(start..<bytes.count)),
                count > 0
            else { return }
            start += count
        }
    }
}
