# Owns the tests of the dashboard's views: signing in, the list, a user's page, setting a status.
# Called by pytest.
# Never tests what is live (test_dashboard_live) or how it looks (test_dashboard_looks).
import re

import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Crowd, Dashboard
from harness.waiting import eventually

ALICE, BOB = IDS["alice"], IDS["bob"]
SERVICE = "wallboard-token-of-this-test"


@pytest.fixture
def world(stand, legacy, tmp_path):
    secret = tmp_path / "wallboard"
    secret.write_text(SERVICE)
    service = [{"name": "wallboard", "token_file": str(secret)}]
    return stand(legacy.address, tokens={"service": service})


@pytest.fixture
def board(world, browser):
    return Dashboard(browser.person().open(), world.client.address)


def stored_token(board):
    return board.window.evaluate(
        "[Object.values(sessionStorage).length, Object.values(localStorage).length]"
    )


# Signing in.


def test_signing_in_by_the_applications_own_login(board, world, browser):
    # A question may be on its way when the token goes.
    browser.allow_console("401")
    board.sign_in("alice").is_live()
    board.window.wait("document.querySelector('#me').textContent === 'alice'")
    eventually(lambda: board.status_of("alice") == "Online", what="alice's own row")
    # The application's login counts as one: she is online by it, and the token is in this tab.
    assert world.client.presence(ALICE)["online_status"] == "online"
    assert stored_token(board) == [1, 0]
    board.window.reload()
    board.is_live()
    board.window.click("#logout")
    board.window.find("#login-form:not([hidden])")
    assert stored_token(board) == [0, 0]
    assert board.names == [] or not board.window.evaluate(
        "document.querySelector('#overview').checkVisibility()"
    )


def test_a_wrong_password_is_said_in_words(board, browser):
    browser.allow_console("401")
    board.sign_in("alice", "no-such-password")
    board.window.wait("document.querySelector('#login-error').textContent.length > 10")
    assert "No active account" in board.window.text("#login-error")
    assert stored_token(board) == [0, 0]
    board.sign_in("alice").is_live()


def test_a_token_that_was_pasted(board):
    board.use_token(tokens.admin()).is_live()
    board.window.wait("document.querySelector('#me').textContent === 'admin'")


@pytest.mark.parametrize("copied", ["Bearer {}", "jwt  {}", "'{}'", '"Token {}" '])
def test_a_token_as_it_was_copied(board, copied):
    board.use_token(copied.format(tokens.admin())).is_live()
    board.window.wait("document.querySelector('#me').textContent === 'admin'")


@pytest.mark.parametrize("token", ["wall/board+of==this", "a,b;c(d)@e{f}<g>[h]"])
def test_a_token_that_cannot_be_a_subprotocol(stand, legacy, browser, tmp_path, token):
    secret = tmp_path / "odd"
    secret.write_text(token)
    world = stand(
        legacy.address, tokens={"service": [{"name": "odd", "token_file": str(secret)}]}
    )
    board = Dashboard(browser.person().open(), world.client.address)
    board.use_token(token).is_live()


def test_a_token_that_does_not_count(board):
    board.use_token(tokens.expired(2))
    board.window.wait("document.querySelector('#login-error').textContent.includes('not count')")
    assert stored_token(board) == [0, 0]


def test_a_service_looks_on_and_is_nobody(board, world):
    world.client.login("bob")
    board.use_token(SERVICE).is_live()
    board.window.wait("document.querySelector('#me').textContent === 'A service'")
    eventually(lambda: board.status_of("bob") == "Online")
    assert world.client.get("/_presence/stats", SERVICE).json()["users"] == 1


def test_a_session_that_ends_leads_back_to_the_login(board, world):
    alice = world.client.login("alice")
    board.use_token(alice.token).is_live()
    world.client.logout(alice)
    board.window.wait("document.querySelector('#login-error').textContent.includes('ended')")
    assert stored_token(board) == [0, 0]


def test_logging_out_leaves_nothing_of_anybody(board, world, browser):
    # A question may be on its way when the token goes.
    browser.allow_console("401")
    world.client.login("bob")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    eventually(lambda: board.status_of("bob") == "Online")
    page.wait("document.querySelector('#said').textContent !== ''")
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelectorAll('#timeline rect.online').length === 1")
    page.click("#logout")
    page.find("#login:not([hidden])")
    left = "document.documentElement.textContent + location.hash"
    assert not re.search("bob|admin|users/", page.evaluate(left))
    assert page.evaluate("document.querySelector('#users.admin, #users a, svg text') === null")
    assert page.evaluate("document.querySelector('#said').textContent") == ""
    # Whoever comes next sees what is theirs.
    board.sign_in("alice").is_live()
    assert page.evaluate("location.hash") == "#/"
    eventually(lambda: board.status_of("bob") == "Online")
    assert not page.evaluate("document.querySelector('th.c-reason').checkVisibility()")


@pytest.fixture
def with_cookies(stand, legacy):
    return stand(legacy.address, tokens={"from": ["header:Authorization", "cookie:access"]})


def a_page_with_a_cookie(browser, world, token):
    page = browser.person().open()
    page.cdp("Network.enable")
    page.cdp("Network.setCookie", url=world.client.address, name="access", value=token)
    return page


