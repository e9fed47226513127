// Owns what somebody is told who comes (back): what has changed since, or all who are present.
// Called by the hub, by `changes`, and on the thread that makes long lists.
// Never tells one user twice in a batch: each comes once, with the latest state.

import Presence
import ProxyCore

/// How a batch is written.
enum NewsForm: Sendable {
    /// A message of a presence socket.
    case frame
    /// An event of a stream.
    case event
    /// The body of an answer.
    case body
}

/// A batch for a reader.
struct News: Sendable {
    /// Where to go on.
    var cursor: Cursor
    /// The reader forgets what it knew: whoever is not in here is offline.
    var isReset: Bool
    /// There are more users than a snapshot holds.
    var isPartial = false
    var views: [PresenceView]

    var isEmpty: Bool { !isReset && views.isEmpty }

    func text(_ form: NewsForm, admin: Bool) -> [UInt8] {
        NewsText.write(
            form, cursor: cursor, isReset: isReset, isPartial: isPartial, count: views.count
        ) { json in
            for view in views { PresenceJSON.write(view, admin: admin, into: &json) }
        }
    }
}

extension PresenceEngine {
    /// What has changed since a cursor, each user once.
    /// - Parameters:
    ///   - since: nil, too old or of another life: a snapshot of those present.
    ///   - limit: changes looked at; the reader asks again from `cursor` for the rest.
    func news(since: Cursor?, limit: Int = .max, now: Milliseconds) -> News {
        let next: Cursor
        if let since {
            switch journal.read(since: since, limit: limit) {
            case .changes(let changes, let end):
                return News(
                    cursor: end, isReset: false,
                    views: views(subjects: changes.map(\.subject), now: now))
            case .reset(let end): next = end
            }
        } else {
            // Before the snapshot: what changes meanwhile is told twice, nothing never.
            next = journal.cursor
        }
        let page = page(
            UserQuery(statuses: [.online, .away], limit: APILimits.snapshotUsers), now: now)
        return News(
            cursor: next, isReset: true, isPartial: page.count > page.results.count,
            views: page.results)
    }
}

/// Writing batches.
enum NewsText {
    /// - Parameters:
    ///   - count: about how many objects there will be.
    ///   - items: writes them.
    static func write(
        _ form: NewsForm, cursor: Cursor, isReset: Bool, isPartial: Bool = false, count: Int,
        _ items: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var json = JSONWriter(capacity: 256 * (count + 1))
        json.beginObject()
        if form == .frame {
            json.key("type")
            json.string(isReset ? "snapshot" : "presence")
        }
        json.key("cursor")
        json.string(cursor.text)
        if form != .frame {
            json.key("reset")
            json.bool(isReset)
        }
        if isPartial {
            json.key("partial")
            json.bool(true)
        }
        json.key(form == .frame && isReset ? "users" : "changes")
        json.beginArray()
        items(&json)
        json.endArray()
        json.endObject()
        switch form {
        case .body: return json.finish()
        case .frame:
            var out = ByteBuffer(capacity: json.bytes.byteCount + 16)
            FrameEncoder.text(json.bytes, into: &out)
            return out.array()
        case .event:
            // One line of data: the writer escapes line ends (HTML Standard §9.2.5).
            var out = ByteBuffer(capacity: json.bytes.byteCount + 64)
            out.append("id: ")
            out.append(cursor.text)
            out.append("\ndata: ")
            out.append(json.bytes)
            out.append("\n\n")
            return out.array()
        }
    }
}

/// What several readers who come at once wait for alike.
struct NewsKey: Hashable, Sendable {
    /// Where they stopped listening; nil: they want a snapshot.
    var since: Cursor?
    var readers: Readers
}

/// A batch, written.
struct ReadyNews: Sendable {
    let key: NewsKey
    /// Where it ends.
    let cursor: Cursor
    let isEmpty: Bool
    let text: [UInt8]

    init(_ key: NewsKey, _ news: News) {
        self.key = key
        cursor = news.cursor
        isEmpty = news.isEmpty
        text = news.text(key.readers.form, admin: key.readers.isAdmin)
    }
}

/// A batch over many users, to be made off the loop.
struct NewsOrder: DeskOrder {
    var key: NewsKey

    func carryOut(_ engine: PresenceEngine, _ post: LoopPost, now: Milliseconds) {
        post.post(ReadyNews(key, engine.news(since: key.since, now: now)))
    }
}
