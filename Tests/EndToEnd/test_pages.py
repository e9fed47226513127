# Owns the whole story in a browser: legacy pages without a word of presence, seen through the
# sidecar.
# Called by pytest; before the demo, and before the Django app.
# Never looks into a script: what is asked is what a person sees, and when.
import pytest

from harness.demo import Demo
from harness.sidecar import DOTTED
from harness.waiting import eventually

# What the dots of a page say, in their order: who, and the status in words.
DOTS = """[...document.querySelectorAll("presence-dot")]
    .map(dot => dot.getAttribute("user") + " " + dot.getAttribute("status"))"""

GRACE = 3.0  # of the demo, seconds


def status(page, user):
    """The status of the first dot of that user."""
    return page.evaluate(
        f"""document.querySelector('presence-dot[user="{user}"]')?.getAttribute("status")"""
    )


def becomes(page, user, wanted, within=5.0):
    page.wait(
        f"""document.querySelector('presence-dot[user="{user}"]')
            ?.getAttribute("status") === "{wanted}" """,
        within,
    )


def note_turns(page, user):
    """From now on `__turns` of that page says when that dot became what, in seconds since 1970."""
    page.evaluate(
        f"""(() => {{
          const dot = document.querySelector('presence-dot[user="{user}"]');
          window.__turns = [];
          new MutationObserver(() => {{
            __turns.push([dot.getAttribute("status"), Date.now() / 1000]);
          }}).observe(dot, {{ attributeFilter: ["status"] }});
        }})()"""
    )


def turned(page, wanted, within=5.0):
    """When it became that, by the clock of the page (which is that of this machine)."""
    found = page.wait(f"__turns.find(([status]) => status === '{wanted}')", within)
    return found[1]


def colour(page, user):
    """The dot as it is painted."""
    return page.evaluate(
        f"""getComputedStyle(document.querySelector('presence-dot[user="{user}"]')
            .shadowRoot.querySelector("[part=dot]")).backgroundColor"""
    )


def answered(page):
    """When the form that led to this page was answered, in seconds since 1970."""
    return page.evaluate(
        """(performance.timeOrigin
            + performance.getEntriesByType("navigation")[0].redirectEnd) / 1000"""
    )


@pytest.fixture
def demo(workshop):
    return Demo(workshop)


ANITA = 32  # who does nothing by herself


