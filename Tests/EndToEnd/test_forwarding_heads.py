# Owns the tests of what the sidecar does to heads: hop-by-hop, forwarded, Via, 1xx, Expect.
# Called by pytest, against a backend that records every byte.
# Never goes through nginx, which would change the heads itself.
import re

import pytest

from harness.waiting import eventually
from harness.wire import Wire


@pytest.fixture
def front_port(stand, recorder):
    return stand(recorder.address).sidecar.port


def test_fields_pass_verbatim_and_in_order(front_port, recorder):
    sent = [
        ("Accept", "*/*"),
        ("X-Twice", "one"),
        ("x-lower", "Keeps Its Case"),
        ("X-Twice", "two"),
        ("X-Bytes", "caf\xe9 \xff"),
        ("X-Empty", ""),
        ("Cookie", 'a=1; b="2"'),
    ]
    with Wire(front_port) as client:
        client.ask("GET", "/x", sent)
    call = recorder.calls[0]
    ours = {name for name, _ in sent}
    assert [(name, value) for name, value in call.fields if name in ours] == sent
    assert call.fields[0][0].lower() == "host" and call.get("host") == "app.test"
    assert (call.method, call.target, call.version) == ("GET", "/x", "HTTP/1.1")


def test_answer_fields_pass_verbatim_and_in_order(front_port, recorder):
    sent = [
        ("Set-Cookie", "a=1; Path=/"),
        ("X-One", "caf\xe9"),
        ("Set-Cookie", "b=2"),
        ("Server", "legacy/1"),
        ("Date", "Sat, 21 Nov 2026 09:30:00 GMT"),
        ("WWW-Authenticate", 'Basic realm="x", Bearer'),
    ]
    recorder.handler = lambda call: call.reply(418, sent, b"tea", reason="I'm a teapot")
    with Wire(front_port) as client:
        answer = client.ask("GET", "/")
    assert (answer.status, answer.reason, answer.body) == (418, "I'm a teapot", b"tea")
    names = {name for name, _ in sent}
    assert [(name, value) for name, value in answer.fields if name in names] == sent
    assert len(answer.all("date")) == len(answer.all("server")) == 1
    assert re.search(r"\b1\.1 \S+", answer.get("via"))


@pytest.mark.parametrize("method", ["M-SEARCH", "get", "PROPFIND", "a!#$%&'*+-.^_`|~9"])
def test_any_method_token_passes(front_port, recorder, method):
    with Wire(front_port) as client:
        assert client.ask(method, "/").status == 200
    assert recorder.calls[0].method == method


@pytest.mark.parametrize(
    "target", ["/", "/a/../b/./c", "//double//", "/%2e%2e/%2F", "/a;b=1?x=/../&y=%00", "/?", "/??"]
)
def test_targets_pass_as_sent(front_port, recorder, target):
    with Wire(front_port) as client:
        assert client.ask("GET", target).status == 200
    assert recorder.calls[0].target == target


def test_absolute_form_becomes_origin_form(front_port, recorder):
    with Wire(front_port) as client:
        assert client.ask("GET", "http://app.test/path?q").status == 200
        assert client.ask("OPTIONS", "*").status == 200
    assert [call.target for call in recorder.calls] == ["/path?q", "*"]
    assert recorder.calls[0].get("host") == "app.test"


def test_hop_by_hop_fields_of_requests_are_removed(front_port, recorder):
    fields = [
        ("Connection", ""),
        ("Connection", "keep-alive, X-Private"),
        ("connection", "x-other , TE"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("X-Private", "1"),
        ("X-Other", "2"),
        ("X-Stays", "3"),
        ("TE", "gzip, trailers"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ]
    with Wire(front_port) as client:
        assert client.ask("GET", "/", fields).status == 200
    call = recorder.calls[0]
    gone = "keep-alive proxy-connection x-private x-other upgrade http2-settings".split()
    assert not set(gone) & set(call.names())
    assert call.get("x-stays") == "3"
    assert call.get("te") in (None, "trailers")
    assert "x-private" not in (call.get("connection") or "").lower()


def test_hop_by_hop_fields_of_answers_are_removed(front_port, recorder):
    fields = [
        ("Connection", "X-Private"),
        ("X-Private", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Upgrade", "h2c"),
        ("X-Stays", "2"),
    ]
    recorder.handler = lambda call: call.reply(200, fields, b"x")
    with Wire(front_port) as client:
        answer = client.ask("GET", "/")
        assert client.ask("GET", "/").status == 200  # the connection goes on
    names = [name.lower() for name, _ in answer.fields]
    assert not {"x-private", "keep-alive", "proxy-connection", "upgrade"} & set(names)
    assert answer.get("x-stays") == "2"


def test_fields_with_underscores_are_dropped(front_port, recorder):
    """To a WSGI app X_User and X-User are one name; only one of them can be watched over."""
    fields = [("X_Forwarded_For", "6.6.6.6"), ("X-Real-Thing", "1"), ("Under_Score", "2")]
    with Wire(front_port) as client:
        assert client.ask("GET", "/", fields).status == 200
    assert not [name for name in recorder.calls[0].names() if "_" in name]
    assert recorder.calls[0].get("x-real-thing") == "1"


def test_forwarded_fields_of_a_stranger_are_replaced(stand, recorder):
    port = stand(recorder.address, trusted_proxies=[]).sidecar.port
    lies = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Uri", "/evil"),
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("Connection", "X-Forwarded-Proto"),
    ]
    with Wire(port) as client:
        assert client.ask("GET", "/", lies, host="app.test:8080").status == 200
    call = recorder.calls[0]
    assert call.all("x-forwarded-for") == ["127.0.0.1"]
    assert call.all("x-forwarded-proto") == ["http"]
    assert call.all("x-forwarded-host") == ["app.test:8080"]
    for name in ("x-forwarded-prefix", "x-forwarded-uri", "x-real-ip", "forwarded"):
        assert call.get(name) is None, name
    assert b"6.6.6.6" not in call.raw_head and b"evil" not in call.raw_head


def test_forwarded_fields_of_a_trusted_proxy_are_continued(front_port, recorder):
    fields = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "www.example.test"),
        ("Via", "1.0 nginx"),
    ]
    with Wire(front_port) as client:
        assert client.ask("GET", "/", fields).status == 200
    call = recorder.calls[0]
    assert ", ".join(call.all("x-forwarded-for")) == "203.0.113.9, 127.0.0.1"
    assert call.all("x-forwarded-proto") == ["https"]
    assert call.all("x-forwarded-host") == ["www.example.test"]
    assert re.fullmatch(r"1\.0 nginx, 1\.1 \S+", ", ".join(call.all("via")))


