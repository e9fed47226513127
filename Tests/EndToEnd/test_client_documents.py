# Owns the proof that docs/front-end.md shows what works: its snippets, as printed.
# Called by pytest.
# Never keeps a snippet of its own.
import re
from pathlib import Path

from harness.client import IDS
from harness.site import dot, is_open, shows

TEXT = (Path(__file__).resolve().parents[2] / "docs/front-end.md").read_text()
ALICE = IDS["alice"]


def snippets(language):
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", TEXT, re.S | re.M)
    return [re.sub(rf"^{indent}", "", text, flags=re.M) for indent, text in found]


def test_each_tag_that_is_shown(site):
    site = site()
    site.client.login("alice")
    tags = [text for text in snippets("html") if "/_presence/client.js" in text]
    assert len(tags) == 3
    for tag in tags:
        # The words are shown without a token, since they are about something else.
        attributes = None
        if "data-token-storage" not in tag:
            tag = tag.replace(" defer", ' defer data-token-storage="access_token"')
        body = f"{dot(ALICE)}<a href='/people/{ALICE}/'>alice</a>"
        page = site.window("bob", body, attributes=attributes, before=tag)
        is_open(page)
        shows(page, ALICE, "online")
        if "data-presence-dots" in tag:
            assert page.evaluate("document.querySelectorAll('presence-dot').length") == 2
        if "data-texts" in tag:
            label = page.attribute("presence-dot", "aria-label")
            assert label == "alice: online · zuletzt gerade eben"


def test_what_a_callback_is_told(site):
    site = site()
    site.client.login("alice")
    (script,) = [text for text in snippets("js") if "presence.watch" in text]
    page = site.window("bob")
    is_open(page)
    page.evaluate(f"{script}; 0")
    page.wait("presence.get('4')")
    said = [text.replace("None", "null") for level, text in site.browser.console if level == "log"]
    shown = TEXT.split(script)[1].split("```\n")[2].splitlines()
    time = r"\d{4}-\d\d-\d\dT[\d:.]{12}Z"
    assert [re.sub(time, "TIME", line) for line in said] == [
        re.sub(time, "TIME", line) for line in shown
    ]


def test_the_style_sheet_and_the_chat(site):
    site = site()
    (style,) = snippets("css")
    (chat,) = [text for text in snippets("js") if "presence:open" in text]
    hook = f"const openChat = (id) => (window.chat = id); {chat}"
    more = f"<style>{style}</style><script>{hook}</script>"
    page = site.window("bob", f"<div class=dark>{dot(ALICE)}</div>", more=more)
    shows(page, ALICE, "offline")
    drawn = "getComputedStyle(document.querySelector('presence-dot').shadowRoot.firstChild)"
    assert page.evaluate(f"{drawn}.width") == "10px"
    page.wait(f"{drawn}.borderTopColor === 'rgb(170, 170, 187)'")  # it fades in
    page.click("presence-dot")
    assert page.evaluate("chat") == ALICE
