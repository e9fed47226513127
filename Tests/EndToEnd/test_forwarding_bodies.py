# Owns the tests of bodies and of connections: framing, reuse, order, pressure, ends.
# Called by pytest, against a backend that records every byte.
# Never goes through nginx, which buffers.
import hashlib
import signal
import threading
import time

import pytest

from harness.waiting import eventually
from harness.wire import Broken, Wire

MIB = 1 << 20
BLOCK = hashlib.sha256(b"seed").digest() * 2048  # 64 KiB


@pytest.fixture
def sidecar(stand, recorder):
    return stand(recorder.address).sidecar


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def digest_answer(call):
    """SHA-256 and size of the body, which is never held whole."""
    sha, size = hashlib.sha256(), 0
    for piece in call.link.stream.pieces(call.framing):
        sha.update(piece)
        size += len(piece)
    call.body = b""
    call.reply(200, [], f"{size} {sha.hexdigest()}".encode())


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_ten_megabytes_up(sidecar, recorder, framing):
    recorder.handler = digest_answer
    whole = BLOCK * 160
    with Wire(sidecar.port) as client:
        for _ in range(2):  # twice, so that the connection is seen to be in order after it
            head = "POST /up HTTP/1.1\r\nHost: app.test\r\n"
            if framing == "length":
                client.send(head + f"Content-Length: {len(whole)}\r\n\r\n")
                client.send(whole)
            else:
                client.send(head + "Transfer-Encoding: chunked\r\n\r\n")
                cuts = [0, 1, 16, 32, 65567, 365_567, 365_567 + MIB, len(whole)]
                for start, end in zip(cuts, cuts[1:]):
                    client.send(chunk(whole[start:end]))
                client.send(b"0\r\n\r\n")
            reply = client.read_answer()
            expected = f"{len(whole)} {hashlib.sha256(whole).hexdigest()}"
            assert reply.body.decode() == expected
    assert [call.framing[0] for call in recorder.calls] == [framing] * 2


def test_bodies_of_sizes_around_the_buffers(sidecar, recorder):
    """Head and body in one send, so that a read ends exactly with, before and behind them."""
    recorder.handler = lambda call: call.reply(200, [], str(len(call.read_body())).encode())
    head = len("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 65536\r\n\r\n")
    edges = [16384, 32768, 65536, 131_072, 196_608]
    with Wire(sidecar.port, timeout=5) as client:
        for edge in edges:
            for size in (edge - head - 1, edge - head, edge - head + 1, edge - 1, edge, edge + 1):
                for _ in range(2):
                    assert client.ask("POST", "/", body=b"b" * size).body == b"%d" % size


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_ten_megabytes_down(sidecar, recorder, framing):
    def answer(call):
        head = b"HTTP/1.1 200 OK\r\n"
        if framing == "length":
            call.send(head + b"Content-Length: %d\r\n\r\n" % (160 * len(BLOCK)))
        elif framing == "chunked":
            call.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        else:
            call.send(head + b"\r\n")
        for _ in range(160):
            call.send(chunk(BLOCK) if framing == "chunked" else BLOCK)
        if framing == "chunked":
            call.send(b"0\r\nX-Trailer: 1\r\n\r\n")
        return "close" if framing == "close" else None

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        for _ in range(2):
            reply = client.ask("GET", "/down")
            assert hashlib.sha256(reply.body).digest() == hashlib.sha256(BLOCK * 160).digest()
            # What ends with the connection upstream is chunked for a client that can.
            assert reply.framing[0] == ("length" if framing == "length" else "chunked")


@pytest.mark.parametrize(
    "request_line, head, links",
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 4),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 4),
        ("HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n", 4),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 99\r\n\r\n", 4),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 99\r\n\r\n', 4),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1),
    ],
)
def test_answers_without_a_body_leave_the_connection_usable(
    sidecar, recorder, request_line, head, links
):
    """That of the client always; that to the backend where no body was spoken of."""
    recorder.handler = lambda call: call.send(head)
    with Wire(sidecar.port) as client:
        for _ in range(3):
            reply = client.ask(request_line, "/")
            assert reply.status == int(head.split()[1]) and reply.body == b""
            if b"1234" in head:
                assert reply.get("content-length") == "1234"
            if reply.status == 204:
                assert reply.get("content-length") is None
                assert reply.get("transfer-encoding") is None
        recorder.handler = lambda call: call.reply(200, [], b"body")
        assert client.ask("GET", "/").body == b"body"
    assert len(recorder.used_links) == links


@pytest.mark.parametrize("method, status", [("HEAD", b"200 OK"), ("DELETE", b"204 No Content")])
def test_a_body_that_must_not_be_is_no_answer_to_the_next(sidecar, recorder, method, status):
    """gunicorn sends what the app returns to HEAD or with 204, behind the head, on its own."""
    asked = threading.Event()

    def answer(call):
        if call.method == "GET":
            asked.set()
            return call.reply(200, [], b"right")
        evil = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
        call.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n" % (status, len(evil)))
        asked.wait(0.3)
        call.send(evil)

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        assert client.ask(method, "/").body == b""
        assert client.ask("GET", "/").body == b"right"


def test_bytes_on_an_idle_connection_are_no_answer(stand, recorder):
    """The kernel tells of the request first, and of what nobody asked for behind it."""
    sidecar = stand(recorder.address, workers=1).sidecar
    with Wire(sidecar.port) as client:
        recorder.handler = lambda call: call.reply(200, [], b"right")
        assert client.ask("GET", "/").body == b"right"
        sidecar.process.send(signal.SIGSTOP)
        try:
            # A thread on another core goes on for a moment.
            eventually(lambda: sidecar.process.is_stopped, what="the end of every thread's turn")
            client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
            recorder.used_links[0].send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        finally:
            sidecar.process.send(signal.SIGCONT)
        assert client.read_answer().body == b"right"


