// Owns splicing presence into a JSON document that passes.
// Called with whole bodies of routes that ask for it, one enricher a loop.
// Never changes a byte that was there: members are added behind the last one of an item.

import Presence
import ProxyCore

/// What became of a document.
enum EnrichmentOutcome: Equatable {
    /// At least one item shows presence now. `mark` is another where what was added differs.
    case enriched(mark: UInt64)
    /// The list is empty.
    case empty
    /// There are no objects with an id where items should be.
    case shape
    case notJSON
    /// Or so much would be added to them that the document more than doubled.
    case tooManyItems
}

/// Enriches documents.
struct Enricher {
    private var survey = JSONSurvey()
    private var memo = UserMemo()

    /// Writes a document with presence into `out`; where it is not `enriched`, nothing.
    ///
    /// - Parameter brief: the presence of the user with these bytes as id.
    mutating func enrich(
        _ body: RawSpan, _ plan: EnrichmentPlan, into out: inout ByteBuffer,
        brief: (RawSpan, inout UserMemo) -> PresenceBrief
    ) -> EnrichmentOutcome {
        do throws(JSONSurvey.Fault) {
            try survey.read(body, plan.survey)
        } catch {
            switch error {
            case .notJSON: return .notJSON
            case .tooManyItems: return .tooManyItems
            }
        }
        guard !survey.items.isEmpty else { return survey.reach == .container ? .empty : .shape }
        out.reserve(body.byteCount + survey.items.count * EnrichedMember.together)
        var mark = plan.seed
        var copied = 0
        for index in survey.items.indices {
            let item = survey.items[index]
            guard out.count <= plan.maximumOutput else {
                out.removeAll()
                return .tooManyItems
            }
            if plan.hasOwnID, item.names & EnrichedMember.bits != EnrichedMember.bits,
                let brief = Self.brief(body, survey.place(index, 0), &memo, brief)
            {
                out.append(body.extracting(copied..<item.end))
                copied = item.end
                mark.add(brief)
                EnrichedMember.write(brief, without: item.names, into: &out)
            }
            for addition in plan.additions where item.names & addition.bit == 0 {
                let place = survey.place(index, addition.value)
                guard let brief = Self.brief(body, place, &memo, brief) else { continue }
                out.append(body.extracting(copied..<item.end))
                copied = item.end
                mark.add(brief)
                out.append(addition.opening)
                EnrichedMember.write(object: brief, into: &out)
            }
        }
        survey.shrink(to: APILimits.keptItems)
        guard copied > 0 else { return .shape }
        out.append(body.extracting(copied..<body.byteCount))
        return .enriched(mark: mark.value)
    }

    /// The presence of whoever a value names; nil: it names nobody. What may be an id is what a
    /// token's claims may have as one.
    @inline(__always)
    private static func brief(
        _ body: RawSpan, _ place: JSONPlace, _ memo: inout UserMemo,
        _ brief: (RawSpan, inout UserMemo) -> PresenceBrief
    ) -> PresenceBrief? {
        let range = place.range
        guard !range.isEmpty else { return nil }
        let value = body.extracting(range)
        guard value[at: 0] == UInt8(ascii: "\"") else {
            return isWholeNumber(value) ? brief(value, &memo) : nil
        }
        let text = value.extracting(1..<value.byteCount - 1)
        if text.first(UInt8(ascii: "\\")) != nil {
            // An escape is at most six times as long as what it stands for.
            guard text.byteCount <= 6 * Limits.tokenField, let text = JSONText.decoded(value),
                isUsable(text.utf8.count)
            else { return nil }
            return brief(text.rawSpan, &memo)
        }
        return isUsable(text.byteCount) ? brief(text, &memo) : nil
    }

    private static func isUsable(_ count: Int) -> Bool { (1...Limits.tokenField).contains(count) }

    /// Written in the one way in which we would write it, as `JSONNode.identifier` wants it.
    private static func isWholeNumber(_ value: RawSpan) -> Bool {
        let digits = value[at: 0] == UInt8(ascii: "-") ? 1 : 0
        for index in digits..<value.byteCount where value[at: index] &- 48 >= 10 { return false }
        if digits == 1, value[at: 1] == UInt8(ascii: "0") { return false }
        return value.byteCount < 19 || value.text().flatMap { Int64($0) } != nil
    }
}

extension EnrichedMember {
    static let bits = allCases.reduce(0) { $0 | $1.bit }
    /// Bytes of all three, about.
    static let together = 96

    /// As further members of an object that has some.
    static func write(_ brief: PresenceBrief, without names: UInt32, into out: inout ByteBuffer) {
        guard names & bits != 0 else {
            // Nearly always: one copy of known length.
            switch brief.status {
            case .online: out.append(#","online_status":"online","is_online":true,"last_seen":"#)
            case .away: out.append(#","online_status":"away","is_online":false,"last_seen":"#)
            case .offline: out.append(#","online_status":"offline","is_online":false,"last_seen":"#)
            }
            return write(time: brief.lastSeen, into: &out)
        }
        if names & status.bit == 0 {
            out.append(",\"online_status\":\"")
            out.append(word(of: brief.status))
            out.append("\"")
        }
        if names & isOnline.bit == 0 {
            out.append(",\"is_online\":")
            out.append(brief.status == .online ? "true" : "false" as StaticString)
        }
        if names & lastSeen.bit == 0 {
            out.append(",\"last_seen\":")
            write(time: brief.lastSeen, into: &out)
        }
    }

    /// As all that stands in an object, behind its brace and with its end.
    static func write(object brief: PresenceBrief, into out: inout ByteBuffer) {
        out.append("\"online_status\":\"")
        out.append(word(of: brief.status))
        out.append("\"")
        write(brief, without: status.bit, into: &out)
        out.append("}")
    }

    private static func word(of status: Status) -> StaticString {
        switch status {
        case .offline: "offline"
        case .away: "away"
        case .online: "online"
        }
    }

    private static func write(time: Milliseconds?, into out: inout ByteBuffer) {
        guard let time else { return out.append("null") }
        out.append("\"")
        Timestamp.write(time, into: &out)
        out.append("\"")
    }
}

/// A number that tells one set of added members from another.
///
/// The moment at which somebody present was seen last moves with every request, and says no more
/// than that they are present: it is left out, so that an answer whose lists show the same is the
/// same.
struct EnrichmentMark {
    /// FNV-1a, by words.
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    @inline(__always)
    mutating func add(_ brief: PresenceBrief) {
        let time = brief.status == .offline ? brief.lastSeen ?? -1 : 0
        add(UInt64(brief.status.rawValue))
        add(UInt64(bitPattern: time))
    }

    /// Of a configuration.
    mutating func add(_ text: String) {
        for byte in text.utf8 { add(UInt64(byte)) }
        // No text ends as the next one begins.
        add(UInt64(256))
    }

    @inline(__always)
    private mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x100_0000_01b3
        value ^= value >> 29
    }
}
