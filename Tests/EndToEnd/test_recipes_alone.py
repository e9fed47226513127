# Owns what recipes are asked beyond the checklist: time, restarts, doubt, what one app has alone.
# Called by pytest, directly only.
# Never sleeps where a condition can be waited for.
import re
import signal
import time

import pytest
import requests
from websockets.exceptions import InvalidStatus

from harness.client import IDS, moment
from harness.recipes import WALLBOARD
from harness.sidecar import command, environment
from harness.waiting import eventually
from harness.wire import Wire

ALICE, BOB = IDS["alice"], IDS["bob"]
SHORT = (
    'offline_after: "2m", away_after: "10m"',
    'offline_after: "2000ms", away_after: "1000ms", heartbeat_every: "1s", allow_flapping: true',
)


@pytest.fixture
def front():
    return "direct"


def of(*names):
    """Only these recipes."""
    return pytest.mark.parametrize("recipe", names, indirect=True)


def test_the_recipe_is_clean(recipe, tmp_path):
    """As it stands, with an upstream and a folder that need not be there."""
    text = recipe.source.read_text().replace("/var/lib/presence", str(tmp_path))
    file = tmp_path / "sidecar.json5"
    file.write_text(text)
    env = environment(WALLBOARD_TOKEN=WALLBOARD, FRONT_DESK_TOKEN="front-desk-of-the-app")
    done = command("check", "--config", file, env=env)
    assert (done.returncode, done.stdout) == (0, f"{file}: ok\n"), done.stdout


def test_away_and_offline_by_time_and_requests_keep_online(set_up):
    at = set_up(changes=[SHORT])
    alice, bob = at.sign_in("alice"), at.sign_in("bob")
    end = time.monotonic() + 2.4
    while time.monotonic() < end:
        assert at.work(alice).status_code == 200
        assert at.status(ALICE) == "online"
        time.sleep(0.1)
    assert at.status(BOB) == "offline"
    at.becomes(ALICE, "away")
    assert at.heartbeat(alice.fields).json()["status"] == "away"
    at.becomes(ALICE, "offline")
    assert at.work(bob).status_code == 200
    assert at.status(BOB) == "online"


def test_a_restart_keeps_tokens_revocations_and_when_people_were_seen(set_up, recipe):
    at = set_up()
    alice, bob = at.sign_in("alice"), at.sign_in("bob")
    at.work(alice)
    assert at.sign_out(bob).ok
    at.sidecar.process.kill()  # what was acknowledged is kept
    at.restart()
    assert at.heartbeat(bob.fields).status_code == 401
    assert at.call("GET", recipe.open, bob.fields).status_code == 200
    assert at.status(BOB) == "offline"

    at.work(alice)
    seen = at.presence(ALICE)
    at.sidecar.process.send(signal.SIGTERM)
    assert at.sidecar.process.wait(15) == 0
    at.restart()
    again = at.presence(ALICE)
    for key in ("last_seen", "last_active", "online_status", "name", "devices", "since"):
        assert again[key] == seen[key], key
    assert at.heartbeat(alice.fields).status_code == 200
    assert at.presence(ALICE)["devices"] == 1
    assert at.heartbeat(bob.fields).status_code == 401


def test_r21_credentials_that_disagree_are_nobodys(set_up, recipe):
    at = set_up()
    alice, bob = at.sign_in("alice"), at.sign_in("bob")
    before = [at.presence(user)["last_seen"] for user in (ALICE, BOB)]
    for fields in recipe.disagreeing(alice, bob):
        with Wire(at.sidecar.port) as client:
            client.ask("GET", recipe.open, fields)
            assert client.ask("POST", "/_presence/heartbeat", fields).status == 401, fields
    assert [at.presence(user)["last_seen"] for user in (ALICE, BOB)] == before


@of("django-sessions", "flask-opaque")
def test_a_cookie_counts_for_pages_of_its_own_site_alone(set_up, recipe):
    at = set_up()
    alice = at.sign_in("alice")
    if "X-Auth-Token" in alice.fields:
        alice.fields = {"Cookie": "auth_token=" + alice.fields["X-Auth-Token"]}
    assert at.tab(alice, origin=at.address).begin()[0]["user_id"] == ALICE
    for origin in ("https://evil.example", "null", at.address + "1"):
        refused = pytest.raises(InvalidStatus, at.tab, alice, origin=origin)
        assert refused.value.response.status_code == 403, origin
        answer = at.heartbeat(dict(alice.fields, Origin=origin))
        assert answer.status_code == 403, origin
    foreign = dict(alice.fields, **{"Sec-Fetch-Site": "cross-site"})
    assert at.heartbeat(foreign).status_code == 403
    own = dict(alice.fields, Origin=at.address)
    assert at.heartbeat(own).status_code == 200
    # Traffic of the app is the app's to judge.
    assert at.call("GET", recipe.work, dict(alice.fields, Origin="https://evil.example")).ok


