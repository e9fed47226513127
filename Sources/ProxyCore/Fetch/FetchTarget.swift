// Owns URLs of servers that are asked something: reading them, and comparing where they lead.
// Called by the configuration, and by redirects.
// Never resolves a name, never connects.

/// Why a text is no URL to ask: what is wrong, and what to write.
public struct FetchURLError: Error, Equatable, Sendable, CustomStringConvertible {
    public let reason: String

    public var description: String { reason }
}

/// Where to ask: `https://host[:port]/path?query`, the same with `http`, or `unix:/path.sock`.
public struct FetchTarget: Sendable, Equatable {
    public enum Scheme: String, Sendable {
        case http, https, unix

        var port: UInt16 { self == .https ? 443 : 80 }
    }

    public let scheme: Scheme
    /// In lower case, without brackets; of a Unix socket, its path.
    public let host: String
    /// 0 of a Unix socket.
    public let port: UInt16
    /// With the query; at least `/`.
    public let path: String

    /// - Throws: what is wrong, in words that follow the name of a config key.
    public init(_ url: String) throws(FetchURLError) {
        guard url.utf8.count <= Limits.fetchURL else {
            throw FetchURLError(reason: "is a URL of more than \(Limits.fetchURL) bytes")
        }
        if url.hasPrefix("unix:") {
            let socket = try Self.socket(String(url.dropFirst("unix:".count)))
            self.init(scheme: .unix, host: socket, port: 0, path: "/")
            return
        }
        guard let (scheme, rest) = Self.scheme(of: url) else {
            throw FetchURLError(reason: "is no URL: write one like \"https://host/path\"")
        }
        let end = rest.utf8.firstIndex { $0 == 0x2f || $0 == 0x3f || $0 == 0x23 }
        let authority = rest[..<(end ?? rest.endIndex)]
        let (host, port) = try Self.authority(authority, scheme)
        let path = try Self.path(rest[(end ?? rest.endIndex)...])
        self.init(scheme: scheme, host: host, port: port, path: path)
    }

    private init(scheme: Scheme, host: String, port: UInt16, path: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
    }

    // MARK: What is asked of it

    /// For `Host`: without the port where it is the scheme's own (RFC 9110 §7.2).
    public var authority: String {
        guard scheme != .unix else { return "localhost" }
        let name = host.utf8.contains(0x3a) ? "[\(host)]" : host
        return port == scheme.port ? name : "\(name):\(port)"
    }

    /// Whether nothing leaves this machine. `localhost` is taken at its word (RFC 6761 §6.3).
    public var isLoopback: Bool {
        if scheme == .unix || host == "localhost" || host == "::1" { return true }
        guard let address = ClientAddress.parse(host), address.family == .v4 else { return false }
        return host.hasPrefix("127.")
    }

    public var isSecure: Bool { scheme == .https }

    /// As it would be written, for logs.
    public var text: String {
        scheme == .unix ? "unix:\(host)" : "\(scheme.rawValue)://\(authority)\(path)"
    }

    /// Whether a request to `other` goes to the very same server (RFC 6454 §4).
    public func isSameOrigin(as other: FetchTarget) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The same server, another path with query.
    public func with(path: String) -> FetchTarget {
        FetchTarget(scheme: scheme, host: host, port: port, path: path)
    }

    /// Where a `Location` leads from here (RFC 3986 §5.2, without removing dot segments: the
    /// server that sent them knows what they mean).
    func following(_ location: String) throws(FetchURLError) -> FetchTarget {
        if Self.scheme(of: location) != nil { return try FetchTarget(location) }
        guard location.utf8.count <= Limits.fetchURL else {
            throw FetchURLError(reason: "is a URL of more than \(Limits.fetchURL) bytes")
        }
        if location.hasPrefix("//") { return try FetchTarget("\(scheme.rawValue):\(location)") }
        let own = path.prefix { $0 != "?" }
        let merged: String
        if location.hasPrefix("/") {
            merged = location
        } else if location.hasPrefix("?") {
            merged = own + location
        } else {
            // A scheme that is not asked (ftp:) looks like a path with a colon in its first part.
            guard !location.prefix(while: { $0 != "/" }).contains(":") else {
                throw FetchURLError(reason: "is no URL: write one like \"https://host/path\"")
            }
            merged = own[...(own.lastIndex(of: "/") ?? own.startIndex)] + location
        }
        return with(path: try Self.path(merged.prefix { $0 != "#" }))
    }

    // MARK: Reading

    private static func socket(_ path: String) throws(FetchURLError) -> String {
        guard path.hasPrefix("/"), !path.hasPrefix("//") else {
            throw FetchURLError(reason: "needs an absolute path: write \"unix:/run/app.sock\"")
        }
        guard SocketAddress(unixPath: path) != nil else {
            throw FetchURLError(reason: "has a path too long for a socket: at most 107 bytes")
        }
        return path
    }

    private static func scheme(of url: String) -> (Scheme, Substring)? {
        for scheme in [Scheme.https, .http] {
            let mark = "\(scheme.rawValue)://"
            let start = url.utf8.prefix(mark.utf8.count)
            if start.map(\.lowercasedASCII) == Array(mark.utf8) {
                return (scheme, url[start.endIndex...])
            }
        }
        return nil
    }

    private static func authority(
        _ text: Substring, _ scheme: Scheme
    ) throws(FetchURLError) -> (String, UInt16) {
        guard !text.utf8.contains(0x40) else {
            throw FetchURLError(reason: "holds a user name or password: write the URL without it")
        }
        guard Authority.isValid(String(text).rawSpan) else {
            throw FetchURLError(
                reason: "names no host: write one like \"\(scheme.rawValue)://host/path\"")
        }
        var host = text
        var port = scheme.port
        let close = text.utf8.lastIndex(of: 0x5d)
        if let colon = text.utf8.lastIndex(of: 0x3a), colon > close ?? text.startIndex {
            host = text[..<colon]
            // Authority.isValid has seen 1...65535.
            port = UInt16(text[text.index(after: colon)...]) ?? port
        }
        if host.hasPrefix("[") { host = host.dropFirst().dropLast() }
        let name = lowered(host)
        // A last dot is the root to a resolver and part of the name to a certificate.
        guard name.utf8.count <= 253, !name.hasPrefix("."), !name.hasSuffix("."),
            !name.contains("..")
        else {
            throw FetchURLError(
                reason: "names no host: write one like \"\(scheme.rawValue)://host/path\"")
        }
        return (name, port)
    }

    private static func path(_ text: Substring) throws(FetchURLError) -> String {
        guard !text.utf8.contains(0x23) else {
            throw FetchURLError(reason: "has a fragment (#…), which is never sent: leave it out")
        }
        guard text.utf8.allSatisfy({ $0.isOf(.target) }) else {
            throw FetchURLError(
                reason: "holds a byte that no URL holds: write it as %XX (a space is %20)")
        }
        return text.hasPrefix("/") ? String(text) : "/" + text
    }

    private static func lowered(_ host: Substring) -> String {
        String(decoding: host.utf8.map(\.lowercasedASCII), as: UTF8.self)
    }
}
