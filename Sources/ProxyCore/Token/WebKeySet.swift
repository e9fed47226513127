// Owns reading JSON Web Keys (RFC 7517): a set of them, or one.
// Called by whoever fetches or reads key sets.
// Never takes a set that holds anything secret, never looks at certificates or addresses in it.

/// Key sets that issuers publish.
public enum WebKeySet {
    /// The usable keys of a JWKS or of one JWK.
    ///
    /// Keys for other purposes, of kinds not known here, or malformed are left out (RFC 7517 §5).
    /// A secret or private key refuses the whole set, and so does an id that stands twice: what
    /// publishes such a thing is not to be trusted with saying whose keys these are.
    /// - Throws: `KeyError`, also where no key is left.
    public static func read(_ bytes: RawSpan) throws(KeyError) -> [PublishedKey] {
        guard bytes.byteCount <= Limits.keySetBytes else {
            throw .setTooLarge(limit: Limits.keySetBytes)
        }
        let nodes = try nodes(bytes)
        guard nodes.count <= Limits.publishedKeys else {
            throw .tooMany(limit: Limits.publishedKeys)
        }
        for (index, node) in nodes.enumerated() {
            try refuseSecrets(node)
            guard let id = node["kid"]?.string else { continue }
            for other in nodes[..<index] {
                guard other["kid"]?.string?.rawSpan.equals(id.rawSpan) != true else {
                    throw .duplicateKeyID(id)
                }
            }
        }
        var keys: [PublishedKey] = []
        var first: KeyError?
        for node in nodes {
            do throws(KeyError) {
                if let key = try key(node) { keys.append(key) }
            } catch {
                first = first ?? error
            }
        }
        guard keys.isEmpty else { return keys }
        if let first { throw .noneUsable(first: first) }
        throw .noUsableKey
    }

    private static func nodes(_ bytes: RawSpan) throws(KeyError) -> [JSONNode] {
        let node: JSONNode
        do {
            node = try JSONReader.read(bytes, maximumDepth: Limits.tokenDepth)
        } catch {
            throw .notJSON(error.description)
        }
        if let keys = node["keys"]?.array {
            guard keys.allSatisfy({ $0.object != nil }) else { throw .notKeySet }
            return keys
        }
        guard node["keys"] == nil, node["kty"] != nil else { throw .notKeySet }
        return [node]
    }

    /// RFC 7518 §6.2.2, §6.3.2 and §6.4, RFC 8037 §2.
    private static let secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth"]

    private static func refuseSecrets(_ node: JSONNode) throws(KeyError) {
        if node["kty"]?.string == "oct" || node["k"] != nil { throw .secretInSet }
        for member in secretMembers where node[member] != nil { throw .privateKeyInSet }
    }

    /// nil: for another purpose, or of a kind not known here.
    private static func key(_ node: JSONNode) throws(KeyError) -> PublishedKey? {
        guard isForVerifying(node) else { return nil }
        var algorithm: TokenAlgorithm?
        if let name = node["alg"] {
            algorithm = name.string.flatMap { TokenAlgorithm(name: $0.rawSpan) }
            guard algorithm != nil else { return nil }
        }
        var keyID: String?
        if let id = node["kid"] {
            guard let text = id.string, (1...Limits.tokenField).contains(text.utf8.count) else {
                throw .badKeyID
            }
            keyID = text
        }
        guard let key = try publicKey(node) else { return nil }
        if let algorithm, !key.fits(algorithm) { return nil }
        return PublishedKey(key, keyID: keyID, algorithm: algorithm)
    }

    /// `use` and `key_ops` (RFC 7517 §4.2 and §4.3), where they are there.
    private static func isForVerifying(_ node: JSONNode) -> Bool {
        if let use = node["use"], use.string?.rawSpan.equals("sig") != true { return false }
        if let operations = node["key_ops"] {
            return operations.array?.contains { $0.string?.rawSpan.equals("verify") == true }
                ?? false
        }
        return true
    }

    private static func publicKey(_ node: JSONNode) throws(KeyError) -> PublicKey? {
        guard let kind = node["kty"]?.string else { throw .malformed }
        let curve = node["crv"]?.string
        switch kind {
        case "RSA":
            return try PublicKey(
                rsaModulus: member("n", of: node), exponent: member("e", of: node))
        case "EC":
            guard let curve else { throw .malformed }
            guard ["P-256", "P-384", "P-521"].contains(curve) else { return nil }
            return try PublicKey(
                curve: curve, x: member("x", of: node), y: member("y", of: node))
        case "OKP":
            guard let curve else { throw .malformed }
            guard ["Ed25519", "Ed448"].contains(curve) else { return nil }
            return try PublicKey(curve: curve, x: member("x", of: node))
        default: return nil
        }
    }

    private static func member(_ name: String, of node: JSONNode) throws(KeyError) -> [UInt8] {
        guard let text = node[name]?.string else { throw .malformed }
        var bytes = ByteBuffer()
        guard Base64URL.decode(text.rawSpan, into: &bytes) else { throw .malformed }
        return bytes.array()
    }
}