def test_connections_are_kept_alive_on_both_sides(sidecar, recorder):
    with Wire(sidecar.port) as client:
        for number in range(50):
            body = b"x" * number
            assert client.ask("POST" if number % 2 else "GET", "/", body=body).status == 200
    assert len(recorder.calls) == 50
    assert len(recorder.used_links) == 1


def test_pipelined_requests_are_answered_in_order(sidecar, recorder):
    def answer(call):
        # The first takes longest: were they sent on together, the order would be lost.
        time.sleep(0.3 if call.target == "/0" else 0)
        call.reply(200, [], call.target.encode() + call.read_body())

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        requests = b""
        for number in range(12):
            body = b"b" * number if number % 3 == 0 else b""
            requests += b"POST /%d HTTP/1.1\r\nHost: app.test\r\n" % number
            requests += b"Content-Length: %d\r\n\r\n" % len(body) + body
        client.send(requests)
        for number in range(12):
            body = b"b" * number if number % 3 == 0 else b""
            assert client.read_answer().body == b"/%d" % number + body
    assert not any(link.pipelined for link in recorder.links)


def test_pipelining_stops_at_connection_close(sidecar, recorder):
    with Wire(sidecar.port) as client:
        client.send(
            "GET /1 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n"
            "GET /2 HTTP/1.1\r\nHost: app.test\r\n\r\n"
        )
        assert client.read_answer().status == 200
        assert client.at_end()
    assert [call.target for call in recorder.calls] == ["/1"]


def test_an_early_final_answer_ends_the_upload(sidecar, recorder):
    def answer(call):
        call.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        call.link.wait_for_end_of_peer()
        return "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 50000000\r\n\r\n")
        client.send(BLOCK)
        reply = client.read_answer()
        assert (reply.status, reply.body) == (413, b"big")
    recorder.handler = lambda call: call.reply(200, [], b"next")
    with Wire(sidecar.port) as client:
        assert client.ask("GET", "/").body == b"next"
    assert len(recorder.used_links) == 2  # the half-used connection carried nothing further


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upstream_that_ends_too_soon_aborts_the_answer(sidecar, recorder, framing):
    def answer(call):
        if framing == "length":
            call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 300)
        else:
            call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            call.send(chunk(b"x" * 300))
        return "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        broken = pytest.raises(Broken, client.ask, "GET", "/")
        assert broken.value.so_far == b"x" * 300
    eventually(lambda: "truncated" in sidecar.log().lower(), what="a log line")


GARBAGE = {
    "no HTTP at all": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "bad status": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "bare CR in a field": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "NUL in a field": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * (300 * 1024),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_upstream_garbage_is_502(sidecar, recorder, kind):
    def answer(call):
        call.read_body()
        call.send(GARBAGE[kind])
        return "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        reply = client.ask("POST", "/", body=b"x")
        assert reply.status == 502
        assert reply.get("content-type").startswith("application/problem+json")
    recorder.handler = lambda call: call.reply(200)
    with Wire(sidecar.port) as client:
        assert client.ask("GET", "/").status == 200


def test_bytes_behind_an_answer_never_reach_anybody(sidecar, recorder):
    def answer(call):
        call.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
        )

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        for _ in range(5):
            assert client.ask("GET", "/").body == b"ok"
    assert len(recorder.used_links) == 5


def test_retry_once_on_a_stale_pooled_connection(sidecar, recorder):
    """The backend reads the second request on a connection and closes without a word, as a
    server does whose keep-alive time ran out just then."""

    def answer(call):
        if len(call.link.calls) > 1:
            call.read_body()
            return "close"
        call.reply(200, [], b"ok")

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        for _ in range(4):
            assert client.ask("GET", "/").body == b"ok"
        assert client.ask("POST", "/pay", body=b"1").status == 502
    # Each GET after the first was sent twice, the POST (not idempotent) once.
    assert [call.method for call in recorder.calls] == ["GET"] * 7 + ["POST"]


def test_no_second_retry(sidecar, recorder):
    def answer(call):
        return call.reply(200) if call.target == "/first" else "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        assert client.ask("GET", "/first").status == 200
        assert client.ask("GET", "/dead").status == 502
    assert [call.target for call in recorder.calls] == ["/first", "/dead", "/dead"]


def test_a_backend_that_closes_each_connection(sidecar, recorder):
    def answer(call):
        call.reply(200, [("Connection", "close")], b"ok")
        return "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        for _ in range(20):
            assert client.ask("POST", "/", body=b"1").body == b"ok"
    assert len(recorder.calls) == 20


def test_timeout_is_504(stand, recorder):
    gate = threading.Event()
    recorder.handler = lambda call: gate.wait(20) and call.reply(200)
    port = stand(recorder.address, upstream={"response_timeout": "400ms"}).sidecar.port
    with Wire(port) as client:
        before = time.monotonic()
        reply = client.ask("GET", "/")
        assert reply.status == 504 and time.monotonic() - before < 5
        assert reply.get("content-type").startswith("application/problem+json")
    gate.set()


def test_a_head_that_never_ends_is_408(stand, recorder):
    port = stand(recorder.address, limits={"header_timeout": "500ms"}).sidecar.port
    with Wire(port) as client:
        client.send("GET / HTTP/1.1\r\nHost: app.test\r\n")
        before = time.monotonic()
        while time.monotonic() - before < 0.45:
            client.send("X: y\r\n")  # each byte in time, the head as a whole not
            time.sleep(0.05)
        assert client.read_answer().status == 408
        assert client.at_end()
    assert recorder.calls == []
