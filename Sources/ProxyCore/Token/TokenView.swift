// Owns what a token says of itself, and which keys would be tried for it, for a person to look at.
// Called by `sidecar whoami`.
// Never judges a token: that is the verifier's; never holds its signature.

/// A token laid open. Nothing here is to be believed: nobody has looked at the signature.
public struct TokenView: Sendable {
    /// A key that would be tried.
    public struct Choice: Sendable, Equatable {
        /// The number of its issuer in the key ring.
        public let issuer: Int
        public let keyID: String?
    }

    /// Bytes of the whole token.
    public let length: Int
    /// The header, and the claims; nil where there are none that can be read.
    public let header: JSONNode?
    public let claims: JSONNode?
    /// In the order in which they are tried.
    public let choices: [Choice]

    public init(_ token: RawSpan, ring: KeyRing) {
        length = token.byteCount
        guard let segments = Self.segments(token) else {
            header = nil
            claims = nil
            choices = []
            return
        }
        header = Self.json(segments.header(of: token))
        claims = Self.json(segments.payload(of: token))
        choices = Self.choices(header, claims, ring)
    }

    private static func segments(_ token: RawSpan) -> TokenSegments? {
        do throws(TokenFault) { return try TokenParser.segments(of: token) } catch { return nil }
    }

    private static func json(_ segment: RawSpan) -> JSONNode? {
        var text = ByteBuffer()
        guard Base64URL.decode(segment, into: &text) else { return nil }
        do throws(JSONError) {
            return try JSONReader.read(text.bytes, maximumDepth: Limits.tokenDepth)
        } catch {
            return nil
        }
    }

    /// By the verifier's own selection.
    private static func choices(
        _ header: JSONNode?, _ claims: JSONNode?, _ ring: KeyRing
    ) -> [Choice] {
        guard let header, let algorithm = header["alg"]?.string.flatMap(TokenAlgorithm.init)
        else { return [] }
        let asked = TokenHeader(
            algorithm: algorithm, keyID: header["kid"]?.string, type: header["typ"]?.string)
        let issuers = ring.snapshot().map(CandidateIssuer.init)
        do throws(TokenFault) {
            let list = try Shortlist(asked, of: issuers) { claims?["iss"]?.string }
            return list.entries.map { Choice(issuer: $0.issuer, keyID: $0.candidate.keyID) }
        } catch {
            return []
        }
    }
}
