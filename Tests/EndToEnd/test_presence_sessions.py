# Owns the tests of coming and going: login, logout, requests with tokens good and bad.
# Called by pytest, once directly and once behind nginx.
# Never sleeps: what is asked right after an answer must already be true.
import time

import pytest

from harness import tokens
from harness.client import IDS, moment
from harness.waiting import eventually

ALICE, BOB, CAROL, DORMANT = IDS["alice"], IDS["bob"], IDS["carol"], "99"
TOLERANCE = 0.05  # seconds between two clocks read on one machine


def assert_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert {"type", "title", "detail"} <= set(problem)
    return problem


def assert_unauthorized(response):
    assert_problem(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_online_on_login(world):
    never = world.client.presence(ALICE)
    assert (never["online_status"], never["is_online"]) == ("offline", False)
    assert never["last_seen"] is None and never["last_active"] is None and never["since"] is None

    before = time.time()
    alice = world.client.login("alice")
    after = time.time()

    seen = world.client.presence(alice.id)
    assert seen["user_id"] == ALICE and seen["name"] == "alice"
    assert (seen["online_status"], seen["is_online"]) == ("online", True)
    for key in ("last_seen", "last_active", "since"):
        assert before - TOLERANCE <= moment(seen[key]) <= after + TOLERANCE, (key, seen)
    assert seen["devices"] == 1


def test_a_login_and_the_requests_with_its_token_are_one_device(world):
    alice = world.client.login("alice")
    world.client.work(alice.token)
    world.client.heartbeat(alice.token)
    assert world.client.presence(ALICE)["devices"] == 1
    world.client.login("alice")
    assert world.client.presence(ALICE)["devices"] == 2


def test_offline_on_logout_and_token_refused_afterwards(world):
    alice = world.client.login("alice")
    assert world.client.logout(alice).status_code == 200
    assert world.client.status(ALICE) == "offline"

    assert_unauthorized(world.client.heartbeat(alice.token))
    assert_unauthorized(world.client.get(f"/_presence/users/{BOB}", alice.token))
    # The app itself cannot know (a JWT has no state): it answers, and nobody comes online by it.
    world.client.work(alice.token)
    assert world.client.status(ALICE) == "offline"

    world.client.login("alice")
    assert world.client.status(ALICE) == "online"


def test_logout_on_one_device_ends_the_user_until_another_device_speaks(world):
    phone, desk = world.client.login("alice"), world.client.login("alice")
    world.client.logout(phone)
    assert world.client.status(ALICE) == "offline"
    world.client.work(desk.token)
    assert world.client.status(ALICE) == "online"
    assert_unauthorized(world.client.heartbeat(phone.token))


def test_logout_of_scope_session_leaves_the_other_device(start):
    world = start(presence={"logout_scope": "session"})
    phone, desk = world.client.login("alice"), world.client.login("alice")
    world.client.logout(phone)
    seen = world.client.presence(ALICE)
    assert (seen["online_status"], seen["devices"]) == ("online", 1)
    world.client.logout(desk)
    assert world.client.status(ALICE) == "offline"


def test_a_logout_that_the_app_refuses_changes_nothing(world):
    alice = world.client.login("alice")
    refused = world.client.post("/api/auth/logout/", alice.token, json={"refresh": "no token"})
    assert refused.status_code == 400
    assert world.client.status(ALICE) == "online"
    assert world.client.heartbeat(alice.token).status_code == 200


def test_failed_login_changes_nothing(world):
    wrong = world.client.post("/api/auth/login/", json={"username": "alice", "password": "not it"})
    assert wrong.status_code == 401
    assert wrong.json()["detail"].startswith("No active account")
    never = world.client.presence(ALICE)
    assert never["online_status"] == "offline" and never["last_seen"] is None

    alice = world.client.login("alice")
    before = world.client.presence(ALICE)
    world.client.post("/api/auth/login/", json={"username": "alice", "password": "not it"})
    after = world.client.presence(ALICE)
    for key in ("online_status", "last_seen", "last_active", "since", "devices"):
        assert before[key] == after[key], key
    assert world.client.heartbeat(alice.token).status_code == 200


def test_online_by_any_authenticated_request(world):
    token = tokens.mint(BOB, username="bob")
    assert world.client.status(BOB) == "offline"
    world.client.work(token)
    seen = world.client.presence(BOB)
    assert (seen["online_status"], seen["name"], seen["devices"]) == ("online", "bob", 1)


@pytest.mark.parametrize("path, status", [("/no/such/page/", 404), ("/broken/", 500)])
def test_a_verified_token_counts_whatever_else_the_app_answers(world, path, status):
    response = world.client.get(path, tokens.mint(BOB))
    assert response.status_code == status
    assert world.client.status(BOB) == "online"


def test_a_user_id_is_one_as_number_and_as_text(world):
    world.client.work(tokens.mint(int(BOB)))
    first = world.client.presence(BOB)
    world.client.work(tokens.mint(BOB))
    second = world.client.presence(BOB)
    assert first["online_status"] == second["online_status"] == "online"
    assert second["user_id"] == BOB and second["devices"] == 2


def test_a_route_without_activity_is_contact_only(world):
    token = tokens.mint(BOB)
    world.client.work(token)
    first = world.client.presence(BOB)

    def moved():
        assert world.client.get("/page/", token).status_code == 200
        return world.client.presence(BOB)["last_seen"] > first["last_seen"]

    eventually(moved, what="a later last_seen")
    assert world.client.presence(BOB)["last_active"] == first["last_active"]


def test_an_untracked_route_is_neither(world):
    response = world.client.get("/files/download/?size=10", tokens.mint(BOB))
    assert response.status_code == 200 and len(response.content) == 10
    assert world.client.presence(BOB)["last_seen"] is None


BAD_TOKENS = {
    "forged with another secret": lambda: tokens.mint(BOB, secret="x" * 40),
    "claims of another user": lambda: tokens.tampered(CAROL, becomes=BOB),
    "unsigned": lambda: tokens.unsigned(BOB),
    "another algorithm": lambda: tokens.mint(BOB, algorithm="HS512"),
    "expired": lambda: tokens.expired(BOB),
    "without expiry": lambda: tokens.mint(BOB, exp=None),
    "not yet valid": lambda: tokens.mint(BOB, nbf=int(time.time()) + 3600),
    "signature cut": lambda: tokens.mint(BOB)[:-4],
    "empty signature": lambda: tokens.mint(BOB).rsplit(".", 1)[0] + ".",
    "garbage": lambda: "not.a.token",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_forged_and_expired_tokens_count_for_nothing(world, kind):
    token = BAD_TOKENS[kind]()
    # A page that does not ask who is there: the app answers 200 whatever the token is.
    assert world.client.get("/echo/", token).status_code == 200
    assert world.client.presence(BOB)["last_seen"] is None
    assert_unauthorized(world.client.heartbeat(token))
    never = world.client.presence(BOB)
    assert never["online_status"] == "offline" and never["last_seen"] is None


def test_tokens_that_the_backend_refuses_count_for_nothing(world):
    # Signed and in time, but the app has put this account to sleep: 401.
    refused = world.client.get("/api/orders/", tokens.mint(DORMANT))
    assert refused.status_code == 401
    assert world.client.presence(DORMANT)["last_seen"] is None
    # A known user at a page for staff: 403.
    forbidden = world.client.get("/api/invoices/", tokens.mint(BOB))
    assert forbidden.status_code == 403
    assert world.client.presence(BOB)["last_seen"] is None


OWN_ENDPOINTS = [
    ("POST", "/_presence/heartbeat"),
    ("GET", f"/_presence/users/{ALICE}"),
    ("GET", "/_presence/users/online"),
    ("GET", "/_presence/users"),
    ("POST", f"/_presence/users/{ALICE}/status"),
    ("POST", "/api/users/heartbeat/"),
    ("GET", "/api/users/admin/users/online/"),
    ("GET", f"/api/users/admin/users/{ALICE}/online-status/"),
    ("POST", f"/api/users/admin/users/{ALICE}/set-online-status/"),
]


def test_anonymous_401(world):
    for method, path in OWN_ENDPOINTS:
        body = {"json": {"online_status": "away"}} if method == "POST" else {}
        assert_unauthorized(world.client.call(method, path, **body))
    assert world.client.presence(ALICE)["last_seen"] is None
    # The app is none of the sidecar's business: its own 401 comes through as it is.
    own = world.client.get("/api/orders/")
    assert own.status_code == 401 and own.json()["detail"].startswith("Authentication credentials")


def test_non_admin_403(world):
    bob = world.client.login("bob")
    for path in (
        f"/_presence/users/{ALICE}/status",
        f"/_presence/users/{BOB}/status",
        f"/api/users/admin/users/{ALICE}/set-online-status/",
    ):
        assert_problem(world.client.post(path, bob.token, json={"online_status": "away"}), 403)
    assert world.client.status(ALICE) == "offline"
    assert world.client.status(BOB) == "online"


def test_wrong_methods_and_bodies_get_a_problem(world):
    alice = world.client.login("alice")
    wrong = world.client.get("/_presence/heartbeat", alice.token)
    assert_problem(wrong, 405)
    assert "POST" in wrong.headers["Allow"]
    for body in (b"{", b"[]", b'{"status": "asleep"}', b'{"status": 1}'):
        answer = world.client.post("/_presence/heartbeat", alice.token, data=body)
        assert_problem(answer, 400)
    for body in ({}, {"online_status": "busy"}, {"online_status": "away", "for": "soon"}):
        path = f"/_presence/users/{ALICE}/status"
        assert_problem(world.client.post(path, world.client.observer, json=body), 400)
    assert_problem(world.client.get("/_presence/no-such-thing", alice.token), 404)
    assert world.client.status(ALICE) == "online"
