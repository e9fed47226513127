// Owns the word over which the lock-free sightings and the settling of a shard agree.
// Called by the user columns and the session table.
// Never holds more than a time, a hold and a generation.

import ProxyCore

/// A time that anybody may move forward without a lock, until somebody with the lock holds it.
///
/// This one word decides every race between a sighting and the passing of time. A sighting moves
/// the time by compare-exchange, and only while the word is not held and the time not yet so old
/// that something has ended by it. Whoever has the shard's lock and finds the time too old sets
/// the hold by compare-exchange *before* it draws any conclusion. One of the two is first:
/// - the sighting: the hold fails, the time is read again, and nothing has ended;
/// - the hold: the sighting fails and takes the lock, where it finds the end announced and
///   announces the return.
/// So nobody stays announced offline who was sighted after that, and no fence is needed: both
/// sides decide over the same word.
///
/// The generation tells apart the uses of a recycled row, so that a sighting which was looking
/// at the row's former session cannot move the time of its present one.
struct Moment: Equatable {
    static let timeBits: Int64 = 44
    static let timeMask: Int64 = (1 << timeBits) - 1
    static let heldBit: Int64 = 1 << timeBits
    static let generationShift: Int64 = timeBits + 1
    /// The word stays positive: 18 bits.
    static let generationMask: Int64 = (1 << 18) - 1

    var word: Int64

    init(word: Int64) {
        self.word = word
    }

    init(time: Milliseconds, held: Bool, generation: Int64 = 0) {
        word =
            min(max(time, 0), Self.timeMask) | (held ? Self.heldBit : 0)
            | (generation & Self.generationMask) << Self.generationShift
    }

    /// 0: never.
    var time: Milliseconds { word & Self.timeMask }
    var isHeld: Bool { word & Self.heldBit != 0 }
    var generation: Int64 { word >> Self.generationShift }

    func at(_ time: Milliseconds) -> Moment {
        Moment(time: time, held: isHeld, generation: generation)
    }

    func held(_ held: Bool) -> Moment {
        Moment(time: time, held: held, generation: generation)
    }
}

extension AtomicRows {
    /// Tries before the lock is taken instead: each failure means that another loop succeeded.
    private static let tries = 4

    /// Moves the time to `now` without a lock. False: held, or `limit` or more old: take the lock.
    @inline(__always)
    func move(_ row: Int, _ column: Int, to now: Milliseconds, within limit: Milliseconds) -> Bool {
        for _ in 0..<Self.tries {
            let word = observe(row, column)
            if advance(row, column, from: word, to: now, within: limit) { return true }
            if word == observe(row, column) { return false }
        }
        return false
    }

    /// One try of `move` from a word that was observed before.
    @inline(__always)
    func advance(
        _ row: Int, _ column: Int, from word: Int64, to now: Milliseconds,
        within limit: Milliseconds
    ) -> Bool {
        let age = now - word & Moment.timeMask
        guard word & Moment.heldBit == 0, age < limit else { return false }
        return age <= 0 || replace(row, column, expected: word, with: word + age)
    }

    /// Sets time and hold whatever they were, the time never back. With the shard's lock.
    func settle(_ row: Int, _ column: Int, to now: Milliseconds, held: Bool) {
        while true {
            let old = Moment(word: observe(row, column))
            let new = old.at(max(old.time, now)).held(held)
            if replace(row, column, expected: old.word, with: new.word) { return }
        }
    }
}
