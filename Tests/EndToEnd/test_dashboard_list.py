# Owns the tests of the dashboard's list: pages, searching, sorting, and the address that keeps them.
# Called by pytest.
# Never tests what changes by itself: that is test_dashboard_live's.
import pytest

from harness import tokens
from harness.dashboard import Crowd, Dashboard
from harness.waiting import eventually


@pytest.fixture
def world(stand, legacy):
    return stand(legacy.address)


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


def test_pages_turn_where_the_browser_takes_no_further_address(board, crowd):
    board.use_token(tokens.admin()).is_live()
    eventually(lambda: len(board.names) > 10)
    board.window.evaluate(
        "history.pushState = history.replaceState = () => { throw new DOMException('', 'SecurityError'); }, 0"
    )
    board.window.click("#next")
    eventually(lambda: board.names and board.names[0] == "person 10049")
    assert board.window.evaluate("document.querySelector('#page').value") == "2"


def test_a_change_flashes_once(board, crowd):
    board.use_token(tokens.admin()).is_live()
    board.show("")
    board.window.click("#size option[value=all]")
    board.window.evaluate("scrollTo(0, 0), 0")
    eventually(lambda: "person 10003" in board.names)
    crowd.says(3, "away")
    board.window.wait("document.querySelector('tr.changed')?.textContent.includes('person 10003')")
    board.window.evaluate("scrollTo(0, document.body.scrollHeight), 0")
    eventually(lambda: "person 10003" not in board.names)
    board.window.evaluate("scrollTo(0, 0), 0")
    eventually(lambda: "person 10003" in board.names)
    assert board.window.evaluate("document.querySelector('tr.changed') === null")


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


# The address keeps the list: for a reload, the back button, and whoever is sent it.


def the_list(board):
    """What is asked for, as the page shows it."""
    return board.window.evaluate(
        "[document.querySelector('#tiles [aria-pressed=true]').value,"
        " document.querySelector('#search').value,"
        " document.querySelector('[aria-sort] button').value"
        " + ' ' + document.querySelector('[aria-sort]').ariaSort,"
        " document.querySelector('#page').value, document.querySelector('#size').value]"
    )


USUAL = ["online", "", "name ascending", "1", "50"]


def test_the_address_keeps_the_list(board, crowd, browser):
    board.use_token(tokens.admin()).is_live()
    page = board.window
    eventually(lambda: len(board.names) > 10)
    assert page.evaluate("location.hash") in ("", "#/")
    board.show("")
    page.click("th.c-id button")
    page.click("#size option:first-child")
    page.type("#search", "son 100")
    eventually(lambda: board.names[0] == "person 10000")
    page.click("#next")
    eventually(lambda: board.names[0] == "person 10025")
    chosen = ["", "son 100", "user_id ascending", "2", "25"]
    assert the_list(board) == chosen
    address = page.url
    page.reload()
    board.is_live()
    eventually(lambda: "person 10030" in board.names)
    assert the_list(board) == chosen
    # To somebody, and back to where one came from.
    page.click("#users a")
    page.find("#user:not([hidden])")
    page.click("#back")
    eventually(lambda: page.url == address)
    eventually(lambda: "person 10030" in board.names)
    # Each step is undone; what was typed is one step.
    steps = [
        ["", "son 100", "user_id ascending", "1", "25"],
        ["", "", "user_id ascending", "1", "25"],
        ["", "", "user_id ascending", "1", "50"],
        ["", "", "name ascending", "1", "50"],
        USUAL,
    ]
    page.evaluate("history.go(-2)")
    for step in steps:
        page.evaluate("history.back()")
        eventually(lambda: the_list(board) == step, what=f"{step}")
    eventually(lambda: board.names[0] == "admin")
    # Who is sent it signs in, and sees the same.
    other = Dashboard(browser.person().open(), address.split("/_presence")[0])
    other.window.open(address)
    other.use_token(tokens.admin()).is_live()
    eventually(lambda: "person 10030" in other.names)


