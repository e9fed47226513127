// Owns one connection to a server that is asked something: resolving, connecting, bytes both ways.
// Called by Fetch.
// Never on a loop; never knows what the bytes say.

/// A connection, protected or not. Closed with its last reference.
final class FetchLine {
    let stream: FileDescriptor
    private let tls: TLSStream?
    private let time: Milliseconds

    /// - Parameters:
    ///   - trust: of an https target; nil leaves the connection unprotected.
    ///   - time: what `patience` began with, for the words of an error.
    init(
        to target: FetchTarget, _ addresses: [SocketAddress], trust: TLSTrust?,
        time: Milliseconds, _ patience: Patience
    ) throws(FetchError) {
        let stream = try Self.connect(addresses, time, patience)
        do throws(TLSError) {
            tls = try trust.map { trust throws(TLSError) in
                try TLSStream(stream, trust: trust, host: target.host, patience)
            }
        } catch {
            stream.close()
            throw Self.fault(error, .handshake, time)
        }
        self.stream = stream
        self.time = time
    }

    deinit {
        tls?.end()
        stream.close()
    }

    /// One address after the other; each has an equal share of the time that is left, so that one
    /// that swallows packets leaves some to the next.
    private static func connect(
        _ addresses: [SocketAddress], _ time: Milliseconds, _ patience: Patience
    ) throws(FetchError) -> FileDescriptor {
        var last = FetchError.unreachable(SystemError.timedOut("connect"))
        for (index, address) in addresses.enumerated() {
            let share = patience.share(of: addresses.count - index)
            let stream: FileDescriptor
            do throws(SystemError) {
                stream = try address.connect()
            } catch {
                last = .unreachable(error)
                continue
            }
            do throws(PatienceEnd) {
                try share.wait(for: stream, .writable)
            } catch {
                stream.close()
                last = .ended(error, .connecting, time)
                if error == .interrupted { break }
                continue
            }
            guard let error = stream.connectError() else { return stream }
            stream.close()
            last = .unreachable(error)
        }
        throw last
    }

    private static func fault(
        _ error: TLSError, _ phase: FetchPhase, _ time: Milliseconds
    ) -> FetchError {
        switch error {
        case .patience(let end): .ended(end, phase, time)
        case .connection(let error): .broken(error)
        case .trust, .certificate, .handshake, .closed, .broken: .tls(error)
        }
    }

    func write(_ bytes: borrowing ByteBuffer, _ patience: Patience) throws(FetchError) {
        if let tls {
            do throws(TLSError) {
                return try tls.write(bytes, patience)
            } catch {
                throw Self.fault(error, .sending, time)
            }
        }
        var sent = 0
        while sent < bytes.count {
            switch stream.send(bytes.bytes.extracting(sent..<bytes.count)) {
            case .bytes(let count): sent += count
            case .blocked: try wait(.writable, .sending, patience)
            case .failed(let code): throw .broken(SystemError(call: "send", code: code))
            }
        }
    }

    /// Waits for some bytes and appends them.
    func read(
        into buffer: inout ByteBuffer, atMost count: Int, _ phase: FetchPhase, _ patience: Patience
    ) throws(FetchError) -> TLSStream.Reading {
        if let tls {
            do throws(TLSError) {
                return try tls.read(into: &buffer, atMost: count, patience)
            } catch {
                throw Self.fault(error, phase, time)
            }
        }
        while true {
            switch stream.receive(into: &buffer, atMost: count) {
            case .bytes(0): return .end
            case .bytes(let count): return .bytes(count)
            case .blocked: try wait(.readable, phase, patience)
            case .failed(let code): throw .broken(SystemError(call: "recv", code: code))
            }
        }
    }

    private func wait(
        _ wanted: Readiness, _ phase: FetchPhase, _ patience: Patience
    ) throws(FetchError) {
        do throws(PatienceEnd) {
            try patience.wait(for: stream, wanted)
        } catch {
            throw .ended(error, phase, time)
        }
    }
}

/// Resolving one name, on a thread of its own: the system's resolver knows no deadline and cannot
/// be broken off. Who waits gives up in time; the thread ends with the resolver's own patience.
final class NameLookup: Sendable {
    private enum State: Sendable {
        case underWay
        case found([SocketAddress])
        case failed(ResolveError)
    }

    private let state = Lock<State>(.underWay)
    private let finished: EventCounter

    private init() throws(SystemError) {
        finished = try EventCounter()
    }

    deinit { finished.descriptor.close() }

    static func start(host: String, port: UInt16) throws(SystemError) -> NameLookup {
        let lookup = try NameLookup()
        let thread = try Thread(name: "resolve") { lookup.run(host, port) }
        thread.detach()
        return lookup
    }

    private func run(_ host: String, _ port: UInt16) {
        let outcome: State
        do throws(ResolveError) {
            outcome = .found(try SocketAddress.resolve(host: host, port: port))
        } catch {
            outcome = .failed(error)
        }
        state.withLock { $0 = outcome }
        finished.signal()
    }

    /// - Returns: nil where the time was up first.
    func addresses(_ patience: Patience) throws(PatienceEnd) -> Result<
        [SocketAddress], ResolveError
    > {
        while true {
            switch state.withLock({ $0 }) {
            case .found(let addresses): return .success(addresses)
            case .failed(let error): return .failure(error)
            case .underWay: try patience.wait(for: finished.descriptor, .readable)
            }
        }
    }
}