def test_who_is_signed_in_by_a_cookie_is_in_at_once(with_cookies, browser):
    world = with_cookies
    world.client.login("bob")
    page = a_page_with_a_cookie(browser, world, tokens.admin())
    board = Dashboard(page, world.client.address).is_live()
    assert stored_token(board) == [0, 0]
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#user-status').textContent === 'Online'")
    page.click("#claim input[value=away]")
    page.click("#claim button")
    page.wait("document.querySelector('#user-status').textContent === 'Away'")


def test_a_token_beside_somebody_elses_cookie(with_cookies, browser):
    """A socket would show both, and be nobody's: changes come by polling then."""
    browser.allow_console("WebSocket connection|401")
    world = with_cookies
    page = a_page_with_a_cookie(browser, world, tokens.mint(77, username="somebody"))
    board = Dashboard(page, world.client.address).is_live()
    page.wait("document.querySelector('#me').textContent === 'somebody'")
    page.click("#logout")
    board.use_token(tokens.admin()).is_live(by="polling", within=10)
    page.wait("document.querySelector('#me').textContent === 'admin'")


# The list.


@pytest.fixture
def crowd(world):
    """A hundred and twenty people, person 10000 to person 10119."""
    return world.client and Crowd(world.sidecar.address, 120).come()


def test_pages(board, crowd):
    board.use_token(tokens.admin()).is_live()
    eventually(lambda: len(board.names) > 10)
    eventually(lambda: board.counts == "121 0 0 121")
    assert board.window.text("#pages") == "of 3"
    first = board.names
    board.window.click("#next")
    eventually(lambda: board.names and board.names[0] == "person 10049")
    assert not set(first) & set(board.names)
    board.window.click("#next")
    eventually(lambda: board.names[0] == "person 10099")
    assert len(board.names) == 21
    assert not board.window.find("#next").is_enabled()
    board.window.evaluate("document.querySelector('#page').select()")
    board.window.press("1", "ENTER")
    eventually(lambda: board.names[0] == first[0])
    board.window.click("#size option[value=all]")
    board.window.wait("document.querySelector('#users').ariaRowCount === '122'")


def test_searching_sorting_and_filtering(board, crowd, world):
    board.use_token(tokens.admin()).is_live()
    board.window.type("#search", "person 1001")
    eventually(lambda: board.names == [f"person {i}" for i in range(10010, 10020)])
    board.window.click("th.c-id button")
    board.window.wait("document.querySelector('th.c-id').ariaSort === 'ascending'")
    crowd.says(13, "away")
    eventually(lambda: "person 10013" not in board.names)
    board.show("away")
    eventually(lambda: board.names == ["person 10013"])
    assert board.status_of("person 10013") == "Away"
    board.show("offline")
    board.window.wait("document.querySelector('#empty').textContent.includes('person 1001')")
    # Whoever looks in the wrong list is shown the way.
    assert board.window.text("#empty").endswith(" Try Everyone.")
    board.show("")
    eventually(lambda: len(board.names) == 10)
    board.window.type("#search", " ")
    board.window.click("th.c-seen button")
    board.window.wait("document.querySelector('th.c-seen').ariaSort === 'descending'")
    board.window.click("th.c-seen button")
    board.window.wait("document.querySelector('th.c-seen').ariaSort === 'ascending'")
    eventually(lambda: board.names[0] == "person 10000")


def test_the_keyboard_alone(board, crowd):
    board.use_token(tokens.admin()).is_live()
    eventually(lambda: "person 10000" in board.names)
    page = board.window
    focused = "document.activeElement.textContent"
    page.press("TAB")
    for _ in range(30):
        if page.evaluate("document.activeElement.closest('tbody') !== null"):
            break
        page.press("TAB")
    assert page.evaluate(focused) == "admin"
    page.press("ARROW_DOWN", "ARROW_DOWN")
    assert page.evaluate(focused) == "person 10001"
    page.press("END")
    assert page.evaluate(focused) == "person 10048"
    page.press("HOME", "ARROW_DOWN", "ENTER")
    page.wait("location.hash === '#/users/10000'")
    page.wait("document.activeElement.id === 'user-title'")
    page.evaluate("history.back()")
    page.wait(f"{focused} === 'person 10000'")


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\u202eevil\u202c",
    "&amp;<b>bold</b>",
    "\U0001f469\u200d\U0001f692 " * 3,
    "\u05d0\u05d1\u05d2 \u0627\u0644\u0639",
    "n" * 256,
]


def test_names_are_text_whatever_they_hold(board, world):
    for number, name in enumerate(HOSTILE, 500):
        world.client.heartbeat(tokens.mint(number, username=name.strip()))
    board.use_token(tokens.admin()).is_live()
    wanted = {name.strip() for name in HOSTILE}
    eventually(lambda: wanted <= set(board.names), what="the names as they are")
    page = board.window
    assert page.evaluate("document.querySelectorAll('main img, main b b').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("void (location.hash = '#/users/500')")
    page.wait(f"document.querySelector('#user-name').textContent === {HOSTILE[0]!r}")


# One user.


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
