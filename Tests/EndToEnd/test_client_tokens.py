# Owns the tests of client.js's token: where it is found, when it counts, what is said of it.
# Called by pytest.
# Never looks into the script: what a page or the sidecar sees is what counts.
import json

import pytest

from harness.client import IDS, Person
from harness.site import STORED, dot, is_open, shows
from harness.waiting import eventually

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]


TOKENS = {
    "cookie": ('data-token-cookie="jwt"', "document.cookie = 'jwt=' + token + '; path=/'"),
    "storage": ('data-token-storage="t"', "localStorage.t = token"),
    "storage, quoted": ('data-token-storage="t"', "localStorage.t = JSON.stringify(token)"),
    "storage, with a scheme": ('data-token-storage="t"', "localStorage.t = 'Bearer ' + token"),
    "storage, with the end of a line": ('data-token-storage="t"', "localStorage.t = token + '\\n'"),
    "storage of the session": ('data-token-storage="t"', "sessionStorage.t = token"),
    "storage, in JSON": (
        'data-token-storage="persist:a:$.auth.tokens[1].access"',
        "localStorage['persist:a'] = JSON.stringify("
        "{ auth: JSON.stringify({ tokens: [0, { access: token }] }) })",
    ),
    "callback": ('data-token-callback="getToken"', "window.getToken = () => token"),
    "promise": (
        'data-token-callback="getToken"',
        "window.getToken = () => new Promise((done) => setTimeout(done, 50, token))",
    ),
}


@pytest.mark.parametrize("attributes, keep", TOKENS.values(), ids=TOKENS)
def test_the_token_is_found(site, attributes, keep):
    site = site()
    token = site.client.login("bob").token
    window = site.browser.person().open(f"{site.client.address}/canvas/")
    window.evaluate(f"((token) => {{ {keep} }})({json.dumps(token)})")
    keeping = f"<script>((token) => {{ {keep} }})({json.dumps(token)})</script>"
    window.open(site.url(dot(ALICE), attributes, keeping if "getToken" in keep else ""))
    is_open(window)
    assert window.evaluate("presence.user") == BOB
    assert site.browser.console == []
    asked = [url for url in site.browser.requests if "/_presence/" in url.split("?")[0]]
    assert asked and not [url for url in asked if token in url]


def test_without_a_token_it_says_so_once_and_is_quiet(site):
    site = site()
    page = site.browser.open(site.url(dot(ALICE)))
    page.wait("presence.status === 'signed-out'")
    shows(page, ALICE, "unknown")
    asked = site.asked()
    # Somebody looks at it for a while; ticks come and go.
    site.client.stays(ALICE, "offline", 3)
    assert site.asked() == asked
    assert [text for _, text in site.browser.console] == [
        "presence: no token found; waiting for one."
    ]
    # A login in this very page is noticed by itself.
    site.sign_in(page, "bob")
    is_open(page)
    shows(page, ALICE, "offline")


def test_without_a_session_cookie_it_says_so_once_and_is_quiet(site):
    site = site(tokens={"from": ["cookie:jwt", "query:token"]})
    page = site.browser.open(site.url(dot(ALICE), attributes=""))
    page.wait("presence.status === 'signed-out'")
    assert [text for _, text in site.browser.console] == ["presence: nobody is signed in; waiting."]
    assert not [url for url in site.browser.requests if url.startswith("ws")]
    token = site.client.login("bob").token
    page.evaluate(f"document.cookie = 'jwt={token}; path=/'")
    page.reload()
    is_open(page)
    assert page.evaluate("presence.user") == BOB


def test_a_sign_in_by_cookie_in_one_tab_is_one_in_all(site):
    site = site(tokens={"from": ["cookie:jwt", "header:Authorization"]})
    person = site.person()
    first = person.open(site.url(dot(ALICE), attributes=""))
    first.wait("presence.status === 'signed-out'")
    second = person.open(f"{site.client.address}/canvas/")
    token = site.client.login("bob").token
    second.evaluate(f"document.cookie = 'jwt={token}; path=/'")
    second.open(site.url(dot(CAROL), attributes=""))
    shows(second, CAROL, "offline")
    shows(first, ALICE, "offline")
    assert site.sockets() == 1


def test_a_token_in_a_field_of_its_own(site):
    site = site(tokens={"from": ["header:X-Auth-Token"]})
    page = site.window("bob", dot(ALICE), attributes=f'{STORED} data-token-header="X-Auth-Token"')
    shows(page, ALICE, "offline")
    assert page.evaluate("presence.user") == BOB


def test_a_wallboard_watches_and_is_nobody(site, tmp_path):
    # With characters that the name of a subprotocol must not have.
    token = "wall/board==of-the-second-floor"
    (tmp_path / "token").write_text(token)
    service = {"name": "wallboard", "token_file": str(tmp_path / "token")}
    site = site(tokens={"service": [service]})
    page = site.person().open(f"{site.client.address}/canvas/")
    page.evaluate(f"localStorage.access_token = '{token}'")
    page.open(site.url(dot(ALICE)))
    shows(page, ALICE, "offline")
    site.client.login("alice")
    shows(page, ALICE, "online")
    assert page.evaluate("presence.user") is None
    assert site.client.get("/_presence/stats", site.client.observer).json()["users"] <= 2


def test_a_token_that_does_not_count_is_tried_once(site):
    site = site()
    page = site.person().open(f"{site.client.address}/canvas/")
    page.evaluate("localStorage.access_token = 'not.a.token'")
    page.open(site.url(dot(ALICE)))
    page.wait("presence.status === 'signed-out'")
    asked = site.asked()
    site.client.stays(ALICE, "offline", 2.5)
    assert site.asked() == asked
    assert len(site.browser.console) == 1 and "not.a.token" not in site.browser.console[0][1]
    site.sign_in(page, "bob")
    is_open(page)


