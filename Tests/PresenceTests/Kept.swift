// Owns a store without a disk: what the next process would be handed.
// Called by tests of restarts.
// Never knows SQL: the store's own tests do.

import ProxyCore

@testable import Presence

extension House {
    /// What a store would hand to the next process.
    func kept(aliveAt: Milliseconds) -> RestoredState {
        var state = RestoredState(aliveAt: aliveAt)
        var claims: [String: StoredClaim] = [:]
        var learnt: [TokenDigest: LearntToken] = [:]
        for fact in sink.facts {
            switch fact {
            case .claimSet(let claim): claims[claim.user] = claim
            case .claimCleared(let user, let setAt):
                if claims[user]?.setAt == setAt { claims[user] = nil }
            case .loggedOut(_, let revocation), .revoked(let revocation):
                state.revocations.append(revocation)
                learnt[revocation.key.digest] = nil
            case .tokenLearnt(let token):
                state.revocations.removeAll { $0.key.digest == token.digest }
                learnt[token.digest] = token
            case .tokenForgotten(let digest): learnt[digest] = nil
            case .sessionContinued(let continuation): state.continued.append(continuation)
            }
        }
        for seen in engine.drainSeen(limit: .max) {
            learnt[seen.digest]?.seenAt = seen.seenAt
        }
        state.claims = Array(claims.values)
        state.learnt = Array(learnt.values)
        var batch: [StoredUser]
        repeat {
            batch = engine.drainDirty(limit: 3, now: aliveAt)
            state.users += batch
        } while batch.count == 3
        return state
    }
}
