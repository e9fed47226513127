// Owns the request by which a server is asked whose a credential is.
// Called by the couriers; pure.
// Never shows a credential in another place than the client's, nor anything else of the client.

import ProxyCore

/// A request as it goes to `Fetch`.
struct InquiryForm {
    var method: String
    /// nil: the target's own.
    var path: String?
    var fields: [(String, String)]
    var body: [UInt8] = []

    /// What we call ourselves, and by what a request of ours is known (RFC 9110 §7.6.3).
    static let ownName = "presence-sidecar"

    /// - Returns: nil: the credential cannot stand in a request: see `canCarry`.
    init?(_ question: Question, _ settings: IntrospectionSettings) {
        guard Self.canCarry(question, settings) else { return nil }
        switch settings.mode {
        case .backend(_, let path):
            guard let credential = Self.credential(question, settings.shownAs) else { return nil }
            method = "GET"
            self.path = path
            fields = [credential] + Self.common
            if let host = Self.host(question.host) { fields.append(("Host", host)) }
            fields.append(("X-Forwarded-Proto", question.secure ? "https" : "http"))
        case .standard(_, let clientID, let secret, _):
            method = "POST"
            path = nil
            fields = Self.common + [("Content-Type", "application/x-www-form-urlencoded")]
            if let clientID {
                fields.append(("Authorization", Self.basic(clientID, secret ?? [])))
            }
            // RFC 7662 §2.1.
            body = Array("token=".utf8) + Self.formCoded(question.token)
            body += Array("&token_type_hint=access_token".utf8)
        }
    }

    /// Whether the credential can stand in a request. A token of a query was percent-encoded and
    /// may hold anything; what no request can carry, nobody can have sent to the application.
    static func canCarry(_ question: Question, _ settings: IntrospectionSettings) -> Bool {
        guard (1...Limits.tokenBytes).contains(question.token.count) else { return false }
        guard case .backend = settings.mode else { return true }
        let place = question.place.isQuery ? settings.shownAs : question.place
        let scheme = question.scheme ?? []
        guard isPlain(question.token), isPlain(scheme), question.token.rawSpan.text() != nil,
            scheme.rawSpan.text() != nil
        else { return false }
        // It would begin another cookie (RFC 6265 §4.2.1).
        if case .cookie = place { return !question.token.contains(0x3B) }
        return true
    }

    /// Whether a request is a question of a sidecar: of one before us, since our own go to the
    /// servers directly. It is no sign of anybody's presence.
    static func isQuestion(_ request: borrowing RequestHead, _ bytes: RawSpan) -> Bool {
        guard let field = request.fields.first(.userAgent) else { return false }
        return bytes[field.value].equals("presence-sidecar")
    }

    private static let common = [
        ("Accept", "application/json"), ("User-Agent", ownName), ("Via", "1.1 \(ownName)"),
    ]

    // MARK: The credential

    private static func credential(
        _ question: Question, _ shownAs: TokenPlace
    ) -> (String, String)? {
        switch question.place {
        case .header(let name, let scheme):
            let sent = question.scheme ?? scheme.map { Array($0.utf8) }
            return field(name, question.token, sent)
        // As the client sent it: the application may take the quotes for a part of it.
        case .cookie(let name):
            let token = question.token
            return cookie(name, question.isQuoted ? [0x22] + token + [0x22] : token)
        case .query:
            switch shownAs {
            case .header(let name, let scheme):
                return field(name, question.token, scheme.map { Array($0.utf8) })
            case .cookie(let name): return cookie(name, question.token)
            case .query: return field("Authorization", question.token, Array("Bearer".utf8))
            }
        }
    }

    private static func field(
        _ name: String, _ token: [UInt8], _ scheme: [UInt8]?
    ) -> (String, String)? {
        let before = scheme.flatMap { $0.isEmpty ? nil : $0 + [0x20] } ?? []
        return (before + token).rawSpan.text().map { (name, $0) }
    }

    private static func cookie(_ name: String, _ token: [UInt8]) -> (String, String)? {
        token.rawSpan.text().map { ("Cookie", "\(name)=\($0)") }
    }

    /// Nothing that ends a field's line (RFC 9110 §5.5).
    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// What the client asked for, so that the application finds itself on the same site. Its
    /// head's parser has read it strictly; here only nothing may hurt.
    private static func host(_ bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty, bytes.count <= InquiryLimits.host else { return nil }
        let isPlain = bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }
        return isPlain ? bytes.rawSpan.text() : nil
    }

    // MARK: RFC 7662

    /// RFC 6749 §2.3.1: both parts form-coded, then as in RFC 7617.
    private static func basic(_ id: String, _ secret: [UInt8]) -> String {
        let pair = formCoded(Array(id.utf8)) + [0x3A] + formCoded(secret)
        var out = ByteBuffer(capacity: pair.count * 2)
        out.append("Basic ")
        Base64.encode(pair.rawSpan, into: &out)
        return out.bytes.text() ?? ""
    }

    private static func formCoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var coded: [UInt8] = []
        coded.reserveCapacity(bytes.count)
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x2A: coded.append(byte)
            case 0x20: coded.append(0x2B)
            default: coded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return coded
    }
}

extension TokenPlace {
    fileprivate var isQuery: Bool {
        switch self {
        case .query: true
        case .header, .cookie: false
        }
    }
}
