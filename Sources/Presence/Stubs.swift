public import ProxyCore

extension PresenceEngine: DirtySource {
    /// Makes a verified token known; the user's row is made where it is new. Counts as no
    /// sighting.
    public func enroll(
        user: String, name: String?, session tag: UInt64, revocation: RevocationKey,
        expires: Milliseconds, isAdmin: Bool, now: Milliseconds
    ) -> Enrollment { .full }

    /// Whether the token has been revoked since it was last found good. One relaxed load where
    /// nothing has been revoked meanwhile. Ask at each request's head.
    public func isRevoked(_ identity: inout Identity, now: Milliseconds) -> Bool { false }

    /// A successful login: online at once. `session`: the tag of the new token's session, where
    /// the answer showed the token. False: no room for the user, or an unusable id.
    @discardableResult
    public func login(
        user: String, name: String?, session tag: UInt64?, now: Milliseconds
    ) -> Bool { false }

    /// A successful logout: the token is revoked until it expires, and its session, or all of the
    /// user's, ends. `then(true)`: the revocation survives a kill -9.
    public func logout(
        _ identity: Identity, now: Milliseconds, then: @escaping @Sendable (Bool) -> Void
    ) {}

    /// A request of a session that counts. The hot path: no lock, no allocation for somebody
    /// who is present already.
    public func sight(
        _ session: inout SessionRef, activity: Bool, label: RawSpan, now: Milliseconds
    ) {}

    /// A heartbeat; `status`: `.away` where the client said so, else `.online`.
    public func heartbeat(
        _ session: inout SessionRef, status: Status, now: Milliseconds
    ) -> PresenceView { .unknown("", asOf: now) }

    /// A presence socket opened. Keep `session` as it is after this call for `socketClosed`.
    public func socketOpened(_ session: inout SessionRef, now: Milliseconds) {}

    /// A presence socket closed, for whatever reason. `session`: as it was after `socketOpened`.
    public func socketClosed(_ session: SessionRef, now: Milliseconds) {}

    /// An admin sets a status. In force at once; `then(true)`: it survives a kill -9. Nil (and
    /// `then` is never called): no room for a new user, or an unusable id.
    public func claim(
        user: String, status: Status, until: Milliseconds?, now: Milliseconds,
        then: @escaping @Sendable (Bool) -> Void
    ) -> PresenceView? { nil }

    /// The presence of a user by id; of one never seen too.
    public func view(user: String, now: Milliseconds) -> PresenceView { .unknown(user, asOf: now) }
    public func view(subject: UInt32, now: Milliseconds) -> PresenceView {
        .unknown("", asOf: now)
    }
    public func views(users: [String], now: Milliseconds) -> [PresenceView] { [] }
    public func views(subjects: [UInt32], now: Milliseconds) -> [PresenceView] { [] }

    /// The row of a user, where there is one.
    public func subject(of user: String) -> UInt32? { nil }

    public func page(_ query: UserQuery, now: Milliseconds) -> UserPage {
        UserPage(count: 0, results: [])
    }

    public func counts(now: Milliseconds) -> PresenceCounts {
        PresenceCounts(online: 0, away: 0, offline: 0, sockets: 0)
    }

    public var metrics: PresenceMetrics {
        PresenceMetrics(
            users: 0, sessions: 0, revocations: 0, changes: 0, untrackedUsers: 0,
            untrackedSessions: 0, evictedSessions: 0, forgottenRevocations: 0)
    }

    /// Announces what the passing of time has changed. Call several times a second.
    /// - Returns: whether more is due than one call settles: call again soon.
    @discardableResult
    public func sweep(now: Milliseconds) -> Bool { false }

    public func drainDirty(limit: Int, now: Milliseconds) -> [StoredUser] { [] }
}
