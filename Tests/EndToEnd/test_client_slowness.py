# Owns the tests of client.js where answers are late or there is much to draw.
# Called by pytest.
# Never looks into the script: what a page shows, and how long its tasks took, is what counts.
import pytest

from harness.client import IDS
from harness.site import dot, shows
from harness.trace import Trace
from harness.window import TWO_FRAMES

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]

# From now on `queries` of the page says when it asked about whom, and what was answered; the
# questions wait until `letGo()`.
WATCHED = """
  window.queries = [];
  const free = new Promise((done) => { window.letGo = done; });
  const real = window.fetch;
  window.fetch = async (url, ...more) => {
    if (!String(url).endsWith("/users/query")) return real(url, ...more);
    const query = { asked: Date.now() };
    queries.push(query);
    if (HELD) await free;
    const answer = await real(url, ...more);
    query.status = answer.status;
    query.pause = answer.headers.get("Retry-After");
    return answer;
  };
  window.labels = [];
  window.told = [];
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      for (const dot of document.querySelectorAll("presence-dot")) {
        labels.push(dot.getAttribute("aria-label"));
      }
    }).observe(document, { subtree: true, attributeFilter: ["aria-label"] });
    const user = document.querySelector("presence-dot").getAttribute("user");
    presence.watch(user, (user) => told.push(user));
  });"""


def seen_once(site, name):
    """Somebody who was there and is not any more."""
    site.client.logout(site.client.login(name))
    site.client.becomes(IDS[name], "offline")


def test_of_nobody_is_said_never_seen_before_it_is_known(site):
    site = site()
    seen_once(site, "alice")
    page = site.person("bob").windows[0]
    page.before_pages(WATCHED.replace("HELD", "true"))
    page.open(site.url(dot(ALICE)))
    shows(page, ALICE, "offline")
    label = "document.querySelector('presence-dot').getAttribute('aria-label')"
    page.wait("queries.length === 1")
    assert page.evaluate(label) == f"{ALICE}: offline"
    assert page.evaluate("told") == []
    page.evaluate("letGo(), 0")
    page.wait(f"{label} === 'alice: offline · last seen just now'")
    (told,) = page.evaluate("told")
    assert told["name"] == "alice" and told["last_seen"]
    assert not [text for text in page.evaluate("labels") if "never" in text]


def test_a_question_too_many_is_asked_again_when_it_may_be(site):
    site = site()
    seen_once(site, "alice")
    page = site.person("bob").windows[0]
    page.before_pages(
        # What the sidecar answers to one request too many; how many those are is for its own tests.
        """const real429 = window.fetch;
        let refused = 0;
        window.fetch = async (url, more) =>
          String(url).endsWith("/users/query") && refused++ === 0
            ? new Response("{}", { status: 429, headers: { "Retry-After": "1" } })
            : real429(url, more);"""
        + WATCHED.replace("HELD", "false")
    )
    page.open(site.url(dot(ALICE)))
    label = "document.querySelector('presence-dot').getAttribute('aria-label')"
    page.wait("queries[0]?.status === 429")
    page.wait(f"{label} === 'alice: offline · last seen just now'", within=15)
    assert not [text for text in page.evaluate("labels") if "never" in text]
    assert len(page.evaluate("told")) == 1


def test_after_a_gap_what_was_known_is_asked_for_again(site):
    site = site()
    site.browser.allow_console("ERR_|WebSocket connection")
    page = site.window("bob", dot(ALICE))
    label = "document.querySelector('presence-dot').getAttribute('aria-label')"
    page.wait(f"{label} === '{ALICE}: offline · never seen'")
    site.world.sidecar.process.stop()
    page.wait("presence.status === 'waiting'")
    page.offline()
    site.world.sidecar.start()
    seen_once(site, "alice")
    page.offline(False)
    page.wait(f"{label} === 'alice: offline · last seen just now'", within=15)


# Rows of a list: a table of 5000 rows is laid out as a whole whenever a cell has changed, which
# alone takes the browser 130 ms, whoever changed it.
MANY = {
    "written": lambda n: f'<p><presence-dot user="{n}"></presence-dot>person {n}',
    "placed": lambda n: f'<li data-presence-user="{n}"><b>person {n}</b> <i>ward {n % 9}</i>',
}


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.timeout(120)
def test_5000_dots_hold_no_page_up(site, kind):
    site = site()
    site.client.login("alice")
    page = site.person("bob").windows[0]
    # The markup is there before the script: it comes into a page that is parsed.
    page.open(site.url("<main></main>", attributes=None))
    row = MANY[kind]
    rows = "".join(row(n) for n in range(5000))
    page.evaluate(f"document.querySelector('main').innerHTML = `{rows}`, 0")
    page.evaluate(TWO_FRAMES)  # what the page's own rows cost
    with Trace(page) as trace:
        page.evaluate(
            """(() => {
              const script = document.createElement("script");
              script.src = "/_presence/client.js";
              script.dataset.tokenStorage = "access_token";
              document.head.append(script);
            })()"""
        )
        never = "presence-dot[status=offline][aria-label*=never]"
        page.wait(f"document.querySelectorAll('{never}').length === 4998", within=20)
    shows(page, ALICE, "online")
    assert len(trace.tasks) > 20
    longest = sorted(trace.tasks, reverse=True)[:5]
    print("longest tasks, ms of the processor and in all:", longest)
    assert longest[0].processor < 100, longest
