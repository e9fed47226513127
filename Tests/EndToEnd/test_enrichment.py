# Owns the tests of presence within the app's own JSON lists, through a real Django app and before
# a backend that answers byte by byte as the test says.
# Called by pytest, once directly and once behind nginx where that can matter.
# Never takes the sidecar's word: what was added is cut out again, and the rest compared.
import gzip
import json
import re

import pytest
import requests

from harness import tokens, wire
from harness.client import IDS, moment
from harness.sidecar import ROUTES

ADDED = re.compile(
    rb',"online_status":"(?:online|away|offline)","is_online":(?:true|false),'
    rb'"last_seen":(?:null|"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")'
)
FIELDS = {"author_id": "author_presence", "assignee.id": "assignee_presence"}
ENRICHED = [
    {"match": "GET /api/users/admin/users/", "enrich": {"items": "$.results[*]", "id": "$.id"}},
    {"match": "GET /api/users/packed/", "enrich": {"items": "$.results[*]"}},
    {"match": "GET /api/users/all/", "enrich": {}},
    {"match": "GET /api/users/me/", "enrich": {"items": "$"}},
    {
        "match": "GET /api/tasks/",
        "enrich": {"items": "$.groups[*].tasks[*]", "id": None, "fields": FIELDS},
    },
    {"match": "GET /echo/**", "enrich": {}},
    {"match": "GET /broken/", "enrich": {}},
    {"match": "GET /api/orders/", "enrich": {}, "inject": True},
    {"match": "GET /team/", "enrich": {}, "inject": True},
    {"match": "GET /files/stream/", "enrich": {}},
]


@pytest.fixture
def app(start):
    return start(routes=ENRICHED + ROUTES)


def cut(body):
    return ADDED.sub(b"", body)


def plainly(legacy, world, path, **headers):
    """The same with and without the sidecar before the app, as an admin."""
    headers["Authorization"] = f"Bearer {world.client.observer}"
    plain = requests.get(legacy.address + path, headers=headers, timeout=10)
    through = requests.get(world.client.address + path, headers=headers, timeout=10)
    return plain, through


def by_id(response):
    return {user["id"]: user for user in response.json()["results"]}


def count(world, outcome):
    return world.sidecar.metrics()[f'presence_enrich_total{{outcome="{outcome}"}}']


def test_the_apps_own_list_shows_who_is_online(app, legacy):
    alice = app.client.login("alice")
    app.client.set_status(IDS["bob"], "away")
    plain, through = plainly(legacy, app, "/api/users/admin/users/")
    users = by_id(through)
    assert len(users) == 8
    seen = users[int(alice.id)]
    assert (seen["online_status"], seen["is_online"]) == ("online", True)
    assert seen["last_seen"] == app.client.presence(alice.id)["last_seen"]
    assert moment(seen["last_seen"])
    assert (users[3]["online_status"], users[3]["is_online"]) == ("away", False)
    assert users[4]["online_status"] == "offline" and users[4]["last_seen"] is None
    assert list(users[4])[-3:] == ["online_status", "is_online", "last_seen"]
    assert "reason" not in through.text
    # Nothing else has changed.
    assert cut(through.content) == plain.content
    assert len(through.content) == int(through.headers["Content-Length"])
    assert count(app, "enriched") == 1


def test_whoever_asks_is_in_the_list_too(app):
    users = by_id(app.client.get("/api/users/admin/users/", app.client.observer))
    assert users[1]["online_status"] == "online"


def test_a_logout_shows_at_once(app):
    alice = app.client.login("alice")
    ask = lambda: by_id(app.client.get("/api/users/admin/users/", app.client.observer))  # noqa: E731
    assert ask()[2]["is_online"]
    app.client.logout(alice)
    assert not ask()[2]["is_online"]


def test_pages_and_their_links_are_those_of_the_app(app, legacy):
    """DRF's links name the host that was asked: the app sees that of the client."""
    path = "/api/users/admin/users/?page=1"
    host = {"Host": "intranet.example"}
    plain, through = plainly(legacy, app, path, **host)
    if app.front == "direct":
        assert through.json()["next"] == plain.json()["next"]
        assert cut(through.content) == plain.content
    assert [user["id"] for user in through.json()["results"]] == [
        user["id"] for user in plain.json()["results"]
    ]
    missing = app.client.get("/api/users/admin/users/?page=9", app.client.observer)
    assert missing.status_code == 404 and "online_status" not in missing.text
    assert count(app, "status") == 1


