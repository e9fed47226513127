# Owns the tests of credentials that say nothing themselves: the application is asked whose they are.
# Called by pytest.
# Never lets the sidecar know a session but by asking.
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from harness.recording import RecordingBackend
from harness.waiting import eventually

WHO = "/api/me/"
ANN = {"id": 42, "username": "Ann", "is_staff": False}
ROOT = {"id": 1, "username": "root", "is_staff": True}
BACK_OFF = 5.0


class Sessions:
    """An application that keeps its sessions to itself, and says who is who at one address."""

    def __init__(self):
        self.people = {"ann-1": ANN, "ann-2": ANN, "root-1": ROOT}
        self.instead = None  # what WHO answers in place of the truth: a function of the call
        self.open = threading.Event()
        self.open.set()

    def __call__(self, call):
        path = call.target.split("?")[0]
        who = self.people.get(self.credential(call))
        if path == WHO:
            self.open.wait(20)
            return (self.instead or self.say)(call)
        if path == "/api/logout/":
            self.people.pop(self.credential(call), None)
        if path == "/api/private/" and who is None:
            return call.reply(401)
        return call.reply(200, [("Content-Type", "application/json")], b'{"ok": true}')

    def say(self, call):
        who = self.people.get(self.credential(call))
        if who is None:
            return call.reply(401, [("Content-Type", "application/json")], b"{}")
        staff = "true" if who["is_staff"] else "false"
        body = f'{{"id": {who["id"]}, "username": "{who["username"]}", "is_staff": {staff}}}'
        return call.reply(200, [("Content-Type", "application/json")], body.encode())

    @staticmethod
    def credential(call):
        for pair in (call.get("Cookie") or "").split("; "):
            if pair.startswith("sessionid="):
                return pair.removeprefix("sessionid=")
        return (call.get("Authorization") or "").removeprefix("Token ")


def asking(**more):
    return {
        "from": ["cookie:sessionid", "header:Authorization", "query:token"],
        "introspect": {
            "path": WHO,
            "user": "$.id",
            "name": "$.username",
            "admin": "$.is_staff",
            **more,
        },
    }


ROUTES = [
    {"match": "POST /api/logout/", "on": "logout"},
    {"match": "GET /api/kept/**", "require": True},
    {"match": "GET /ws/presence/", "serve": "websocket"},
]


@pytest.fixture
def app(recorder):
    """The recording backend, with sessions."""
    recorder.handler = sessions = Sessions()
    recorder.sessions = sessions
    yield recorder
    sessions.open.set()


@pytest.fixture
def ask(stand, app):
    def build(servers=None, **more):
        changes = {"upstream": {"servers": servers}} if servers else {}
        return stand(app.address, tokens=asking(**more), routes=ROUTES, **changes)

    return build


def cookie(value):
    return {"Cookie": f"theme=dark; sessionid={value}; csrftoken=x"}


def field(value):
    return {"Authorization": f"Token {value}"}


def questions(app):
    return [call for call in list(app.calls) if call.target == WHO]


def metric(world, name):
    return world.sidecar.metrics().get(name, 0)


def answers(world, kind):
    return metric(world, f'sidecar_introspections_total{{answer="{kind}"}}')


# What is asked, and what comes of it


def test_r20_a_session_cookie_brings_its_owner_online(ask, app):
    world = ask()
    assert world.client.status("42") == "offline"
    headers = {**cookie("ann-1"), "Host": "app.example", "X-Secret": "1"}
    assert world.client.get("/api/orders/", headers=headers).status_code == 200
    seen = world.client.becomes("42", "online") and world.client.presence("42")
    assert (seen["name"], seen["devices"]) == ("Ann", 1)
    (question,) = questions(app)
    assert question.method == "GET"
    # The credential, and nothing else of the client's.
    assert question.all("Cookie") == ["sessionid=ann-1"]
    assert question.all("Host") == ["app.example"]
    assert question.all("X-Forwarded-Proto") == ["http"]
    assert question.all("Accept") == ["application/json"]
    assert question.all("User-Agent") == ["presence-sidecar"]
    assert "presence-sidecar" in question.get("Via")
    assert set(question.names()) == {
        "host", "cookie", "accept", "user-agent", "via", "x-forwarded-proto", "accept-encoding",
    }


def test_r20_a_field_goes_exactly_as_it_was_sent(ask, app):
    world = ask()
    assert world.client.get("/api/orders/", headers=field("ann-1")).status_code == 200
    world.client.becomes("42", "online")
    (question,) = questions(app)
    assert question.all("Authorization") == ["Token ann-1"]
    assert question.all("Cookie") == []


def test_r20_two_credentials_of_one_person_are_two_devices(ask, app):
    world = ask()
    world.client.get("/api/orders/", headers=cookie("ann-1"))
    world.client.get("/api/orders/", headers=cookie("ann-2"))
    eventually(lambda: world.client.presence("42")["devices"] == 2, what="two devices")


