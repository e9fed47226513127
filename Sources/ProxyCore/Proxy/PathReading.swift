// Owns the ways in which servers read a path.
// Called by RouteTable for paths that are in doubt.
// Never decides which of them is right: the one behind us may be any.

/// What a server makes of a path. Each part is somebody's habit, and they come in every mixture:
/// Django and Flask decode and keep dots, Express keeps all, servlets cut parameters off.
struct PathReading: OptionSet, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    /// Escapes are decoded.
    static let decodes = PathReading(rawValue: 1 << 0)
    /// A decoded slash ends a segment.
    static let splits = PathReading(rawValue: 1 << 1)
    /// A backslash ends a segment.
    static let turns = PathReading(rawValue: 1 << 2)
    /// `;` and what follows it in a segment is no part of the name.
    static let cuts = PathReading(rawValue: 1 << 3)
    /// `.` and `..` are resolved.
    static let resolves = PathReading(rawValue: 1 << 4)
    /// Several slashes are one.
    static let merges = PathReading(rawValue: 1 << 5)
    /// ASCII letters are taken without their case.
    static let folds = PathReading(rawValue: 1 << 6)

    /// The normal form.
    static let normal: PathReading = [.decodes, .splits, .turns, .cuts, .resolves, .merges]

    /// The habits that make a difference to this path.
    static func doubts(in path: RawSpan) -> PathReading {
        var doubts: PathReading = []
        var wasSlash = false
        var index = 0
        while index < path.byteCount {
            var byte = path[at: index]
            index += 1
            if byte == 0x25 {
                doubts.insert(.decodes)
                if index + 1 < path.byteCount, let high = path[at: index].hexadecimal,
                    let low = path[at: index + 1].hexadecimal
                {
                    byte = high << 4 | low
                    index += 2
                    if byte == 0x2f { doubts.insert(.splits) }
                }
            }
            if byte == 0x5c { doubts.insert(.turns) }
            // What is cut off may leave an empty segment.
            if byte == 0x3b { doubts.formUnion([.cuts, .merges]) }
            if byte == 0x2e, wasSlash { doubts.insert(.resolves) }
            let isSlash = byte == 0x2f || byte == 0x5c
            if isSlash, wasSlash { doubts.insert(.merges) }
            wasSlash = isSlash
        }
        return doubts
    }

    /// Calls `body` for every mixture of these habits, all of them first, until it returns true.
    func anyMixture(_ body: (PathReading) -> Bool) -> Bool {
        var mixture = rawValue
        while !body(PathReading(rawValue: mixture)) {
            guard mixture != 0 else { return false }
            mixture = (mixture - 1) & rawValue
        }
        return true
    }
}
