# Owns the tests of the sidecar's own endpoints as HTTP and WebSocket, byte by byte.
# Called by pytest, directly only.
# Never asks who is online, except to see that an odd request was understood.
import gzip
import json
import os
import struct
import threading

import pytest

from harness import tokens
from harness.client import IDS
from harness.waiting import eventually
from harness.wire import Wire

ALICE, BOB = IDS["alice"], IDS["bob"]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture
def front(stand, recorder):
    return stand(recorder.address)


def bearer(user=BOB):
    return [("Authorization", "Bearer " + tokens.mint(user))]


def head(method, path, fields, extra=""):
    lines = [f"{method} {path} HTTP/1.1", "Host: app.test"]
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode()


def test_a_body_that_drips_costs_what_came_and_not_what_is_held(stand, recorder):
    """A megabyte of chunk lines, then one byte at a time: each was paid with all of them."""
    sidecar = stand(recorder.address, workers=1).sidecar
    line = b"0000000000000001\r\nx\r\n"
    coding = [("Transfer-Encoding", "chunked")]
    with Wire(sidecar.port) as client, Wire(sidecar.port) as other:
        client.send(head("GET", "/_presence/healthz", coding) + line * 60_000)
        other.ask("GET", "/")
        before = sidecar.process.cpu_seconds()
        for byte in line * 10:
            client.send(bytes([byte]))
            # Its answer tells that the loop has been round.
            assert other.ask("GET", "/_presence/healthz").status == 200
        assert sidecar.process.cpu_seconds() - before < 0.3
        client.send(b"0\r\n\r\n")
        assert client.read_answer().status == 200
        assert client.ask("GET", "/_presence/healthz").status == 200


