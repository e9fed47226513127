// Owns where in a token's claims a person is found, as it was configured.
// Called by the assembly at start; read by the verifier and the signer.
// Never reads a token.

/// The place of one claim: a member of the claims, or a path where the text begins with `$`.
///
/// `https://example.com/user` and `a.b` are member names as they stand (RFC 7519 §4.2 recommends
/// such names), `$.realm.user` is a path.
public struct ClaimName: Sendable, Equatable {
    public let text: String
    private let path: JSONPath?

    /// - Throws: `JSONPathError` for a text that begins with `$` and is no path.
    public init(_ text: String) throws(JSONPathError) {
        self.text = text
        path = text.utf8.first == 0x24 ? try JSONPath(text) : nil
    }

    /// A member of the claims.
    public init(member: String) {
        text = member
        path = nil
    }

    /// Whether it is a member and no path.
    var isMember: Bool { path == nil }

    /// The claim, or nil where it is not there or null.
    func find(in claims: JSONNode) -> JSONNode? {
        let node = path.map { $0.first(in: claims) } ?? claims[text]
        guard let node, !node.isNull else { return nil }
        return node
    }
}

/// What a claim is compared with.
public enum ClaimScalar: Sendable, Equatable {
    case bool(Bool)
    case string(String)
    case integer(Int64)
    /// One word of a text with blanks between (`scope`, RFC 8693 §4.2), or a member of an array.
    case word(String)

    /// Whether the node is this very value, or an array that has it as text (`roles`).
    func matches(_ node: JSONNode) -> Bool {
        switch self {
        case .bool(let wanted): return node.bool == wanted
        case .integer(let wanted): return node.integer == wanted
        case .string(let wanted):
            let texts = node.array?.compactMap(\.string) ?? [node.string].compactMap(\.self)
            return texts.contains { $0.rawSpan.equals(wanted.rawSpan) }
        case .word(let wanted):
            if let text = node.string {
                return text.utf8.split(separator: 0x20).contains { $0.elementsEqual(wanted.utf8) }
            }
            return ClaimScalar.string(wanted).matches(node)
        }
    }
}

/// Which claims say who somebody is.
public struct ClaimRules: Sendable, Equatable {
    /// The first of them that is there is the user id.
    public var user: [ClaimName]
    public var name: [ClaimName]
    public var session: [ClaimName]
    /// nil: nobody is an admin by a token.
    public var admin: ClaimName?
    public var adminEquals: ClaimScalar

    /// The rules that hold where nothing is configured.
    public init() {
        user = [ClaimName(member: "user_id"), ClaimName(member: "sub")]
        name = [ClaimName(member: "name"), ClaimName(member: "username")]
        session = [ClaimName(member: "sid"), ClaimName(member: "jti")]
        admin = ClaimName(member: "is_staff")
        adminEquals = .bool(true)
    }

    /// - Throws: `JSONPathError` for a text that begins with `$` and is no path.
    public init(
        user: [String], name: [String], session: [String], adminClaim: String?,
        adminEquals: ClaimScalar
    ) throws(JSONPathError) {
        self.user = try Self.names(user)
        self.name = try Self.names(name)
        self.session = try Self.names(session)
        if let adminClaim { admin = try ClaimName(adminClaim) }
        self.adminEquals = adminEquals
    }

    private static func names(_ texts: [String]) throws(JSONPathError) -> [ClaimName] {
        var names: [ClaimName] = []
        for text in texts { names.append(try ClaimName(text)) }
        return names
    }
}
