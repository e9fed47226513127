# Owns the tests of WebSocket tunnels through the sidecar to the app behind it.
# Called by pytest, against a real WebSocket server and against the recording backend.
# Never looks at presence messages: these sockets are the app's own.
import base64
import hashlib
import threading

import pytest
from websockets.sync.client import connect
from websockets.sync.server import serve

from harness.waiting import eventually
from harness.wire import Wire

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
).decode()
ASK = (
    "GET /app/socket?room=1 HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\n"
    f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Protocol: chat, other\r\nOrigin: http://app.test\r\n\r\n"
)
SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
).encode()


@pytest.fixture
def echo():
    """A WebSocket server of the `websockets` library that returns every message."""

    def handler(socket):
        for message in socket:
            socket.send(message)

    with serve(handler, "127.0.0.1", 0, max_size=None, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["direct", "nginx"])
def through(request, stand, echo):
    world = stand(echo, front=request.param)
    return world.client.address.replace("http", "ws")


def test_messages_of_all_sizes_through_a_tunnel(through):
    with connect(through + "/ws/room", max_size=None, proxy=None, compression=None) as socket:
        for size in (0, 1, 125, 126, 65535, 65536, 3_000_000):
            text = "é" * (size // 2)
            socket.send(text)
            assert socket.recv(timeout=10) == text
            socket.send(b"\xff" * size)
            assert socket.recv(timeout=10) == b"\xff" * size
        assert socket.ping(b"x").wait(5)
    assert socket.close_code == 1000


def test_many_messages_at_once_through_a_tunnel(through):
    with connect(through + "/ws/room", proxy=None) as socket:
        for number in range(2000):
            socket.send(str(number))
        for number in range(2000):
            assert socket.recv(timeout=10) == str(number)


@pytest.fixture
def raw(stand, recorder):
    """A tunnel on raw sockets: the client's end and, in `links`, the backend's."""
    ready, done = threading.Event(), threading.Event()

    def answer(call):
        call.send(SWITCH)
        ready.set()
        done.wait(20)
        return "close"

    recorder.handler = answer
    front = stand(recorder.address).sidecar
    client = Wire(front.port)
    client.send(ASK)
    reply = client.read_answer_head()
    assert reply.status == 101 and reply.get("sec-websocket-accept") == ACCEPT
    assert reply.get("upgrade").lower() == "websocket"
    assert "upgrade" in reply.get("connection").lower()
    assert reply.get("sec-websocket-protocol") == "chat"
    assert ready.wait(5)
    yield client, recorder.used_links[0].sock, recorder.calls[0]
    done.set()
    client.close()


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, f"end after {data!r}"
        data += piece
    return data


def test_the_handshake_reaches_the_backend_whole(raw):
    _, _, call = raw
    assert call.target == "/app/socket?room=1"
    assert call.get("upgrade").lower() == "websocket"
    assert call.get("connection").lower() == "upgrade"
    assert call.get("sec-websocket-key") == KEY and call.get("sec-websocket-version") == "13"
    assert call.get("sec-websocket-protocol") == "chat, other"
    assert call.get("origin") == "http://app.test"
    assert call.get("x-forwarded-for") == "127.0.0.1"


def test_half_close_by_the_client(raw):
    client, backend, _ = raw
    client.send(b"last words")
    client.sock.shutdown(1)
    backend.settimeout(5)
    assert read_exactly(backend, 10) == b"last words"
    assert backend.recv(1) == b""
    backend.sendall(b"still here")
    assert read_exactly(client.sock, 10) == b"still here"


def test_half_close_by_the_backend(raw):
    client, backend, _ = raw
    backend.sendall(b"last words")
    backend.shutdown(1)
    assert read_exactly(client.sock, 10) == b"last words"
    assert client.sock.recv(1) == b""
    client.send(b"still here")
    backend.settimeout(5)
    assert read_exactly(backend, 10) == b"still here"


def test_a_reset_by_the_client_ends_a_tunnel_whose_backend_reads_nothing(stand, recorder):
    done = threading.Event()

    def answer(call):
        call.send(SWITCH)
        done.wait(20)
        return "close"

    recorder.handler = answer
    sidecar = stand(recorder.address).sidecar
    client = Wire(sidecar.port)
    client.send(ASK)
    assert client.read_answer_head().status == 101
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.send(b"x" * 65536)
    assert sidecar.metrics()["sidecar_tunnels_open"] == 1
    client.reset()
    eventually(lambda: sidecar.metrics()["sidecar_tunnels_open"] == 0)
    done.set()


def test_bytes_sent_right_behind_the_101_are_not_lost(stand, recorder):
    def answer(call):
        call.send(SWITCH + b"\x81\x05hello")
        call.link.wait_for_end_of_peer()
        return "close"

    recorder.handler = answer
    with Wire(stand(recorder.address).sidecar.port) as client:
        client.send(ASK)
        assert client.read_answer_head().status == 101
        eventually(lambda: len(client.stream.buffer) >= 7 or client.stream.fill())
        assert client.stream.buffer.startswith(b"\x81\x05hello")


def test_bytes_sent_before_the_101_wait_for_it(stand, recorder):
    early = []

    def answer(call):
        early.append(call.link.stream.has_more_now())
        call.send(SWITCH)
        while len(call.link.stream.buffer) < 5 and call.link.stream.fill():
            pass
        call.send(call.link.stream.buffer)
        return "close"

    recorder.handler = answer
    with Wire(stand(recorder.address).sidecar.port) as client:
        client.send(ASK + "early")
        assert client.read_answer_head().status == 101
        while len(client.stream.buffer) < 5 and client.stream.fill():
            pass
        assert client.stream.buffer == b"early"
    assert early == [False]


@pytest.mark.parametrize(
    "status, reason", [(403, "Forbidden"), (200, "OK"), (426, "Upgrade Required")]
)
def test_an_upgrade_that_the_app_declines_is_an_ordinary_answer(stand, recorder, status, reason):
    recorder.handler = lambda call: call.reply(status, [("X-Why", "no")], b"declined", reason)
    with Wire(stand(recorder.address).sidecar.port) as client:
        client.send(ASK)
        reply = client.read_answer()
        assert (reply.status, reply.get("x-why"), reply.body) == (status, "no", b"declined")


SWINDLES = {
    "wrong accept": SWITCH.replace(ACCEPT.encode(), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    "no accept": b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "other protocol": SWITCH.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
}


@pytest.mark.parametrize("kind", SWINDLES)
def test_a_101_that_does_not_fit_is_502(stand, recorder, kind):
    def answer(call):
        call.send(SWINDLES[kind])
        call.link.wait_for_end_of_peer()
        return "close"

    recorder.handler = answer
    with Wire(stand(recorder.address).sidecar.port) as client:
        client.send(ASK)
        assert client.read_answer().status == 502


BAD_UPGRADES = {
    "version 12": ASK.replace("Version: 13", "Version: 12"),
    "short key": ASK.replace(KEY, "c2hvcnQ="),
    "no key": ASK.replace(f"Sec-WebSocket-Key: {KEY}\r\n", ""),
    "HTTP/1.0": ASK.replace("HTTP/1.1", "HTTP/1.0"),
    "POST": ASK.replace("GET", "POST", 1),
    "no connection token": ASK.replace("keep-alive, Upgrade", "keep-alive"),
    "h2c": ASK.replace("Upgrade: websocket", "Upgrade: h2c"),
}


@pytest.mark.parametrize("kind", BAD_UPGRADES)
def test_no_tunnel_for_an_upgrade_that_is_none(stand, recorder, kind):
    """Either refused or passed on as a plain request; the backend is never asked to switch."""
    with Wire(stand(recorder.address).sidecar.port) as client:
        client.send(BAD_UPGRADES[kind])
        reply = client.read_answer()
    if recorder.calls:
        assert reply.status == 200 and recorder.calls[0].get("upgrade") is None
    else:
        assert reply.status in (400, 426)
