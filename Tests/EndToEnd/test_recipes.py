# Owns the checklist of presence: the same for each app with its recipe, docs/recipes/*.json5.
# Called by pytest, each test for each app, directly and behind nginx.
# Never knows which app it stands before but by what a recipe says of itself.
import pytest
from websockets.exceptions import InvalidStatus

from harness.client import IDS
from harness.waiting import eventually

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]
PASSING = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
    "via",
}


def plain(response):
    """What a client sees of the app's answer; the hops have fields of their own."""
    fields = {
        name.lower(): value
        for name, value in response.headers.items()
        if name.lower() not in PASSING
    }
    return response.status_code, response.content, fields


def test_anonymous_traffic_passes_untouched_and_counts_for_nobody(set_up, recipe):
    at = set_up()
    for path in (recipe.open, recipe.work, "/nothing/here", recipe.open + "?page=2"):
        through, direct = at.call("GET", path), at.call("GET", recipe.address + path)
        assert plain(through) == plain(direct), path
    assert at.heartbeat(None).status_code == 401
    assert at.known() == []


def test_a_wrong_password_makes_nobody_online(set_up, recipe):
    at = set_up()
    answer, device = recipe.attempt(at.address, "alice", "wrong")
    direct, _ = recipe.attempt(recipe.address, "alice", "wrong")
    assert device is None and 400 <= answer.status_code < 402
    assert (answer.status_code, answer.content) == (direct.status_code, direct.content)
    assert at.known() == []


def test_a_login_is_online_at_once_by_name(set_up):
    at = set_up()
    alice = at.sign_in("alice")
    seen = at.presence(ALICE)
    assert alice.id == ALICE and seen["online_status"] == "online"
    assert seen["is_online"] is True and seen["name"] == "alice" and seen["devices"] == 1
    assert "reason" not in seen
    assert at.known() == [ALICE]


def test_requests_count_and_answers_are_the_apps(set_up, recipe):
    at = set_up()
    alice = at.sign_in("alice")
    first = at.presence(ALICE)["last_active"]

    def later():
        through, direct = at.work(alice), at.call("GET", recipe.address + recipe.work, alice.fields)
        assert through.status_code == 200 and plain(through) == plain(direct)
        return at.presence(ALICE)["last_active"] > first

    eventually(later, what="activity")
    assert at.presence(ALICE)["devices"] == 1


def test_a_second_device_counts_beside_the_first(set_up, recipe):
    at = set_up()
    one, two = at.sign_in("alice"), at.sign_in("alice")
    assert at.work(one).status_code == at.work(two).status_code == 200
    assert at.presence(ALICE)["devices"] == (recipe.tokens_per_user or 2)


def test_r18_a_bad_credential_counts_for_nothing(set_up, recipe):
    at = set_up()
    for what, fields in recipe.bad():
        for path in (recipe.work, recipe.open):
            through = at.call("GET", path, fields)
            direct = at.call("GET", recipe.address + path, fields)
            assert plain(through) == plain(direct), what
        answer = at.heartbeat(fields)
        assert answer.status_code == 401, f"{what}: {answer.status_code} {answer.text}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert at.call("GET", f"/_presence/users/{ALICE}", fields).status_code == 401, what
    assert at.known() == []


def test_a_heartbeat_with_the_apps_own_credential(set_up):
    at = set_up()
    alice = at.sign_in("alice")
    answer = at.heartbeat(alice.fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user_id"] == ALICE and answer.json()["status"] == "online"
    assert at.heartbeat(alice.fields, "away").json()["status"] == "away"
    assert at.status(ALICE) == "away"


def test_a_presence_socket_with_the_apps_own_credential(set_up, recipe):
    at = set_up()
    alice = at.sign_in("alice")
    tab = at.tab(alice)
    assert tab.begin()[0]["user_id"] == ALICE
    at.sign_in("bob")
    assert tab.change_of(BOB, "online")["name"] == "bob"
    # The one that every browser sends, of the page's own site.
    own = at.tab(alice, origin=at.origin)
    assert own.begin()[0]["user_id"] == ALICE
    assert at.sign_out(alice).ok
    assert tab.close_code() == own.close_code() == 4401
    refused = pytest.raises(InvalidStatus, at.tab, alice)
    assert refused.value.response.status_code == 401


def test_an_admin_sees_reasons_and_sets_statuses_and_others_do_not(set_up):
    at = set_up()
    alice, admin = at.sign_in("alice"), at.admin()
    assert at.work(alice).status_code == 200
    assert "reason" not in at.presence(ALICE, alice.fields)
    assert at.presence(ALICE, admin)["reason"]

    path = f"/_presence/users/{CAROL}/status"
    away = {"online_status": "away", "for": "10m"}
    assert at.call("POST", path, alice.fields, json=away).status_code == 403
    assert at.call("POST", path, at.observer, json=away).status_code == 403
    assert at.status(CAROL) == "offline"
    assert at.call("POST", path, admin, json=away).json()["online_status"] == "away"
    assert at.status(CAROL) == "away"


def test_r22_the_wallboard_reads_and_is_nobody(set_up, recipe):
    at = set_up()
    at.call("GET", recipe.open, at.observer)
    assert at.heartbeat(at.observer).status_code == 403
    wrong = recipe.service("wallboard-of-somebody-else")
    assert at.call("GET", "/_presence/users", wrong).status_code == 401
    assert at.known() == []


def test_r17_a_logout_is_offline_at_once_and_for_good(set_up, recipe):
    at = set_up()
    alice = at.sign_in("alice")
    assert at.work(alice).status_code == 200
    assert at.status(ALICE) == "online"
    assert at.sign_out(alice).ok
    assert at.status(ALICE) == "offline"
    # The app may answer as it likes: for presence this credential is over.
    assert at.call("GET", recipe.open, alice.fields).status_code == 200
    at.work(alice)
    assert at.heartbeat(alice.fields).status_code == 401
    assert at.status(ALICE) == "offline"
    # A new one is not.
    again = at.sign_in("alice")
    assert at.status(ALICE) == "online" and at.heartbeat(again.fields).status_code == 200


def test_r19_a_session_that_the_app_ended_by_itself_is_dropped(set_up, recipe):
    if not recipe.learns:
        pytest.skip("its tokens hold until they expire")
    at = set_up()
    alice = at.sign_in("alice")
    assert at.heartbeat(alice.fields).status_code == 200
    assert recipe.sign_out(recipe.address, alice).ok
    answer = at.work(alice)
    assert answer.status_code == 401
    assert plain(answer) == plain(at.call("GET", recipe.address + recipe.work, alice.fields))
    assert at.heartbeat(alice.fields).status_code == 401
    active = at.presence(ALICE)["last_active"]
    at.call("GET", recipe.open, alice.fields)
    assert at.presence(ALICE)["last_active"] == active
