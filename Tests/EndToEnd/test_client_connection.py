# Owns the tests of client.js's connection: its token, its tabs, its end and return, its API.
# Called by pytest.
# Never looks into the script: what a page or the sidecar sees is what counts.
import json

import pytest

from harness.client import IDS, Person
from harness.relay import Relay
from harness.site import STORED, Site, dot, is_open, shows
from harness.waiting import eventually

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]


def test_a_hidden_tab_sends_no_heartbeats(site):
    site = site()
    alice = site.window("alice")
    is_open(alice)
    heartbeats = lambda: site.world.sidecar.metrics()["presence_heartbeats_total"]  # noqa: E731
    before = heartbeats()
    eventually(lambda: heartbeats() > before + 1, what="heartbeats of a visible tab")
    alice.hide()
    before = heartbeats()
    site.client.stays(ALICE, "online", 4.2)  # four heartbeats long
    assert heartbeats() <= before + 1
    alice.show()
    eventually(lambda: heartbeats() > before + 1, what="heartbeats of a tab that came back")


def test_one_socket_for_three_tabs_and_another_takes_over(site):
    site = site(presence={"disconnect_grace": "10s"})
    person = site.person("bob")
    tabs = [person.open(site.url(dot(user))) for user in (ALICE, CAROL, BOB)]
    for tab, user in zip(tabs, (ALICE, CAROL, BOB)):
        shows(tab, user, "online" if user == BOB else "offline")
    assert site.sockets() == 1
    site.client.login("carol")
    shows(tabs[1], CAROL, "online")

    tabs[0].close()  # The first one leads.
    site.client.login("alice")
    for tab in tabs[1:]:
        is_open(tab)
    eventually(lambda: site.sockets() == 1, what="one socket again")
    late = person.open(site.url(dot(ALICE) + dot(CAROL)))
    shows(late, ALICE, "online")
    site.client.set_status(CAROL, "away", "10m")
    shows(late, CAROL, "away")
    shows(tabs[1], CAROL, "away")
    assert site.sockets() == 1
    for window in [*tabs[1:], late]:
        window.close()
    eventually(lambda: site.sockets() == 0, what="no socket")


def test_tabs_without_web_locks_share_one_socket_too(site):
    site = site()
    person = site.person("bob")
    tabs = []
    for _ in range(3):
        tab = person.open()
        tab.before_pages("Object.defineProperty(navigator, 'locks', { value: undefined })")
        tabs.append(tab.open(site.url(dot(ALICE))))
    for tab in tabs:
        shows(tab, ALICE, "offline")
        is_open(tab)
    site.client.stays(BOB, "online", 3)  # while the lease is renewed
    assert site.sockets() == 1
    assert sum(url.startswith("ws") for url in site.browser.requests) == 1
    for tab in tabs[:2]:
        tab.close()
    site.client.login("alice")
    shows(tabs[2], ALICE, "online", within=15)
    eventually(lambda: site.sockets() == 1, what="one socket")


def test_nothing_is_missed_while_the_sidecar_restarts(site):
    site = site(presence={"offline_after": "60s"})
    site.browser.allow_console("ERR_|WebSocket connection")
    site.client.login("carol")
    page = site.window("bob", dot(ALICE) + dot(CAROL))
    everybody = site.window("bob", dot(ALICE), more="<script>window.changes = []</script>")
    is_open(everybody)
    everybody.evaluate("presence.watch('*', (user) => changes.push(user)), 0")
    shows(page, CAROL, "online")
    site.world.sidecar.process.stop()
    for window in (page, everybody):
        window.wait("presence.status === 'waiting'")
        window.offline()
    # All of it while the pages are held off: what they show then, they have caught up with.
    site.world.sidecar.start()
    site.client.login("alice")
    site.client.set_status(CAROL, "away", "10m")
    for window in (page, everybody):
        assert window.evaluate("presence.status") == "waiting"
        window.offline(False)
    shows(page, ALICE, "online", within=10)
    shows(page, CAROL, "away")
    shows(everybody, ALICE, "online", within=10)
    everybody.wait(f"presence.get('{CAROL}')?.online_status === 'away'")


def test_a_connection_that_breaks_is_resumed_by_cursor(site, workshop):
    site = site()
    relay = workshop.keep(Relay(site.world.sidecar.port))
    site.client.address = relay.address
    site.browser.allow_console("ERR_CONNECTION|WebSocket connection")
    page = site.window("bob", dot(ALICE), more="<script>window.seen = []</script>")
    is_open(page)
    page.evaluate("presence.watch('*', (user) => seen.push(user.user_id)), 0")
    site.client.set_status("900", "online", "10m")
    page.wait("seen.includes('900')")
    relay.cut()
    page.wait("presence.status === 'waiting'")
    page.evaluate("seen.length = 0")
    site.client.address = site.world.sidecar.address
    # 200 changes of 40 users; each is told once, in its final state.
    for turn in ("online", "away", "offline", "away", "online"):
        for user in range(1000, 1040):
            site.client.set_status(str(user), turn, "10m")
    site.client.login("alice")
    asked = len(site.browser.requests)
    relay.mend()
    shows(page, ALICE, "online", within=10)
    page.wait("presence.get('1039')?.online_status === 'online'")
    seen = page.evaluate("seen")
    assert sorted(user for user in seen if len(user) == 4) == [str(u) for u in range(1000, 1040)]
    resumed = [url for url in site.browser.requests[asked:] if url.startswith("ws")]
    assert resumed and all("cursor=" in url for url in resumed)


