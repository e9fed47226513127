# Owns the tests of what time does: heartbeats, thresholds, away, and statuses set by hand.
# Called by pytest, once directly and once behind nginx.
# Never guesses a moment: it compares with the instants before and after each request.
import time

from harness import tokens
from harness.client import IDS, moment
from harness.waiting import eventually

ALICE, BOB = IDS["alice"], IDS["bob"]
TOLERANCE = 0.05


def timed(call):
    before = time.time()
    answer = call()
    return before, answer, time.time()


def test_heartbeat_keeps_online_and_answers_status_and_last_seen(start):
    world = start(presence={"offline_after": "1500ms"})
    alice = world.client.login("alice")
    active = world.client.presence(ALICE)["last_active"]
    end = time.time() + 3.2  # more than two thresholds
    while time.time() < end:
        before, response, after = timed(lambda: world.client.heartbeat(alice.token))
        assert response.status_code == 200
        answer = response.json()
        assert answer["status"] == answer["online_status"] == "online"
        assert answer["user_id"] == ALICE and answer["is_online"] is True
        assert before - TOLERANCE <= moment(answer["last_seen"]) <= after + TOLERANCE
        assert before - TOLERANCE <= moment(answer["server_time"]) <= after + TOLERANCE
        assert world.client.status(ALICE) == "online"
    # A heartbeat is contact; it shows no person at work.
    assert world.client.presence(ALICE)["last_active"] == active


def test_offline_after_inactivity_at_the_threshold_and_not_before(start):
    threshold = 1.2
    world = start(presence={"offline_after": "1200ms"})
    before, _, after = timed(lambda: world.client.work(tokens.mint(BOB)))
    looks_before = looks_after = 0
    while looks_after < 5:
        asked, seen, answered = timed(lambda: world.client.presence(BOB))
        if answered < before + threshold - TOLERANCE:
            assert seen["online_status"] == "online", (asked - before, seen)
            looks_before += 1
        elif asked > after + threshold + TOLERANCE:
            assert seen["online_status"] == "offline", (asked - after, seen)
            looks_after += 1
    assert looks_before >= 5
    # `since` is the moment itself, not the moment somebody noticed.
    assert abs(moment(seen["since"]) - moment(seen["last_seen"]) - threshold) < 0.002
    assert before - TOLERANCE <= moment(seen["last_seen"]) <= after + TOLERANCE
    assert seen["is_online"] is False and seen["devices"] == 0


def test_away_by_itself_where_away_after_is_set(start):
    world = start(presence={"away_after": "1s", "offline_after": "30s"})
    alice = world.client.login("alice")
    assert world.client.status(ALICE) == "online"
    world.client.becomes(ALICE, "away")
    assert world.client.heartbeat(alice.token).json()["status"] == "away"
    world.client.work(alice.token)
    assert world.client.status(ALICE) == "online"


def test_away_by_the_clients_word(world):
    alice = world.client.login("alice")
    answer = world.client.heartbeat(alice.token, "away").json()
    assert answer["status"] == answer["online_status"] == "away"
    assert world.client.status(ALICE) == "away"
    assert world.client.heartbeat(alice.token, "online").json()["status"] == "online"
    assert world.client.status(ALICE) == "online"


def test_away_on_one_device_is_not_away_on_another(world):
    phone, desk = world.client.login("alice"), world.client.login("alice")
    world.client.heartbeat(phone.token, "away")
    assert world.client.status(ALICE) == "online"  # the best of the two
    world.client.heartbeat(desk.token, "away")
    assert world.client.status(ALICE) == "away"


def test_admin_sets_status_and_it_holds_until_activity(world):
    alice = world.client.login("alice")
    answer = world.client.set_status(ALICE, "away")
    assert answer.status_code == 200
    assert answer.json()["online_status"] == "away" and answer.json()["user_id"] == ALICE
    assert world.client.status(ALICE) == "away"
    # Contact alone does not end it; a person at work does.
    assert world.client.heartbeat(alice.token).json()["status"] == "away"
    assert world.client.status(ALICE) == "away"
    world.client.work(alice.token)
    assert world.client.status(ALICE) == "online"


