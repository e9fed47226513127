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
