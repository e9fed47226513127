// Owns the one shape in which a failed kernel call is reported.
// Called by every file of this folder.
// Never carries anything but the call and its errno.

import Glibc

/// A kernel call that failed, with its errno.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public let call: String
    public let code: CInt

    public init(call: String, code: CInt) {
        self.call = call
        self.code = code
    }

    /// Takes the errno that the call has just left.
    init(call: String) {
        self.init(call: call, code: errno)
    }

    public static func timedOut(_ call: String) -> SystemError {
        SystemError(call: call, code: ETIMEDOUT)
    }

    /// `bind: Address already in use (98)`
    public var description: String {
        let text = unsafe String(cString: strerror(code))
        return "\(call): \(text) (\(code))"
    }
}
