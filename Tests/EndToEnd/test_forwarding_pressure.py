# Owns the tests of weight: slow readers, slow backends, clients that leave, a thousand at once.
# Called by pytest, against a backend that records every byte.
# Never takes the sidecar's word for its memory: the kernel is asked.
import hashlib
import threading

import pytest

from harness.waiting import eventually, settled
from harness.wire import Wire

MIB = 1 << 20
BLOCK = hashlib.sha256(b"seed").digest() * 2048  # 64 KiB
BLOCKS = 3200  # 200 MiB


@pytest.fixture
def sidecar(stand, recorder):
    return stand(recorder.address).sidecar


def whole_digest():
    sha = hashlib.sha256()
    for _ in range(BLOCKS):
        sha.update(BLOCK)
    return sha.hexdigest()


def test_a_reader_that_stalls_costs_no_memory(sidecar, recorder):
    def answer(call):
        call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (BLOCKS * len(BLOCK)))
        for _ in range(BLOCKS):
            call.send(BLOCK)

    recorder.handler = answer
    with Wire(sidecar.port) as warm:
        recorder.handler = lambda call: call.reply(200, [], BLOCK)
        warm.ask("GET", "/")
        recorder.handler = answer
    before = sidecar.process.resident_bytes()
    with Wire(sidecar.port, timeout=30, receive_buffer=64 * 1024) as client:
        client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        head = client.read_answer_head()
        link = eventually(lambda: next((one for one in recorder.links if one.sent > MIB), None))
        sent = settled(lambda: link.sent)
        assert sent < 64 * MIB, "the backend was drained though nobody reads"
        assert sidecar.process.resident_bytes() - before < 4 * MIB
        # Others are served meanwhile.
        recorder.handler = lambda call: call.reply(200, [], b"quick")
        with Wire(sidecar.port) as other:
            assert other.ask("GET", "/").body == b"quick"

        sha, size, peak = hashlib.sha256(), 0, 0
        for number, piece in enumerate(client.stream.pieces(head.framing)):
            sha.update(piece)
            size += len(piece)
            if number % 64 == 0:
                peak = max(peak, sidecar.process.resident_bytes() - before)
        assert size == BLOCKS * len(BLOCK) and sha.hexdigest() == whole_digest()
        assert peak < 8 * MIB


def test_a_backend_that_stalls_costs_no_memory(sidecar, recorder):
    gate = threading.Event()
    result = []

    def answer(call):
        gate.wait(30)
        sha, size = hashlib.sha256(), 0
        for piece in call.link.stream.pieces(call.framing):
            sha.update(piece)
            size += len(piece)
        call.body = b""
        result.append((size, sha.hexdigest()))
        call.reply(200)

    with Wire(sidecar.port) as warm:
        warm.ask("POST", "/", body=BLOCK)
    recorder.handler = answer
    before = sidecar.process.resident_bytes()
    with Wire(sidecar.port, timeout=30) as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {BLOCKS * len(BLOCK)}\r\n\r\n"
        )
        progress = [0]

        def upload():
            for _ in range(BLOCKS):
                client.send(BLOCK)
                progress[0] += len(BLOCK)

        sender = threading.Thread(target=upload, daemon=True)
        sender.start()
        eventually(lambda: progress[0] > MIB)
        assert settled(lambda: progress[0]) < 64 * MIB
        assert sidecar.process.resident_bytes() - before < 4 * MIB
        gate.set()
        assert client.read_answer().status == 200
        sender.join()
    assert result == [(BLOCKS * len(BLOCK), whole_digest())]


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("when", ["before the answer", "within the answer", "within the upload"])
def test_a_client_that_leaves_cancels_the_request_upstream(sidecar, recorder, how, when):
    left = threading.Event()

    def answer(call):
        if when == "within the answer":
            call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        if call.link.wait_for_end_of_peer():
            left.set()
        return "close"

    recorder.handler = answer
    client = Wire(sidecar.port)
    if when == "within the upload":
        client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100000\r\n\r\nsome")
    else:
        client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
    eventually(lambda: recorder.calls)
    if when == "within the answer":
        client.read_answer_head()
    client.reset() if how == "reset" else client.close()
    assert left.wait(8), "the backend works on for nobody"
    # No blame on the backend: the next request is served.
    recorder.handler = lambda call: call.reply(200)
    with Wire(sidecar.port) as other:
        assert other.ask("GET", "/").status == 200


def test_a_thousand_connections_at_once(sidecar, recorder):
    clients = []
    try:
        for _ in range(1000):
            clients.append(Wire(sidecar.port, timeout=30))
        for turn in range(3):
            for number, client in enumerate(clients):
                client.send(f"GET /{turn}/{number} HTTP/1.1\r\nHost: app.test\r\n\r\n")
            for client in clients:
                assert client.read_answer().status == 200
        assert len(recorder.calls) == 3000
        assert len({call.target for call in recorder.calls}) == 3000
        # Idle connections cost next to nothing.
        assert sidecar.process.resident_bytes() < 64 * MIB
    finally:
        for client in clients:
            client.close()
    with Wire(sidecar.port) as client:
        assert client.ask("GET", "/").status == 200


def test_answers_to_many_clients_are_never_mixed_up(sidecar, recorder):
    recorder.handler = lambda call: call.reply(200, [], call.target.encode() * 50)
    wrong = []

    def client(name):
        with Wire(sidecar.port) as wire:
            for number in range(100):
                target = f"/{name}/{number}"
                if wire.ask("GET", target).body != target.encode() * 50:
                    wrong.append(target)

    threads = [threading.Thread(target=client, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(recorder.calls) == 1600
