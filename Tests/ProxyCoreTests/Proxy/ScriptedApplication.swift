// Owns an application whose answers a test has written down, and its memory of what it was asked.
// Called by the loop under test; its record is read by the test.
// Never decides anything by itself: what has no script is forwarded.

import Foundation
import XCTest

@testable import ProxyCore

/// What an application was told.
enum Asked: Equatable {
    case admitted(String)
    case admittedAgain(String)
    case servedAfterWait(String)
    case answered(Int, String?)
    case sighted(Int, byUpstream: Bool, String)
    case watched(Int, String?)
    case served(String, String)
    case rewritten(String?)
    case pieced(String)
    case brokeOff
    case abandoned(ExchangeID)
    case opened(SocketID)
    case message(String)
    case closed(SocketEnd)

    var isAbandoned: Bool { if case .abandoned = self { true } else { false } }
    var isClosed: Bool { if case .closed = self { true } else { false } }
}

/// What the test wants of it. Set before the loop starts; each runs on the loop's thread.
struct Script: @unchecked Sendable {
    typealias Host = any ApplicationHost
    /// `POST /orders` → what becomes of it.
    var admit: (String) -> Admission = { _ in .forward(Ticket(), watch: .nothing) }
    /// Asked first where the way in which it came matters; nil: `admit` says.
    var arrived: (Host, Arrival, String) -> Admission? = { _, _, _ in nil }
    var writeFields: (inout ByteBuffer) -> Void = { _ in }
    var answered: (inout Ticket) -> Void = { _ in }
    var sight: (Host, ExchangeID, Int) -> Passage = { _, _, _ in .pass }
    var watched: (Host, ExchangeID) -> Void = { _, _ in }
    var rewriting: (Int) -> Rewriting = { _ in .untouched }
    /// The whole body → another one; nil: unchanged.
    var rewrite: (String) -> String? = { _ in nil }
    var mark: UInt64 = 0
    /// A piece → what passes in its place; nil: the end. One that ends in a full stop is the last
    /// to be changed.
    var piece: (String?) -> String = { $0 ?? "" }
    var serve: (Host, ExchangeID, String) -> Service = { _, _, label in
        .answer(.plain(label))
    }
    var opened: (Host, SocketID) -> Void = { _, _ in }
    var turn: (Host) -> Void = { _ in }
    var message: (Host, SocketID, String) -> Void = { _, _, _ in }
    var closed: (Host, SocketID) -> Void = { _, _ in }

    /// Everything under `/own` is served, everything else forwarded.
    static func serving(_ bodyLimit: Int = 64 * 1024) -> Script {
        var script = Script()
        script.admit = { label in
            label.contains(" /own")
                ? .serve(Ticket(), bodyLimit: bodyLimit) : .forward(Ticket(), watch: .nothing)
        }
        return script
    }
}

extension LocalResponse {
    static func plain(_ text: String, status: Int = 200) -> LocalResponse {
        LocalResponse(status: status, contentType: "text/plain", body: Array(text.utf8))
    }
}

final class ScriptedApplication: Application {
    private unowned let host: any ApplicationHost
    private let script: Script
    private let record: Board<[Asked]>

    init(_ host: any ApplicationHost, _ script: Script, _ record: Board<[Asked]>) {
        self.host = host
        self.script = script
        self.record = record
    }

    private func note(_ asked: Asked) { record.change { $0.append(asked) } }

    func admit(
        _ request: borrowing RequestHead, _ bytes: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Admission {
        let method = bytes[request.methodName].text() ?? ""
        let label = method + " " + (bytes[request.path].text() ?? "")
        note(arrival.hasWaited ? .admittedAgain(label) : .admitted(label))
        return script.arrived(host, arrival, label) ?? script.admit(label)
    }

    func writeFields(_ ticket: Ticket, into out: inout ByteBuffer) {
        script.writeFields(&out)
    }

    func answered(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) {
        note(.answered(head.status, head.fields.value("set-cookie", in: bytes)?.text()))
        script.answered(&ticket)
    }

    func sight(
        _ id: ExchangeID, _ ticket: inout Ticket, status: Int, byUpstream: Bool,
        request label: RawSpan, now: Milliseconds
    ) -> Passage {
        note(.sighted(status, byUpstream: byUpstream, label.text() ?? ""))
        return script.sight(host, id, status)
    }

    func watched(
        _ id: ExchangeID, _ ticket: Ticket, status: Int, body: RawSpan?, now: Milliseconds
    ) {
        if let body { note(.watched(status, body.text())) } else { note(.watched(status, nil)) }
        script.watched(host, id)
    }

    func rewriting(
        _ id: ExchangeID, _ ticket: inout Ticket, _ head: borrowing ResponseHead,
        _ bytes: RawSpan, now: Milliseconds
    ) -> Rewriting { script.rewriting(head.status) }

    func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, body: RawSpan?, into out: inout ByteBuffer,
        now: Milliseconds
    ) -> Rewritten {
        guard let body else {
            note(.rewritten(nil))
            return .unchanged
        }
        let text = body.text() ?? ""
        note(.rewritten(text))
        guard let other = script.rewrite(text) else { return .unchanged }
        out.append(other)
        return .changed(mark: script.mark)
    }

    func rewrite(
        _ id: ExchangeID, _ ticket: Ticket, piece: RawSpan, isLast: Bool,
        into out: inout ByteBuffer
    ) -> Bool {
        let text = piece.text() ?? ""
        if !isLast { note(.pieced(text)) }
        out.append(script.piece(isLast ? nil : text))
        return !text.hasSuffix(".")
    }

    func rewritingBrokeOff(_ id: ExchangeID) { note(.brokeOff) }

    func serve(
        _ id: ExchangeID, _ ticket: Ticket, _ request: borrowing RequestHead, _ bytes: RawSpan,
        body: RawSpan, arrival: Arrival, now: Milliseconds
    ) -> Service {
        let method = bytes[request.methodName].text() ?? ""
        let label = method + " " + (bytes[request.path].text() ?? "")
        note(.served(label, body.text() ?? ""))
        if arrival.hasWaited { note(.servedAfterWait(label)) }
        return script.serve(host, id, label)
    }

    func abandoned(_ id: ExchangeID) { note(.abandoned(id)) }

    func socketOpened(_ socket: SocketID, _ ticket: Ticket, now: Milliseconds) {
        note(.opened(socket))
        script.opened(host, socket)
    }

    func socketMessage(_ socket: SocketID, _ text: RawSpan, now: Milliseconds) {
        let words = text.text() ?? ""
        note(.message(words))
        script.message(host, socket, words)
    }

    func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: Milliseconds) {
        note(.closed(end))
        script.closed(host, socket)
    }

    func turn(now: Milliseconds) -> Milliseconds? {
        script.turn(host)
        return nil
    }
}
