// Owns signals: kept from all threads, and waited for by one.
// Called by the main thread of a service.
// Never runs code in a signal handler.

import CLinux
import Glibc

/// The signals that a service acts upon.
public enum ServiceSignal: CInt, Sendable, CaseIterable {
    case terminate = 15
    case interrupt = 2
    case hangup = 1
    case user2 = 12
}

/// Signals as a queue that one thread reads.
public enum Signals {
    /// Keeps the service's signals from every thread made from now on, makes a broken pipe an
    /// outcome of the write, and ignores USR1: tools that turn logs send it to have files opened
    /// anew, and it would end a process that has none.
    public static func block() {
        var set = makeSet()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGUSR1, SIG_IGN)
    }

    /// Waits for the next one. On the main thread.
    public static func next() -> ServiceSignal {
        var set = makeSet()
        while true {
            var number: CInt = 0
            if unsafe sigwait(&set, &number) == 0, let known = ServiceSignal(rawValue: number) {
                return known
            }
        }
    }

    private static func makeSet() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for known in ServiceSignal.allCases { unsafe sigaddset(&set, known.rawValue) }
        return set
    }
}

/// Bounds that the system sets to this process.
public enum ProcessLimits {
    /// Raises the number of open descriptors to what the system allows; returns it.
    @discardableResult
    public static func raiseDescriptors() -> Int {
        var limit = rlimit()
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(kind, &limit) == 0 else { return 1024 }
        let wanted = rlimit(rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max)
        var raised = wanted
        guard unsafe setrlimit(kind, &raised) == 0 else { return Int(clamping: limit.rlim_cur) }
        return Int(clamping: wanted.rlim_cur)
    }

    /// Cores that this process may run on.
    public static func cores() -> Int {
        max(1, Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))))
    }
}
