# Owns the tests of dots: how they look, what they say, where they are put, by client.js.
# Called by pytest.
# Never looks into the script: what a person or a page sees is what counts.
import json

from harness.client import IDS
from harness.site import STORED, dot, is_open, shows

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]


def says(page, label, which="presence-dot", within=5.0):
    """Waits until that dot has that name for a screen reader."""
    found = f"document.querySelector('{which}')"
    page.wait(f"{found}?.getAttribute('aria-label') === '{label}'", within)


def note_turn(page, user, status):
    """`turned` of that page is when the dot became that, by its clock (which is this machine's)."""
    page.evaluate(
        f"""window.turned = new Promise((done) => new MutationObserver(([{{ target }}]) => {{
          if (target.getAttribute("status") === "{status}") done(Date.now());
        }}).observe(document.querySelector("presence-dot[user='{user}']"),
          {{ attributeFilter: ["status"] }})), 0"""
    )


def test_a_dot_turns_green_within_a_second_of_a_login(site):
    site = site()
    watcher = site.window("bob", dot(ALICE))
    shows(watcher, ALICE, "offline")
    note_turn(watcher, ALICE, "online")
    other = site.person().open(f"{site.client.address}/canvas/")
    came = site.sign_in(other, "alice")
    assert watcher.evaluate("turned") - came < 1000


def test_gray_when_the_tab_closes_and_at_once_after_logout(site):
    site = site(presence={"disconnect_grace": "3s"})
    watcher = site.window("bob", dot(ALICE) + dot(CAROL))
    is_open(watcher)
    alice = site.window("alice")
    is_open(alice)
    shows(watcher, ALICE, "online")
    alice.close()
    # A third of the grace: a busy machine may take the rest.
    site.client.stays(ALICE, "online", 1)
    shows(watcher, ALICE, "offline")

    carol = site.window("carol")
    is_open(carol)
    shows(watcher, CAROL, "online")
    note_turn(watcher, CAROL, "offline")
    answered = site.sign_out(carol)
    assert site.client.status(CAROL) == "offline"
    assert watcher.evaluate("turned") - answered < 1000
    # Her own page knows nothing any more, says so, and asks nobody again with that token.
    carol.wait("presence.status === 'signed-out'")


def test_the_tip_tells_name_status_and_last_seen(site):
    site = site()
    alice = site.person("alice").windows[0]
    page = site.window("bob", f"<p>{dot(ALICE)} {dot('nobody')}</p>{'<br>' * 4}<button>x</button>")
    shows(page, ALICE, "online")
    page.hover("presence-dot")
    tip = "document.querySelector('presence-dot').shadowRoot.querySelector('[part=tip]')"
    assert page.evaluate(f"{tip}.innerText") == "alice\nonline · last seen just now"
    page.hover("button")
    page.wait(f"!{tip}")
    # By keyboard, with Escape to be rid of it.
    page.press("TAB")
    page.wait(f"!!{tip}")
    page.press("ESCAPE")
    page.wait(f"!{tip}")
    assert page.evaluate("document.activeElement.getAttribute('user')") == ALICE

    site.sign_out(alice)
    shows(page, ALICE, "offline")
    page.hover("presence-dot")
    assert page.evaluate(f"{tip}.innerText") == "alice\noffline · last seen just now"
    names = {
        node["name"] for node in page.accessibility_tree() if node["role"] in ("button", "tooltip")
    }
    assert "alice: offline, last seen just now" in {n.replace(" · ", ", ") for n in names}
    assert "nobody: offline, never seen" in {n.replace(" · ", ", ") for n in names}
    assert not page.nameless_controls() and not page.faint_texts()


def test_a_click_is_an_event_and_by_default_a_note(site):
    site = site()
    page = site.window(
        "bob",
        f"""<a href="/nothing/" onclick="rowClicks++"><presence-dot user="{ALICE}" name="Alice A.">
          </presence-dot>alice</a><p id=there tabindex=0>x""",
        more="""<script>
          var opened = [], rowClicks = 0, refuse = false;
          document.addEventListener("presence:open", (event) => {
            opened.push([event.detail.user_id, event.composed, event.target.localName]);
            if (refuse) event.preventDefault();
          });
        </script>""",
    )
    shows(page, ALICE, "offline")
    tip = "document.querySelector('presence-dot').shadowRoot.querySelector('[part=tip]')"
    page.click("presence-dot")
    assert page.evaluate("opened") == [[ALICE, True, "presence-dot"]]
    said = "Alice A.\noffline · never seen\nChat: coming soon"
    assert page.evaluate(f"{tip}.innerText") == said
    assert page.evaluate(f"{tip}.getAttribute('role')") == "status"
    # The link around it was not followed, and not told.
    assert "/canvas/" in page.url and page.evaluate("rowClicks") == 0

    page.hover("#there")
    page.evaluate("refuse = true, document.querySelector('presence-dot').focus()")
    page.press("ENTER")
    page.press(" ")
    assert page.evaluate("opened.length") == 3
    assert "coming soon" not in (page.evaluate(f"{tip}?.innerText") or "")


