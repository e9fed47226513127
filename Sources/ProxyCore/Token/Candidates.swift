// Owns which keys come into question for a token, and their handles in libcrypto.
// Called by the verifier of one loop.
// Never looks at a claim but `iss`, and believes nothing of it: it only selects.

/// One key with one algorithm, ready to verify. Its handle is made at its first use.
final class Candidate {
    enum Material {
        case shared([UInt8])
        case published(PublicKey)
    }

    let algorithm: TokenAlgorithm
    let keyID: String?
    /// Whether it may verify tokens of any `kid`: configured by hand, without one.
    let answersAnyID: Bool
    private let material: Material
    private lazy var mac: KeyedMAC? =
        if case .shared(let secret) = material { KeyedMAC(algorithm, secret: secret) } else { nil }
    private lazy var check: SignatureCheck? =
        if case .published(let key) = material { SignatureCheck(key, algorithm) } else { nil }

    init(_ algorithm: TokenAlgorithm, _ material: Material, keyID: String?, isStatic: Bool) {
        self.algorithm = algorithm
        self.material = material
        self.keyID = keyID
        answersAnyID = isStatic && keyID == nil
    }

    /// Microseconds of one verification, roughly.
    var cost: Int {
        if case .published(let key) = material { key.cost(of: algorithm) } else { algorithm.cost }
    }

    func outcome(_ message: RawSpan, _ signature: RawSpan) -> SignatureOutcome {
        if let mac { return mac.verifies(message, signature) ? .good : .mismatch }
        return check?.outcome(message, signature) ?? .mismatch
    }

    func answers(to asked: String) -> Bool {
        guard let keyID else { return answersAnyID }
        return keyID.rawSpan.equals(asked.rawSpan)
    }
}

/// One issuer with a candidate for each of his keys and algorithms.
struct CandidateIssuer {
    let issuer: TokenIssuer
    let candidates: [Candidate]

    init(_ issuer: TokenIssuer) {
        self.issuer = issuer
        candidates = issuer.algorithms.flatMap { algorithm -> [Candidate] in
            switch issuer.keys {
            case .shared(let secret, let keyID):
                [Candidate(algorithm, .shared(secret), keyID: keyID, isStatic: true)]
            case .published(let keys):
                keys.filter { $0.fits(algorithm) }.map {
                    Candidate(
                        algorithm, .published($0.key), keyID: $0.keyID,
                        isStatic: !issuer.isFetched)
                }
            }
        }
    }

    /// What this issuer has for a header.
    func selection(_ header: TokenHeader) -> Selection {
        let fitting = candidates.filter { $0.algorithm == header.algorithm }
        if let asked = header.keyID {
            let named = fitting.first { $0.keyID != nil && $0.answers(to: asked) }
            guard let found = named ?? fitting.first(where: \.answersAnyID) else { return .absent }
            return .key(found)
        }
        // Without an id nothing says which key it is, and trying all would let one token cost
        // as much as there are keys.
        if fitting.count > 1 { return .ambiguous }
        return fitting.first.map { .key($0) } ?? .absent
    }

    enum Selection {
        case key(Candidate)
        case ambiguous
        case absent
    }
}

/// The keys for one token.
struct Shortlist {
    /// Each with the number of its issuer; at most one of an issuer.
    private(set) var entries: [(issuer: Int, candidate: Candidate)] = []
    /// A fetched issuer that does not have the key: his set may be out of date.
    private(set) var absentOf: Int?

    /// - Parameter name: reads `iss` of the claims that nobody has verified yet; called only
    ///   where names must tell issuers apart.
    init(
        _ header: TokenHeader, of issuers: [CandidateIssuer], name: () -> String?
    ) throws(TokenFault) {
        var eligible = issuers.indices.filter {
            issuers[$0].issuer.algorithms.contains(header.algorithm)
        }
        guard !eligible.isEmpty else { throw .algorithmRefused }
        if Self.names(eligible, of: issuers) > 1 {
            let given = name()
            eligible.removeAll { index in
                guard let wanted = issuers[index].issuer.name else { return false }
                return given?.rawSpan.equals(wanted.rawSpan) != true
            }
            guard !eligible.isEmpty else { throw .unknownIssuer }
        }
        var fault = TokenFault.unknownKeyID
        for index in eligible {
            switch issuers[index].selection(header) {
            case .key(let candidate): entries.append((index, candidate))
            case .ambiguous: fault = .ambiguousKey
            case .absent:
                guard issuers[index].issuer.isFetched else { continue }
                absentOf = absentOf ?? index
                if issuers[index].candidates.isEmpty, fault == .unknownKeyID {
                    fault = .keysMissing
                }
            }
        }
        unfound = fault
    }

    /// Why there is no entry, where there is none.
    let unfound: TokenFault

    private static func names(_ eligible: [Int], of issuers: [CandidateIssuer]) -> Int {
        var names: [String] = []
        for index in eligible {
            guard let name = issuers[index].issuer.name else { continue }
            if !names.contains(where: { $0.rawSpan.equals(name.rawSpan) }) { names.append(name) }
        }
        return names.count
    }
}
