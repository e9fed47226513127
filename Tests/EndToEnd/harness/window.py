# Owns one window of a browser: what a person does in it, and what stands in it.
# Called by the browser tests, through harness/browser.py.
# Never sleeps: what a test waits for is a condition.
import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from .waiting import eventually

INPAGE = Path(__file__).resolve().parent / "inpage"

# A promise of all that scrolling and drawing were about to do.
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}

# Roles of the accessibility tree that a person operates.
CONTROLS = {
    "button", "checkbox", "combobox", "DisclosureTriangle", "gridcell", "link", "listbox",
    "ListBoxOption", "menuitem", "menuitemcheckbox", "menuitemradio", "MenuListOption",
    "menuListPopup", "option", "popUpButton", "radio", "scrollbar", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox", "textField", "treeitem", "Date", "DateTime",
    "InputTime", "ColorWell",
}  # fmt: skip


class Window:
    """`look`: dark, phone, still (reduced motion), clock (a page clock to turn)."""

    def __init__(self, person, look):
        self.person = person
        self.seat = person.seat
        self.devtools = person.seat.devtools
        made = self.devtools.call(
            "Target.createTarget",
            url="about:blank",
            browserContextId=person.context,
            newWindow=True,
        )
        self.target = made["targetId"]
        self.session = self.devtools.session_of(self.target)
        self.cdp("Page.enable")
        self.cdp("Emulation.setFocusEmulationEnabled", enabled=True)
        self.before_pages((INPAGE / "longtasks.js").read_text())
        self.emulate(**look)

    # The protocol, where selenium has no word for it.

    def cdp(self, method, **params):
        return self.devtools.call(method, self.session, **params)

    def before_pages(self, source):
        """A script that runs in each page to come, before the page's own."""
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=source)

    def emulate(self, dark=False, phone=False, still=False, clock=False):
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.cdp("Emulation.setEmulatedMedia", features=features)
        if phone:
            self.cdp("Emulation.setDeviceMetricsOverride", **PHONE)
            self.cdp("Emulation.setTouchEmulationEnabled", enabled=True)
        if clock:
            self.before_pages((INPAGE / "clock.js").read_text())

    def size(self, width, height, scale=1):
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def offline(self, is_offline=True):
        """No network for the page itself; what a shared worker has stays."""
        self.cdp(
            "Network.emulateNetworkConditions",
            offline=is_offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def hide(self):
        """As when another tab comes before it: document.visibilityState is "hidden"."""
        self.set_visible(False)

    def show(self):
        self.set_visible(True)

    def set_visible(self, visible):
        self.cdp("Emulation.setFocusEmulationEnabled", enabled=visible)
        bounds = self.devtools.call("Browser.getWindowForTarget", targetId=self.target)
        self.devtools.call(
            "Browser.setWindowBounds",
            windowId=bounds["windowId"],
            bounds={"windowState": "normal" if visible else "minimized"},
        )
        wanted = "visible" if visible else "hidden"
        self.wait(f"document.visibilityState === {json.dumps(wanted)}")

    # Pages.

    @property
    def driver(self):
        return self.seat.chromium.focus(self.target)

    def open(self, url):
        """The page at that address; its origin is the test's own from here on."""
        parts = urlsplit(url)
        self.seat.own_origins.add(f"{parts.scheme}://{parts.netloc}")
        self.driver.get(url)
        return self

    def reload(self):
        self.driver.refresh()

    @property
    def url(self):
        return self.evaluate("location.href")

    def close(self):
        """As a person closes a tab: `pagehide` comes first."""
        self.driver.close()
        self.seat.chromium.focused = None
        self.person.windows.remove(self)

    def evaluate(self, expression):
        """The value of an expression of JavaScript (a promise's too); CSP does not matter."""
        answer = self.cdp(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        wrong = answer.get("exceptionDetails")
        if wrong:
            said = wrong.get("exception", {}).get("description") or wrong["text"]
            raise AssertionError(f"{expression}: {said}")
        return answer["result"].get("value")

    def wait(self, expression, within=5.0):
        """Until that expression is true in the page; its value."""
        return eventually(lambda: self.evaluate(expression), within, what=expression)

    def turn_clock(self, seconds):
        """Moves the page's clock; needs a window opened with `clock=True`."""
        self.evaluate(f"__turnClock({seconds * 1000})")

    def long_tasks(self, over=100, since=0):
        """Tasks of more than that many milliseconds; `since`: by the page's performance.now()."""
        return [
            task
            for task in self.evaluate("__longTasks()")
            if task["duration"] > over and task["start"] >= since
        ]

    # Elements, by CSS selector. `inside` steps into an open shadow root first.

    def find(self, selector, inside=None, within=5.0):
        """The first such element, once it is there."""
        return eventually(
            lambda: next(iter(self.find_all(selector, inside)), None),
            within,
            what=f"{selector} in {self.target}",
        )

    def find_all(self, selector, inside=None):
        try:
            root = self.driver
            if inside is not None:
                root = root.find_element(By.CSS_SELECTOR, inside).shadow_root
            return root.find_elements(By.CSS_SELECTOR, selector)
        except WebDriverException as gone:
            raise AssertionError(str(gone.msg))

    def patiently(self, selector, inside, act):
        """Acts on the element as it is now, also where the page has just drawn it anew."""

        def attempt():
            try:
                return (act(self.find(selector, inside)),)
            except StaleElementReferenceException:
                return None

        return eventually(attempt, what=f"{selector} to stand still")[0]

    def click(self, selector, inside=None):
        self.patiently(selector, inside, lambda element: element.click())

    def hover(self, selector, inside=None):
        """Scrolls there, and then points at it."""

        def act(element):
            element.parent.execute_script(
                "arguments[0].scrollIntoView({ block: 'nearest', behavior: 'instant' })", element
            )
            self.evaluate(TWO_FRAMES)
            ActionChains(self.driver).move_to_element(element).perform()

        self.patiently(selector, inside, act)

    def type(self, selector, text, inside=None):
        """Replaces what the field holds."""

        def act(element):
            element.clear()
            element.send_keys(text)

        self.patiently(selector, inside, act)

    def press(self, *keys):
        """Keys for whatever has the focus: "TAB", "ENTER", "ESCAPE", or text."""
        for key in keys:
            ActionChains(self.driver).send_keys(getattr(Keys, key, key)).perform()

    def text(self, selector="body", inside=None):
        """The text that a reader sees."""
        return self.patiently(selector, inside, lambda element: element.text)

    def attribute(self, selector, name, inside=None):
        return self.patiently(selector, inside, lambda element: element.get_attribute(name))

    # For those who see otherwise.

    def accessibility_tree(self):
        """[{role, name, …}] of every node that is not ignored."""
        nodes = self.cdp("Accessibility.getFullAXTree")["nodes"]
        return [
            {
                "role": node.get("role", {}).get("value"),
                "name": node.get("name", {}).get("value", "").strip(),
                "id": node.get("backendDOMNodeId"),
                **{p["name"]: p["value"].get("value") for p in node.get("properties", [])},
            }
            for node in nodes
            if not node.get("ignored")
        ]

    def nameless_controls(self):
        """Controls without a name, and what takes the focus and has no role."""
        return [
            f"{node['role']} without a {'name' if node['role'] in CONTROLS else 'role'}: "
            + self.markup_of(node["id"])
            for node in self.accessibility_tree()
            if (node["role"] in CONTROLS and not node["name"])
            or (node.get("focusable") and node["role"] in ("generic", "none", None))
        ]

    def markup_of(self, node):
        if node is None:
            return "?"
        return self.cdp("DOM.getOuterHTML", backendNodeId=node)["outerHTML"][:160]

    def faint_texts(self, least=4.5):
        """Texts with less contrast to their ground than that; something was looked at."""
        found = self.evaluate(f"{(INPAGE / 'contrast.js').read_text().strip()}({least})")
        assert found["looked"] > 0, "a page without elements has no contrast"
        return found["faint"]

    # Pictures.

    def picture(self, file, whole=False):
        """A PNG of what is seen, or of the whole page."""
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(file).write_bytes(base64.b64decode(shot["data"]))

    def description(self):
        """For the report of a failed test."""
        try:
            return f"{self.url}\n{self.evaluate('document.body && document.body.innerText')}"
        except AssertionError as gone:
            return f"gone: {gone}"