@pytest.mark.parametrize(
    "hash",
    [
        "#/?status=dancing&search=&ordering=luck&page=-3&size=7",
        "#/?page=1e3&page=2&size=&status=%ZZ%00&ordering=__proto__",
        "#/?%E0%A4%A&&&==&page=NaN",
        "#?status=online?x",
        "#/users/",
        "#/users/%ZZ",
        "#nonsense",
    ],
)
def test_an_address_that_makes_no_sense_is_the_usual_list(board, world, hash):
    board.use_token(tokens.admin()).is_live()
    page = board.window
    board.show("away")
    eventually(lambda: the_list(board)[0] == "away")
    page.evaluate(f"void (location.hash = {hash!r})")
    eventually(lambda: the_list(board) == USUAL)
    eventually(lambda: board.names == ["admin"])
    page.reload()
    board.is_live()
    eventually(lambda: board.names == ["admin"])
    assert the_list(board) == USUAL


def test_a_page_that_is_not_there_any_more(board, crowd, browser):
    browser.allow_console("404")
    board.use_token(tokens.admin()).is_live()
    eventually(lambda: len(board.names) > 10)
    board.window.evaluate("void (location.hash = '#/?page=99999')")
    eventually(lambda: board.names and board.names[0] == "person 10099")
    board.window.reload()
    board.is_live()
    board.window.evaluate("void (location.hash = '#/?page=77777&search=person%201000')")
    eventually(lambda: board.names == [f"person {i}" for i in range(10000, 10010)])
    assert len([url for url in browser.requests if "page=" in url and "7777" in url]) < 4


# Without a connection.


def test_no_old_rows_under_a_new_question(board, crowd, browser):
    browser.allow_console("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    board.use_token(tokens.admin()).is_live()
    page = board.window
    eventually(lambda: board.counts == "121 0 0 121")
    page.click("#next")
    eventually(lambda: board.names and board.names[0] == "person 10049")
    page.offline()
    page.wait("document.querySelector('#notice').checkVisibility()", within=20)
    # What was there is there still, and is found again.
    page.click("#previous")
    eventually(lambda: board.names and board.names[0] == "admin")
    cannot = "This cannot be asked now. The server cannot be reached."
    for change in [
        lambda: page.evaluate("void (location.hash = '#/?page=3')"),
        lambda: page.type("#search", "person 1000"),
        lambda: board.show("away"),
        lambda: page.click("th.c-id button"),
    ]:
        change()
        page.wait(f"document.querySelector('#empty').textContent === {cannot!r}")
        assert board.names == []
        assert page.evaluate("document.querySelector('#users').ariaRowCount") == "1"
    page.wait(f"document.querySelector('#said').textContent.includes({cannot!r})", within=2)
    board.show("")
    page.offline(False)
    board.is_live(within=10)
    eventually(lambda: board.names == [f"person {i}" for i in range(10000, 10010)])
    assert not page.evaluate("document.querySelector('#empty').checkVisibility()")


STALL = """(() => {
  const real = fetch;
  window.fetch = (url, request) => /[/]users[?]/.test(url)
    ? new Promise((_, reject) => request.signal.addEventListener("abort", reject))
    : real(url, request);
})()"""


def test_no_old_rows_while_the_server_thinks(board, crowd):
    board.use_token(tokens.admin()).is_live()
    page = board.window
    eventually(lambda: len(board.names) > 10)
    page.evaluate(STALL)
    page.type("#search", "nobody at all")
    page.wait("document.querySelector('#empty').textContent === 'Asking …'")
    assert board.names == []


# What screen readers are told.


def test_an_answer_is_told_at_once(board, world):
    page = board.window
    board.use_token(tokens.admin()).is_live()
    said = "document.querySelector('#said').textContent"
    page.wait(f"{said}.includes('1 user found.')")
    page.evaluate("""(() => {
      window.told = [];
      const said = document.querySelector("#said"), input = document.querySelector("#search");
      new MutationObserver(() => told.push([said.textContent, performance.now()]))
        .observe(said, { childList: true });
      new MutationObserver(() => told.push(["shown", performance.now()]))
        .observe(document.querySelector("#empty"), { childList: true });
      input.value = "nobody at all";
      input.dispatchEvent(new Event("input"));
    })()""")
    page.wait("told.length >= 2")
    (_, shown), (text, at) = page.evaluate("told.slice(0, 2)")
    assert "Nobody is online whose name or id has “nobody at all” in it." in text
    # What happens by itself is told once in five seconds at most; an answer is not.
    assert at - shown < 1000


# What people are called.


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
