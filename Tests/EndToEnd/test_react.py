# Owns the tests of react.js: its hooks and its component, with a real React in StrictMode.
# Called by pytest.
# Never looks into the script: what a component renders is what counts.
from harness.client import IDS
from harness.site import STORED
from harness.waiting import eventually

ALICE, BOB, CAROL = IDS["alice"], IDS["bob"], IDS["carol"]

REACT = """<script src="/canvas/react.development.js"></script>
<script src="/canvas/react-dom.development.js"></script>"""

APP = """<div id=root></div><script type=module>
import { createPresence } from "/_presence/react.js";
const h = React.createElement;
const { useWebSocket, useOnlineStatus, usePresence, OnlineIndicator } =
  createPresence(React, OPTIONS);
window.rendered = 0;
window.opened = [];
function Person({ id }) {
  const { name, online_status } = useOnlineStatus(id);
  window.rendered += 1;
  return h("li", { id: "p" + id },
    h(OnlineIndicator, { userId: id, className: "mark", onOpen: (u) => opened.push(u.user_id) }),
    `${name} ${online_status}`);
}
function Bar() {
  const { status, isConnected, user } = usePresence();
  return h("p", { id: "bar" }, `${status} ${isConnected} ${user}`);
}
function Socket() {
  const protocols = () => ["bearer", localStorage.access_token];
  const { status, lastMessage, send } = useWebSocket("/ws/presence/", { protocols });
  window.say = send;
  return h("p", { id: "socket" }, status + " " + lastMessage?.type);
}
window.root = ReactDOM.createRoot(document.getElementById("root"));
window.show = (...children) => root.render(h(React.StrictMode, null, h(Bar), ...children));
window.people = (...ids) => show(...ids.map((id) => h(Person, { id, key: id })));
window.socket = () => show(h(Socket));
people(IDS);
</script>"""


def app(site, ids, tagged=True):
    """A page of bob's with the components; with client.js's tag, or without."""
    options = "undefined" if tagged else '{ attributes: { "data-token-storage": "access_token" } }'
    body = APP.replace("OPTIONS", options).replace("IDS", ", ".join(f"'{id}'" for id in ids))
    window = site.person("bob").windows[0]
    return window.open(site.url(body, STORED if tagged else None, before=REACT))


def reads(window, selector, text, within=5.0):
    window.wait(f"document.querySelector('{selector}')?.textContent === '{text}'", within)


def test_hooks_and_component_follow_presence(site):
    site = site()
    site.browser.allow_console("Download the React DevTools")
    page = app(site, [ALICE, CAROL])
    reads(page, f"#p{ALICE}", "null offline")
    reads(page, "#bar", f"open true {BOB}")
    alice = site.person("alice").windows[0]
    reads(page, f"#p{ALICE}", "alice online")
    assert page.attribute(f"#p{ALICE} presence-dot", "status") == "online"
    assert page.attribute(f"#p{ALICE} presence-dot", "class") == "mark"
    page.click(f"#p{ALICE} presence-dot")
    assert page.evaluate("opened") == [ALICE]

    # What has not changed is not rendered again.
    before = page.evaluate("rendered")
    site.client.login("dave")
    site.client.set_status(CAROL, "away", "10m")
    reads(page, f"#p{CAROL}", "null away")
    assert page.evaluate("rendered") == before + 2  # StrictMode renders twice

    site.sign_out(alice)
    reads(page, f"#p{ALICE}", "alice offline")
    # The one who looks signs out: nothing is known any more.
    site.sign_out(page)
    reads(page, f"#p{ALICE}", "null unknown")
    reads(page, "#bar", f"signed-out false {BOB}")


def test_components_come_and_go(site):
    site = site()
    page = app(site, [ALICE])
    reads(page, f"#p{ALICE}", "null offline")
    page.evaluate(f"people('{CAROL}'), 0")
    reads(page, f"#p{CAROL}", "null offline")
    page.evaluate("people(), 0")
    page.wait("!document.querySelector('presence-dot')")
    site.client.login("alice")
    page.evaluate(f"people('{ALICE}', '{CAROL}'), 0")
    reads(page, f"#p{ALICE}", "alice online")
    assert site.sockets() == 1


def test_without_a_tag_react_loads_the_client(site):
    site = site()
    page = app(site, [ALICE], tagged=False)
    reads(page, f"#p{ALICE}", "null offline")
    reads(page, "#bar", f"open true {BOB}")


def test_without_react_it_says_so(site):
    site = site()
    page = site.window("bob")
    said = page.evaluate(
        """import("/_presence/react.js").then(({ createPresence }) => {
          try { createPresence(); } catch (error) { return error.message; } })"""
    )
    assert "React 18" in said


def test_a_socket_of_the_page_comes_back_and_ends_with_its_component(site):
    site = site()
    site.browser.allow_console("ERR_CONNECTION_REFUSED|WebSocket connection")
    page = app(site, [])
    reads(page, "#bar", f"open true {BOB}")
    assert site.sockets() == 1
    page.evaluate("socket(), 0")
    reads(page, "#socket", "open snapshot")
    # StrictMode mounts everything twice: one socket all the same.
    assert site.sockets() == 2
    assert page.evaluate("say({ type: 'heartbeat' })") is True
    reads(page, "#socket", "open heartbeat")
    site.world.sidecar.process.stop()
    page.wait("document.querySelector('#socket').textContent.startsWith('connecting')")
    assert page.evaluate("say('x')") is False
    site.world.sidecar.start()
    reads(page, "#socket", "open snapshot", within=15)
    page.evaluate("show(), 0")
    eventually(lambda: site.sockets() == 1, within=15, what="the end of the page's socket")