def test_interim_answers_are_relayed(front_port, recorder):
    def answer(call):
        call.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        call.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        call.reply(200, [], b"done")

    recorder.handler = answer
    with Wire(front_port) as client:
        reply = client.ask("GET", "/")
        assert [interim.status for interim in reply.interim] == [103, 102]
        assert reply.interim[0].get("link") == "</a.css>; rel=preload"
        assert (reply.status, reply.body) == (200, b"done")
        # An HTTP/1.0 client could not make sense of them.
        client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")
        reply = client.read_answer()
        assert (reply.interim, reply.status, reply.body) == ([], 200, b"done")


def test_endless_interim_answers_are_cut_off(front_port, recorder):
    def answer(call):
        for _ in range(1000):
            call.send(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
        call.reply(200)

    recorder.handler = answer
    with Wire(front_port) as client:
        reply = client.ask("GET", "/")
        assert reply.status == 502 and len(reply.interim) < 100


def test_a_101_that_nobody_asked_for_is_502(front_port, recorder):
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    recorder.handler = lambda call: call.send(upgrade)
    with Wire(front_port) as client:
        assert client.ask("GET", "/").status == 502


def test_expect_100_continue_and_then_the_body(front_port, recorder):
    def answer(call):
        if (call.get("expect") or "").lower() == "100-continue":
            call.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        call.reply(200, [], call.read_body().upper())

    recorder.handler = answer
    with Wire(front_port) as client:
        for _ in range(2):
            client.send(
                "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n"
            )
            head = client.stream.read_head()
            assert head.start_line[1] == "100"
            client.send("hello")
            reply = client.read_answer()
            assert (reply.status, reply.body, reply.interim) == (200, b"HELLO", [])


def test_expect_100_continue_refused_by_the_backend(front_port, recorder):
    """The final answer arrives though the body is never sent."""

    def answer(call):
        call.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        return "close"

    recorder.handler = answer
    with Wire(front_port) as client:
        client.send(
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5000000\r\n"
            "Expect: 100-continue\r\n\r\n"
        )
        reply = client.read_answer()
        assert (reply.status, reply.body) == (401, b"no")


def test_an_unknown_expectation_is_417(front_port, recorder):
    with Wire(front_port) as client:
        assert client.ask("POST", "/", [("Expect", "the moon")], b"x").status == 417
        assert client.at_end()
    assert recorder.calls == []


def test_http_1_0_client(front_port, recorder):
    def chunked(call):
        call.read_body()
        call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        call.send(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")

    recorder.handler = chunked
    with Wire(front_port) as client:
        client.send("GET / HTTP/1.0\r\nHost: app.test\r\nConnection: close\r\n\r\n")
        reply = client.read_answer()
        assert reply.framing == ("close",) and reply.get("transfer-encoding") is None
        assert reply.body == b"hello world"
    with Wire(front_port) as client:  # without Host, as HTTP/1.0 allows, and with a body
        client.send("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
        assert client.read_answer().body == b"hello world"
    assert recorder.calls[1].body == b"abc"
    assert [call.version for call in recorder.calls] == ["HTTP/1.1", "HTTP/1.1"]


def test_http_1_0_client_that_asks_for_keep_alive(front_port):
    with Wire(front_port) as client:
        for _ in range(3):
            client.send("GET / HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\n\r\n")
            reply = client.read_answer()
            assert reply.status == 200 and reply.get("connection").lower() == "keep-alive"


def test_connection_close_is_honoured(front_port):
    with Wire(front_port) as client:
        reply = client.ask("GET", "/", [("Connection", "close")])
        assert reply.status == 200 and reply.get("connection").lower() == "close"
        assert client.at_end()


def test_a_head_that_comes_byte_by_byte(front_port, recorder):
    with Wire(front_port) as client:
        for byte in b"\r\nPOST /slow HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc":
            client.send(bytes([byte]))
        assert client.read_answer().status == 200
    eventually(lambda: recorder.calls and recorder.calls[0].body == b"abc")
    assert recorder.calls[0].target == "/slow"
