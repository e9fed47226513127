# Owns the tests of openapi.json: a proper document, and true of the running sidecar.
# Called by pytest, directly only.
# Never says itself what an answer looks like: the document does.
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import openapi_spec_validator
import pytest
import requests

from harness import tokens
from harness.client import IDS
from harness.described import conforms, operations, shown
from harness.following import Events
from harness.processes import free_port
from harness.sidecar import REPOSITORY

FILE = REPOSITORY / "Sources/StatusAPI/Web/openapi.json"
SUITE = Path(__file__).resolve().parent
SERVICE = "a-wallboard-shows-this-long-token"
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
ELSEWHERE = {"Origin": "https://elsewhere.example"}


def get_document(world):
    answer = world.client.get("/_presence/openapi.json")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    return answer.json()


@pytest.fixture
def populated(stand, legacy, tmp_path):
    """A sidecar with people in every state."""
    (tmp_path / "service").write_text(SERVICE)
    world = stand(
        legacy.address,
        tokens={
            "from": ["header:Authorization", "cookie:sessionid", "query:token"],
            "service": [{"name": "wallboard", "token_file": str(tmp_path / "service")}],
        },
    )
    people = {name: world.client.login(name) for name in ("alice", "bob", "carol")}
    world.client.work(people["alice"].token)
    world.client.heartbeat(people["bob"].token, "away")
    world.client.logout(people["carol"])
    world.client.set_status(IDS["dave"], "away", "1h")
    world.tab(tokens.mint(IDS["erin"], username="erin")).begin()
    return world


# The document by itself


def test_the_file_is_a_document_of_openapi_3_1():
    document = json.loads(FILE.read_text())
    assert document["openapi"].startswith("3.1.")
    openapi_spec_validator.OpenAPIV31SpecValidator(document).validate()


def test_its_examples_are_what_its_schemas_say():
    document = json.loads(FILE.read_text())
    examples = list(shown(document))
    assert len(examples) > 40
    for place, schema, value in examples:
        try:
            conforms(document, schema, value)
        except AssertionError as fault:
            raise AssertionError(f"{place}: {fault}") from None


def test_it_speaks_of_the_sidecar_that_served_it(stand, recorder):
    world = stand(recorder.address, ready="/healthz")
    document = get_document(world)
    openapi_spec_validator.OpenAPIV31SpecValidator(document).validate()
    assert [server["url"] for server in document["servers"]] == ["/_presence"]
    samples = world.sidecar.metrics()
    assert f'presence_build_info{{version="{document["info"]["version"]}"}}' in samples
    # The file in the tree is the same but for what an installation says itself.
    in_tree = json.loads(FILE.read_text())
    assert document["info"].pop("version") != in_tree["info"].pop("version")
    assert document == in_tree


# The document and the sidecar


@pytest.mark.timeout(180)
def test_schemathesis_finds_the_sidecar_as_described(populated, tmp_path):
    """Thousands of requests, good and bad, by a tool that knows nothing but the document."""
    report = tmp_path / "exchanges.har"
    done = subprocess.run(
        [
            *[Path(sys.executable).with_name("schemathesis"), "--config-file"],
            *[SUITE / "schemathesis.toml", "run", "--no-color"],
            *["--header", f"Authorization: Bearer {tokens.admin()}"],
            *["--report", "har", "--report-har-path", report],
            populated.sidecar.address + "/_presence/openapi.json",
        ],
        env=dict(os.environ, PYTHONPATH=str(SUITE)),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
    )
    told = "\n".join(line[:400] for line in done.stdout.splitlines())
    assert done.returncode == 0, told[-6000:] + done.stderr
    exchanges = json.loads(report.read_text())["log"]["entries"]
    statuses = Counter(exchange["response"]["status"] for exchange in exchanges)
    # It has asked, and was not only refused.
    assert len(exchanges) > 1_000 and statuses[200] > 300 and statuses[400] > 100, statuses
    assert statuses[405] > 100, statuses


def address(operation, **parameters):
    path = operation.path
    for name, value in {"id": IDS["alice"], "file": "api.js", **parameters}.items():
        path = path.replace("{" + name + "}", value)
    return "/_presence" + path


