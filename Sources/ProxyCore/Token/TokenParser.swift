// Owns the outer form of a token: three segments, and what its header asks for.
// Called by the verifier.
// Never looks at claims, never trusts anything it reads.

/// The three segments of a compact JWS (RFC 7515 §3.1) as offsets into the token.
struct TokenSegments: BitwiseCopyable, Equatable {
    var headerEnd: Int
    var payloadEnd: Int
    var end: Int

    @_lifetime(copy token)
    func header(of token: RawSpan) -> RawSpan { token.extracting(0..<headerEnd) }
    @_lifetime(copy token)
    func payload(of token: RawSpan) -> RawSpan { token.extracting((headerEnd + 1)..<payloadEnd) }
    @_lifetime(copy token)
    func signature(of token: RawSpan) -> RawSpan { token.extracting((payloadEnd + 1)..<end) }
    /// What the signature is made over (RFC 7515 §5.1).
    @_lifetime(copy token)
    func signed(of token: RawSpan) -> RawSpan { token.extracting(0..<payloadEnd) }
}

/// What a header says that we act upon. `jku`, `jwk`, `x5u`, `x5c` are never looked at: a token
/// does not bring its own key (RFC 8725 §3.10).
struct TokenHeader: Sendable, Equatable {
    let algorithm: TokenAlgorithm
    let keyID: String?
    /// `typ`; nil also where it is no text.
    let type: String?

    /// Whether `typ` is the media type `wanted`: without regard to case, and `application/` may
    /// be left out (RFC 7515 §4.1.9).
    func hasType(_ wanted: String) -> Bool {
        guard let type else { return false }
        return Self.subtype(type).elementsEqual(Self.subtype(wanted))
    }

    private static func subtype(_ type: String) -> [UInt8] {
        let folded = type.utf8.map(\.lowercasedASCII)
        let prefix = Array("application/".utf8)
        guard folded.starts(with: prefix) else { return folded }
        let rest = folded[prefix.count...]
        return rest.contains(0x2f) ? folded : Array(rest)
    }
}

enum TokenParser {
    /// Cuts a token at its dots.
    static func segments(of token: RawSpan) throws(TokenFault) -> TokenSegments {
        guard !token.isEmpty else { throw .empty }
        guard token.byteCount <= Limits.tokenBytes else { throw .tooLong }
        // An encrypted token has four dots (RFC 7516 §3.1), the JSON form none.
        guard let first = token.first(0x2e), let second = token.first(0x2e, from: first + 1),
            token.first(0x2e, from: second + 1) == nil
        else { throw .notThreeSegments }
        let segments = TokenSegments(headerEnd: first, payloadEnd: second, end: token.byteCount)
        guard first > 0 else { throw .badHeader }
        guard second > first + 1 else { throw .badClaims }
        return segments
    }

    /// Reads a decoded header.
    static func header(_ bytes: RawSpan) throws(TokenFault) -> TokenHeader {
        let node: JSONNode
        do {
            node = try JSONReader.read(bytes, maximumDepth: Limits.tokenDepth)
        } catch {
            throw .badHeader
        }
        guard node.object != nil else { throw .badHeader }
        guard let name = node["alg"]?.string else { throw .badHeader }
        // None of these has a meaning here, and what is critical must have one (RFC 7515 §4.1.11).
        if node["crit"] != nil { throw .criticalExtension }
        if node["zip"] != nil { throw .compressed }
        if let b64 = node["b64"], b64.bool != true { throw .unencodedPayload }
        let keyID = try keyID(node["kid"])
        if name.rawSpan.equalsFolded("none") { throw .algorithmNone }
        guard let algorithm = TokenAlgorithm(name: name.rawSpan) else { throw .algorithmRefused }
        return TokenHeader(algorithm: algorithm, keyID: keyID, type: node["typ"]?.string)
    }

    /// An opaque name, compared and never resolved (RFC 8725 §3.10).
    private static func keyID(_ node: JSONNode?) throws(TokenFault) -> String? {
        guard let node else { return nil }
        guard let id = node.string, (1...Limits.tokenField).contains(id.utf8.count) else {
            throw .badKeyID
        }
        return id
    }
}
