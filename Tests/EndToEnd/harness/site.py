# Owns the legacy app's pages with client.js in them, as a test writes them, and their people.
# Called by the tests of the scripts.
# Never looks into a script.
import json
from urllib.parse import urlencode

STORED = 'data-token-storage="access_token"'


class Site:
    """The legacy app behind a sidecar, with pages that carry the script."""

    def __init__(self, world, browser):
        self.world = world
        self.client = world.client
        self.browser = browser

    def url(self, body="", attributes=STORED, more="", csp=None, before=""):
        """A page with client.js; without where `attributes` is None."""
        tag = ""
        if attributes is not None:
            tag = f'<script src="/_presence/client.js" defer {attributes}></script>'
        query = {"html": f"{before}{tag}{more}<body>{body}"}
        if csp:
            query["csp"] = csp
        return f"{self.client.address}/canvas/?{urlencode(query)}"

    def person(self, name=None, **look):
        """Somebody with a browser; with a name: signed in, as a single-page app does it."""
        person = self.browser.person(**look)
        if name:
            self.sign_in(person.open(f"{self.client.address}/canvas/"), name)
        return person

    def sign_in(self, window, name):
        """Signs in within a page; the moment at which the answer came, by the page's clock."""
        order = json.dumps({"username": name, "password": f"{name}-pw"})
        return window.evaluate(
            f"""(async () => {{
              const headers = {{ "Content-Type": "application/json" }};
              const body = {json.dumps(order)};
              const answer = await fetch("/api/auth/login/", {{ method: "POST", headers, body }});
              const came = Date.now();
              const {{ access, refresh }} = await answer.json();
              localStorage.setItem("access_token", access);
              localStorage.setItem("refresh_token", refresh);
              return came;
            }})()"""
        )

    def sign_out(self, window):
        """Signs out within a page; the moment at which the answer came, by the page's clock."""
        return window.evaluate(
            """(async () => {
              const headers = { "Content-Type": "application/json",
                Authorization: "Bearer " + localStorage.getItem("access_token") };
              const body = JSON.stringify({ refresh: localStorage.getItem("refresh_token") });
              await fetch("/api/auth/logout/", { method: "POST", headers, body });
              return Date.now();
            })()"""
        )

    def window(self, name, body="", **page):
        """A new person's window with a page that carries the script."""
        person = self.person(name)
        return person.windows[0].open(self.url(body, **page))

    def asked(self):
        """How often pages have asked the sidecar or the app for something."""
        host = self.client.address.removeprefix("http://") + "/"
        return len([url for url in self.browser.requests if host in url])

    def sockets(self):
        return self.client.get("/_presence/stats", self.client.observer).json()["sockets"]


def dot(user):
    return f'<presence-dot user="{user}"></presence-dot>'


def shows(window, user, status, within=5.0):
    """Waits until the dot of that user says that status."""
    found = f'document.querySelector(\'presence-dot[user="{user}"]\')'
    window.wait(f"{found}?.getAttribute('status') === '{status}'", within)


def is_open(window):
    window.wait("window.presence?.status === 'open'")