class Round:
    """Asks operations about something and keeps which statuses each has given."""

    def __init__(self):
        self.seen = set()

    def ask(self, world, operation, expected, token=None, path=None, **more):
        method = more.pop("method", operation.method.upper())
        if operation.method == "post" and "data" not in more:
            more["json"] = operation.body()
        # Streams have no end, and what follows a 101 is none of HTTP.
        answer = world.client.call(
            method, path or address(operation), token, stream=True, **more
        )
        with answer:
            is_stream = answer.headers.get("Content-Type") == "text/event-stream"
            if answer.status_code == 101 or is_stream and method == "HEAD":
                answer._content = b""
            elif is_stream:
                answer._content = next(answer.iter_content(64))
            assert operation.fits(answer) == expected, f"{operation.name}: {answer.text}"
        if expected == 101:
            # That connection speaks no HTTP any more.
            world.client.close()
        self.seen.add((operation.name, expected))


# What each operation does not understand.
NONSENSE = {
    "sendHeartbeat": {"data": "nonsense"},
    "setUserStatus": {"data": '{"online_status":"gone"}'},
    "queryUsers": {"data": '{"ids":[null]}'},
    "getUser": {"path": "/_presence/users/a%2Fb"},
    "listUsers": {"params": {"page": "0"}},
    "listOnlineUsers": {"params": {"ordering": "devices"}},
    "getUserHistory": {"params": {"from": "yesterday"}},
    "getChanges": {"params": {"wait": "25"}},
    "followEvents": {"path": "/_presence/events?since=%ff"},
    "openWebSocket": {"params": {"subscription": "some"}},
    "getDashboardPart": {"path": "/_presence/dashboard/a%2Fb"},
}
LONG = "x" * 300
MISSING = {
    "listUsers": {"params": {"page": "999"}},
    "listOnlineUsers": {"params": {"page": "99999999999999999999"}},
    "getUser": {"path": f"/_presence/users/{LONG}"},
    "setUserStatus": {"path": f"/_presence/users/{LONG}/status"},
    "getUserHistory": {"path": f"/_presence/users/{LONG}/history"},
    "getDashboardPart": {"path": "/_presence/dashboard/nothing.js"},
}


def test_every_status_of_every_operation_is_given(populated, stand, tmp_path, recorder):
    """Each pair of operation and status that the document names, and each answer as it says."""
    document = get_document(populated)
    around, admin = Round(), tokens.admin()
    named = {operation.name: operation for operation in operations(document)}
    assert len(named) == 23
    fields = {name: SOCKET if name == "openWebSocket" else {} for name in named}
    for name, operation in named.items():
        good = 101 if name == "openWebSocket" else 200
        around.ask(populated, operation, good, admin, headers=fields[name])
        if operation.method == "get" and name != "openWebSocket":
            around.ask(populated, operation, 200, admin, method="HEAD")
        if not operation.is_public and name != "whoAmI":
            around.ask(populated, operation, 401, headers=fields[name])
        if name in NONSENSE:
            headers = {"headers": fields[name]}
            around.ask(populated, operation, 400, admin, **{**headers, **NONSENSE[name]})
        if name in MISSING:
            around.ask(populated, operation, 404, admin, **MISSING[name])
        if operation.method == "post":
            around.ask(populated, operation, 413, admin, data=b" " * 65_537)
        if "304" in operation.raw["responses"]:
            tag = populated.client.get(address(operation)).headers["ETag"]
            around.ask(populated, operation, 304, headers={"If-None-Match": tag})
    around.ask(populated, named["openWebSocket"], 426, admin)
    for name in ("sendHeartbeat", "setUserStatus", "getChanges", "followEvents", "openWebSocket"):
        cookie = {**fields[name], **ELSEWHERE, "Cookie": f"sessionid={admin}"}
        around.ask(populated, named[name], 403, headers=cookie)
    around.ask(populated, named["getUserHistory"], 403, tokens.mint(IDS["bob"]))
    around.ask(populated, named["setUserStatus"], 403, tokens.mint(IDS["bob"]))
    around.ask(populated, named["sendHeartbeat"], 403, SERVICE)

    limited = stand(recorder.address, api={"rate_limit": "1/h"})
    assert limited.client.heartbeat(admin).status_code == 200
    # Nobody is there who could say whose an opaque token is.
    lost = stand(
        f"http://127.0.0.1:{free_port()}",
        ready="/healthz",
        tokens={"introspect": {"path": "/me/", "user": "$.id"}},
    )
    assert lost.client.get("/api/orders/").status_code == 502
    for name, operation in named.items():
        if not operation.is_public:
            around.ask(limited, operation, 429, admin, headers=fields[name])
            around.ask(lost, operation, 503, "opaque-token-of-somebody", headers=fields[name])
    around.ask(lost, named["getReadiness"], 503)

    described = {
        (name, int(status))
        for name, operation in named.items()
        for status in operation.raw["responses"]
    }
    assert described == around.seen