REFUSED = "presence: the token does not count (any more); waiting for another one."
UNSENDABLE = (
    "presence: the token has a character that no request can carry; waiting for another one."
)
# How it is kept, the token, and what is said.
STRANGE = {
    "in a cookie": (
        "document.cookie = 'access_token=' + encodeURIComponent(token) + '; path=/'",
        "snow\u2603man",
        UNSENDABLE,
    ),
    "of a callback": ("window.getToken = () => token", "snow\u2603man", UNSENDABLE),
    "half of a pair": ("localStorage.access_token = token", "half of \ud83d", UNSENDABLE),
    "a control character": ("localStorage.access_token = token", "a\u0001b", UNSENDABLE),
    "the end of a line": ("localStorage.access_token = token", "a\nb", UNSENDABLE),
    # Bytes that can be sent, and are nobody's.
    "of Latin-1": ("localStorage.access_token = token", "caf\u00e9\u0085", REFUSED),
}


@pytest.mark.parametrize("keep, token, said", STRANGE.values(), ids=STRANGE)
def test_a_token_that_no_field_can_carry_does_not_count(site, keep, token, said):
    site = site()
    page = site.browser.person().open(f"{site.client.address}/canvas/")
    keeping = lambda token: f"((token) => {{ {keep} }})({json.dumps(token)})"  # noqa: E731
    page.evaluate(keeping(token))
    attributes = 'data-token-storage="access_token" data-token-cookie="access_token"'
    more = ""
    if "getToken" in keep:
        attributes = 'data-token-callback="getToken"'
        more = f"<script>{keeping(token)}</script>"
    page.open(site.url(dot(ALICE), attributes, more))
    page.wait("presence.status === 'signed-out'")
    asked = site.asked()
    site.client.stays(ALICE, "offline", 2.5)
    assert site.asked() == asked
    assert [text for _, text in site.browser.console] == [said]
    page.evaluate(keeping(site.client.login("bob").token) + ", presence.connect()")
    is_open(page)
    shows(page, ALICE, "offline")


def test_a_logout_on_another_device_is_none_here(site):
    site = site()
    site.client.login("alice")
    page = site.window("bob", dot(ALICE) + dot(BOB))
    follower = page.person.open(site.url(dot(ALICE)))
    for window in (page, follower):
        shows(window, ALICE, "online")
        window.evaluate(
            """window.states = [],
            presence.addEventListener("status", (event) => states.push(event.detail)), 0"""
        )
    shows(page, BOB, "online")
    site.client.logout(site.client.login("bob"))
    site.client.set_status(ALICE, "away", "10m")
    for window in (page, follower):
        window.wait("states.join() === 'waiting,open'")
        shows(window, ALICE, "away")
    shows(page, BOB, "online")
    site.client.becomes(BOB, "online")
    assert site.sockets() == 1
    heartbeats = lambda: site.world.sidecar.metrics()["presence_heartbeats_total"]  # noqa: E731
    before = heartbeats()
    eventually(lambda: heartbeats() > before + 1, what="heartbeats as before")
    assert site.browser.console == []

    # Its own logout ends it all.
    site.sign_out(page)
    for window in (page, follower):
        window.wait("presence.status === 'signed-out'")
        shows(window, ALICE, "unknown")
    eventually(lambda: REFUSED in [text for _, text in site.browser.console], what="why")
    asked = site.asked()
    site.client.stays(BOB, "offline", 2.5)
    assert site.asked() <= asked + 1  # The other tab may ask once for itself.
    assert {text for _, text in site.browser.console} == {REFUSED}


def test_a_server_that_says_again_and_again_that_a_token_is_dead_is_spared(site):
    site = site()
    page = site.person("bob").windows[0]
    page.before_pages(
        """window.opened = [];
        const Real = WebSocket;
        window.WebSocket = function (...how) {
          const socket = new Real(...how);
          opened.push(performance.now());
          socket.addEventListener("message", ({ data }) => {
            if (JSON.parse(data).type !== "snapshot") return;
            setTimeout(() => socket.onclose({ code: 4401 }));
          });
          return socket;
        };"""
    )
    page.open(site.url(dot(ALICE)))
    page.wait("opened.length === 4", within=15)
    times = page.evaluate("opened")
    # Random halves of 1, 2 and 4 seconds.
    pauses = [after - before for before, after in zip(times, times[1:])]
    assert all(pause >= least for pause, least in zip(pauses, (500, 1000, 2000))), pauses
    assert site.browser.console == []


def test_a_logout_of_a_token_that_was_replaced_says_nothing(site):
    site = site()
    page = site.window("bob", dot(ALICE))
    is_open(page)
    token, refresh = page.evaluate("[localStorage.access_token, localStorage.refresh_token]")
    site.sign_in(page, "carol")
    site.client.logout(Person(BOB, "bob", token, refresh))
    page.wait(f"presence.user === '{CAROL}' && presence.status === 'open'")
    assert site.browser.console == []


def test_a_new_token_takes_the_place_of_the_old_one(site):
    site = site()
    page = site.window("bob")
    is_open(page)
    site.sign_in(page, "carol")
    page.wait(f"presence.user === '{CAROL}'", within=10)
    page.evaluate("localStorage.removeItem('access_token')")
    page.wait("presence.status === 'signed-out'", within=10)
    site.client.becomes(BOB, "offline")