def test_admin_sets_status_for_a_time_and_it_holds_whatever_the_user_does(world):
    alice = world.client.login("alice")
    before, answer, after = timed(lambda: world.client.set_status(ALICE, "offline", "1200ms"))
    assert answer.status_code == 200 and answer.json()["online_status"] == "offline"
    held = 0
    while True:
        world.client.work(alice.token)
        world.client.heartbeat(alice.token)
        asked, seen, answered = timed(lambda: world.client.presence(ALICE))
        if answered < before + 1.2 - TOLERANCE:
            assert seen["online_status"] == "offline"
            held += 1
        elif asked > after + 1.2 + TOLERANCE:
            break
    assert held >= 3
    # Its end restores what the facts say.
    assert seen["online_status"] == "online"


def test_admin_sets_somebody_online_who_was_never_there(world):
    assert world.client.set_status("4711", "online", "1s").json()["online_status"] == "online"
    seen = world.client.presence("4711")
    assert seen["online_status"] == "online" and seen["last_seen"] is None
    world.client.becomes("4711", "offline")


def test_admin_may_write_status_for_online_status(world):
    path = f"/_presence/users/{ALICE}/status"
    answer = world.client.post(path, world.client.observer, json={"status": "away", "for": "30m"})
    assert answer.status_code == 200
    assert world.client.status(ALICE) == "away"


def test_paths_of_the_routes_and_of_the_prefix_are_the_same_endpoints(world):
    client, admin = world.client, world.client.observer
    alice = client.login("alice")
    beats = [client.post(p, alice.token) for p in ("/_presence/heartbeat", "/api/users/heartbeat/")]
    assert [beat.status_code for beat in beats] == [200, 200]
    assert beats[0].json().keys() == beats[1].json().keys()

    by_prefix = client.get(f"/_presence/users/{ALICE}", admin).json()
    by_route = client.get(f"/api/users/admin/users/{ALICE}/online-status/", admin).json()
    assert by_prefix == by_route

    path = f"/api/users/admin/users/{ALICE}/set-online-status/"
    assert client.post(path, admin, json={"online_status": "away"}).status_code == 200
    assert client.status(ALICE) == "away"

    lists = [
        client.get(p, admin).json()
        for p in ("/_presence/users/online", "/api/users/admin/users/online/")
    ]
    assert [user["user_id"] for user in lists[0]["results"]] == [
        user["user_id"] for user in lists[1]["results"]
    ]
    # A path of the app right beside stays the app's.
    assert client.get("/api/users/admin/users/", admin).json()["count"] >= 8


def test_a_trailing_slash_never_matters(world):
    client, admin = world.client, world.client.observer
    alice = client.login("alice")
    for path in ("/_presence/heartbeat", "/api/users/heartbeat"):
        for form in (path, path + "/"):
            assert client.post(form, alice.token).status_code == 200, form
    for path in (
        f"/_presence/users/{ALICE}",
        "/_presence/users",
        "/_presence/users/online",
        f"/api/users/admin/users/{ALICE}/online-status",
        "/api/users/admin/users/online",
        "/_presence/healthz",
        "/_presence/readyz",
        "/_presence/metrics",
    ):
        for form in (path, path + "/", path + "/?x=1"):
            assert client.get(form, admin).status_code == 200, form
    # The app's own slashes stay its business: Django redirects, and the login is not one.
    assert client.get("/page").status_code == 301


def test_status_is_seen_by_every_loop_at_once(world):
    """Requests on many connections land on different loops; none may lag behind."""
    alice = world.client.login("alice")
    for _ in range(10):
        for status in ("away", "online"):
            assert world.client.heartbeat(alice.token, status).status_code == 200
            world.client.session.close()  # the next request comes on a new connection
            assert world.client.status(ALICE) == status


def test_last_seen_moves_with_contact(world):
    alice = world.client.login("alice")
    first = world.client.presence(ALICE)["last_seen"]

    def later():
        world.client.work(alice.token)
        return world.client.presence(ALICE)["last_seen"] > first

    eventually(later, what="a later last_seen")
