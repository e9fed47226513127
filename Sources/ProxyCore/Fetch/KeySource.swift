// Owns where an issuer publishes his keys, and what asking there came to.
// Called by the configuration (to read it), by the fetcher, and by logs.
// Never asks anybody itself.

/// The place of one issuer's key set.
public struct KeySource: Sendable, Equatable {
    public enum Place: Sendable, Equatable {
        case server(FetchTarget)
        /// Read anew like a set that is fetched.
        case file(path: String)
    }

    /// His number in the key ring.
    public let issuer: Int
    public let place: Place
    /// PEM certificates that are believed instead of the system's; nil: the system's.
    public let caFile: String?

    public init(issuer: Int, place: Place, caFile: String? = nil) {
        self.issuer = issuer
        self.place = place
        self.caFile = caFile
    }

    public init(issuer: Int, target: FetchTarget, caFile: String? = nil) {
        self.init(issuer: issuer, place: .server(target), caFile: caFile)
    }
}

extension KeySource.Place: CustomStringConvertible {
    /// `https://…`, `http://…` of this machine, or the path of a file (`file:///…` too).
    /// - Throws: what is wrong, in words that follow the name of a config key.
    public init(_ text: String) throws(FetchURLError) {
        guard !text.isEmpty else { throw FetchURLError(reason: "is empty: write a URL or a path") }
        if text.hasPrefix("file://") {
            let path = String(text.dropFirst("file://".count))
            guard path.hasPrefix("/"), !path.hasPrefix("//") else {
                throw FetchURLError(reason: "names another machine's file: write \"file:///path\"")
            }
            self = .file(path: path)
            return
        }
        guard text.contains("://") else {
            guard !text.hasPrefix("unix:") else {
                throw FetchURLError(reason: "is a socket: write a URL or the path of a file")
            }
            self = .file(path: text)
            return
        }
        let target = try FetchTarget(text)
        guard target.isSecure || target.isLoopback else {
            throw FetchURLError(
                reason: "would be fetched without TLS, and whoever stands on the way could sign:"
                    + " write \"https://\(target.authority)\(target.path)\""
                    + " (http is for 127.0.0.1, [::1] and localhost)")
        }
        self = .server(target)
    }

    public var description: String {
        switch self {
        case .server(let target): target.text
        case .file(let path): path
        }
    }
}

/// What one question for keys came to.
public struct KeyNews: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        /// - changed: whether they are others than before.
        case fetched(keys: [String?], changed: Bool)
        /// - kept: how many keys from before stay in use.
        case failed(reason: String, kept: Int)
    }

    public let issuer: Int
    /// Where it was asked.
    public let source: String
    public let outcome: Outcome

    public var isFailure: Bool {
        if case .failed = outcome { return true }
        return false
    }

    /// One line for a log.
    public var text: String {
        switch outcome {
        case .fetched(let keys, let changed):
            let ids = keys.compactMap(\.self).prefix(8).map(Self.shown).joined(separator: ", ")
            let more = keys.count > 8 ? ", …" : ""
            let named = ids.isEmpty ? "" : " (\(ids)\(more))"
            return "keys of \(source): \(Self.count(keys.count))\(named)"
                + (changed ? "" : ", unchanged")
        case .failed(let reason, let kept):
            let rest =
                kept == 0
                ? "its tokens are not accepted until there are keys"
                : "\(Self.count(kept)) from before \(kept == 1 ? "stays" : "stay") in use"
            return "keys of \(source): \(Self.line(reason)); \(rest)"
        }
    }

    private static func count(_ keys: Int) -> String { "\(keys) key\(keys == 1 ? "" : "s")" }

    /// A reason may quote what an issuer wrote: it must stay one line.
    private static func line(_ reason: String) -> String {
        let bytes = reason.utf8.prefix(400).map { $0 < 0x20 || $0 == 0x7f ? 0x3f : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A key id as a log may show it.
    private static func shown(_ id: String) -> String {
        let visible = id.utf8.prefix(64).map { $0 > 0x20 && $0 < 0x7f ? $0 : 0x3f }
        return String(decoding: visible, as: UTF8.self)
    }
}
