# Owns the tests of signing in to the dashboard, and out of it.
# Called by pytest.
# Never tests what is seen then: the list (test_dashboard_list), a user's page
# (test_dashboard_user), what is live (test_dashboard_live), how it looks (test_dashboard_looks).
import json
import re

import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Dashboard
from harness.sidecar import ROUTES
from harness.waiting import eventually

ALICE, BOB = IDS["alice"], IDS["bob"]
SERVICE = "wallboard-token-of-this-test"


@pytest.fixture
def world(stand, legacy, tmp_path):
    secret = tmp_path / "wallboard"
    secret.write_text(SERVICE)
    service = [{"name": "wallboard", "token_file": str(secret)}]
    return stand(legacy.address, tokens={"service": service})


def stored_token(board):
    return board.window.evaluate(
        "[Object.values(sessionStorage).length, Object.values(localStorage).length]"
    )


def test_signing_in_by_the_applications_own_login(board, world):
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


@pytest.mark.parametrize("copied", ["Bearer {}", "jwt  {}", "'{}'", '"Token {}" ', "\u201cBearer {}\u201d\u200b"])
def test_a_token_as_it_was_copied(board, copied):
    board.use_token(copied.format(tokens.admin())).is_live()
    board.window.wait("document.querySelector('#me').textContent === 'admin'")


@pytest.mark.parametrize("copied", ["abc\u2026def", "two words", "\u201c\u201d"])
def test_what_can_be_no_token_is_said_to_be_none(board, copied):
    board.use_token(copied)
    board.window.wait("document.querySelector('#login-error').textContent.includes('no token')")
    assert stored_token(board) == [0, 0]


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


def test_a_logout_on_another_device_ends_no_session_here(board, world):
    """It ends all sockets of the person; the token of this one still counts."""
    here, there = world.client.login("alice"), world.client.login("alice")
    board.use_token(here.token).is_live()
    eventually(lambda: board.status_of("alice") == "Online")
    before = board.window.evaluate("performance.getEntriesByType('resource').length")
    world.client.logout(there)
    asked = f"performance.getEntriesByType('resource').slice({before}).some(at => at.name.endsWith('whoami'))"
    board.window.wait(asked)
    board.is_live()
    eventually(lambda: board.status_of("alice") == "Online")
    assert stored_token(board) == [1, 0]


def test_logging_out_leaves_nothing_of_anybody(board, world):
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


# Questions on their way when somebody logs out, and one after that: [aborted?].
LOG_OUT_WHILE_ASKING = """(() => {
  const real = fetch, signals = [];
  window.fetch = (url, request) => { signals.push(request.signal); return real(url, request); };
  document.querySelector("th.c-id button").click();
  document.querySelector("#logout").click();
  document.querySelector("th.c-name button").click();
  return signals.map(signal => signal.aborted);
})()"""


def test_nothing_is_asked_by_whoever_has_logged_out(board):
    board.use_token(tokens.admin()).is_live()
    eventually(lambda: board.names == ["admin"])
    assert board.window.evaluate(LOG_OUT_WHILE_ASKING) == [True, True]
    board.window.find("#login-form:not([hidden])")


# Applications differ in what their logins read.


class PickyLogin:
    """A login that wants these members, and as text; the rest depends on how strict it is."""

    def __init__(self, backend, wanted, is_strict=False):
        self.wanted, self.is_strict = wanted, is_strict
        self.bodies = []
        backend.handler = self

    def __call__(self, call):
        if call.target != "/api/auth/login/":
            return call.reply(200)
        body = json.loads(call.read_body())
        self.bodies.append(body)
        fits = body == self.wanted if self.is_strict else self.wanted.items() <= body.items()
        answer = {"access": tokens.mint(BOB, username="bob")} if fits else {"message": "Sent what?"}
        fields = [("Content-Type", "application/json")]
        call.reply(200 if fits else 422, fields, json.dumps(answer).encode())


@pytest.mark.parametrize(
    "typed, wanted",
    [
        ("bob@example.test", {"email": "bob@example.test", "password": "secret"}),
        ("bob@example.test", {"username": "bob@example.test", "password": "secret"}),
        ("bob", {"username": "bob", "password": "secret"}),
    ],
)
def test_a_login_by_name_or_by_email(stand, recorder, browser, typed, wanted):
    login = PickyLogin(recorder, wanted)
    world = stand(recorder.address)
    board = Dashboard(browser.person().open(), world.client.address)
    assert board.window.text("label[for=username]") == "User name or email"
    board.sign_in(typed, "secret").is_live()
    # Who has only a name is not said to have an address.
    assert ("email" in login.bodies[0]) == ("@" in typed)


@pytest.mark.parametrize(
    "credentials, label, wanted",
    [
        (
            {"username": "$.email"},
            "Email address",
            {"email": "bob@example.test", "password": "secret"},
        ),
        (
            {"username": "$.user.email", "password": "$.user['pass word']"},
            "Email address",
            {"user": {"email": "bob@example.test", "pass word": "secret"}},
        ),
        (
            {"username": "$.username"},
            "User name",
            {"username": "bob@example.test", "password": "secret"},
        ),
    ],
)
def test_a_login_gets_what_the_configuration_says(
    stand, recorder, browser, credentials, label, wanted
):
    PickyLogin(recorder, wanted, is_strict=True)
    route = dict(ROUTES[0], credentials=credentials)
    world = stand(recorder.address, routes=[route, *ROUTES[1:]])
    board = Dashboard(browser.person().open(), world.client.address)
    board.window.find("#login:not([hidden])")
    assert board.window.text("label[for=username]") == label
    board.sign_in("bob@example.test", "secret").is_live()


def test_the_token_stands_where_the_first_of_the_places_has_one(stand, recorder, browser):
    PickyLogin(recorder, {"username": "bob", "password": "secret"})
    places = ["$.data.access", "header:X-Token", "$.access"]
    route = dict(ROUTES[0], token=places)
    world = stand(recorder.address, routes=[route, *ROUTES[1:]])
    board = Dashboard(browser.person().open(), world.client.address)
    board.sign_in("bob", "secret").is_live()


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