class TestTheDemo:
    def test_its_pages_are_fit_for_everybody(self, demo, browser):
        sign_in = browser.open(demo.address + "/signin/")
        assert sign_in.nameless_controls() == []
        assert sign_in.faint_texts() == []
        page = demo.sign_in(browser.person(), "ada")
        for path in ["/team/", "/patients/", "/people/9/"]:
            page.open(demo.address + path)
            assert page.nameless_controls() == []
            assert page.faint_texts() == []

    def test_a_dot_stands_before_each_name(self, demo, browser):
        page = demo.sign_in(browser.person(), "ada")
        page.wait("document.querySelectorAll('td > presence-dot + a').length === 32")
        becomes(page, 1, "online")
        assert status(page, ANITA) == "offline"
        page.open(demo.address + "/patients/")
        page.wait("document.querySelectorAll('td .staff > presence-dot').length === 28")
        page.wait(f"new Set({DOTS}.map(dot => dot.split(' ')[1])).size >= 2")

    def test_who_signs_in_turns_green_in_another_window_within_a_second(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        becomes(ada, 1, "online")
        gray = colour(ada, ANITA)
        note_turns(ada, ANITA)
        anita = demo.sign_in(browser.person(), "anita")
        green = turned(ada, "online")
        assert green - answered(anita) < 1
        # The colour fades in.
        eventually(lambda: colour(ada, ANITA) == colour(ada, 1), what="the green of the others")
        assert colour(ada, ANITA) != gray

    def test_who_signs_out_is_gray_at_once(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        anita = demo.sign_in(browser.person(), "anita")
        becomes(ada, ANITA, "online")
        note_turns(ada, ANITA)
        anita.click(".bar button")
        anita.wait("document.title.startsWith('Sign in')")
        assert turned(ada, "offline") - answered(anita) < 1

    def test_who_closes_the_window_is_gray_after_the_grace(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        anita = demo.sign_in(browser.person(), "anita")
        becomes(ada, ANITA, "online")
        becomes(anita, ANITA, "online")
        note_turns(ada, ANITA)
        closed = ada.evaluate("Date.now() / 1000")
        anita.close()
        assert turned(ada, "offline", within=GRACE + 5) - closed >= GRACE

    def test_from_page_to_page_nobody_flickers(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        anita = demo.sign_in(browser.person(), "anita")
        becomes(ada, ANITA, "online")
        note_turns(ada, ANITA)
        for path in ["/patients/", "/people/9/", "/team/"] * 2:
            anita.open(demo.address + path)
        becomes(anita, ANITA, "online")
        assert ada.evaluate("__turns") == []

    def test_the_tooltip_says_who_what_and_when(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        becomes(ada, 1, "online")
        ada.hover("presence-dot[user='1']")
        said = ada.text("[part=tip]", inside="presence-dot[user='1']")
        assert said.split("\n")[0] == "Ada Lindqvist"
        assert said.split("\n")[1].startswith("online")
        ada.hover(f"presence-dot[user='{ANITA}']")
        said = ada.text("[part=tip]", inside=f"presence-dot[user='{ANITA}']")
        assert said == "Anita Desrosiers\noffline · never seen"

    def test_a_click_is_a_chat_to_come_or_the_pages_own(self, demo, browser):
        ada = demo.sign_in(browser.person(), "ada")
        becomes(ada, 1, "online")
        ada.click("presence-dot[user='2']")
        assert "coming soon" in ada.text("[part=tip]", inside="presence-dot[user='2']")
        assert ada.url.endswith("/team/")
        ada.press("ESCAPE")
        ada.evaluate(
            """addEventListener("presence:open", event => {
                event.preventDefault();
                window.__chat = [event.detail.user_id, event.detail.name];
            })"""
        )
        ada.click("presence-dot[user='3']")
        ada.wait("window.__chat")
        assert ada.evaluate("__chat") == ["3", "Linus Berg"]

    def test_what_an_admin_sets_in_the_dashboard_the_pages_show(self, demo, browser):
        ada = browser.person()
        team = demo.sign_in(ada, "ada")
        becomes(team, 1, "online")
        assert status(team, ANITA) == "offline"
        # Who has signed in to the intranet has to nowhere else.
        dashboard = ada.open(demo.address + f"/_presence/dashboard#/users/{ANITA}")
        dashboard.click("#claim [value=away]")
        dashboard.click("#claim button")
        becomes(team, ANITA, "away")
        dashboard.wait("document.querySelector('#user-status').innerText.includes('Away')")

    def test_the_dashboard_sees_who_signs_in_and_out(self, demo, browser):
        ada = browser.person()
        demo.sign_in(ada, "ada").close()
        dashboard = ada.open(demo.address + "/_presence/dashboard")
        listed = "document.querySelector('#users tbody').innerText.includes('Anita')"
        dashboard.wait("document.querySelectorAll('#users tbody tr').length > 10")
        assert not dashboard.evaluate(listed)
        anita = demo.sign_in(browser.person(), "anita")
        dashboard.wait(listed)
        anita.click(".bar button")
        anita.wait("document.title.startsWith('Sign in')")
        dashboard.wait(f"!{listed}", within=10)


@pytest.fixture
def dotted(stand, legacy):
    """The Django app with routes that inject and enrich."""
    return stand(legacy.address, routes=DOTTED)


def sign_in(world, person, name, keep=""):
    page = person.open(world.client.address + "/signin/" + keep)
    page.type("#name", name)
    page.type("#password", name + "-pw")
    page.press("ENTER")
    page.wait("document.title === 'Team'")
    return page


class TestTheDjangoApp:
    def test_its_form_signs_in_and_its_button_out(self, world, browser):
        page = sign_in(world, browser.person(), "alice")
        assert world.client.status("2") == "online"
        page.click("#sign-out")
        page.wait("document.title === 'Sign in'")
        assert world.client.status("2") == "offline"

    @pytest.mark.parametrize(
        "path, dot",
        [
            ("/team/", "td > presence-dot[user='3'] + a"),
            ("/board/", "li > presence-dot[user='3']"),
            ("/roster/", "td.name > presence-dot[user='3']"),
        ],
    )
    def test_a_dot_turns_green_and_gray(self, dotted, browser, path, dot):
        alice = sign_in(dotted, browser.person(), "alice")
        alice.open(dotted.client.address + path)
        alice.find(dot)
        becomes(alice, 2, "online")
        assert status(alice, 3) == "offline"
        note_turns(alice, 3)
        bob = sign_in(dotted, browser.person(), "bob")
        turned(alice, "online", within=2)
        bob.click("#sign-out")
        turned(alice, "offline", within=2)

    def test_rows_that_come_late_get_dots(self, dotted, browser):
        alice = sign_in(dotted, browser.person(), "alice")
        alice.open(dotted.client.address + "/roster/")
        alice.find("presence-dot[user='7']")
        dotted.client.set_status("99", "away")
        alice.click("#more")
        becomes(alice, 99, "away")

    def test_a_token_in_a_cookie_is_found_too(self, dotted, browser):
        alice = sign_in(dotted, browser.person(), "alice", keep="?keep=cookie")
        becomes(alice, 2, "online")

    def test_lists_know_who_is_online(self, dotted, browser):
        page = sign_in(dotted, browser.person(), "admin")
        listed = page.evaluate(
            """fetch("/api/users/admin/users/", { headers: {
                Authorization: "Bearer " + localStorage.getItem("access_token") } })
                .then(answer => answer.json())"""
        )
        assert listed["count"] == len(listed["results"]) == 8
        states = {item["username"]: item["online_status"] for item in listed["results"]}
        assert states["admin"] == "online" and states["bob"] == "offline"
