# Owns the tests of the client script's tag in pages that pass.
# Called by pytest, against a backend that records every byte and the Django app, directly and
# behind nginx.
# Never runs the script: that is what a browser does.
import base64
import gzip
import json
import threading
from pathlib import Path

import pytest

from harness import html
from harness.waiting import eventually
from harness.wire import Wire

VECTORS = json.loads((Path(__file__).parent / "vectors/pages.json").read_text())
TAG = b'<script src="/_presence/client.js" defer data-presence></script>'
PAGE = b"<!doctype html>\n<html><head><title>A</title></head><body><p>x</p></body></html>\n"
INJECTED = PAGE.replace(b"</head>", TAG + b"</head>")
HTML = ("Content-Type", "text/html; charset=utf-8")
ROUTES = [{"match": "* /app/**", "inject": True}]


@pytest.fixture
def sidecar(stand, recorder):
    return stand(recorder.address, routes=ROUTES).sidecar


def page_of(vector):
    return base64.b64decode(vector["page"])


def expected(vector):
    page, place = page_of(vector), vector.get("place")
    if place is None:
        return page
    tag = TAG
    if vector.get("nonce"):
        tag = tag.replace(b"></", b' nonce="%s"></' % vector["nonce"].encode())
    return page[:place] + tag + page[place:]


def outcomes(sidecar):
    """What became of answers so far."""
    family = "presence_inject_total"
    found = {key: value for key, value in sidecar.metrics().items() if key.startswith(family)}
    assert len(found) == 10
    return {key.split('"')[1]: value for key, value in found.items() if value}


def chunks(data, size):
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def by_number(call):
    """`/app/NUMBER/FRAMING`: that page, framed so."""
    _, _, number, framing = call.target.split("/")
    vector = VECTORS[int(number)]
    page = page_of(vector)
    fields = [("Content-Type", "text/html")]
    fields += [("Content-Security-Policy", policy) for policy in vector["policies"]]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    call.read_body()
    if framing == "length":
        call.send(f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(page)}\r\n\r\n".encode() + page)
    else:
        head = f"HTTP/1.1 200 OK\r\n{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        call.send(head + chunks(page, int(framing)))


@pytest.mark.parametrize("framing", ["length", "1", "7"])
def test_every_page_of_the_corpus(sidecar, recorder, framing):
    recorder.handler = by_number
    assert len(VECTORS) > 100
    with Wire(sidecar.port) as client:
        for number, vector in enumerate(VECTORS):
            answer = client.ask("GET", f"/app/{number}/{framing}")
            assert answer.body == expected(vector), vector["name"]


PLACED = [vector for vector in VECTORS if vector.get("place") is not None]
# html5lib takes a template for an element like any other; the browser's test has these too.
PARSED = [vector for vector in PLACED if b"<template" not in page_of(vector)]


@pytest.mark.parametrize("vector", PARSED, ids=lambda vector: vector["name"])
def test_a_browser_finds_the_tag_in_the_head_and_all_else_as_it_was(vector):
    """The places in the corpus are what a parser of the standard says, not what we think."""
    # Any encoding that has ASCII in it will do; in this one every byte is a character.
    before = html.tree(page_of(vector), "windows-1252")
    after = html.tree(expected(vector), "windows-1252")
    ours = [found for found in html.tags_of_ours(after) if found[0].tag == html.HTML + "head"]
    assert len(ours) == 1, "the tag is not in the head"
    parent, tag = ours[0]
    assert tag.get("nonce") == vector.get("nonce")
    assert html.shape(html.without(after, parent, tag)) == html.shape(before)


def test_a_place_of_a_page_left_alone_would_have_been_wrong():
    """The check above can fail: a tag in a title, a comment, a script is no element."""
    page = b"<!doctype html><head><title></head></title></head><body>x"
    wrong = page.replace(b"</head></title>", TAG + b"</head></title>")
    assert not html.tags_of_ours(html.tree(wrong))
    early = b"<!doctype html>" + TAG + page[15:]
    assert html.shape(html.tree(early)) != html.shape(html.tree(page))


# MARK: Heads


def test_what_the_backend_is_asked_and_the_client_gets(sidecar, recorder):
    fields = [HTML, ("ETag", '"v1"'), ("Accept-Ranges", "bytes"), ("Content-MD5", "abc=")]
    fields += [("Last-Modified", "Sat, 21 Nov 2026 03:28:51 GMT"), ("Vary", "Accept-Encoding")]
    recorder.handler = lambda call: call.reply(200, fields, PAGE)
    asked = [("Accept-Encoding", "gzip, br"), ("If-Range", '"v1"')]
    with Wire(sidecar.port) as client:
        answer = client.ask("GET", "/app/", asked)
        assert answer.body == INJECTED
        call = recorder.calls[-1]
        assert call.all("accept-encoding") == ["identity"] and call.get("range") is None
        assert answer.get("etag") == 'W/"v1"'
        assert answer.get("last-modified") and answer.get("vary") == "Accept-Encoding"
        for name in ("accept-ranges", "content-md5"):
            assert answer.get(name) is None
        # Who asks for a part gets that part.
        client.ask("GET", "/app/", [*asked, ("Range", "bytes=0-9")])
        call = recorder.calls[-1]
        assert call.all("accept-encoding") == ["gzip, br"] and call.get("range") == "bytes=0-9"
        # Elsewhere nothing of this happens.
        answer = client.ask("GET", "/other/", [*asked, ("Range", "bytes=0-9")])
        assert answer.body == PAGE and answer.get("etag") == '"v1"'
        assert answer.get("content-length") == str(len(PAGE))
        assert recorder.calls[-1].get("accept-encoding") == "gzip, br"
        assert recorder.calls[-1].get("range") == "bytes=0-9"
    assert outcomes(sidecar) == {"injected": 1}


