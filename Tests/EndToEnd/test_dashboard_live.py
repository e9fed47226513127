# Owns the tests of what is live on the dashboard: changes, broken connections, many users.
# Called by pytest.
# Never waits for more than the change that it has caused.
import re

import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Crowd, Dashboard
from harness.nginx import Nginx
from harness.relay import Relay
from harness.trace import Trace
from harness.waiting import eventually, settled
from harness.window import TWO_FRAMES

BOB, CAROL = IDS["bob"], IDS["carol"]
DOWN = "document.querySelector('#notice-text').textContent.startsWith('Disconnected since')"


@pytest.fixture
def world(stand, legacy):
    return stand(legacy.address)


@pytest.fixture
def board(world, browser):
    board = Dashboard(browser.person().open(), world.client.address)
    return board.use_token(tokens.admin()).is_live()


def quiet(browser):
    """Until the list is not asked for any more: what comes of earlier changes heals too much."""
    settled(lambda: len([url for url in browser.requests if "/users?" in url]), quiet=1.5)


def test_who_signs_in_is_there_within_a_second(board, world):
    eventually(lambda: board.names == ["admin"])
    bob = world.client.login("bob")
    eventually(lambda: board.status_of("bob") == "Online", within=1)
    assert board.counts == "2 0 0 2"
    board.show("")
    eventually(lambda: board.status_of("bob") == "Online")
    world.client.logout(bob)
    eventually(lambda: board.status_of("bob") == "Offline", within=1)
    eventually(lambda: board.counts == "1 0 1 2", within=1)


def test_words_about_time_stay_true(world, browser):
    browser.allow_console("ERR_CONNECTION_REFUSED|WebSocket connection")
    bob = world.client.login("bob")
    world.client.logout(bob)
    page = browser.person().open(clock=True)
    board = Dashboard(page, world.client.address).use_token(tokens.admin()).is_live()
    board.show("offline")
    eventually(lambda: board.row("bob") and board.row("bob")[3] == "just now")
    exact = page.attribute("td.c-seen time", "title")
    assert re.search(r"\b20\d\d\b.*\d:\d\d:\d\d", exact), exact
    # The server's clock counts, as long as there is a server.
    world.sidecar.process.kill()
    page.wait(DOWN)
    page.turn_clock(185)
    eventually(lambda: board.row("bob")[3] == "3 min ago")
    page.turn_clock(2 * 3600)
    eventually(lambda: board.row("bob")[3] == "2 h ago")


def test_a_restart_is_said_and_no_change_is_missed(world, workshop, browser):
    browser.allow_console("ERR_CONNECTION_|WebSocket connection")
    way = workshop.keep(Relay(world.sidecar.port))
    board = Dashboard(browser.person().open(), way.address).use_token(tokens.admin()).is_live()
    world.client.login("bob")
    dave = world.client.login("dave")
    board.show("")
    eventually(lambda: board.status_of("bob") == board.status_of("dave") == "Online")
    quiet(browser)
    world.sidecar.process.kill()
    way.cut()
    board.window.wait(DOWN)
    assert board.window.text("#link").startswith("Disconnected since")
    world.sidecar.start()
    # Nobody tells the dashboard of these: no way leads to it.
    world.client.set_status(BOB, "away", "1h")
    world.client.set_status(CAROL, "online", "1h")
    world.client.logout(dave)
    world.client.login("erin")
    assert board.window.evaluate(DOWN)
    assert board.status_of("bob") == "Online"  # what is known stays to be read
    way.mend()
    board.is_live(within=15)
    changed = {"bob": "Away", CAROL: "Online", "dave": "Offline", "erin": "Online"}
    for name, status in changed.items():
        eventually(lambda: board.status_of(name) == status, what=f"{name} as {status}")
    assert not board.window.evaluate("document.querySelector('#notice').checkVisibility()")