def test_whom_the_app_refuses_sees_nothing(app):
    refused = app.client.get("/api/users/admin/users/", tokens.mint(IDS["bob"]))
    assert refused.status_code == 403 and "online_status" not in refused.text
    assert app.client.get("/api/users/admin/users/").status_code == 401


def test_a_list_and_a_single_object_need_no_path(app, legacy):
    for path in ["/api/users/all/", "/api/users/me/"]:
        plain, through = plainly(legacy, app, path)
        assert through.content != plain.content and cut(through.content) == plain.content, path
    users = {user["id"]: user for user in plainly(legacy, app, "/api/users/all/")[1].json()}
    assert users[1]["is_online"] and not users[7]["is_online"]


def test_further_ids_of_nested_items(app, legacy):
    app.client.work(tokens.mint(IDS["alice"]))
    plain, through = plainly(legacy, app, "/api/tasks/")
    first, second = through.json()["groups"][0]["tasks"]
    assert first["author_presence"]["online_status"] == "online"
    assert first["assignee_presence"] == {
        "online_status": "offline",
        "is_online": False,
        "last_seen": None,
    }
    assert second["author_presence"]["is_online"] and "assignee_presence" not in second
    assert "online_status" not in first
    for task in (first, second):
        task.pop("author_presence", None)
        task.pop("assignee_presence", None)
    expected = plain.json()["groups"]
    assert [first, second] == expected[0]["tasks"] and through.json()["groups"][1] == expected[1]


def test_clients_that_would_take_gzip(app, legacy):
    plain, through = plainly(legacy, app, "/api/users/packed/", **{"Accept-Encoding": "gzip"})
    assert plain.headers["Content-Encoding"] == "gzip"  # so the app would
    assert "Content-Encoding" not in through.headers
    assert cut(through.content) == plain.content and through.content != plain.content


