# Owns the proof that what the requirements refuse reaches no backend.
# Called by pytest; the requests are those of vectors/refused-requests.json.
# Never parses what it sends: the bytes go out as the file has them.
import base64
import json
from pathlib import Path

import pytest

from harness.recording import RecordingBackend
from harness.sidecar import Sidecar
from harness.wire import Wire

FILE = Path(__file__).parent / "vectors" / "refused-requests.json"
VECTORS = json.loads(FILE.read_text()) if FILE.exists() else []


def name_of(vector):
    return f"{vector['requirement']} {vector['name']}"


@pytest.fixture(scope="module")
def backend():
    recorder = RecordingBackend()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def front(session_shop, backend):
    """One sidecar for all of them: a refusal must not hurt the next request either."""
    # Nobody is trusted: from a trusted proxy, HTTP/1.0 requests with a body are no crime.
    changes = {"store": {"path": None}, "trusted_proxies": []}
    sidecar = Sidecar(session_shop, backend.address, changes, name="refuser")
    yield sidecar.start()
    assert not sidecar.process.has_ended()
    sidecar.process.kill()


def test_there_are_vectors():
    assert len(VECTORS) > 50, f"{FILE} is missing or thin"


def reached(backend):
    return backend.bytes_received


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_refused_and_nothing_upstream(front, backend, vector):
    before = reached(backend)
    with Wire(front.port) as client:
        client.send(base64.b64decode(vector["request_base64"]))
        answer = client.read_answer()
        assert answer.status == vector["status"]
        assert (answer.get("connection") or "").lower() == "close"
        assert client.at_end(), "the connection stays open"
    assert reached(backend) == before, backend.calls[-1].raw_head if backend.calls else None


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_refused_behind_a_good_request_on_the_same_connection(front, backend, vector):
    """Requirement 29: later requests are validated like the first, and the first is answered."""
    good = b"GET /before HTTP/1.1\r\nHost: app.test\r\n\r\n"
    calls = len(backend.calls)
    with Wire(front.port) as client:
        client.send(good + base64.b64decode(vector["request_base64"]))
        assert client.read_answer().status == 200
        answer = client.read_answer()
        assert answer.status == vector["status"]
        assert client.at_end(), "the connection stays open"
    assert [call.target for call in backend.calls[calls:]] == ["/before"]


def test_a_good_request_after_all_of_them(front):
    with Wire(front.port) as client:
        assert client.ask("GET", "/").status == 200
