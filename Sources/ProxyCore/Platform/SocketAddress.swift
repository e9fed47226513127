// Owns addresses of sockets, and making listening and connecting sockets of them.
// Called by the listener and the upstream pool; parsed once, when the configuration is read.
// Never resolves a name on a loop: that is the resolver's, at start.

import CLinux
import Glibc

/// Where to listen or connect: an IPv4 or IPv6 address with a port, or a Unix socket's path.
public struct SocketAddress: Sendable, Equatable {
    private let storage: [UInt8]
    /// As it was written: for logs and errors.
    public let text: String

    private init(storage: [UInt8], text: String) {
        self.storage = storage
        self.text = text
    }

    /// A Unix stream socket. Nil where the path is empty or longer than the kernel takes (107).
    public init?(unixPath path: String) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= 107, !bytes.contains(0) else { return nil }
        let family = UInt16(AF_UNIX)
        storage = [UInt8(family & 255), UInt8(family >> 8)] + bytes + [0]
        text = "unix:" + path
    }

    /// A numeric address: `127.0.0.1` or `::1` (no brackets), with a port.
    public init?(numeric host: String, port: UInt16) {
        var v4 = in_addr()
        if unsafe inet_pton(AF_INET, host, &v4) == 1 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr = v4
            storage = unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
            text = "\(host):\(port)"
            return
        }
        var v6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, host, &v6) == 1 else { return nil }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = v6
        storage = unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
        text = "[\(host)]:\(port)"
    }

    /// Every address that the system's resolver knows for a name. Blocks: only at start.
    /// - Throws: the resolver's own words.
    public static func resolve(host: String, port: UInt16) throws(ResolveError) -> [SocketAddress] {
        if let numeric = SocketAddress(numeric: host, port: port) { return [numeric] }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let failed = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard failed == 0 else {
            throw ResolveError(host: host, reason: unsafe String(cString: gai_strerror(failed)))
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next, found.count < 16 {
            let bytes = unsafe Array(
                UnsafeRawBufferPointer(
                    start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
            found.append(SocketAddress(storage: bytes, text: "\(host):\(port)"))
            unsafe next = entry.pointee.ai_next
        }
        guard !found.isEmpty else { throw ResolveError(host: host, reason: "no address") }
        return found
    }

    /// Whether it is a path in the file system, which cannot be bound once for each loop.
    public var isUnix: Bool { family == AF_UNIX }

    /// The same address with another port; a Unix socket is itself.
    func withPort(_ port: UInt16) -> SocketAddress {
        guard !isUnix else { return self }
        var changed = storage
        // sin_port and sin6_port are bytes 2 and 3, in network order.
        changed[2] = UInt8(port >> 8)
        changed[3] = UInt8(port & 255)
        return SocketAddress(storage: changed, text: text)
    }

    private var family: CInt { CInt(storage[0]) | CInt(storage[1]) << 8 }

    private func withSocketAddress<R>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        unsafe storage.withUnsafeBytes { bytes in
            unsafe body(
                bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count))
        }
    }

    private func makeSocket() throws(SystemError) -> FileDescriptor {
        let type =
            SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let made = socket(family, CInt(bitPattern: type), 0)
        guard made >= 0 else { throw SystemError(call: "socket") }
        return FileDescriptor(made)
    }

    /// A listening socket. With `reusePort` each loop binds its own and the kernel spreads the
    /// connections over them.
    public func listen(reusePort: Bool) throws(SystemError) -> FileDescriptor {
        let made = try makeSocket()
        do throws(SystemError) {
            if isUnix {
                try removeStalePath()
            } else {
                try made.set(SOL_SOCKET, SO_REUSEADDR, 1)
                if reusePort { try made.set(SOL_SOCKET, SO_REUSEPORT, 1) }
                if family == AF_INET6 { try made.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            }
            guard unsafe withSocketAddress({ unsafe bind(made.number, $0, $1) }) == 0 else {
                throw SystemError(call: "bind")
            }
            guard Glibc.listen(made.number, 4096) == 0 else { throw SystemError(call: "listen") }
        } catch {
            made.close()
            throw error
        }
        return made
    }

    /// A path left by a process that died is in the way of `bind`; one that still answers is
    /// another server's and stays.
    private func removeStalePath() throws(SystemError) {
        let probe = try makeSocket()
        defer { probe.close() }
        let answered = unsafe withSocketAddress { unsafe Glibc.connect(probe.number, $0, $1) }
        guard answered != 0 else { throw SystemError(call: "bind", code: EADDRINUSE) }
        guard errno == ECONNREFUSED else { return }
        // A file that is no socket refuses too, and is not ours to delete.
        let path = String(text.dropFirst("unix:".count))
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        _ = unsafe unlink(path)
    }

    /// Starts connecting; the descriptor becomes writable when it is through (or has failed).
    public func connect() throws(SystemError) -> FileDescriptor {
        let made = try makeSocket()
        if !isUnix { made.disableDelay() }
        let failed = unsafe withSocketAddress { unsafe Glibc.connect(made.number, $0, $1) }
        guard failed == 0 || errno == EINPROGRESS else {
            let error = SystemError(call: "connect")
            made.close()
            throw error
        }
        return made
    }
}

extension SocketAddress {
    /// Connects and closes again, blocking up to `timeout` milliseconds.
    /// - Returns: what went wrong, or nil.
    func tryConnecting(timeout: Milliseconds) -> SystemError? {
        let stream: FileDescriptor
        do throws(SystemError) {
            stream = try connect()
        } catch {
            return error
        }
        defer { stream.close() }
        guard stream.wait(.writable, atMost: timeout) else { return .timedOut("connect") }
        return stream.connectError()
    }
}

/// A name without an address.
public struct ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
    public let host: String
    public let reason: String

    public var description: String { "cannot resolve \"\(host)\": \(reason)" }
}