def test_own_and_forwarded_requests_share_a_connection_in_order(front, recorder):
    recorder.handler = lambda call: call.reply(200, [], call.target.encode())
    with Wire(front.sidecar.port) as client:
        client.send(
            head("GET", "/app/1", [])
            + head("POST", "/_presence/heartbeat", bearer(), "Content-Length: 19\r\n")
            + b'{"status": "away"} '
            + head("GET", "/app/2", [])
            + head("GET", "/_presence/healthz", [])
            + head("POST", "/_presence/heartbeat", bearer())
            + head("GET", "/app/3", [])
        )
        answers = [client.read_answer() for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 6
    assert [answers[n].body for n in (0, 2, 5)] == [b"/app/1", b"/app/2", b"/app/3"]
    assert json.loads(answers[1].body)["status"] == "away"
    # The other token is another session, which is not away: the best one wins.
    assert json.loads(answers[4].body)["status"] == "online"
    assert not [call for call in recorder.calls if "_presence" in call.target]


def test_a_heartbeat_in_every_framing(front):
    body = b'{"status": "away"}'
    fields = bearer()
    with Wire(front.sidecar.port) as client:
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        client.send(head("POST", "/_presence/heartbeat", fields, "Transfer-Encoding: chunked\r\n"))
        client.send(chunks)
        assert json.loads(client.read_answer().body)["status"] == "away"

        extra = f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n"
        client.send(head("POST", "/_presence/heartbeat", fields, extra))
        assert client.stream.read_head().start_line[1] == "100"
        client.send(body)
        assert json.loads(client.read_answer().body)["status"] == "away"

        extra = f"Content-Length: {len(body)}\r\n"
        for byte in head("POST", "/_presence/heartbeat", fields, extra) + body:
            client.send(bytes([byte]))
        assert json.loads(client.read_answer().body)["status"] == "away"

        client.send(head("POST", "/_presence/heartbeat", fields, "Connection: close\r\n"))
        answer = client.read_answer()
        assert json.loads(answer.body)["status"] == "online"
        assert answer.get("connection").lower() == "close" and client.at_end()
    with Wire(front.sidecar.port) as client:
        old = "POST /_presence/heartbeat HTTP/1.0\r\nAuthorization: %s\r\n\r\n" % fields[0][1]
        client.send(old)
        answer = client.read_answer()
        assert json.loads(answer.body)["status"] == "online"
        assert answer.get("content-length") == str(len(answer.body)) and client.at_end()


@pytest.mark.parametrize("size", [65_536, 200_000, 5_000_000])
def test_a_body_larger_than_any_heartbeat_is_413_or_400(front, size):
    body = b'{"status": "away", "padding": "' + b"x" * size + b'"}'
    with Wire(front.sidecar.port) as client:
        client.send(head("POST", "/_presence/heartbeat", bearer(), f"Content-Length: {len(body)}\r\n"))
        try:
            client.send(body)
        except ConnectionError:
            pass  # refused before all of it was sent
        assert client.read_answer().status in (413, 400)
    with Wire(front.sidecar.port) as client:
        assert client.ask("GET", "/_presence/healthz").status == 200


def test_head_of_own_endpoints(front):
    with Wire(front.sidecar.port) as client:
        for path in ("/_presence/healthz", f"/_presence/users/{BOB}", "/_presence/metrics"):
            full = client.ask("GET", path, bearer())
            bare = client.ask("HEAD", path, bearer())
            assert bare.status == full.status == 200 and bare.body == b""
            assert bare.get("content-type") == full.get("content-type")


def test_two_authorization_fields_are_nobody(front):
    """Requirement 13 of tokens: sources that disagree make the request anonymous."""
    with Wire(front.sidecar.port) as client:
        answer = client.ask("POST", "/_presence/heartbeat", bearer(ALICE) + bearer(BOB))
        assert answer.status in (400, 401)
        client.ask("GET", "/app", bearer(ALICE) + bearer(BOB))
    for user in (ALICE, BOB):
        assert front.client.presence(user)["last_seen"] is None


def test_a_token_that_connection_names_as_hop_by_hop_makes_nobody_online(front, recorder):
    """Requirement 28: identity uses exactly the fields that go upstream."""
    with Wire(front.sidecar.port) as client:
        client.ask("GET", "/app", bearer() + [("Connection", "Authorization")])
    assert front.client.presence(BOB)["last_seen"] is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(front, scheme):
    fields = [("Authorization", f"{scheme} {tokens.mint(BOB)}")]
    with Wire(front.sidecar.port) as client:
        assert client.ask("POST", "/_presence/heartbeat", fields).status == 200


def test_odd_user_ids(front):
    client = front.client
    for user in ("a b", "ü/ß", "x" * 100, "1e3", "-7", "O'Brien", '"quoted"', "<script>"):
        token = tokens.mint(user, username=user.upper())
        answer = client.heartbeat(token)
        assert answer.status_code == 200, (user, answer.text)
        assert answer.json()["user_id"] == user and answer.json()["name"] == user.upper()
    assert client.presence("a%20b")["online_status"] == "online"
    assert client.presence("%22quoted%22")["user_id"] == '"quoted"'
    assert b"<script>" not in client.get("/_presence/users?per_page=100", client.observer).content


def test_a_compressed_login_passes_untouched(stand, recorder, front):
    body = gzip.compress(json.dumps({"access": tokens.mint(2), "user": {"id": 2}}).encode())
    fields = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
    recorder.handler = lambda call: call.reply(200, fields, body)
    with Wire(front.sidecar.port) as client:
        answer = client.ask("POST", "/api/auth/login/", [("Accept-Encoding", "gzip")], b"{}")
    assert answer.body == body and answer.get("content-encoding") == "gzip"


LOGINS = {
    "no JSON": b"<h1>welcome</h1>",
    "no token": b'{"user": {"id": 2}}',
    "a token of somebody else's making": b'{"access": "a.b.c", "user": {"id": 2}}',
    "empty": b"",
    "odd types": b'{"access": 7, "user": {"id": [2]}}',
    "deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.mark.parametrize("kind", LOGINS)
def test_login_answers_that_cannot_be_read_pass_untouched(front, recorder, kind):
    recorder.handler = lambda call: call.reply(200, [], LOGINS[kind])
    with Wire(front.sidecar.port) as client:
        for _ in range(2):
            assert client.ask("POST", "/api/auth/login/", [], b"{}").body == LOGINS[kind]
    assert front.client.status("[2]") == "offline"


# WebSocket frames by hand.


def frame(opcode, payload, fin=True, mask=True, rsv=0):
    first = (0x80 if fin else 0) | rsv | opcode
    size = len(payload)
    bit = 0x80 if mask else 0
    if size < 126:
        out = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        out = struct.pack("!BBH", first, bit | 126, size)
    else:
        out = struct.pack("!BBQ", first, bit | 127, size)
    if not mask:
        return out + payload
    key = os.urandom(4)
    return out + key + bytes(byte ^ key[n % 4] for n, byte in enumerate(payload))


class Frames:
    """A presence socket on raw bytes."""

    def __init__(self, port, user=BOB):
        self.wire = Wire(port, timeout=5)
        fields = bearer(user) + [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ]
        self.wire.send(head("GET", "/ws/presence/", fields))
        assert self.wire.read_answer_head().status == 101
        assert [json.loads(self.next()[1])["type"] for _ in range(2)] == ["hello", "snapshot"]

    def need(self, count):
        stream = self.wire.stream
        while len(stream.buffer) < count:
            assert stream.fill(), "the server ended the connection"
        data, stream.buffer = stream.buffer[:count], stream.buffer[count:]
        return data

    def next(self):
        first, second = self.need(2)
        assert second & 0x80 == 0, "a server must not mask"
        size = second
        if size == 126:
            size = struct.unpack("!H", self.need(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.need(8))[0]
        return first & 15, self.need(size)

    def next_but_presence(self):
        while True:
            opcode, payload = self.next()
            if opcode != 1 or json.loads(payload)["type"] != "presence":
                return opcode, payload


@pytest.fixture
def frames(front):
    socket = Frames(front.sidecar.port)
    yield socket
    socket.wire.close()


BEAT = b'{"type": "heartbeat"}'
VIOLATIONS = {
    "unmasked": (frame(1, BEAT, mask=False), 1002),
    "reserved bit": (frame(1, BEAT, rsv=0x40), 1002),
    "unknown opcode": (frame(3, b""), 1002),
    "unknown control": (frame(11, b""), 1002),
    "long ping": (frame(9, b"x" * 126), 1002),
    "ping in pieces": (frame(9, b"x", fin=False), 1002),
    "continuation of nothing": (frame(0, b"x"), 1002),
    "text within text": (frame(1, b"a", fin=False) + frame(1, b"b"), 1002),
    "not UTF-8": (frame(1, b"\xff\xfe"), 1007),
    "binary": (frame(2, b"\x00"), 1003),
    "too big": (frame(1, b"x" * 20000), 1009),
    "too big in pieces": (frame(1, b"x" * 9000, fin=False) + frame(0, b"x" * 9000), 1009),
    "length of 2^63": (b"\x81\xff" + b"\xff" * 8, None),
    "close with one byte": (frame(8, b"x"), 1002),
    "close with code 1005": (frame(8, struct.pack("!H", 1005)), 1002),
}


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_frames_that_break_the_protocol_close_the_socket(front, frames, kind):
    data, code = VIOLATIONS[kind]
    frames.wire.send(data)
    opcode, payload = frames.next_but_presence()
    assert opcode == 8
    if code is not None:
        assert struct.unpack("!H", payload[:2])[0] == code
    assert frames.wire.at_end()
    assert front.client.get("/_presence/healthz").status_code == 200


def test_frames_in_pieces_and_with_pings_between(frames):
    frames.wire.send(
        frame(1, BEAT[:5], fin=False) + frame(9, b"between") + frame(0, BEAT[5:], fin=True)
    )
    assert frames.next_but_presence() == (10, b"between")
    opcode, payload = frames.next_but_presence()
    assert opcode == 1 and json.loads(payload)["type"] == "heartbeat"
    for byte in frame(1, BEAT):
        frames.wire.send(bytes([byte]))
    assert json.loads(frames.next_but_presence()[1])["type"] == "heartbeat"
    frames.wire.send(frame(8, struct.pack("!H", 1000) + b"bye"))
    opcode, payload = frames.next_but_presence()
    assert (opcode, payload[:2]) == (8, struct.pack("!H", 1000))
    assert frames.wire.at_end()


def test_a_message_right_behind_the_upgrade_request_is_not_lost(front):
    with Wire(front.sidecar.port, timeout=5) as client:
        fields = bearer() + [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ]
        client.send(head("GET", "/ws/presence/", fields) + frame(9, b"early"))
        assert client.read_answer_head().status == 101
        eventually(lambda: b"\x8a\x05early" in client.stream.buffer or client.stream.fill() and 0)


def test_a_lost_socket_ends_its_session_too(front):
    """No closing handshake, just a connection that breaks: a laptop whose lid was shut."""
    socket = Frames(front.sidecar.port)
    assert front.client.status(BOB) == "online"
    socket.wire.reset()
    front.client.becomes(BOB, "offline")


def test_presence_is_right_after_a_storm(front):
    """Many people at once on many connections; afterwards everybody is where they ended."""
    wrong = []

    def person(number):
        token = tokens.mint(1000 + number)
        with Wire(front.sidecar.port, timeout=30) as client:
            fields = [("Authorization", "Bearer " + token)]
            for turn in range(60):
                status = "away" if turn % 2 else "online"
                body = json.dumps({"status": status}).encode()
                answer = client.ask("POST", "/_presence/heartbeat", fields, body)
                if json.loads(answer.body)["status"] != status:
                    wrong.append((number, turn, answer.body))
                client.ask("GET", "/app", fields)

    threads = [threading.Thread(target=person, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    client = front.client
    page = client.get("/_presence/users?status=away&per_page=100", client.observer).json()
    assert sorted(user["user_id"] for user in page["results"]) == [
        str(1000 + number) for number in range(24)
    ]