def test_away_after_five_minutes_without_input(site):
    site = site()
    watcher = site.window("bob", dot(ALICE))
    person = site.person("alice", clock=True)
    first = person.open(site.url())
    second = person.open(site.url())
    is_open(first)
    is_open(second)
    shows(watcher, ALICE, "online")
    for window in (first, second):
        window.turn_clock(290)
    site.client.stays(ALICE, "online", 1.2)  # one heartbeat, and more
    # Input in either tab counts.
    second.press("x")
    for window in (first, second):
        window.turn_clock(20)
    site.client.stays(ALICE, "online", 1.2)
    for window in (first, second):
        window.turn_clock(300)
    shows(watcher, ALICE, "away")
    second.press("x")
    shows(watcher, ALICE, "online")


BOARD = f"""<ul><li data-presence-user="{ALICE}">alice</li></ul>
  <p id=where>x</p>"""


def test_markup_that_cannot_change_gets_dots(site):
    site = site()
    site.client.login("alice")
    page = site.window("bob", BOARD)
    shows(page, ALICE, "online")
    assert page.text("li") == "alice"
    assert page.evaluate("document.querySelector('li').firstChild.localName") == "presence-dot"
    # Rows that come later, in many ways; each gets one dot.
    page.evaluate(
        f"""document.body.insertAdjacentHTML("beforeend", `
          <table><tr id=row data-presence-user="{CAROL}"><td>carol</td><td>x</td></tr></table>
          <a id=link href="/x" data-presence-user="{CAROL}">carol</a>
          <button id=button><span data-presence-user="{CAROL}">carol</span></button>
          <img id=img alt=carol src="data:," data-presence-user="{CAROL}">`)"""
    )
    page.wait("document.querySelectorAll('presence-dot').length === 5")
    placed = "(id) => document.getElementById(id)"
    assert page.evaluate(f"({placed})('row').cells[0].firstChild.localName") == "presence-dot"
    for name in ("link", "button", "img"):
        before = f"({placed})('{name}').previousElementSibling.localName"
        assert page.evaluate(before) == "presence-dot"
    site.client.login("carol")
    page.wait("document.querySelectorAll('presence-dot[status=online]').length === 5")

    # In a box of columns the dot is no column.
    page.evaluate(
        f"""where.insertAdjacentHTML("afterend", `<div id=box style="display:flex;
          justify-content:space-between" data-presence-user="{CAROL}"><img src="data:,"><b>carol</b>
          <i>nurse</i></div>`)"""
    )
    page.wait("!!document.querySelector('#box b presence-dot')")
    assert page.evaluate("document.querySelectorAll('#box > *').length") == 3
    page.evaluate("box.removeAttribute('data-presence-user')")
    page.wait("!document.querySelector('#box presence-dot')")
    # A row that a page copies, and text that is being edited.
    page.evaluate("where.after(row.cloneNode(true)), 0")
    page.evaluate(
        f"""where.insertAdjacentHTML("afterend", `<div contenteditable>
          <p id=edited data-presence-user="{CAROL}">x</p></div>`)"""
    )
    page.wait("document.querySelectorAll('presence-dot').length === 6")
    assert page.evaluate("document.querySelector('#edited presence-dot')") is None
    page.evaluate("document.querySelectorAll('#row')[0].remove(), edited.remove()")
    # A frame's worth of changes: moved, written over, renamed, removed.
    page.evaluate("where.before(document.querySelector('ul')), 0")
    page.evaluate("document.querySelector('li').textContent = 'Alice A.'")
    page.wait("document.querySelector('li presence-dot[status=online]')")
    page.evaluate(f"document.querySelector('li').dataset.presenceUser = '{BOB}'")
    page.wait(f"document.querySelector('li presence-dot').getAttribute('user') === '{BOB}'")
    page.evaluate("link.remove(), button.remove(), img.remove(), row.remove()")
    page.wait("document.querySelectorAll('presence-dot').length === 1")


