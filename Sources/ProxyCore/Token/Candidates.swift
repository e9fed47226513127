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

/// What one issuer has for one algorithm.
struct CandidateEntry {
    /// The issuer's number in the key ring.
    let issuer: Int
    let name: String?
    let isFetched: Bool
    /// Whether there is any key of his, for whatever algorithm.
    let hasKeys: Bool
    let candidates: [Candidate]

    enum Selection {
        case key(Candidate)
        case ambiguous
        case absent
    }

    /// nil: the algorithm is none of his.
    init?(_ issuer: TokenIssuer, number: Int, _ algorithm: TokenAlgorithm) {
        guard issuer.algorithms.contains(algorithm) else { return nil }
        self.issuer = number
        name = issuer.name
        isFetched = issuer.isFetched
        switch issuer.keys {
        case .shared(let secret, let keyID):
            hasKeys = true
            candidates = [Candidate(algorithm, .shared(secret), keyID: keyID, isStatic: true)]
        case .published(let keys):
            hasKeys = !keys.isEmpty
            candidates = keys.filter { $0.fits(algorithm) }.map {
                Candidate(
                    algorithm, .published($0.key), keyID: $0.keyID, isStatic: !issuer.isFetched)
            }
        }
    }

    func select(_ keyID: String?) -> Selection {
        if let keyID {
            let named = candidates.first { $0.keyID != nil && $0.answers(to: keyID) }
            guard let found = named ?? candidates.first(where: \.answersAnyID) else {
                return .absent
            }
            return .key(found)
        }
        // Without an id nothing says which key it is, and trying all would let one token cost
        // as much as there are keys.
        if candidates.count > 1 { return .ambiguous }
        return candidates.first.map { .key($0) } ?? .absent
    }
}

/// The issuers that allow one algorithm.
struct CandidateLane {
    let algorithm: TokenAlgorithm
    let entries: [CandidateEntry]
    /// Whether only `iss` says which of them is meant.
    let needsName: Bool

    /// One for each algorithm that anybody allows.
    static func all(_ issuers: [TokenIssuer]) -> [CandidateLane] {
        TokenAlgorithm.allCases.compactMap { CandidateLane($0, issuers) }
    }

    private init?(_ algorithm: TokenAlgorithm, _ issuers: [TokenIssuer]) {
        self.algorithm = algorithm
        entries = issuers.enumerated().compactMap {
            CandidateEntry($0.element, number: $0.offset, algorithm)
        }
        guard !entries.isEmpty else { return nil }
        var names: [String] = []
        for entry in entries {
            guard let name = entry.name else { continue }
            if !names.contains(where: { $0.rawSpan.equals(name.rawSpan) }) { names.append(name) }
        }
        needsName = names.count > 1
    }
}

/// The keys for one token.
struct Shortlist {
    /// Each with the number of its issuer; at most one of an issuer.
    private(set) var entries: [(issuer: Int, candidate: Candidate)] = []
    /// A fetched issuer that does not have the key: his set may be out of date.
    private(set) var absentOf: Int?
    /// Why there is no entry, where there is none.
    private(set) var fault = TokenFault.unknownKeyID

    /// - Parameter name: reads `iss` of the claims that nobody has verified yet; called only
    ///   where names must tell issuers apart.
    init(
        _ header: TokenHeader, of lanes: [CandidateLane], name: () -> String?
    ) throws(TokenFault) {
        guard let lane = lanes.first(where: { $0.algorithm == header.algorithm }) else {
            throw .algorithmRefused
        }
        let given = lane.needsName ? name() : nil
        var isAnybody = false
        for entry in lane.entries {
            if lane.needsName, let wanted = entry.name,
                given?.rawSpan.equals(wanted.rawSpan) != true
            {
                continue
            }
            isAnybody = true
            add(entry, entry.select(header.keyID))
        }
        guard isAnybody else { throw .unknownIssuer }
    }

    private mutating func add(_ entry: CandidateEntry, _ selection: CandidateEntry.Selection) {
        switch selection {
        case .key(let candidate): entries.append((entry.issuer, candidate))
        case .ambiguous: fault = .ambiguousKey
        case .absent:
            guard entry.isFetched else { return }
            absentOf = absentOf ?? entry.issuer
            if !entry.hasKeys, fault == .unknownKeyID { fault = .keysMissing }
        }
    }
}
