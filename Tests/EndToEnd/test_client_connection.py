# Owns the tests of client.js's connection: its tabs, its end and return, its API.
# Called by pytest.
# Never looks into the script: what a page or the sidecar sees is what counts.
from harness.client import IDS
from harness.relay import Relay
from harness.site import Site, dot, is_open, shows
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
