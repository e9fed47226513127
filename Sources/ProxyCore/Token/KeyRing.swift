// Owns the issuers and their keys as they are now.
// Called by the verifiers of all loops, and by whoever fetches keys.
// Never fetches a key itself, never takes one from a token.

import Synchronization

/// All issuers, shared by all loops and by the fetching thread.
public final class KeyRing: Sendable {
    private struct State {
        var issuers: [TokenIssuer]
        var wanted: (@Sendable (_ issuer: Int) -> Void)?
    }

    /// The claims of issuers that have no rules of their own.
    public let claims: ClaimRules
    /// How far the clocks of an issuer and of this machine may differ, milliseconds.
    public let leeway: Milliseconds
    /// Whether there is nobody who could sign a token.
    public let isEmpty: Bool
    private let state: Lock<State>
    private let changes = Atomic<UInt64>(1)
    private let departures = Atomic<UInt64>(1)

    /// - Parameter issuers: none: every token is refused.
    /// - Throws: `KeyError` for too many issuers, or two that share an algorithm and a `kid` and
    ///   that no name tells apart.
    public init(
        _ issuers: [TokenIssuer], claims: ClaimRules = ClaimRules(), leeway: Milliseconds = 30_000
    ) throws(KeyError) {
        guard issuers.count <= Limits.tokenKeys else { throw .tooMany(limit: Limits.tokenKeys) }
        for (index, issuer) in issuers.enumerated() {
            try issuer.check()
            for other in issuers[..<index] { try Self.checkTwins(issuer, other) }
        }
        self.claims = claims
        self.leeway = leeway
        isEmpty = issuers.isEmpty
        state = Lock(State(issuers: issuers))
    }

    /// One issuer for each secret.
    public convenience init(
        _ keys: [TokenKey], claims: ClaimRules = ClaimRules(), leeway: Milliseconds = 30_000
    ) throws(KeyError) {
        var issuers: [TokenIssuer] = []
        for key in keys { issuers.append(try TokenIssuer(key)) }
        try self.init(issuers, claims: claims, leeway: leeway)
    }

    /// Moves with every change of keys. One acquiring load.
    public var version: UInt64 { changes.load(ordering: .acquiring) }

    /// Moves only when a key went or changed: verdicts remembered from before count no more.
    public var retirement: UInt64 { departures.load(ordering: .acquiring) }

    /// The issuers with their keys as they are now.
    public func snapshot() -> [TokenIssuer] { state.withLock { $0.issuers } }

    /// Called where a key of a fetched issuer was asked for that is not there: often, and on
    /// loops, so that it must be cheap. Set once, before the first token.
    public var wanted: (@Sendable (_ issuer: Int) -> Void)? {
        get { state.withLock { $0.wanted } }
        set { state.withLock { $0.wanted = newValue } }
    }

    /// Puts fetched keys in the place of those there are.
    ///
    /// - Returns: false where they are the same.
    /// - Throws: `KeyError` where none fits the issuer's algorithms; then the old ones stay.
    public func replace(
        _ keys: [PublishedKey], of issuer: Int
    ) throws(KeyError) -> Bool {
        try state.withLock { state throws(KeyError) in
            guard state.issuers.indices.contains(issuer),
                case .published(let old) = state.issuers[issuer].keys
            else { throw .fitsNone }
            try state.issuers[issuer].check(keys)
            guard old != keys else { return false }
            state.issuers[issuer].keys = .published(keys)
            if old.contains(where: { !keys.contains($0) }) {
                departures.wrappingAdd(1, ordering: .releasing)
            }
            changes.wrappingAdd(1, ordering: .releasing)
            return true
        }
    }

    /// Keys of one id and algorithm must belong to issuers of different names: otherwise nothing
    /// says which is meant.
    private static func checkTwins(_ a: TokenIssuer, _ b: TokenIssuer) throws(KeyError) {
        if let left = a.name, let right = b.name, !left.rawSpan.equals(right.rawSpan) { return }
        guard a.algorithms.contains(where: b.algorithms.contains) else { return }
        for id in a.keyIDs {
            if b.keyIDs.contains(where: { $0.rawSpan.equals(id.rawSpan) }) {
                throw .duplicateKeyID(id)
            }
        }
    }
}

extension TokenIssuer {
    fileprivate var keyIDs: [String] {
        switch keys {
        case .shared(_, let keyID): [keyID].compactMap(\.self)
        case .published(let keys): keys.compactMap(\.keyID)
        }
    }
}