def test_a_broken_connection_goes_on_where_it_was(board, world, browser):
    browser.allow_console("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    bob, carol = world.client.login("bob"), world.client.login("carol")
    eventually(lambda: board.counts == "3 0 0 3")
    board.window.offline()
    board.window.wait(DOWN, within=20)
    world.client.logout(bob)
    world.client.heartbeat(carol.token, "away")
    world.client.login("dave")
    board.window.offline(False)
    board.is_live(within=10)
    eventually(lambda: board.counts == "2 1 1 4")
    eventually(lambda: board.names == ["admin", "dave"])
    sockets = [url for url in browser.requests if "/_presence/ws?" in url]
    assert "cursor=" not in sockets[0] and "cursor=" in sockets[-1]


def test_whatever_sockets_begin_with_elsewhere(stand, legacy, browser):
    world = stand(legacy.address, websocket={"subscription": "none"})
    board = Dashboard(browser.person().open(), world.client.address).use_token(tokens.admin())
    board.is_live()
    world.client.login("bob")
    eventually(lambda: board.status_of("bob") == "Online", within=1)


def test_polling_where_sockets_do_not_pass(world, workshop, browser):
    """nginx as it comes: its proxy_pass knows no upgrade."""
    browser.allow_console("WebSocket connection|426")
    front = Nginx(workshop, world.sidecar.port)
    board = Dashboard(browser.person().open(), front.address).use_token(tokens.admin())
    board.is_live(by="polling", within=10)
    bob = world.client.login("bob")
    eventually(lambda: board.status_of("bob") == "Online", within=2)
    world.client.logout(bob)
    eventually(lambda: board.status_of("bob") is None)


# Pages of the list are answered from now on, but the page has none of them, until `letGo()` gives
# it the first. `shown` is what has stood in the row of that name since, at each frame another.
HOLD = """(name => {
  const real = fetch;
  let free;
  const gate = new Promise(resolve => { free = resolve; }), never = new Promise(() => {});
  window.held = 0;
  window.fetch = async (url, ...more) => {
    const answer = await real(url, ...more);
    if (!/[/]users[?]/.test(url)) return answer;
    const text = await answer.text();
    await (held++ ? never : gate);
    return new Response(text, { headers: answer.headers });
  };
  window.shown = [];
  const look = () => {
    const row = [...document.querySelectorAll("#users tbody tr")]
      .find(row => row.querySelector("a")?.textContent === name);
    const word = row?.querySelector(".c-status").innerText.trim();
    if (word && word !== shown.at(-1)) shown.push(word);
    requestAnimationFrame(look);
  };
  window.letGo = () => { free(); look(); };
})"""


def test_a_change_counts_more_than_a_page_asked_for_before_it(board, world, browser):
    crowd = Crowd(world.sidecar.address, 30).come()
    page = board.window
    page.click("#size option:first-child")
    board.show("")
    eventually(lambda: board.status_of("person 10009") == "Online")
    quiet(browser)
    page.evaluate(HOLD + "('person 10027')")
    page.click("#next")
    page.wait("held === 1")
    crowd.says(27, "away")
    eventually(lambda: board.counts == "30 1 0 31")
    page.evaluate("letGo()")
    # No later answer can mend it: there is none.
    page.wait("shown.length > 0")
    page.evaluate(TWO_FRAMES)
    assert page.evaluate("shown") == ["Away"]


def test_news_are_told_without_an_empty_half(board, world):
    world.client.login("bob")
    said = "document.querySelector('#said').textContent"
    board.window.wait(f"{said}.includes('1 user came online.')", within=10)
    assert "0 users" not in board.window.evaluate(said)


def test_an_error_on_a_users_page_goes_with_its_cause(board, world, browser):
    browser.allow_console("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    page = board.window
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#user-status').textContent === 'Offline'")
    page.offline()
    page.evaluate(f"void (location.hash = '#/users/{CAROL}')")
    page.wait("document.querySelector('#user-error').checkVisibility()")
    page.wait(DOWN, within=20)
    page.offline(False)
    board.is_live(within=10)
    page.wait("document.querySelector('#user-status').textContent === 'Offline'")
    page.wait("!document.querySelector('#user-error').checkVisibility()")


# Scrolls in each frame to `place`, an expression of `part` (of the time, 0 to 1) and `end`.
SCROLL = """((seconds, place) => new Promise(done => {
  const end = document.documentElement.scrollHeight - innerHeight, began = performance.now();
  const step = () => {
    const part = Math.min(1, (performance.now() - began) / 1000 / seconds);
    scrollTo(0, place(part, end));
    part < 1 ? requestAnimationFrame(step) : done(true);
  };
  step();
}))"""
THERE_AND_BACK = SCROLL + "(5, (part, end) => end * (part < 0.8 ? part / 0.8 : 5 - 5 * part))"
NEAR_THE_TOP = SCROLL + "(3, part => 150 - 150 * Math.cos(20 * part))"

# Counts from now on, by name, how often a status in sight has become another.
WATCH = """(() => {
  const known = new Map();
  window.turns = {};
  const look = () => {
    for (const row of document.querySelectorAll("#users tbody tr")) {
      const name = row.querySelector("a")?.textContent, status = row.cells[0].textContent;
      if (known.has(name) && known.get(name) !== status) turns[name] = (turns[name] ?? 0) + 1;
      known.set(name, status);
    }
    requestAnimationFrame(look);
  };
  look();
})()"""

# What the measurement has to find, once there is such a thing.
PLANTED = """void setTimeout(function planted() {
  const end = performance.now() + 400;
  while (performance.now() < end);
})"""


@pytest.mark.timeout(150)
def test_5000_rows_and_100_changes_a_second(board, world):
    crowd = Crowd(world.sidecar.address, 5000).come()
    page = board.window
    board.show("")
    page.click("#size option[value=all]")
    page.wait("document.documentElement.scrollHeight > 200_000")
    changes = world.sidecar.metrics()["presence_changes_total"]
    with Trace(page) as trace:
        everywhere = crowd.flicker(range(0, 5000, 50), per_second=100, seconds=6)
        page.evaluate(THERE_AND_BACK)
        rates = [everywhere.join()]
        in_sight = [int(name.split()[1]) - 10_000 for name in board.names[1:16]]
        page.evaluate(WATCH)
        nearby = crowd.flicker(in_sight, per_second=100, seconds=3)
        page.evaluate(PLANTED)
        page.evaluate(NEAR_THE_TOP)
        rates.append(nearby.join())
    # They did change, that often, and before the reader's eyes.
    assert min(rates) > 95, rates
    assert world.sidecar.metrics()["presence_changes_total"] - changes == 900
    turns = page.evaluate("turns")
    assert sum(turns.get(f"person {10_000 + number}", 0) for number in in_sight) > 150, turns
    # By the processor's time: what a task waits for a busy machine's core is not the page's doing.
    slow = [task for task in trace.tasks if task.processor > 100]
    assert [task.functions for task in slow] == [("planted",)], slow
    # And what is shown at last is true.
    eventually(lambda: board.counts == "5,001 0 0 5,001")
    eventually(lambda: board.names[:2] == ["admin", "person 10000"])
    eventually(lambda: {board.status_of(name) for name in board.names} == {"Online"})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    eventually(lambda: "person 14999" in board.names)
    assert page.evaluate("document.querySelectorAll('#users tbody tr').length") < 60