def test_r20_an_answer_is_kept_for_its_time(ask, app):
    world = ask(cache="1s")
    world.client.get("/api/orders/", headers=cookie("ann-1"))
    world.client.becomes("42", "online")
    for _ in range(10):
        world.client.get("/api/orders/", headers=cookie("ann-1"))
    assert len(questions(app)) == 1

    def asked_again():
        world.client.get("/api/orders/", headers=cookie("ann-1"))
        return len(questions(app)) == 2

    before = time.monotonic()
    eventually(asked_again, what="a second question")
    assert time.monotonic() - before > 0.5


def test_r20_a_refusal_is_kept_too_and_makes_nobody_present(ask, app):
    world = ask()
    for _ in range(10):
        assert world.client.get("/api/orders/", headers=cookie("nobody")).status_code == 200
    eventually(lambda: answers(world, "refused") == 1, what="a refusal")
    for _ in range(10):
        world.client.get("/api/orders/", headers=cookie("nobody"))
    assert len(questions(app)) == 1
    assert metric(world, 'sidecar_introspection_sightings_total{result="counted"}') == 0


# Nobody waits who did not ask the sidecar itself


def test_r20_an_application_that_hangs_there_slows_no_request(ask, app):
    world = ask()
    app.sessions.open.clear()
    for number in range(30):
        before = time.monotonic()
        name = "ann-1" if number % 2 else f"stranger-{number}"
        assert world.client.get("/api/orders/", headers=cookie(name)).status_code == 200
        assert time.monotonic() - before < 1.0
    # No more than `concurrency` are under way, whatever is asked.
    eventually(lambda: len(questions(app)) == 4, what="four questions")
    assert world.client.status("42") == "offline"
    app.sessions.open.set()
    world.client.becomes("42", "online")


def asked_alone(world, path):
    """The status of a request on a connection of its own."""
    with requests.Session() as session:
        url = world.client.address + path
        return session.get(url, headers=cookie("ann-1"), timeout=10).status_code


def test_r20_many_at_once_are_one_question(ask, app):
    world = ask()
    app.sessions.open.clear()

    with ThreadPoolExecutor(40) as pool:
        asked = pool.map(asked_alone, [world] * 400, ["/api/orders/"] * 400)
        assert set(asked) == {200}
    app.sessions.open.set()
    world.client.becomes("42", "online")
    assert len(questions(app)) == 1
    assert world.client.presence("42")["devices"] == 1


# The sidecar's own endpoints, and routes that want to know


def test_r20_the_own_endpoints_wait_for_the_answer(ask, app):
    world = ask()
    me = world.client.post("/_presence/heartbeat", headers=cookie("ann-1"))
    assert me.status_code == 200, me.text
    assert world.client.status("42") == "online"
    assert world.client.get("/_presence/users/42", headers=cookie("nobody")).status_code == 401
    assert world.client.get("/_presence/users/42", headers=cookie("ann-1")).status_code == 200
    assert len(questions(app)) == 2


def test_r20_admin_is_who_the_application_says(ask, app):
    world = ask()
    body = {"online_status": "offline"}
    path = "/_presence/users/42/status"
    assert world.client.post(path, headers=cookie("ann-1"), json=body).status_code == 403
    assert world.client.post(path, headers=cookie("root-1"), json=body).status_code == 200


def test_r20_a_hundred_who_wait_are_answered_by_one_question(ask, app):
    world = ask()
    app.sessions.open.clear()

    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(asked_alone, world, "/_presence/users/42") for _ in range(100)]
        eventually(lambda: len(questions(app)) == 1, what="a question")
        # A forwarded request of the same person passes meanwhile.
        before = time.monotonic()
        assert world.client.get("/api/orders/", headers=cookie("ann-1")).status_code == 200
        assert time.monotonic() - before < 1.0
        app.sessions.open.set()
        assert {future.result() for future in waiting} == {200}
    assert len(questions(app)) == 1


def test_r18_r20_a_required_route_waits_and_then_lets_through_or_refuses(ask, app):
    world = ask()
    assert world.client.get("/api/kept/x", headers=cookie("ann-1")).status_code == 200
    refused = world.client.get("/api/kept/x", headers=cookie("nobody"))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert [call.target for call in app.calls].count("/api/kept/x") == 1


# Answers of no use


def no_json(call):
    call.reply(200, [("Content-Type", "text/html")], b"<h1>Please log in</h1>")


def nobody(call):
    call.reply(200, [("Content-Type", "application/json")], b'{"id": null}')


def elsewhere(call):
    call.reply(302, [("Location", "/login/")], b'{"id": 42}', reason="Found")


def broken(call):
    call.reply(500, [("Content-Type", "application/json")], b'{"id": 42}', reason="Oh")


def huge(call):
    call.reply(200, [], b'{"id": 42, "x": "' + b"x" * 70_000 + b'"}')


def cut_off(call):
    call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\": 42}")
    return "close"


def no_http(call):
    call.send(b"HELLO 200\r\n\r\n{\"id\": 42}")
    return "close"