def test_a_leader_that_is_stuck_is_replaced(site):
    site = site()
    person = site.person("bob")
    first = person.open(site.url(dot(ALICE)))
    is_open(first)
    second = person.open(site.url(dot(ALICE)))
    is_open(second)
    first.cdp("Debugger.enable")
    first.cdp("Debugger.pause")
    site.client.set_status(ALICE, "away", "10m")
    shows(second, ALICE, "away", within=30)
    first.cdp("Debugger.resume")
    shows(first, ALICE, "away", within=10)
    eventually(lambda: site.sockets() == 1, what="one socket again")


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


def test_a_page_in_the_browsers_cache_lets_go_and_comes_back(site):
    site = site()
    page = site.window("bob", dot(ALICE))
    is_open(page)
    turn = "dispatchEvent(new PageTransitionEvent('{}', {{ persisted: true }}))"
    page.evaluate(turn.format("pagehide"))
    eventually(lambda: site.sockets() == 0, what="the end of the socket")
    site.client.becomes(BOB, "offline")
    site.client.login("alice")
    # Its clock may go on for a moment: it opens nothing any more.
    site.client.stays(BOB, "offline", 1.5)
    page.evaluate(turn.format("pageshow"))
    shows(page, ALICE, "online")
    assert site.sockets() == 1


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


def test_loaded_twice_it_runs_once(site):
    site = site()
    # Injected first, without the attributes that the page's own tag has.
    injected = '<script src="/_presence/client.js" defer data-presence></script>'
    page = site.person("bob").windows[0]
    page.open(site.url(dot(ALICE), before=injected))
    is_open(page)
    shows(page, ALICE, "offline")
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    assert site.sockets() == 1 and page.evaluate("presence.user") == BOB


def test_callbacks_of_a_page_see_each_state_once(site):
    site = site()
    site.client.login("alice")
    page = site.window("bob")
    is_open(page)
    page.evaluate(
        f"""window.seen = [], window.stop = presence.watch(["{ALICE}", {CAROL}],
          (user) => seen.push(user.user_id + " " + user.online_status)), 0"""
    )
    page.wait("seen.length === 2")
    assert sorted(page.evaluate("seen")) == [f"{ALICE} online", f"{CAROL} offline"]
    site.client.login("carol")
    page.wait(f"seen.includes('{CAROL} online')")
    page.evaluate("stop(), stop(), presence.watch('9', () => { throw Error('of the page') }), 0")
    site.client.set_status(CAROL, "away", "10m")
    site.browser.allow_console("of the page")
    eventually(lambda: any("of the page" in t for _, t in site.browser.console), what="its error")
    assert len(page.evaluate("seen")) == 3
    is_open(page)


def test_more_names_than_a_subscription_holds(site):
    site = site()
    site.client.login("alice")
    page = site.window("bob")
    is_open(page)
    page.evaluate(
        """window.seen = new Map(), presence.watch(
          Array.from({ length: 5000 }, (_, n) => n), (user) => seen.set(user.user_id, user)), 0"""
    )
    page.wait("seen.size === 5000")
    assert page.evaluate(f"seen.get('{ALICE}').online_status") == "online"
    site.client.login("carol")
    page.wait(f"seen.get('{CAROL}').online_status === 'online'")
    # Now that news of everybody comes, further ones need no question.
    page.evaluate("presence.watch('late', (user) => seen.set(user.user_id, user)), 0")
    page.wait("seen.get('late')?.online_status === 'offline'")



def test_who_is_watched_again_is_told_the_present_state(site):
    site = site()
    page = site.window("bob", dot(ALICE))
    shows(page, ALICE, "offline")
    page.evaluate("document.querySelector('presence-dot').remove()")
    site.client.login("alice")
    site.client.set_status(CAROL, "away", "10m")
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '{dot(ALICE)}{dot(CAROL)}')")
    shows(page, CAROL, "away")
    shows(page, ALICE, "online")


def test_where_no_socket_can_be_had_it_polls(site):
    site = site(websocket={"origins": ["https://other.example"]})
    site.browser.allow_console("WebSocket connection")
    page = site.window("bob", dot(ALICE))
    page.wait("presence.status === 'polling'", within=15)
    shows(page, ALICE, "offline")
    site.client.login("alice")
    shows(page, ALICE, "online")
    site.client.set_status(ALICE, "away", "10m")
    shows(page, ALICE, "away")
    assert site.client.status(BOB) == "online"


def test_where_it_polls_the_last_tab_says_that_it_goes(stand, legacy, browser):
    # Debian's nginx with its default `proxy_pass`: the sidecar's prefix is upgraded nowhere.
    site = Site(stand(legacy.address, front="nginx"), browser)
    site.browser.allow_console("WebSocket connection")
    first = site.window("bob", dot(ALICE))
    first.wait("presence.status === 'polling'", within=15)
    second = first.person.open(site.url(dot("77")))
    shows(second, "77", "offline")
    site.client.set_status("77", "away", "10m")
    shows(second, "77", "away")
    tried = sum(url.startswith("ws") for url in site.browser.requests)
    first.close()
    # The other one polls now, and so does the next page: no socket is tried for each.
    site.client.set_status("77", "online", "10m")
    shows(second, "77", "online")
    second.reload()
    shows(second, "77", "online")
    assert sum(url.startswith("ws") for url in site.browser.requests) == tried == 2
    site.client.becomes(BOB, "online")
    second.close()
    site.client.becomes(BOB, "away")
    site.client.stays(BOB, "away", 0.5)
