// Owns which names of fields, cookies and parameters a configuration may choose.
// Called by the readers of token places, of forwarded claims and of logins.
// Never looks at a request.

import ProxyCore

/// Names that stand in a request's or an answer's head.
enum FieldRule {
    /// Bytes of a name that somebody chose: more is a mistake.
    static let longest = 64

    /// Fields whose meaning is fixed, by whole name: by the transport, by what the sidecar writes
    /// itself, or by applications.
    private static let fixed: Set<String> = [
        "authorization", "cache-control", "connection", "cookie", "date", "expect", "forwarded",
        "host", "keep-alive", "origin", "referer", "server", "set-cookie", "te", "trailer",
        "transfer-encoding", "upgrade", "user-agent", "via", "x-real-ip",
    ]
    /// The same by their beginning.
    private static let families = [
        "accept", "content-", "if-", "proxy-", "sec-", "x-forwarded-",
    ]

    /// RFC 9110 §5.6.2: a token. The same holds for cookies (RFC 6265 §4.1.1).
    static func isToken(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }

    /// How applications that get fields as variables (WSGI, CGI) tell names apart: not by case,
    /// and not by `-` and `_`.
    static func folded(_ name: String) -> String {
        String(name.lowercased().map { $0 == "_" ? "-" : $0 })
    }

    /// Why a name is none that a configuration can choose; nil: it can.
    static func fault(_ name: String) -> String? {
        guard isToken(name) else {
            return "is no name of a field: write letters, digits and '-'"
        }
        guard name.utf8.count <= longest else {
            return "is too long for a name: write at most \(longest) characters"
        }
        return nil
    }

    /// Why a name is none that a request's field can have here; nil: it can. What has another
    /// character in its name is taken out of requests before anybody reads it.
    static func requestFault(_ name: String) -> String? {
        if let reason = fault(name) { return reason }
        if isPlain(name) { return nil }
        let plain = String(decoding: name.utf8.map { isPlain($0) ? $0 : 0x2D }, as: UTF8.self)
        return "never comes through, since fields with other characters than letters, digits and"
            + " '-' in their names are taken out of requests: have it sent as \"\(plain)\""
    }

    /// Whether nobody between here and an application drops it for its name, as nginx does.
    static func isPlain(_ name: String) -> Bool { name.utf8.allSatisfy(isPlain) }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D
    }

    /// Whether the field means something already.
    static func isFixed(_ name: String) -> Bool {
        let name = folded(name)
        return fixed.contains(name) || families.contains { name.hasPrefix($0) }
    }
}