def test_a_backend_that_compresses_all_the_same(sidecar, recorder):
    body = gzip.compress(PAGE)
    fields = [HTML, ("Content-Encoding", "gzip"), ("ETag", '"z"')]
    recorder.handler = lambda call: call.reply(200, fields, body)
    with Wire(sidecar.port) as client:
        answer = client.ask("GET", "/app/", [("Accept-Encoding", "gzip")])
    assert answer.body == body and answer.get("etag") == '"z"'
    assert answer.get("content-length") == str(len(body))
    assert outcomes(sidecar) == {"encoded": 1}


def test_head_and_not_modified_speak_of_the_page_as_it_goes_out(sidecar, recorder):
    def answer(call):
        status = "304 Not Modified" if call.get("if-none-match") else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nETag: \"v1\"\r\n"
        if status == "200 OK":
            head += f"Content-Length: {len(PAGE)}\r\nAccept-Ranges: bytes\r\n"
        has_body = call.method == "GET" and status == "200 OK"
        call.send(head.encode() + b"\r\n" + (PAGE if has_body else b""))

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        page = client.ask("GET", "/app/")
        assert page.body == INJECTED and page.get("etag") == 'W/"v1"'
        head = client.ask("HEAD", "/app/")
        assert head.body == b"" and head.get("etag") == 'W/"v1"'
        assert head.get("content-length") is None and head.get("accept-ranges") is None
        same = client.ask("GET", "/app/", [("If-None-Match", 'W/"v1"')])
        assert same.status == 304 and same.get("etag") == 'W/"v1"' and same.body == b""
        assert recorder.calls[-1].get("if-none-match") == 'W/"v1"'
        # The connection is in order after each of them.
        assert client.ask("GET", "/app/").body == INJECTED


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Requested-With", "XMLHttpRequest")],
        [("HX-Request", "true")],
        [("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "cors")],
    ],
    ids=["xhr", "htmx", "fetch"],
)
def test_what_a_script_asks_for_passes_untouched(sidecar, recorder, fields):
    recorder.handler = lambda call: call.reply(200, [HTML, ("ETag", '"v1"')], PAGE)
    with Wire(sidecar.port) as client:
        answer = client.ask("GET", "/app/", fields + [("Accept-Encoding", "gzip")])
    assert answer.body == PAGE and answer.get("etag") == '"v1"'
    assert answer.get("content-length") == str(len(PAGE))
    assert recorder.calls[-1].get("accept-encoding") == "gzip"


@pytest.mark.parametrize(
    "status, fields, outcome",
    [
        (200, [("Content-Type", "application/json")], "not a page"),
        (200, [("Content-Type", "application/xhtml+xml")], "not a page"),
        (200, [HTML, ("Content-Disposition", 'attachment; filename="a.html"')], "not a page"),
        (200, [HTML, ("Cache-Control", "no-transform")], "no-transform"),
        (200, [("Content-Type", "text/html; charset=UTF-16")], "charset"),
        (200, [HTML, ("Content-Security-Policy", "script-src 'none'")], "policy"),
        (500, [HTML], None),
        (302, [HTML, ("Location", "/")], None),
    ],
)
def test_answers_that_are_no_pages_pass_byte_by_byte(sidecar, recorder, status, fields, outcome):
    sent = fields + [("ETag", '"v1"'), ("Accept-Ranges", "bytes")]
    recorder.handler = lambda call: call.reply(status, sent, PAGE)
    with Wire(sidecar.port) as client:
        answer = client.ask("GET", "/app/")
    assert answer.status == status and answer.body == PAGE
    assert answer.get("content-length") == str(len(PAGE))
    for name, value in sent:
        assert answer.get(name) == value
    assert outcomes(sidecar) == ({outcome: 1} if outcome else {})


def test_the_nonce_of_the_page_goes_into_the_tag(sidecar, recorder):
    allowed = "script-src 'nonce-Zm9v' 'strict-dynamic'; base-uri 'none'"
    policy = ("Content-Security-Policy", allowed)
    recorder.handler = lambda call: call.reply(200, [HTML, policy], PAGE)
    with Wire(sidecar.port) as client:
        answer = client.ask("GET", "/app/")
    assert answer.body == INJECTED.replace(b"presence></", b'presence nonce="Zm9v"></')
    assert answer.get("content-security-policy") == policy[1]