@of("django-sessions", "drf-token")
def test_r20_a_session_older_than_the_sidecar_counts(set_up, recipe):
    alice = recipe.sign_in(recipe.address, "alice")
    at = set_up()
    assert at.heartbeat(alice.fields).status_code == 200
    assert at.presence(ALICE)["name"] == "alice"
    bob = recipe.sign_in(recipe.address, "bob")
    assert at.work(bob).status_code == 200
    at.becomes(BOB, "online")
    assert at.known() == [ALICE, BOB]


@of("django-sessions")
def test_djangos_own_forms(set_up, recipe):
    """302 to the next page at login and logout, 200 with the form again at a wrong password."""
    logout = '{ match: "POST /api/logout/", on: "logout" },'
    at = set_up(changes=[(logout, logout + logout.replace("/api/", "/accounts/"))])
    browser = requests.Session()
    page = browser.get(at.address + "/accounts/login/", timeout=5)
    hidden = re.search('name="csrfmiddlewaretoken" value="(.*?)"', page.text)[1]
    form = {"csrfmiddlewaretoken": hidden, "username": "alice", "password": "wrong"}
    url = at.address + "/accounts/login/"
    again = browser.post(url, form, timeout=5, allow_redirects=False)
    assert again.status_code == 200 and at.known() == []
    form["password"] = "alice-pw"
    done = browser.post(url, form, timeout=5)
    assert [step.status_code for step in done.history] == [302] and done.url.endswith("/news/")
    at.becomes(ALICE, "online")
    assert at.presence(ALICE)["name"] == "alice" and at.presence(ALICE)["devices"] == 1
    session = {"Cookie": f"sessionid={browser.cookies['sessionid']}"}
    assert at.heartbeat(session).status_code == 200

    # A form without its token signs nobody out.
    url = at.address + "/accounts/logout/"
    assert browser.post(url, {}, timeout=5).status_code == 403
    assert at.status(ALICE) == "online"
    form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    done = browser.post(url, form, timeout=5, allow_redirects=False)
    assert (done.status_code, done.headers["Location"]) == (302, "/news/")
    assert at.status(ALICE) == "offline"
    assert at.heartbeat(session).status_code == 401
    assert browser.get(at.address + "/news/", timeout=5).ok
    assert at.status(ALICE) == "offline"


@of("django-sessions")
def test_r17_a_logout_long_after_the_last_answer_of_who_it_is(set_up, recipe):
    """A session that the sidecar never saw begin, and has forgotten since."""
    alice = recipe.sign_in(recipe.address, "alice")
    at = set_up(changes=[('cache: "60s"', 'cache: "1s"')])
    assert at.heartbeat(alice.fields).status_code == 200
    time.sleep(1.2)
    assert at.sign_out(alice).ok
    assert at.status(ALICE) == "offline"


@of("flask-opaque")
def test_a_token_in_a_field_of_the_answer(set_up, recipe):
    at = set_up()
    _, phone = recipe.attempt(at.address, "alice", "alice-pw", "/login/mobile")
    assert at.status(ALICE) == "online" and at.presence(ALICE)["devices"] == 1
    assert at.heartbeat(phone.fields).status_code == 200
    at.sign_in("alice")
    assert at.presence(ALICE)["devices"] == 2


@of("jwks")
def test_a_refresh_continues_the_session(set_up, recipe):
    at = set_up()
    alice = at.sign_in("alice")
    tab = at.tab(alice)
    tab.begin()
    since = at.presence(ALICE)["since"]
    # With the old token, and without any: then it is the only session that the user has.
    for fields in (None, {}):
        alice = recipe.renew(at.address, alice, fields)
        assert at.work(alice).status_code == 200
        seen = at.presence(ALICE)
        assert seen["devices"] == 1 and seen["since"] == since, seen
    tab.send({"type": "heartbeat"})
    assert tab.expect("heartbeat")
    assert at.sign_out(alice).ok
    assert tab.close_code() == 4401
    assert at.status(ALICE) == "offline"


@of("jwks")
def test_r11_tokens_of_the_provider_that_a_shop_takes_in_every_form(set_up, recipe):
    at = set_up()
    for number, changes in enumerate(
        [{}, {"aud": ["warehouse", "shop"]}, {"jti": None}, {"nbf": int(time.time()) - 5}]
    ):
        fields = recipe.fields(recipe.mint(user=f"70{number}", **changes))
        assert at.call("GET", recipe.work, fields).status_code == 200, changes
        assert at.status(f"70{number}") == "online", changes


def scripted(recipe, me):
    """A backend that lets everybody in, and says `me(call)` where it is asked who."""

    def answer(call):
        if call.target == recipe.asks:
            return me(call)
        if call.target == recipe.login:
            return recipe.scripted_login(call, "S3SSION-of-alice")
        return call.reply(200, [("Content-Type", "text/plain")], b"as you like")

    return answer


def known_as_alice(call):
    call.reply(200, [("Content-Type", "application/json")], b'{"id": 2, "username": "alice"}')


