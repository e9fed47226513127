// Owns what becomes of a session when its token is replaced: it goes on.
// Called when the backend has answered a refresh request with success.
// Never announces anybody who is present already.

public import ProxyCore

/// A session as its own token names it: a tag alone says nothing without the user.
struct SessionKey: Sendable, Hashable {
    let subject: UInt32
    let tag: UInt64
}

extension PresenceEngine {
    /// A successful refresh: the session of the old token goes on under the new one. Sessions
    /// and open sockets stay as they are, the sockets until the new token expires. A contact,
    /// and no activity: clients refresh by themselves.
    ///
    /// - Parameters:
    ///   - old: the session of the token that the request carried; nil: it said nothing. Then the
    ///     user's only live session goes on, if there is exactly one.
    ///   - tag: the session that the new token names by itself.
    ///   - expires: until when the new token counts.
    ///   - isKept: false: whoever keeps the token keeps its session too, as a learnt token does.
    /// - Returns: the session that the new token belongs to; nil: no room for the user, or an
    ///   unusable id.
    @discardableResult
    public func continueSession(
        of user: String, from old: SessionRef?, as tag: UInt64, expires: Milliseconds,
        isKept: Bool = true, now: Milliseconds
    ) -> SessionRef? {
        guard Self.isUsable(user), let subject = subject(making: user, name: nil, now: now)
        else { return nil }
        let tag = Self.sessionTag(tag)
        var session = SessionRef(subject: subject, hint: SessionRef.noHint, tag: tag)
        // Somebody else's token beside a refresh says nothing about this user.
        let previous = old?.subject == subject ? old : nil
        with(subject) { shard, local in
            let now = shard.settle(local, now)
            if let found = previous?.tag ?? (old == nil ? shard.onlySession(local, now) : nil) {
                session = SessionRef(subject: subject, hint: SessionRef.noHint, tag: found)
            }
            shard.unbar(&session)
            guard shard.contact(&session, now) else { return }
            tables.users.setLabel(Int(subject), "refresh", now)
            shard.conclude(local, now)
        }
        if isKept, session.tag != tag {
            keep(
                StoredContinuation(
                    user: user, tag: tag, session: session.tag,
                    // Who refreshes with a token that has just expired continues a session that
                    // is still live, and that one ends so long after its last contact.
                    expires: expires.plus(settings.offlineAfter)),
                subject, now: now)
        }
        orderExtension(subject: subject, session: session.tag, expires: expires)
        return session
    }

    private func keep(
        _ continuation: StoredContinuation, _ subject: UInt32, now: Milliseconds
    ) {
        explicit.withLock { _ in
            continued.withLock { continued in
                _ = continued.insert(
                    SessionKey(subject: subject, tag: continuation.tag), continuation.session,
                    expires: continuation.expires, now: now)
            }
            sink?.commit(.sessionContinued(continuation)) { _ in }
        }
    }

    /// The session to which a token's own tag belongs: another one where that was refreshed.
    func session(_ tag: UInt64, of subject: UInt32, now: Milliseconds) -> UInt64 {
        let tag = Self.sessionTag(tag)
        return continued.withLock { continued in
            continued.value(SessionKey(subject: subject, tag: tag), now: now) ?? tag
        }
    }
}

extension Shard {
    /// The tag of the one live session of a user who has been settled; nil: none, or several.
    func onlySession(_ local: Int, _ now: Milliseconds) -> UInt64? {
        guard devices(local, now) == 1 else { return nil }
        var found: UInt64?
        forEachSession(local) { slot in
            // Settled: what is not barred is live.
            if !tables.sessions.state(slot).barred { found = tables.sessions.tag(slot) }
        }
        return found == Shard.loginTag ? nil : found
    }
}
