// Owns the lines that the service says about itself.
// Called at start and end, and by whoever meets something an operator should know.
// Never logs a request: that is the access log's. Never holds a token.

import ProxyCore

/// Lines to standard error, as text or as one JSON object each.
final class ServiceLog: Sendable {
    private let level: Config.Log.Level
    private let format: Config.Log.Format

    init(_ settings: Config.Log) {
        level = settings.level
        format = settings.format
    }

    func debug(_ text: String) { write(.debug, text) }
    func info(_ text: String) { write(.info, text) }
    func warning(_ text: String) { write(.warning, text) }
    func error(_ text: String) { write(.error, text) }

    private func write(_ severity: Config.Log.Level, _ text: String) {
        guard severity.rank >= level.rank else { return }
        let time = Timestamp.text(Clock.wall())
        switch format {
        case .text:
            Console.complain("\(time) \(severity.rawValue) \(text)")
        case .json:
            var line = JSONWriter()
            line.beginObject()
            line.key("time")
            line.string(time)
            line.key("level")
            line.string(severity.rawValue)
            line.key("message")
            line.string(text)
            line.endObject()
            Console.complain(String(decoding: line.finish(), as: UTF8.self))
        }
    }
}

extension Config.Log.Level {
    fileprivate var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}