@pytest.mark.parametrize("instead", [no_json, nobody, elsewhere, broken, huge, cut_off, no_http])
def test_r20_an_answer_of_no_use_leaves_everything_as_it_was(ask, app, instead):
    world = ask()
    app.sessions.instead = instead
    for _ in range(5):
        assert world.client.get("/api/orders/", headers=cookie("ann-1")).status_code == 200
    eventually(lambda: answers(world, "undecided") == 1, what="no decision")
    # Whoever asks the sidecar itself hears that it cannot be said now, and when to come again.
    undecided = world.client.post("/_presence/heartbeat", headers=cookie("ann-1"))
    assert undecided.status_code == 503, undecided.text
    assert 1 <= int(undecided.headers["Retry-After"]) <= 30
    assert world.client.status("42") == "offline"
    assert len(questions(app)) == 1, "asked again at once"
    assert not any(call.target == "/login/" for call in app.calls)
    assert "ann-1" not in world.sidecar.log()


def test_r20_it_is_asked_again_after_a_while(ask, app):
    world = ask()
    app.sessions.instead = broken
    world.client.get("/api/orders/", headers=cookie("ann-1"))
    eventually(lambda: answers(world, "undecided") == 1, what="no decision")
    before = time.monotonic()
    app.sessions.instead = None

    def is_online():
        world.client.get("/api/orders/", headers=cookie("ann-1"))
        return world.client.status("42") == "online"

    eventually(is_online, within=BACK_OFF + 5, every=0.1, what="Ann online")
    assert time.monotonic() - before > BACK_OFF - 1
    assert len(questions(app)) == 2


def test_r20_an_endpoint_that_is_down_is_not_hammered(ask, app):
    world = ask(timeout="500ms")
    app.sessions.instead = lambda call: call.reply(503, reason="Later")
    for number in range(300):
        response = world.client.get("/api/orders/", headers=cookie(f"s{number}"))
        assert response.status_code == 200
    assert len(questions(app)) <= 12
    assert metric(world, "sidecar_introspection_pauses_total") >= 1
    assert "introspection pauses" in world.sidecar.log()
    app.sessions.instead = None

    def is_online():
        world.client.get("/api/orders/", headers=cookie("ann-1"))
        return world.client.status("42") == "online"

    eventually(is_online, within=15, every=0.1, what="Ann online")
    eventually(lambda: "introspection goes on" in world.sidecar.log(), what="a word of it")


def test_r20_the_next_server_is_asked_where_one_is_down(ask, app):
    gone = RecordingBackend()
    gone.close()
    world = ask(servers=[gone.address, app.address])
    heartbeat = world.client.post("/_presence/heartbeat", headers=cookie("ann-1"))
    assert heartbeat.status_code == 200, heartbeat.text


# Endings


def test_r20_a_logout_ends_what_was_known(ask, app):
    world = ask()
    world.client.get("/api/orders/", headers=cookie("ann-1"))
    world.client.becomes("42", "online")
    assert world.client.post("/api/logout/", headers=cookie("ann-1")).status_code == 200
    assert world.client.status("42") == "offline"
    world.client.get("/api/orders/", headers=cookie("ann-1"))
    assert world.client.post("/_presence/heartbeat", headers=cookie("ann-1")).status_code == 401
    assert world.client.status("42") == "offline"


def test_r20_a_session_that_the_application_refuses_counts_for_nothing(ask, app):
    world = ask()
    assert world.client.post("/_presence/heartbeat", headers=cookie("ann-1")).status_code == 200
    del app.sessions.people["ann-1"]
    # The sidecar still knows it for a minute; the application's own word comes first.
    assert world.client.get("/api/private/", headers=cookie("ann-1")).status_code == 401
    assert world.client.post("/_presence/heartbeat", headers=cookie("ann-1")).status_code == 401
    assert len(questions(app)) == 2


def test_r20_a_socket_outlives_the_answer_that_let_it_in(ask, app):
    world = ask(cache="1s")
    url = world.client.address.replace("http", "ws") + "/ws/presence/"
    with connect(url, additional_headers=cookie("ann-1"), proxy=None) as socket:
        socket.recv(timeout=5)
        world.client.becomes("42", "online")
        world.client.stays("42", "online", 3)
        socket.send('{"type": "ping"}')
        socket.recv(timeout=5)
        # A logout ends it.
        world.client.post("/api/logout/", headers=cookie("ann-1"))
        assert eventually(lambda: closed_with(socket), what="its end") == 4401


def closed_with(socket):
    try:
        socket.recv(timeout=0.2)
    except TimeoutError:
        return None
    except Exception:  # the end, however it came
        return socket.protocol.close_rcvd and socket.protocol.close_rcvd.code
    return None


def test_what_comes_percent_encoded_cannot_add_a_line(ask, app):
    world = ask()
    evil = urllib.parse.quote("ann-1\r\nX-Evil: 1\r\nCookie: sessionid=root-1")
    url = world.client.address.replace("http", "ws") + "/ws/presence/?token=" + evil
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None)
    assert refused.value.response.status_code == 401
    assert questions(app) == []
    assert not any(call.get("X-Evil") for call in app.calls)
