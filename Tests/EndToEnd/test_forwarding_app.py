# Owns the tests that the legacy app works through the sidecar as it works without.
# Called by pytest, once directly and once behind nginx.
# Never looks at presence, except where a login's body is read on its way.
import hashlib
import json
import re

import pytest
import requests

from harness import tokens
from harness.client import IDS

MEGABYTES = bytes(range(251)) * 41780  # 10.5 MB that repeat at no power of two


def both(world, legacy, method, path, **more):
    """The same request with and without the sidecar before the app."""
    more.setdefault("allow_redirects", False)
    more.setdefault("timeout", 20)
    through = requests.request(method, world.client.address + path, **more)
    plain = requests.request(method, legacy.address + path, **more)
    return through, plain


SAME = ["content-type", "location", "etag", "set-cookie", "allow", "content-disposition"]


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/page/"),
        ("HEAD", "/page/"),
        ("GET", "/page"),  # Django's redirect to the path with a slash
        ("GET", "/old/"),
        ("GET", "/nothing/"),
        ("DELETE", "/nothing/"),
        ("GET", "/unchanged/"),
        ("GET", "/cookies/"),
        ("GET", "/broken/"),
        ("GET", "/no/such/page/"),
        ("GET", "/api/orders/"),
        ("GET", "/files/download/?size=70000"),
        ("HEAD", "/files/download/?size=70000"),
        ("GET", "/files/stream/?size=300000"),
    ],
)
def test_answers_are_those_of_the_app(world, legacy, method, path):
    through, plain = both(world, legacy, method, path)
    assert through.status_code == plain.status_code and through.reason == plain.reason
    assert through.content == plain.content
    for name in SAME:
        assert through.headers.get(name) == plain.headers.get(name), name
    if method == "HEAD":
        assert through.headers.get("content-length") == plain.headers.get("content-length")
    assert through.raw.headers.getlist("Set-Cookie") == plain.raw.headers.getlist("Set-Cookie")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
def test_methods_paths_headers_and_bodies_arrive(world, method):
    path = "/echo/a%20b/%C3%A9;v=1/~x?q=1&q=2&empty=&slash=a%2Fb"
    headers = {"X-Many": "one, two;q=0.5", "Cookie": "a=1; b=2", "User-Agent": "tests/1"}
    answer = world.client.call(method, path, headers=headers, data=b"\x00\xff body").json()
    assert answer["method"] == method and answer["path"] == path
    assert answer["body"] == "\x00\xff body"
    for name, value in headers.items():
        assert answer["headers"][name.lower()] == value
    # The peer is the test itself or nginx on this machine.
    assert answer["headers"]["x-forwarded-for"].endswith("127.0.0.1")
    assert answer["headers"]["x-forwarded-proto"] == "http"
    assert answer["headers"]["x-forwarded-host"]
    assert re.search(r"\b1\.[01] \S+", answer["headers"]["via"])


def test_the_authorization_header_reaches_the_app(world):
    me = world.client.get("/api/users/me/", tokens.mint(IDS["bob"])).json()
    assert me["username"] == "bob"


def test_ten_megabytes_up_by_length_and_by_chunks(world):
    whole = hashlib.sha256(MEGABYTES).hexdigest()

    def chunks():
        for start in range(0, len(MEGABYTES), 100_003):
            yield MEGABYTES[start : start + 100_003]

    for body in (MEGABYTES, chunks()):
        answer = world.client.post("/files/digest/", data=body).json()
        assert answer == {"size": len(MEGABYTES), "sha256": whole}


def test_a_file_in_a_form(world):
    answer = world.client.post(
        "/files/upload/", files={"file": ("plan.bin", MEGABYTES)}, data={"note": "für Bob"}
    ).json()
    assert answer["sha256"] == hashlib.sha256(MEGABYTES).hexdigest()
    assert (answer["name"], answer["note"]) == ("plan.bin", "für Bob")


@pytest.mark.parametrize("path", ["download", "stream"])
def test_ten_megabytes_down_by_length_and_by_chunks(world, legacy, path):
    through, plain = both(world, legacy, "GET", f"/files/{path}/?size=10500000")
    assert len(through.content) == 10_500_000
    assert hashlib.sha256(through.content).digest() == hashlib.sha256(plain.content).digest()


def test_a_slow_answer_holds_nobody_else_up(world):
    slow = [world.client.session.get(world.client.address + "/echo/", timeout=5) for _ in range(2)]
    assert all(answer.status_code == 200 for answer in slow)
    import threading

    ended = []
    waiting = threading.Thread(
        target=lambda: ended.append(
            requests.get(world.client.address + "/slow/?seconds=1.5", timeout=10).json()
        )
    )
    waiting.start()
    for _ in range(20):
        assert requests.get(world.client.address + "/page/", timeout=5).status_code == 200
    assert not ended
    waiting.join()
    assert ended == [{"slept": True}]


LOGIN_BODY = (
    '{ "access" : "%s",\r\n\t"user":{"id":  2 , "username":"al\\u0069ce","note":"caf\u00e9 \\/"},'
    '\n\n "refresh":null, "n": 1.50e+3 }  \n'
)


@pytest.mark.parametrize("how", ["length", "chunks", "close"])
def test_login_body_reaches_client_byte_for_byte(stand, recorder, front, how):
    body = (LOGIN_BODY % tokens.mint(2, username="alice")).encode()

    def answer(call):
        call.read_body()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if how == "length":
            call.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        elif how == "close":
            call.send(head + b"Connection: close\r\n\r\n" + body)
            return "close"
        else:
            call.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 7):
                piece = body[start : start + 7]
                call.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            call.send(b"0\r\n\r\n")

    recorder.handler = answer
    world = stand(recorder.address, front=front)
    response = world.client.post("/api/auth/login/", json={"username": "alice"})
    assert response.content == body
    seen = world.client.presence("2")
    assert (seen["online_status"], seen["name"]) == ("online", "alice")


def test_a_login_body_too_large_to_watch_passes_untouched_and_is_counted(world):
    client, sidecar = world.client, world.sidecar

    def moved(before, after):
        return {name for name, value in after.items() if value > before.get(name, 0)}

    client.login("bob")
    start = sidecar.metrics()
    client.login("bob")
    usual = sidecar.metrics()
    body = {"username": "alice", "password": "alice-pw"}
    response = client.post("/api/auth/login/?history=4000000", json=body)
    large = sidecar.metrics()

    answer = json.loads(response.content)
    assert answer["history"] == "h" * 4_000_000 and answer["user"]["username"] == "alice"
    counted = moved(usual, large) - moved(start, usual)
    assert any(re.search("watch|login|large|oversize", name) for name in counted), counted
    # What was not read is not known; the token itself still counts at its first use.
    assert client.status(IDS["alice"]) == "offline"
    client.work(answer["access"])
    assert client.status(IDS["alice"]) == "online"