def test_services_and_others_are_told_the_same(populated):
    """Only admins learn why; and nobody is an answer of whoami."""
    document = get_document(populated)
    named = {operation.name: operation for operation in operations(document)}
    for token, is_admin in ((SERVICE, False), (tokens.mint("2"), False), (tokens.admin(), True)):
        for name in ("getUser", "listUsers", "listOnlineUsers", "getStats", "whoAmI"):
            answer = populated.client.get(address(named[name]), token)
            assert named[name].fits(answer) == 200
            if name in ("getUser", "listUsers"):
                assert ('"reason"' in answer.text) == is_admin
    assert named["whoAmI"].fits(populated.client.get("/_presence/whoami")) == 200


def test_ids_beyond_paths_can_be_asked_for(populated):
    """What the document says of ids that no path can hold."""
    for user in ("a/b", "..", "a\\b", "a%41", "online", "query"):
        token = tokens.mint(user)
        assert populated.client.heartbeat(token).status_code == 200, user
        query = populated.client.post("/_presence/users/query", token, json={"ids": [user]})
        assert query.json()["results"][user]["online_status"] == "online"
    document = get_document(populated)
    pattern = document["components"]["parameters"]["UserID"]["schema"]
    admin = {"Authorization": f"Bearer {tokens.admin()}"}
    url = populated.sidecar.address + "/_presence/users/"
    for user in ("a%zz", "a..b", "a;b", "é", "a b", "a?b#c", "a|b", "%", "auth0|5", "a%4"):
        conforms(document, pattern, user)
        answer = requests.get(url + quote(user, safe=""), headers=admin, timeout=10)
        assert (answer.status_code, answer.json()["user_id"]) == (200, user)
    for user in ("a/b", "..", ".", "a\\b", "a%41"):
        sent = requests.Request("GET", url, headers=admin).prepare()
        # Else this client would take the dots away, as a browser does.
        sent.url = url + quote(user, safe="").replace(".", "%2E")
        assert populated.client.session.send(sent, timeout=10).status_code == 400, user


def test_messages_and_events_are_what_their_schemas_say(populated):
    document = get_document(populated)
    schemas = document["components"]["schemas"]

    def is_a(name, value):
        conforms(document, schemas[name], value)

    tab = populated.tab(tokens.mint(IDS["alice"]))
    tab.begin()
    heartbeat = {"type": "heartbeat", "status": "away"}
    subscribe = {"type": "subscribe", "users": [IDS["bob"], "7"]}
    for message, kind in ((heartbeat, "heartbeat"), (subscribe, "snapshot")):
        is_a("SocketClientMessage", message)
        tab.send(message)
        tab.expect(kind)
    with pytest.raises(AssertionError):
        is_a("SocketClientMessage", {"type": "dance"})
    tab.send({"type": "dance"})
    tab.expect("error")
    populated.client.set_status(IDS["bob"], "online", "10m")
    tab.change_of(IDS["bob"], "online")
    kinds = {message["type"] for message in tab.messages}
    assert kinds == {"hello", "snapshot", "heartbeat", "error", "presence"}
    for message in tab.messages:
        is_a("SocketServerMessage", message)

    stream = populated.sidecar.workshop.keep(Events(populated.client.address, tokens.admin()))
    assert stream.status == 200
    is_a("Changes", stream.batch())
    populated.client.set_status(IDS["bob"], "away", "10m")
    is_a("Changes", stream.batch())
