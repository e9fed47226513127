// Owns `sidecar run`.
// Called by Main.
// Never parses the command line.

import ProxyCore

/// The service, from its start to the end of its drain.
enum Run {
    static func run(_ source: ConfigSource) -> ExitCode {
        let loaded = source.load()
        for line in loaded.lines { Console.complain(line) }
        guard let config = loaded.config else { return .failure }
        Signals.block()
        ProcessLimits.raiseDescriptors()
        let service: ServiceProcess
        do throws(AssemblyError) {
            service = try ServiceProcess(config)
        } catch {
            Console.complain("sidecar run: \(error)")
            return .failure
        }
        wait(service)
        service.finish()
        return .success
    }

    /// Acts upon signals until the service has been told to stop. A second signal to stop cuts
    /// the drain short.
    private static func wait(_ service: ServiceProcess) {
        while true {
            switch Signals.next() {
            case .terminate, .interrupt:
                service.log.info("stopping: no new connections, the ones under way may end")
                service.drain()
                cutOnSecondSignal(service)
                return
            case .hangup:
                service.log.warning(
                    "SIGHUP: this version does not reload; restart it to apply a new configuration")
            case .user2:
                service.log.warning("SIGUSR2: this version does not hand its sockets over")
            }
        }
    }

    /// The thread ends with the process.
    private static func cutOnSecondSignal(_ service: ServiceProcess) {
        do throws(SystemError) {
            _ = try Thread(name: "signals") {
                while true {
                    let signal = Signals.next()
                    if signal == .terminate || signal == .interrupt { service.drain() }
                }
            }
        } catch {
            service.log.warning("a second signal will not cut the drain short: \(error)")
        }
    }
}
