// Owns addresses as they are written in the configuration and on the command line.
// Called by the config reader.
// Never resolves a name.

import ProxyCore

/// Why a text is no address: what is wrong, and what to write.
struct AddressFault: Error, Equatable {
    let reason: String
}

/// Reads addresses to listen on and to connect to.
enum AddressText {
    /// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `unix:/run/sidecar.sock`, `systemd`.
    static func listener(_ text: String) throws(AddressFault) -> ListenAddress {
        if text == "systemd" { return .systemd }
        if let path = try unixPath(text) { return .unix(path: path) }
        if text.contains("://") {
            throw AddressFault(reason: "is a URL: write only the address, like \"127.0.0.1:8080\"")
        }
        try refuseBarePort(text)
        let (host, port) = try hostAndPort(text, fallback: nil, ports: 0...65_535)
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard SocketAddress(numeric: numeric, port: port) != nil else {
            throw AddressFault(reason: "is no numeric address: write one like \"127.0.0.1:8080\"")
        }
        return .tcp(host: numeric, port: port)
    }

    /// `8080`, `:8080`, `*:8080`: other servers understand these, so it is said what is meant here.
    private static func refuseBarePort(_ text: String) throws(AddressFault) {
        for mark in ["", ":", "*:"] where text.hasPrefix(mark) {
            let port = text.dropFirst(mark.count)
            guard !port.isEmpty, port.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { continue }
            let all = "\"0.0.0.0:\(port)\" (IPv4) or \"[::]:\(port)\""
            throw AddressFault(
                reason: "names no address: write \"127.0.0.1:\(port)\", or for everybody \(all)")
        }
    }

    /// `http://host:port`, `https://host`, `unix:/run/app.sock`.
    static func server(
        _ text: String
    ) throws(AddressFault) -> (address: ServerAddress, secure: Bool) {
        if let path = try unixPath(text) { return (.unix(path: path), false) }
        let lowered = text.lowercased()
        let secure = lowered.hasPrefix("https://")
        guard secure || lowered.hasPrefix("http://") else {
            let guess = text.contains("://") || text.hasPrefix("/") ? "127.0.0.1:8000" : text
            let wanted = "\"http://\(guess)\" or \"unix:/run/app.sock\""
            throw AddressFault(reason: "is no upstream: write \(wanted)")
        }
        let scheme = secure ? "https://" : "http://"
        var rest = String(text.dropFirst(scheme.count))
        if rest.hasSuffix("/") { rest.removeLast() }
        if rest.contains(where: { "/?#@".contains($0) }) {
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            let host = authority.split(separator: "@").last ?? "127.0.0.1:8000"
            throw AddressFault(
                reason: "has more than a host and a port: write \"\(scheme)\(host)\"")
        }
        let (host, port) = try hostAndPort(rest, fallback: secure ? 443 : 80, ports: 1...65_535)
        return (.tcp(host: host, port: port), secure)
    }

    private static func unixPath(_ text: String) throws(AddressFault) -> String? {
        guard text.hasPrefix("unix:") else { return nil }
        let path = String(text.dropFirst("unix:".count))
        guard path.hasPrefix("/"), !path.hasPrefix("//") else {
            throw AddressFault(reason: "needs an absolute path: write \"unix:/run/app.sock\"")
        }
        guard SocketAddress(unixPath: path) != nil else {
            throw AddressFault(reason: "has a path too long for a socket: at most 107 bytes")
        }
        return path
    }

    private static func hostAndPort(
        _ text: String, fallback: UInt16?, ports: ClosedRange<Int>
    ) throws(AddressFault) -> (host: String, port: UInt16) {
        let host: Substring
        var port: Substring?
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else {
                throw AddressFault(reason: "lacks a ']': write one like \"[::1]:8080\"")
            }
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw AddressFault(
                    reason: "has something between ']' and ':': write \"[::1]:8080\"")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"), SocketAddress(numeric: String(host), port: 0) != nil else {
                throw AddressFault(
                    reason: "has no IPv6 address between '[' and ']': write one like \"[::1]:8080\""
                )
            }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            if port?.contains(":") == true {
                throw AddressFault(
                    reason: "has several colons: an IPv6 address stands in brackets, like"
                        + " \"[::1]:8080\"")
            }
        } else {
            host = text[...]
        }
        guard isName(host) else {
            throw AddressFault(reason: "names no host: write one like 127.0.0.1")
        }
        return (String(host), try number(port, fallback: fallback, in: ports, host: text))
    }

    private static func number(
        _ port: Substring?, fallback: UInt16?, in ports: ClosedRange<Int>, host: String
    ) throws(AddressFault) -> UInt16 {
        guard let port else {
            if let fallback { return fallback }
            throw AddressFault(reason: "has no port: write one like \"\(host):8080\"")
        }
        let digits = !port.isEmpty && port.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        guard digits else { throw AddressFault(reason: "has no number for a port: write one") }
        guard let value = Int(port), ports.contains(value), let small = UInt16(exactly: value)
        else {
            throw AddressFault(
                reason: "has a port out of range: write one from \(ports.lowerBound) to 65535")
        }
        return small
    }

    /// A host name or an address: letters, digits, `.`, `-`, `_`; `:` within brackets.
    private static func isName(_ host: Substring) -> Bool {
        (1...253).contains(host.utf8.count)
            && host.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
                    || [0x2D, 0x2E, 0x3A, 0x5F].contains(byte)
            }
    }

    /// A text to show in a finding, without a password that stands in a URL.
    static func shown(_ text: String) -> String {
        guard let at = text.lastIndex(of: "@") else { return ConfigValue.quoted(text) }
        return ConfigValue.quoted("…" + text[at...])
    }

    /// Why a text is no origin of a browser (`https://app.example:8443`); nil where it is one.
    static func originFault(_ text: String) -> String? {
        if text == "*" { return "leave origins out to allow every one" }
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
            return "an origin begins with https:// or http://: write \"https://app.example\""
        }
        do throws(AddressFault) {
            guard !text.hasSuffix("/") else {
                return "an origin has no path: write \"\(text.dropLast())\""
            }
            _ = try server(text)
            return nil
        } catch {
            return "an origin is a scheme, a host and perhaps a port: it \(error.reason)"
        }
    }
}
