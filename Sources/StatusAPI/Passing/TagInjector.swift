// Owns putting our tag into one page as it streams by.
// Called with the pieces of a response's body, in order.
// Never changes another byte, and holds back at most the first few of one unfinished tag.

import ProxyCore

/// One page on its way.
struct TagInjector: ~Copyable {
    private let tag: ScriptTag
    private var head: PageHead
    /// Bytes of the page that `head` has read.
    private var seen = 0
    /// Bytes of UTF-8's byte order mark that the page began with. (Those of UTF-16 end it all.)
    private var marks = 0
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// The beginning of a tag whose name is not whole: `</hea`.
    private var held = ByteBuffer()
    /// nil as long as it is not decided.
    private(set) var outcome: InjectionOutcome?

    init(_ tag: ScriptTag, policies: PolicyVerdict, origin: PageOrigin) {
        self.tag = tag
        head = PageHead(policies: policies, origin: origin)
    }

    /// Passes a piece on, and the tag where it belongs.
    mutating func pass(_ piece: RawSpan, into out: inout ByteBuffer) {
        guard outcome == nil else { return out.append(piece) }
        let part = piece[0..<min(piece.byteCount, APILimits.pageHead - seen)]
        switch read(part) {
        case .more:
            seen += part.byteCount
            if seen == APILimits.pageHead {
                leave(.noPlace, piece, into: &out)
            } else {
                hold(piece, into: &out)
            }
        case .place(let place):
            insert(at: place, piece, into: &out)
        case .leave(let reason):
            leave(reason, piece, into: &out)
        }
    }

    /// The page is over.
    mutating func finish(into out: inout ByteBuffer) {
        out.append(held)
        held.removeAll()
        if outcome == nil { outcome = .noPlace }
    }

    private mutating func read(_ part: RawSpan) -> HeadFinding {
        if seen == 0, part.byteCount > 0, part[at: 0] >= 0xFE { return .leave(.charset) }
        var start = 0
        while marks < 3, start < part.byteCount, seen + start == marks {
            if part[at: start] != Self.mark[marks] { break }
            start += 1
            marks += 1
        }
        if start < part.byteCount, marks == 1 || marks == 2 { return .leave(.fragment) }
        // Behind an ESC the bytes may be those of ISO-2022-JP, whatever the page calls itself.
        let escape = part.first(HTMLByte.escape)
        let finding = head.read(part, from: start)
        switch finding {
        case .more: return escape == nil ? .more : .leave(.charset)
        case .place(let place): return (escape ?? .max) < place ? .leave(.charset) : finding
        case .leave: return finding
        }
    }

    private mutating func leave(
        _ reason: InjectionOutcome, _ piece: RawSpan, into out: inout ByteBuffer
    ) {
        outcome = reason
        out.append(held)
        held.removeAll()
        out.append(piece)
    }

    private mutating func hold(_ piece: RawSpan, into out: inout ByteBuffer) {
        let isUndecided = head.isUndecided
        if isUndecided, head.start < 0 {
            held.append(piece)
        } else {
            let end = isUndecided ? head.start : piece.byteCount
            out.append(held)
            held.removeAll()
            out.append(piece[0..<end])
            held.append(piece[end..<piece.byteCount])
        }
        head.rebase(by: piece.byteCount)
    }

    private mutating func insert(at place: Int, _ piece: RawSpan, into out: inout ByteBuffer) {
        outcome = .injected
        // What is held is the beginning of the very tag that the place is before, or of one earlier.
        let isHeld = place < 0
        let place = max(place, 0)
        if !isHeld {
            out.append(held)
            out.append(piece[0..<place])
        }
        tag.write(nonce: head.policies.nonce, into: &out)
        if isHeld { out.append(held) }
        held.removeAll()
        out.append(piece[place..<piece.byteCount])
    }
}
