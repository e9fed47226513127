// Owns the end of a loop: nothing new is taken in, what is under way ends properly.
// Called once, through the mailbox, when the process is told to stop.
// Never waits longer than the time it was given.

extension ProxyLoop {
    /// Stops accepting, tells served sockets to go elsewhere, and lets the exchanges end.
    ///
    /// Called again, what is still under way is cut off.
    public func drain() {
        guard drainingUntil == nil else {
            drainingUntil = loop.now
            return
        }
        // Those who have come already are let in: closing the listener would reset them.
        for index in listeners.indices { acceptWaiting(on: index) }
        drainingUntil = loop.now + settings.drainTime
        for listener in listeners { listener.close() }
        listeners.removeAll()
        // What the application does about one may end another.
        for slot in sockets.slots where sockets.contains(slot) {
            close(id(socket: slot), code: CloseCode.goingAway.rawValue, reason: "restarting")
        }
        closeIdle()
    }

    /// A request that the kernel holds already, of a connection just accepted or just used
    /// again, is answered: each is read once more, and closed where nothing is there.
    private func closeIdle() {
        for slot in downstreams.slots
        where downstreams[slot].phase == .head && downstreams[slot].input.isEmpty
            && downstreams[slot].output.isEmpty
        {
            downstreams[slot].flags.insert(.readable)
            lookAgain(downstream: slot)
        }
    }

    /// - Returns: whether the loop has ended.
    func finishDraining(_ until: Milliseconds) -> Bool {
        if downstreams.count > 0, loop.now < until {
            setDrainAlarm(until)
            return false
        }
        for slot in downstreams.slots where downstreams.contains(slot) {
            metrics.add(.drainsCut, row)
            cut(slot)
        }
        for slot in upstreams.slots where upstreams.contains(slot) { dropUpstream(slot) }
        loop.stop()
        return true
    }

    private func cut(_ slot: Int32) {
        if downstreams[slot].phase == .tunnel {
            endTunnel(downstreams[slot].exchange)
        } else {
            clientGone(slot)
        }
    }

    /// Makes the loop wake at the end of its time, whatever else happens.
    private func setDrainAlarm(_ until: Milliseconds) {
        guard !isDrainAlarmSet else { return }
        isDrainAlarmSet = true
        loop.wheel.insert(EventKey(.mailbox, slot: 0, generation: 0).word, due: until)
    }
}
