# Owns the whole story in a browser: legacy pages without a word of presence, seen through the
# sidecar.
# Called by pytest; before the demo, and before the Django app.
# Never looks into a page's script: what is asked is what a person sees.
import pytest

from harness.processes import free_port
from harness.sidecar import binary, environment
from harness.waiting import eventually


class Demo:
    """A running demo, and how its people sign in."""

    def __init__(self, workshop):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = workshop.start(
            "demo", [binary(), "demo", "--port", self.port], environment(JWT_SECRET=None)
        )
        eventually(lambda: "Stop with Ctrl-C" in self.process.output(), what="the demo's words")

    def sign_in(self, person, name):
        page = person.open(self.address + "/")
        page.type("#username", name)
        page.type("#password", "demo")
        page.click("button")
        page.wait("document.title.startsWith('Team')")
        return page


@pytest.fixture
def demo(workshop):
    return Demo(workshop)


def test_the_pages_of_the_demo_are_fit_for_everybody(demo, browser):
    sign_in = browser.open(demo.address + "/signin/")
    assert sign_in.nameless_controls() == []
    assert sign_in.faint_texts() == []
    page = demo.sign_in(browser.person(), "ada")
    for path in ["/team/", "/patients/", "/people/9/"]:
        page.open(demo.address + path)
        assert page.nameless_controls() == []
        assert page.faint_texts() == []


def test_signing_in_to_the_old_application(world, browser):
    page = browser.open(world.client.address + "/signin/")
    page.type("#name", "alice")
    page.type("#password", "alice-pw")
    page.press("ENTER")
    page.wait("document.title === 'Team'")
    assert world.client.status("2") == "online"
    page.click("#sign-out")
    page.wait("document.title === 'Sign in'")
    assert world.client.status("2") == "offline"