@pytest.mark.parametrize(
    "recipe, how",
    [("django-sessions", how) for how in ("500", "hangs up", "says nothing", "no JSON", "no id")]
    + [("drf-token", "500")],
    indirect=["recipe"],
)
def test_r20_what_cannot_be_asked_leaves_traffic_untouched(set_up, recipe, recorder, how):
    asked = []

    def me(call):
        asked.append(call)
        if how == "hangs up":
            return "close"
        if how == "says nothing":
            call.link.sock.settimeout(20)
            return "close" if not call.link.sock.recv(1) else None
        call.reply(
            *{"500": (500,), "no JSON": (200, (), b"<html>"), "no id": (200, (), b"{}")}[how]
        )

    recorder.handler = scripted(recipe, me)
    at = set_up(upstream=recorder.address)
    fields = recipe.fields("S3SSION-of-alice")
    started = time.monotonic()
    for _ in range(5):
        answer = at.call("GET", recipe.work, fields)
        assert (answer.status_code, answer.content) == (200, b"as you like")
    assert time.monotonic() - started < 2
    eventually(lambda: asked, what="a question")
    assert at.known() == []
    if how != "says nothing":
        answer = at.heartbeat(fields)
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    recorder.handler = scripted(recipe, known_as_alice)

    def counts():
        at.call("GET", recipe.work, fields)
        return at.known() == [ALICE]

    eventually(counts, within=15, every=0.2, what="presence once the app says who it is")


@of("django-sessions", "drf-token", "flask-opaque")
def test_r17_a_logout_holds_though_the_app_would_still_accept_it(set_up, recipe, recorder):
    recorder.handler = scripted(recipe, known_as_alice)
    at = set_up(upstream=recorder.address)
    fields = recipe.fields("S3SSION-of-alice")
    signed = at.call("POST", recipe.login, {"Content-Type": "application/json"}, data="{}")
    assert signed.status_code == 200 and at.status(ALICE) == "online"
    assert at.heartbeat(fields).status_code == 200
    assert at.call("POST", recipe.logout, fields).status_code == 200
    for _ in range(2):
        assert at.call("GET", recipe.work, fields).status_code == 200
        assert at.heartbeat(fields).status_code == 401
        assert at.status(ALICE) == "offline"
    # An app may hand out the same token again; then it says itself that it is good.
    at.call("POST", recipe.login, {"Content-Type": "application/json"}, data="{}")
    assert at.status(ALICE) == "online"
    assert at.heartbeat(fields).status_code == 200


@of("django-sessions")
def test_whoami_asks_before_it_takes_a_logins_word(set_up, recipe, recorder):
    """As the service does: the answer tells who is an admin, and may be a refusal."""

    def whoami():
        words = ["whoami", "--config", at.sidecar.file, "S3SSION-of-alice"]
        done = command(*words, env=environment(WALLBOARD_TOKEN=WALLBOARD))
        lines = done.stdout.splitlines()
        checks = [line.split()[0] for line in lines]
        assert checks.index("introspection") < checks.index("learnt"), done.stdout
        return done.returncode, lines[checks.index("introspection")], lines[-1]

    def admin(call):
        call.reply(200, (), b'{"id": 2, "username": "alice", "is_staff": true}')

    recorder.handler = scripted(recipe, admin)
    at = set_up(upstream=recorder.address)
    at.call("POST", recipe.login, {"Content-Type": "application/json"}, data="{}")
    status, asked, last = whoami()
    assert (status, last) == (0, 'accepted: user "2"') and asked.endswith(", an admin")
    recorder.handler = scripted(recipe, lambda call: call.reply(500))
    assert whoami()[::2] == (0, 'accepted: user "2"')
    recorder.handler = scripted(recipe, lambda call: call.reply(401))
    assert whoami()[::2] == (1, "refused: not wanted by whoever was asked")
    # And so says the service.
    assert at.heartbeat(recipe.fields("S3SSION-of-alice")).status_code == 401


@of("django-sessions", "drf-token")
def test_r20_one_question_for_many_requests_with_the_clients_own_credential(
    set_up, recipe, recorder
):
    recorder.handler = scripted(recipe, known_as_alice)
    at = set_up(upstream=recorder.address)
    fields = recipe.fields("S3SSION-of-alice")
    for _ in range(20):
        at.call("GET", recipe.work, dict(fields, Host="app.example", Accept="text/html"))
    at.becomes(ALICE, "online")
    questions = [call for call in recorder.calls if call.target == recipe.asks]
    assert len(questions) == 1
    question = questions[0]
    assert question.method == "GET" and question.get("Host") == "app.example"
    assert question.get("Accept") == "application/json"
    if recipe.by_cookie:
        # Its own cookie alone: others are none of the sidecar's business.
        assert question.all("Cookie") == ["sessionid=S3SSION-of-alice"]
    else:
        assert question.all("Authorization") == ["Token S3SSION-of-alice"]
    assert moment(at.presence(ALICE)["last_active"]) is not None
