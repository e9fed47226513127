# Owns the tests of the dashboard for those who see little, use a phone, or read at night.
# Called by pytest.
# Never judges beauty.
import pytest

from harness import tokens
from harness.client import IDS
from harness.dashboard import Dashboard
from harness.waiting import eventually

BOB = IDS["bob"]
LOOKS = {
    "light": {},
    "dark": {"dark": True},
    "phone": {"phone": True},
    "dark phone": {"dark": True, "phone": True},
}


def faults(page):
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found = [f"{wide} pixels too wide"] if wide > 0 else []
    return found + page.nameless_controls() + page.faint_texts()


@pytest.mark.parametrize("look", LOOKS)
def test_contrast_names_and_room(stand, legacy, browser, look):
    world = stand(legacy.address)
    world.client.login("bob")
    world.client.set_status(IDS["carol"], "away", "1h")
    world.client.set_status(IDS["dave"], "offline", "1h")
    page = browser.person().open(**LOOKS[look])
    if "phone" in look:
        page.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=360,
            height=740,
            deviceScaleFactor=2,
            mobile=True,
        )
    board = Dashboard(page, world.client.address)
    page.find("#login-form:not([hidden])")
    assert faults(page) == []
    board.use_token(tokens.admin()).is_live()
    board.show("")
    eventually(lambda: len(board.names) == 4)
    page.wait("document.getAnimations().length === 0")
    assert faults(page) == []
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#user-status').textContent === 'Online'")
    assert faults(page) == []


# What a finger has to meet: the row of a link in the list, the label of a radio button.
SMALL_TARGETS = """[...document.querySelectorAll("a, button, input, select, summary")]
  .filter(control => control.checkVisibility() && !control.matches(".skip"))
  .map(control => [control, (control.closest("tbody tr, fieldset label") ?? control)
    .getBoundingClientRect()])
  .filter(([_, { width, height }]) => width < 44 || height < 44)
  .map(([control, { width, height }]) => `${control.outerHTML.slice(0, 80)} ${width}x${height}`)"""

LINES = """Object.fromEntries(["brand", "logout", "link", "me", "retry"].map(name => {
  const { left, right, top, bottom } =
    document.querySelector(`#${name}, .${name}`).getBoundingClientRect();
  return [name, { left, right, top, bottom }];
}))"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_fingers_and_the_bar_of_a_phone(stand, legacy, browser, dark):
    browser.allow_console("ERR_CONNECTION_(REFUSED|RESET)|WebSocket connection")
    world = stand(legacy.address)
    world.client.login("bob")
    page = browser.person().open(phone=True, dark=dark)
    board = Dashboard(page, world.client.address)
    page.find("#login-form:not([hidden])")
    assert page.evaluate(SMALL_TARGETS) == []
    board.use_token(tokens.mint(77, username="Wolfeschlegelsteinhausenbergerdorff", is_staff=True))
    board.is_live()
    eventually(lambda: len(board.names) == 2)
    assert page.evaluate(SMALL_TARGETS) == []
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#timeline svg') !== null")
    assert page.evaluate(SMALL_TARGETS) == []
    world.sidecar.process.kill()
    page.wait("document.querySelector('#retry').checkVisibility()")
    at = page.evaluate(LINES)
    # Two lines, each from edge to edge: the brand and the way out; the connection, and who one is.
    for left, right in [("brand", "logout"), ("link", "me")]:
        assert at[left]["left"] == 12 and at[left]["right"] < at[right]["left"]
        assert at[left]["top"] < at[right]["bottom"] and at[right]["top"] < at[left]["bottom"]
    assert at["me"]["right"] == 390 - 12
    assert at["retry"]["bottom"] - at["retry"]["top"] == 44
    assert faults(page) == []


@pytest.mark.parametrize("width, font", [(320, 15), (320, 20), (1000, 20)])
def test_nothing_scrolls_sideways(stand, legacy, browser, width, font):
    """At 320 pixels, and with larger letters (WCAG 1.4.10)."""
    world = stand(legacy.address)
    world.client.login("bob")
    page = browser.person().open()
    page.cdp(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=700, deviceScaleFactor=1, mobile=False,
    )
    board = Dashboard(page, world.client.address).use_token(tokens.admin()).is_live()
    eventually(lambda: "bob" in board.names)
    page.evaluate(f"document.documentElement.style.fontSize = '{font}px', 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(f"void (location.hash = '#/users/{BOB}')")
    page.wait("document.querySelector('#timeline svg') !== null")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_landmarks_and_what_is_read_aloud(stand, legacy, browser):
    world = stand(legacy.address)
    page = browser.person().open()
    board = Dashboard(page, world.client.address).use_token(tokens.admin()).is_live()
    eventually(lambda: board.names == ["admin"])
    roles = {node["role"] for node in page.accessibility_tree()}
    assert {"banner", "main", "navigation", "search", "table", "columnheader", "row"} <= roles
    assert "status" in roles and "group" in roles
    page.wait("document.querySelector('#said').textContent.includes('1 user found.')")
    world.client.login("bob")
    page.wait("document.querySelector('#said').textContent.includes('came online')", within=12)
    # The dots are ornaments: the word beside each says the same.
    assert board.row("bob")[0] == "Online"


def test_little_motion_where_it_is_wished(stand, legacy, browser):
    world = stand(legacy.address)
    page = browser.person().open(still=True)
    board = Dashboard(page, world.client.address).use_token(tokens.admin()).is_live()
    board.show("")
    world.client.login("bob")
    eventually(lambda: board.status_of("bob") == "Online")
    assert page.evaluate("document.getAnimations().length") == 0