def test_the_script_is_told_where_the_page_keeps_its_token(stand, recorder):
    inject = {"token_cookie": "access_token", "dots": ["a[href='/people/{id}/']"]}
    sidecar = stand(recorder.address, routes=[{"match": "GET /**", "inject": inject}]).sidecar
    recorder.handler = lambda call: call.reply(200, [HTML], PAGE)
    with Wire(sidecar.port) as client:
        page = client.ask("GET", "/").body
    ((parent, tag),) = html.tags_of_ours(html.tree(page, "utf-8"))
    assert tag.get("src") == "/_presence/client.js" and tag.get("defer") == ""
    assert tag.get("data-token-cookie") == "access_token"
    assert tag.get("data-presence-dots") == "a[href='/people/{id}/']"


# MARK: Streaming


def test_first_bytes_are_not_delayed(sidecar, recorder):
    """Half a head, and then a backend that thinks: the client has it, up to the tag begun."""
    go = threading.Event()
    first, rest = PAGE[: PAGE.index(b"</head>") + 4], PAGE[PAGE.index(b"</head>") + 4 :]

    def answer(call):
        call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        call.send(b"Transfer-Encoding: chunked\r\n\r\n")
        call.send(b"%x\r\n%s\r\n" % (len(first), first))
        assert go.wait(20)
        call.send(chunks(rest, len(rest)))

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        client.send("GET /app/ HTTP/1.1\r\nHost: app.test\r\n\r\n")
        reply = client.read_answer_head()
        pieces = client.stream.pieces(reply.framing)
        got = b""
        while len(got) < len(first) - 4:  # the beginning of `</head>`
            got += next(pieces)
        assert got == first[:-4]
        go.set()
        assert got + b"".join(pieces) == INJECTED


def test_ten_megabytes_in_bounded_memory(sidecar, recorder):
    """Each client takes its page slowly: what waits for it waits at the backend."""
    body = PAGE[:-1] + b"<p>0123456789abcdef</p>\n" * 437_000
    assert len(body) > 10_000_000

    def answer(call):
        call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        call.send(b"Content-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 65536):
            call.send(body[start : start + 65536])

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        client.ask("GET", "/app/")
        before = sidecar.process.resident_bytes()
    clients = [Wire(sidecar.port, timeout=30, receive_buffer=65536) for _ in range(8)]
    for client in clients:
        client.send("GET /app/ HTTP/1.1\r\nHost: app.test\r\n\r\n")
    heads = [client.read_answer_head() for client in clients]
    eventually(lambda: sum(link.sent > 65536 for link in recorder.links) >= 8, what="the pages")
    want = body.replace(b"</head>", TAG + b"</head>", 1)
    for client, head in zip(clients, heads):
        assert client.stream.read_body(head.framing) == want
        client.close()
    # Eight pages would be 80 MB.
    assert sidecar.process.resident_bytes() - before < 16 << 20


def test_a_page_cut_off_by_its_backend_is_cut_off_here(sidecar, recorder):
    def answer(call):
        call.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        call.send(b"Content-Length: 1000\r\n\r\n<html></he")
        return "close"

    recorder.handler = answer
    with Wire(sidecar.port) as client:
        client.send("GET /app/ HTTP/1.1\r\nHost: app.test\r\n\r\n")
        head = client.read_answer_head()
        with pytest.raises(Exception, match="end|reset"):
            client.stream.read_body(head.framing)
    assert outcomes(sidecar) == {}
    recorder.handler = lambda call: call.reply(200, [HTML], PAGE)
    with Wire(sidecar.port) as client:
        assert client.ask("GET", "/app/").body == INJECTED


def test_a_client_of_http_1_0(sidecar, recorder):
    recorder.handler = lambda call: call.reply(200, [HTML], PAGE)
    with Wire(sidecar.port) as client:
        client.send("GET /app/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = client.read_answer()
        assert answer.framing == ("close",) and answer.body == INJECTED
        assert client.at_end()


# MARK: The Django app


def test_pages_of_the_app_through_either_front(start):
    world = start(routes=[{"match": "GET /page/", "inject": True}, {"match": "GET /**"}])
    plain = world.client.get("/unchanged/")
    assert plain.status_code == 304 and plain.headers["ETag"] == '"v7"'
    for encoding in ("gzip", "identity"):
        page = world.client.get("/page/", headers={"Accept-Encoding": encoding})
        assert page.status_code == 200 and "charset=utf-8" in page.headers["Content-Type"]
        before = "<!doctype html><title>Orders</title><h1>Orders, naïvely</h1>\n"
        assert page.text == before.replace("<h1>", TAG.decode() + "<h1>")
    login = world.client.login("alice")
    assert login
    assert TAG.decode() in world.client.get("/page/", token=login).text