def test_markup_without_a_word_of_presence_gets_dots_by_selectors(site):
    site = site()
    site.client.login("alice")
    lines = ["a[href='/people/{id}/']", "tr[data-user='u-{id}'] td.name", "p[{id}", "[x='{id}'"]
    selectors = "&#10;".join(lines)
    page = site.window(
        "bob",
        f"""<p><a href="/people/{ALICE}/">alice</a> <a href="/people/{ALICE}/mail/">mail</a></p>
          <table><tr data-user="u-{ALICE}"><td>1</td><td class=name>alice</td></tr>
          <tr data-user="x-{ALICE}"><td>1</td><td class=name>not she</td></tr></table>""",
        attributes=f'{STORED} data-presence-dots="{selectors}"',
    )
    page.wait("document.querySelectorAll('presence-dot[status=online]').length === 2")
    assert page.evaluate("document.querySelectorAll('presence-dot').length") == 2
    assert page.evaluate("document.querySelector('td.name').firstChild.localName") == "presence-dot"
    said = [text for _, text in site.browser.console if "selector" in text]
    assert len(said) == 2 and "p[{id}" in said[0], said


def test_a_name_that_the_page_has_taken_is_left_to_it(site):
    site = site()
    page = site.window("bob", dot(ALICE), more="<script>var presence = { mine: true }</script>")
    shows(page, ALICE, "offline")
    assert page.evaluate("presence.mine") is True
    assert page.evaluate("window[Symbol.for('presence-sidecar')].status") == "open"


def test_a_strict_policy_is_kept(site):
    site = site()
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'"
    policy += "; require-trusted-types-for 'script'"
    page = site.window("bob", f"{dot(ALICE)}<p data-presence-user={ALICE}>x</p>", csp=policy)
    shows(page, ALICE, "offline")
    box = "JSON.stringify(document.querySelector('presence-dot').getBoundingClientRect())"
    size = json.loads(page.evaluate(box))
    assert 8 < size["width"] < 16 and size["width"] == size["height"]
    page.hover("presence-dot")
    tip = "document.querySelector('presence-dot').shadowRoot.querySelector('[part=tip]')"
    assert page.evaluate(f"getComputedStyle({tip}).position") == "fixed"
    assert page.evaluate(f"{tip}.getBoundingClientRect().top") > size["bottom"] - 1


def test_a_dot_may_be_a_picture(site):
    site = site()
    page = site.window("bob", f'<presence-dot user="{ALICE}" role="img"></presence-dot>')
    says(page, f"{ALICE}: offline · never seen")
    names = [(node["role"], node["name"]) for node in page.accessibility_tree()]
    assert ("image", f"{ALICE}: offline · never seen") in names
    page.click("presence-dot")
    page.press("TAB")
    assert page.evaluate("document.activeElement.localName") != "presence-dot"


PHONE_DOT = f"""<p style="margin:60px"><a id=before href="#x">before</a> {dot(ALICE)}<a id=after
  href="#y">Alice</a></p>"""


def tap(page, x, y):
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        page.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=points)


def test_a_tap_shows_the_tip_whoever_takes_the_click(site):
    site = site()
    taken = """<script>window.opened = 0; document.addEventListener("presence:open", (event) => {
      event.preventDefault(); opened += 1; });</script>"""
    person = site.person("bob", phone=True)
    page = person.windows[0].open(site.url(PHONE_DOT, more=taken))
    says(page, f"{ALICE}: offline · never seen")
    box = page.evaluate("document.querySelector('presence-dot').getBoundingClientRect().toJSON()")
    tip = "document.querySelector('presence-dot').shadowRoot.querySelector('[part=tip]')"
    # Beside the dot, in the 24 pixels that a finger needs.
    tap(page, box["x"] - 6, box["y"] - 6)
    page.wait(f"{tip}?.innerText === '{ALICE}\\noffline · never seen'")
    page.wait("opened === 1")
    tap(page, 300, 500)
    page.wait(f"!{tip}")
    # All of the name beside it is the link's own.
    at = "document.elementFromPoint({}, {}).localName"
    name = page.evaluate("after.getBoundingClientRect().toJSON()")
    assert page.evaluate(at.format(name["x"] + 0.5, name["y"] + 3)) == "a"
    sizes = page.evaluate(
        """(() => {
          const { shadowRoot } = document.querySelector("presence-dot");
          const look = getComputedStyle(shadowRoot.querySelector("[part=dot]"), "::before");
          return [parseFloat(look.width), parseFloat(look.height)];
        })()"""
    )
    assert min(sizes) >= 24


