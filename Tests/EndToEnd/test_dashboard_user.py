# Owns the tests of one user's page on the dashboard: facts, history, setting a status.
# Called by pytest.
# Never tests the list that leads there.
import re
import time

import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Crowd
from harness.waiting import eventually

ALICE, BOB = IDS["alice"], IDS["bob"]


@pytest.fixture
def world(stand, legacy):
    return stand(legacy.address)


def test_a_users_page_and_setting_a_status(board, world):
    bob = world.client.login("bob")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#user-status').textContent === 'Online'")
    facts = page.text("#facts")
    assert "Devices\n1" in facts and "Reason\nlogin" in facts
    page.click("#claim input[value=away]")
    page.click("#for option[value='1h']")
    page.click("#claim button")
    page.wait("document.querySelector('#claim-result').textContent === 'Away for 1 hour.'")
    assert page.text("#user-status") == "Away"
    world.client.work(bob.token)  # it holds, whatever he does
    assert world.client.status(BOB) == "away"
    page.click("#claim input[value=offline]")
    page.click("#for option[value='']")
    page.click("#claim button")
    page.wait("document.querySelector('#user-status').textContent === 'Offline'")
    world.client.work(bob.token)
    page.wait("document.querySelector('#user-status').textContent === 'Online'")


def test_the_last_day_and_a_users_history_as_pictures(board, world):
    bob = world.client.login("bob")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    page.wait("document.querySelectorAll('#day-chart rect.online').length === 24")
    # The last hour's bar is the highest: all that ever were there are in it.
    page.wait("document.querySelector('#peak').textContent.includes('peak: 2 online at')")
    tall = "[...document.querySelectorAll('#day-chart rect')].map(bar => +bar.getAttribute('height'))"
    assert page.evaluate(tall)[-1] == max(page.evaluate(tall)) > 50
    page.click("#day summary")
    assert page.text("#day-table tbody tr:last-child").endswith("2 2")
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelectorAll('#timeline .lane').length === 7")
    page.wait("document.querySelectorAll('#timeline rect.online').length === 1")
    world.client.logout(bob)
    page.wait("document.querySelector('#user-status').textContent === 'Offline'")
    world.client.set_status(BOB, "away")
    page.wait("document.querySelectorAll('#timeline rect.away').length === 1")
    page.click("#days option:last-child")
    page.wait("document.querySelectorAll('#timeline .lane').length === 30")
    page.click("#history summary")
    assert page.text("#history-table tbody tr:first-child").startswith("Away")
    assert page.text("#history-total").startswith("Online for ")
    # Before this sidecar began nothing is known, and that is no absence.
    assert page.text("#history-total").endswith(", as far as known")
    assert page.text("#history-table tbody tr:last-child").startswith("Not known")
    assert page.evaluate("document.querySelectorAll('#timeline rect.gap').length") > 0


def test_who_is_no_admin_sees_neither_reasons_nor_the_form(board, world):
    world.client.login("bob")
    board.sign_in("alice").is_live()
    eventually(lambda: board.status_of("bob") == "Online")
    page = board.window
    seen = "document.querySelector('{}').checkVisibility()"
    assert not page.evaluate(seen.format("th.c-reason"))
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#user-status').textContent === 'Online'")
    assert not page.evaluate(seen.format("#claim"))
    assert not page.evaluate(seen.format("#history"))
    assert "Reason" not in page.text("#facts")


def test_somebody_who_was_never_seen(board):
    board.use_token(tokens.admin()).is_live()
    board.window.evaluate("void (location.hash = '#/users/a%20b%3F')")
    board.window.wait("document.querySelector('#user-status').textContent === 'Offline'")
    assert board.window.text("#user-name") == "a b?"
    assert "Last seen\nnever" in board.window.text("#facts")


def test_a_long_history_is_read_to_its_end(board, world):
    """Answers hold a thousand intervals: what lies behind is asked for as well."""
    crowd = Crowd(world.sidecar.address, 1, first=700)
    for _ in range(1300):
        for status in ("away", "online"):
            crowd.says(0, status)
            # What lasts less than the clock's step is no interval.
            said = time.time_ns() // 1_000_000
            while time.time_ns() // 1_000_000 == said:
                pass
    board.use_token(tokens.admin()).is_live()
    page = board.window
    page.evaluate("void (location.hash = '#/users/700')")
    page.wait("document.querySelector('#timeline svg') !== null")
    first = world.client.get("/_presence/users/700/history", tokens.admin()).json()
    assert first["truncated"] and len(first["intervals"]) == 1000
    total = page.text("#history-total")
    assert "shown up to" not in total and total.endswith(", as far as known")
    page.click("#history summary")
    row = "document.querySelector('#history-table tbody').rows[0].cells[{}].textContent"
    assert page.evaluate(row.format(0)) == "Online" and page.evaluate(row.format(2)) == "now"
    assert page.evaluate("document.querySelectorAll('#timeline rect.online').length") > 501


CUT = """(() => {
  const real = fetch;
  window.asked = [];
  window.fetch = async (url, ...more) => {
    const answer = await real(url, ...more);
    if (!/[/]history[?]/.test(url)) return answer;
    asked.push(new URL(url).searchParams.get("from"));
    const to = new Date(Date.parse(asked.at(-1)) + 60e3).toISOString();
    return new Response(JSON.stringify({ ...await answer.json(), to, truncated: true }));
  };
})()"""


def test_a_history_without_end_is_not_read_for_ever(board, world):
    world.client.login("bob")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    page.evaluate(CUT)
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#history-total').textContent.includes('shown up to')")
    asked = page.evaluate("asked.slice(0, 5)")
    assert len(asked) == 5 and asked == sorted(set(asked))
    # The sixth would be the first of another reading.
    assert page.evaluate("asked[5] ?? asked[0]") == asked[0]


def test_whoever_is_opened_without_a_connection_is_as_the_list_knew_them(board, world, browser):
    browser.allow_console("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    bob = world.client.login("bob")
    world.client.logout(bob)
    world.client.login("alice")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    board.show("")
    eventually(lambda: board.status_of("alice") == "Online")
    eventually(lambda: board.status_of("bob") == "Offline")
    page.click(f"a[href='#/users/{ALICE}']")
    page.wait("document.querySelectorAll('#timeline rect.online').length === 1")
    page.evaluate("history.back()")
    page.find("#overview:not([hidden])")
    page.offline()
    page.wait("document.querySelector('#notice').checkVisibility()", within=20)
    page.click(f"a[href='#/users/{BOB}']")
    page.wait("document.querySelector('#user-error').checkVisibility()")
    assert page.text("#user-name") == "bob"
    assert page.text("#user-status") == "Offline"
    assert "Last seen\njust now" in page.text("#facts")
    assert re.fullmatch(
        r"The server cannot be reached\. What you see is as of \w+ \d+, 20\d\d.*\.",
        page.text("#user-error"),
    )
    # It is bob's page: nothing of alice is left on it.
    assert page.evaluate("document.querySelector('#timeline svg, #history-table *') === null")
    page.offline(False)
    board.is_live(within=10)
    page.wait("document.querySelectorAll('#timeline rect.online').length === 1")
    assert not page.evaluate("document.querySelector('#user-error').checkVisibility()")
