# Owns the tests of what is live on the dashboard: changes, broken connections, many users.
# Called by pytest.
# Never waits for more than the change that it has caused.
import re

import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Crowd, Dashboard
from harness.nginx import Nginx
from harness.trace import Trace
from harness.waiting import eventually, settled

BOB, CAROL = IDS["bob"], IDS["carol"]
DOWN = "document.querySelector('#notice-text').textContent.startsWith('Disconnected since')"


@pytest.fixture
def world(stand, legacy):
    return stand(legacy.address)


@pytest.fixture
def board(world, browser):
    board = Dashboard(browser.person().open(), world.client.address)
    return board.use_token(tokens.admin()).is_live()


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


def test_a_restart_is_said_and_no_change_is_missed(board, world, browser):
    browser.allow_console("ERR_CONNECTION_REFUSED|WebSocket connection|503|502")
    world.client.login("bob")
    board.show("")
    eventually(lambda: board.status_of("bob") == "Online")
    world.sidecar.process.kill()
    board.window.wait(DOWN)
    assert board.window.text("#link").startswith("Disconnected since")
    assert board.status_of("bob") == "Online"  # what is known stays to be read
    world.sidecar.start()
    # Nobody has told the dashboard of these: it was not there.
    world.client.set_status(BOB, "away", "1h")
    world.client.set_status(CAROL, "online", "1h")
    board.is_live(within=15)
    eventually(lambda: board.status_of("bob") == "Away")
    eventually(lambda: board.row(CAROL) is not None or board.row("carol") is not None)
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


HOLD = """(() => {
  const real = fetch;
  let free;
  const gate = new Promise(resolve => { free = resolve; });
  window.held = 0;
  window.letGo = () => { window.fetch = real; free(); };
  window.fetch = async (url, ...more) => {
    const answer = await real(url, ...more);
    if (!/[/]users[?]/.test(url)) return answer;
    const text = await answer.text();
    window.held++;
    await gate;
    return new Response(text, { headers: answer.headers });
  };
})()"""


def test_a_change_counts_more_than_a_page_asked_for_before_it(board, world, browser):
    crowd = Crowd(world.sidecar.address, 30).come()
    page = board.window
    page.click("#size option:first-child")
    board.show("")
    eventually(lambda: board.status_of("person 10009") == "Online")
    # Else what the crowd's coming has caused asks anew, and heals it.
    settled(lambda: len([url for url in browser.requests if "/users?" in url]), quiet=1.5)
    page.evaluate(HOLD)
    page.click("#next")
    page.wait("held === 1")
    crowd.says(27, "away")
    eventually(lambda: board.counts == "30 1 0 31")
    page.evaluate("letGo()")
    eventually(lambda: board.status_of("person 10027") == "Away")


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


SCROLL = """new Promise(done => {
  const end = document.documentElement.scrollHeight - innerHeight, began = performance.now();
  const step = () => {
    const part = (performance.now() - began) / 5000;
    scrollTo(0, end * Math.min(1, part < 0.8 ? part / 0.8 : 5 - 5 * part));
    part < 1 ? requestAnimationFrame(step) : done(true);
  };
  step();
})"""


@pytest.mark.timeout(150)
def test_5000_rows_and_100_changes_a_second(board, world):
    crowd = Crowd(world.sidecar.address, 5000).come()
    page = board.window
    board.show("")
    page.click("#size option[value=all]")
    page.wait("document.querySelector('#users').ariaRowCount === '5002'")
    with Trace(page) as trace:
        changes = crowd.flicker(per_second=100, seconds=6)
        page.evaluate(SCROLL)
        changes.join()
    assert len(trace.tasks) > 500
    # By the processor's time: what a task waits for a busy machine's core is not the page's doing.
    assert [task for task in trace.tasks if task[0] > 100] == []
    # And what is shown at last is true.
    eventually(lambda: board.counts == "5,001 0 0 5,001")
    eventually(lambda: board.names[:2] == ["admin", "person 10000"])
    eventually(lambda: {board.status_of(name) for name in board.names} == {"Online"})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    eventually(lambda: "person 14999" in board.names)
    assert page.evaluate("document.querySelectorAll('#users tbody tr').length") < 60