def test_a_status_that_was_set_by_hand_proves_no_visit(site):
    site = site()
    site.client.set_status(ALICE, "online", "10m")
    page = site.window("bob", dot(ALICE))
    says(page, f"{ALICE}: online · never seen")


def test_times_in_words_are_renewed_once_a_minute(site):
    site = site()
    site.client.logout(site.client.login("alice"))
    person = site.person("bob", clock=True)
    # The sidecar's clock is not turned: without heartbeats no answer is missed meanwhile.
    still = f'{STORED} data-heartbeat="off"'
    page = person.windows[0].open(site.url(dot(ALICE) + dot("nobody"), still))
    says(page, "alice: offline · last seen just now")
    page.hover("presence-dot")
    page.evaluate(
        """window.renewed = new Set(), new MutationObserver((all) => {
          for (const { target } of all) renewed.add(target.getAttribute("user"));
        }).observe(document.body, { subtree: true, attributeFilter: ["aria-label"] })"""
    )
    page.turn_clock(125)
    says(page, "alice: offline · last seen 2 minutes ago")
    tip = "document.querySelector('presence-dot').shadowRoot.querySelector('[part=tip]')"
    page.wait(f"{tip}.innerText === 'alice\\noffline · last seen 2 minutes ago'")
    page.turn_clock(60)
    says(page, "alice: offline · last seen 3 minutes ago")
    assert page.evaluate("[...renewed]") == [ALICE]


def test_all_dots_may_be_pictures(site):
    site = site()
    body = f"{dot(ALICE)}<p data-presence-user={CAROL}>carol</p><button>x</button>"
    page = site.window("bob", body, attributes=f'{STORED} data-dots="picture"')
    page.wait("document.querySelectorAll('presence-dot[role=img]').length === 2")
    page.press("TAB")
    assert page.evaluate("document.activeElement.localName") == "button"
    # A second tag says it later: what was a button is none any more.
    before = '<script src="/_presence/client.js" defer data-presence></script>'
    page.open(site.url(body, attributes=f'{STORED} data-dots="picture"', before=before))
    page.wait("document.querySelectorAll('presence-dot[role=img]').length === 2")
    assert page.evaluate("document.querySelectorAll('presence-dot[tabindex]').length") == 0


def test_a_dot_of_nobody_is_nothing(site):
    site = site()
    page = site.window("bob", f"<presence-dot></presence-dot>{dot(ALICE)}")
    says(page, f"{ALICE}: offline · never seen", "presence-dot[user]")
    buttons = [node["name"] for node in page.accessibility_tree() if node["role"] == "button"]
    assert buttons == [f"{ALICE}: offline · never seen"]
    page.evaluate(f"document.querySelector('presence-dot').setAttribute('user', '{CAROL}'), 0")
    says(page, f"{CAROL}: offline · never seen")
    page.evaluate("document.querySelector('presence-dot').removeAttribute('user')")
    page.wait("!document.querySelector('presence-dot').hasAttribute('role')")
    assert not page.nameless_controls()


def test_what_can_be_nobodys_id_does_not_spoil_the_others(site):
    site = site()
    site.client.logout(site.client.login("carol"))
    site.client.login("alice")
    strange = ["x" * 257, "\u00fc" * 129, "a\u0001b", "a\u0085b", "lone \ud800"]
    page = site.window("bob", dot(CAROL) + dot(ALICE))
    is_open(page)
    page.evaluate(
        f"""for (const id of {json.dumps(strange)}) {{
          const dot = document.createElement("presence-dot");
          dot.setAttribute("user", id);
          document.body.prepend(dot);
        }}
        document.body.insertAdjacentHTML("beforeend", `{dot(BOB)}`), 0"""
    )
    shows(page, ALICE, "online")
    shows(page, BOB, "online")
    says(page, "carol: offline \u00b7 last seen just now", f'presence-dot[user="{CAROL}"]')
    states = "[...document.querySelectorAll('presence-dot')].map((dot) => dot.getAttribute('status'))"
    assert page.evaluate(states)[: len(strange)] == ["unknown"] * len(strange)