def test_validators_speak_of_presence_too(app):
    ask = lambda **more: app.client.get(  # noqa: E731
        "/api/users/packed/", app.client.observer, headers=more
    )
    first = ask()
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = ask(**{"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b""
    assert again.headers["ETag"] == tag
    app.client.work(tokens.mint(IDS["carol"]))
    # The app's own list has not changed, and what it shows has.
    changed = ask(**{"If-None-Match": tag})
    assert changed.status_code == 200 and by_id(changed)[4]["is_online"]
    assert changed.headers["ETag"] != tag
    assert ask(**{"If-None-Match": changed.headers["ETag"]}).status_code == 304


def test_head_speaks_of_the_enriched_list(app):
    asked = app.client.call("HEAD", "/api/users/packed/", app.client.observer)
    assert asked.status_code == 200 and asked.headers["Content-Type"] == "application/json"
    for name in ["Content-Length", "ETag"]:
        assert name not in asked.headers, name


def test_what_is_no_json_list_passes_as_it_came(app, legacy):
    for path in ["/files/stream/?size=9", "/broken/"]:
        plain, through = plainly(legacy, app, path)
        assert through.content == plain.content
    assert count(app, "other type") == 1 and count(app, "status") == 1
    app.client.get("/echo/x")
    assert count(app, "other shape") == 1


def test_a_route_that_injects_too(app, legacy):
    """Data is enriched and a page gets the tag, whatever the request looks like."""
    for headers in [{}, {"Sec-Fetch-Dest": "empty"}, {"Sec-Fetch-Dest": "document"}]:
        plain, through = plainly(legacy, app, "/api/orders/", **headers)
        assert cut(through.content) == plain.content and through.content != plain.content
    plain, through = plainly(legacy, app, "/team/")
    tag = re.compile(rb"<script [^>]*data-presence[^>]*></script>")
    assert len(tag.findall(through.content)) == 1
    assert tag.sub(b"", through.content) == plain.content


def test_an_unsafe_request_and_the_same_path_without_enrichment(app, legacy):
    plain = requests.options(legacy.address + "/api/users/me/", timeout=10)
    assert app.client.call("OPTIONS", "/api/users/me/").content == plain.content


# Before a backend that says what it likes.

ROUTE = [{"match": "* /**", "enrich": {"items": "$.results[*]", "max_body": "64KiB"}}]
PAGE = (
    b'{"results": [ {"id": 1,\n "name": "caf\\u00e9 \xc3\xa9"\t}, {"id":"2"} ,{"id":null}, 7, {} ],'
    b'\r\n "n": 1.50e+3, "n": [ ] }  \n'
)
PEOPLE = 2


@pytest.fixture
def open_route(stand, recorder):
    """open_route(front): a sidecar before the recorder, all of whose lists are enriched."""
    return lambda front="direct": stand(recorder.address, front=front, ready="/healthz", routes=ROUTE)


def answering(recorder, body=PAGE, status="200 OK", **fields):
    fields.setdefault("Content_Type", "application/json")
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]

    def answer(call):
        call.read_body()
        has_body = call.method != "HEAD" and not status.startswith("304")
        length = [f"Content-Length: {len(body)}"] if not status.startswith("304") else []
        call.send("\r\n".join(lines + length + ["", ""]).encode() + (body if has_body else b""))

    recorder.handler = answer


def ask(world, **fields):
    with wire.Wire(world.sidecar.port) as client:
        return client.ask("GET", "/list", [(k.replace("_", "-"), v) for k, v in fields.items()])


def test_every_chunking_gives_the_same(open_route, recorder):
    world = open_route()
    answers = set()
    for size in [*range(1, 40), 64, len(PAGE) - 1, len(PAGE)]:
        pieces = [PAGE[at : at + size] for at in range(0, len(PAGE), size)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        for framing in ["chunked", "close"]:

            def answer(call):
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                if framing == "chunked":
                    call.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
                    for piece in pieces:
                        call.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                    call.send(b"0\r\n\r\n")
                    return None
                call.send(head + b"\r\n")
                for piece in pieces:
                    call.send(piece)
                return "close"

            recorder.handler = answer
            answer = ask(world)
            assert answer.get("Content-Length") == str(len(answer.body))
            assert answer.get("Transfer-Encoding") is None
            answers.add(answer.body)
        assert chunks
    assert len(answers) == 1
    body = answers.pop()
    assert cut(body) == PAGE and len(ADDED.findall(body)) == PEOPLE


def test_the_backend_is_asked_for_all_of_it_without_coding(open_route, recorder, front):
    world = open_route(front)
    answering(recorder)
    requests.get(
        world.client.address + "/list",
        headers={
            "Accept-Encoding": "gzip, br",
            "Range": "bytes=0-9",
            "If-None-Match": '"a"',
            "If-Modified-Since": "Sat, 21 Nov 2026 09:30:00 GMT",
        },
        timeout=10,
    )
    call = recorder.calls[-1]
    assert call.all("Accept-Encoding") == ["identity"]
    for name in ["Range", "If-None-Match", "If-Modified-Since"]:
        assert call.get(name) is None, name


@pytest.mark.parametrize(
    "outcome, fields",
    [
        ("other type", {"Content_Type": "text/html"}),
        ("other type", {"Content_Type": None}),
        ("other type", {"Content_Type": "application/json; charset=iso-8859-1"}),
        ("other type", {"Content_Type": "application/x-ndjson"}),
        ("other type", {"Content_Type": "application/jsonp"}),
        ("public", {"Cache_Control": "max-age=60, Public"}),
        ("public", {"Cache_Control": "s-maxage=5"}),
        ("no-transform", {"Cache_Control": "private, no-transform"}),
        ("compressed", {"Content_Encoding": "x-own"}),
        ("status", {"status": "404 Not Found"}),
        ("status", {"status": "500 Oh"}),
        ("partial", {"status": "206 Partial Content", "Content_Range": "bytes 0-1/9"}),
        ("not JSON", {"body": PAGE[:-9]}),
        ("not JSON", {"body": b""}),
        ("not JSON", {"body": PAGE + b"{}"}),
        ("not JSON", {"body": PAGE.replace(b"\xc3", b"")}),
        ("other shape", {"body": b'{"users": [{"id": 1}]}'}),
        ("other shape", {"body": b'{"results": {"id": 1}}'}),
        ("other shape", {"body": b'{"results": [{"name": "x"}]}'}),
        ("empty list", {"body": b'{"results": []}'}),
        ("too large", {"body": PAGE + b" " * 65536}),
        ("too large", {"body": b'{"results":[{"id":' + b"9" * 300_000 + b"}]}"}),
    ],
)
def test_what_passes_as_it_came(open_route, recorder, outcome, fields):
    world = open_route()
    fields = {"ETag": '"one"', "Last_Modified": "Sat, 21 Nov 2026 09:30:00 GMT", **fields}
    answering(recorder, **fields)
    answer = ask(world)
    assert answer.body == fields.get("body", PAGE)
    assert answer.get("ETag") == '"one"' and answer.get("Last-Modified")
    assert answer.get("Content-Length") == str(len(answer.body))
    if fields.get("body") == b"":
        return  # nothing is collected where there is nothing
    assert count(world, outcome) == 1
    assert count(world, "enriched") == 0


@pytest.mark.parametrize(
    "kind",
    [
        "application/json;charset=UTF-8",
        'Application/JSON; q=1; Charset="utf-8"',
        "application/vnd.api+json",
        "application/hal+json; charset=us-ascii",
    ],
)
def test_kinds_of_json(open_route, recorder, kind):
    world = open_route()
    answering(recorder, Content_Type=kind, Cache_Control="private, max-age=5", status="201 Created")
    answer = ask(world)
    assert cut(answer.body) == PAGE and len(ADDED.findall(answer.body)) == PEOPLE
    # How long an answer may be kept is the application's to say.
    assert answer.get("Cache-Control") == "private, max-age=5" and answer.status == 201


def test_a_mark_before_the_text_and_a_body_of_the_largest_size(open_route, recorder):
    world = open_route()
    body = b"\xef\xbb\xbf" + PAGE
    body += b" " * (65536 - len(body))
    answering(recorder, body=body)
    answer = ask(world)
    assert cut(answer.body) == body and len(ADDED.findall(answer.body)) == PEOPLE


def test_old_clients(open_route, recorder):
    world = open_route()
    answering(recorder, ETag='"one"')
    with wire.Wire(world.sidecar.port) as client:
        client.send("GET /list HTTP/1.0\r\n\r\n")
        answer = client.read_answer()
        assert client.at_end()
    assert cut(answer.body) == PAGE and len(ADDED.findall(answer.body)) == PEOPLE
    assert answer.get("Content-Length") == str(len(answer.body))


def test_a_backend_that_compresses_all_the_same(open_route, recorder, front):
    world = open_route(front)
    packed = gzip.compress(PAGE)
    answering(recorder, body=packed, Content_Encoding="gzip")
    answer = requests.get(world.client.address + "/list", timeout=10)
    assert answer.content == PAGE and answer.headers["Content-Encoding"] == "gzip"
    assert count(world, "compressed") == 1


def test_identity_is_no_compression(open_route, recorder):
    world = open_route()
    answering(recorder, body=PAGE, Content_Encoding="identity")
    answer = requests.get(world.client.address + "/list", timeout=10)
    assert cut(answer.content) == PAGE and len(ADDED.findall(answer.content)) == PEOPLE


def test_a_backend_that_breaks_off(open_route, recorder):
    world = open_route()

    def answer(call):
        call.read_body()
        call.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n" + PAGE
        )
        return "close"

    recorder.handler = answer
    assert ask(world).status == 502
    answering(recorder)
    assert cut(ask(world).body) == PAGE


def test_a_304_of_the_backend_promises_nothing(open_route, recorder):
    world = open_route()
    answering(recorder, status="304 Not Modified", ETag='"one"')
    answer = ask(world, If_None_Match='"one"')
    assert answer.status == 304 and answer.get("ETag") is None


def test_what_stands_in_the_list_already_is_left_alone(open_route, recorder):
    world = open_route()
    body = b'{"results":[{"id":1,"last_seen":"monday"},{"id":2,"online_status":null}]}'
    answering(recorder, body=body)
    first, second = json.loads(ask(world).body)["results"]
    assert first == {
        "id": 1,
        "last_seen": "monday",
        "online_status": "offline",
        "is_online": False,
    }
    assert second == {"id": 2, "online_status": None, "is_online": False, "last_seen": None}


def test_many_at_once(open_route, recorder):
    """Answers of several exchanges are collected side by side."""
    world = open_route()
    answering(recorder)
    links = [wire.Wire(world.sidecar.port) for _ in range(40)]
    for _ in range(3):
        for link in links:
            link.send("GET /list HTTP/1.1\r\nHost: app.test\r\n\r\n")
        for link in links:
            answer = link.read_answer()
            assert cut(answer.body) == PAGE and len(ADDED.findall(answer.body)) == PEOPLE
    for link in links:
        link.close()