extension FileDescriptor {
    func set(_ level: CInt, _ option: CInt, _ value: CInt) throws(SystemError) {
        var value = value
        let failed = unsafe setsockopt(
            number, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
        guard failed == 0 else { throw SystemError(call: "setsockopt") }
    }

    /// Small messages leave at once. (Refused on a Unix socket, which never delays.)
    public func disableDelay() {
        var on: CInt = 1
        _ = unsafe setsockopt(
            number, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    /// The error that a finished `connect` left, or nil where it is through.
    public func connectError() -> SystemError? {
        var code: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
            return SystemError(call: "getsockopt")
        }
        return code == 0 ? nil : SystemError(call: "connect", code: code)
    }

    /// The port that the kernel chose for a listener on port 0.
    public func boundPort() -> UInt16? {
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(number, $0, &size)
            }
        }
        guard failed == 0 else { return nil }
        // The port stands at the same place in both families.
        return UInt16(bigEndian: address.sin6_port)
    }
}

/// What `accept` came to.
public enum Acceptance: Sendable {
    case connection(FileDescriptor, PeerAddress)
    /// Nobody is waiting.
    case none
    /// The process or the system has no descriptor or memory left; the connection still waits.
    case exhausted(SystemError)
}

/// The raw address of a peer.
public enum PeerAddress: Sendable, Equatable {
    case v4(UInt32, port: UInt16)
    case v6(high: UInt64, low: UInt64, port: UInt16)
    case unix
}

extension FileDescriptor {
    /// Takes one waiting connection, non-blocking.
    public func accept() -> Acceptance {
        var address = sockaddr_storage()
        while true {
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let flags = CInt(bitPattern: SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let taken = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe accept4(number, $0, &size, flags)
                }
            }
            if taken >= 0 {
                return .connection(FileDescriptor(taken), unsafe Self.peer(&address))
            }
            switch errno {
            case EAGAIN: return .none
            // The connection was given up while it waited; the next one may be there.
            case EINTR, ECONNABORTED, EPROTO: continue
            default: return .exhausted(SystemError(call: "accept4"))
            }
        }
    }

    private static func peer(_ storage: UnsafeMutablePointer<sockaddr_storage>) -> PeerAddress {
        let raw = UnsafeRawPointer(storage)
        switch CInt(unsafe storage.pointee.ss_family) {
        case AF_INET:
            let address = unsafe raw.load(as: sockaddr_in.self)
            return .v4(
                UInt32(bigEndian: address.sin_addr.s_addr),
                port: UInt16(bigEndian: address.sin_port)
            )
        case AF_INET6:
            // The address is bytes 8–23 of sockaddr_in6, in network order; the port bytes 2–3.
            let high = unsafe raw.load(fromByteOffset: 8, as: UInt64.self)
            let low = unsafe raw.load(fromByteOffset: 16, as: UInt64.self)
            let port = unsafe raw.load(fromByteOffset: 2, as: UInt16.self)
            return .v6(
                high: UInt64(bigEndian: high), low: UInt64(bigEndian: low),
                port: UInt16(bigEndian: port))
        default:
            return .unix
        }
    }
}
