# Owns a real Chromium: one process a session, a fresh profile for each person of a test.
# Called by the fixtures `chromium` and `browser`; the tests use Person and Window.
# Never lets a page reach another host, and never lets an error in a console go unseen.
import os
import re
import shutil
import socket
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.common.proxy import Proxy, ProxyType
from selenium.webdriver.remote.client_config import ClientConfig

from .devtools import DevTools
from .processes import free_port
from .waiting import eventually
from .window import Window

SWITCHES = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--window-size=1280,900",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--no-service-autorun",
    "--password-store=basic",
    "--use-mock-keychain",
    "--disable-gpu",
    "--log-level=3",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    # Several windows are looked at in one test; none of them may doze.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-features=Translate,MediaRouter,OptimizationHints,PasswordLeakDetection",
    # Whatever it wants by itself, it finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-search-engine-choice-screen",
]


def program(name):
    path = shutil.which(name)
    assert path, f"no {name} here; scripts/test installs Debian's chromium and chromium-driver"
    return path


class Chromium:
    """The browser, its driver, and a connection of our own to both."""

    def __init__(self, workshop):
        # Selenium looks for no driver and downloads none: it is told where one listens.
        os.environ["SE_OFFLINE"] = "true"
        self.home = workshop.folder / "chromium"
        self.home.mkdir()
        switches = SWITCHES + [f"--user-data-dir={self.home}"]
        if os.geteuid() == 0:
            switches.append("--no-sandbox")
        temporary = workshop.passing_folder()
        env = dict(os.environ, HOME=str(self.home), TMPDIR=temporary, LANG="en_US.UTF-8")
        argv = [program("chromium"), *switches, "about:blank"]
        self.process = workshop.start("chromium", argv, env, has_children=True)
        port, path = eventually(self.announced, within=20, what="the browser's port")
        self.seats = []
        self.devtools = DevTools(f"ws://127.0.0.1:{port}{path}", self.told)
        self.driver = self.start_driver(workshop, env, f"127.0.0.1:{port}")
        self.focused = None
        workshop.keep(self)

    def announced(self):
        assert not self.process.has_ended(), self.process.output()
        lines = (self.home / "DevToolsActivePort").read_text().split("\n")
        return lines if len(lines) == 2 else None

    def start_driver(self, workshop, env, debugger):
        port = free_port()
        argv = [program("chromedriver"), f"--port={port}"]
        workshop.start("chromedriver", argv, env, has_children=True)
        url = f"http://127.0.0.1:{port}"
        options = webdriver.ChromeOptions()
        options.debugger_address = debugger
        direct = Proxy({"proxyType": ProxyType.DIRECT})
        config = ClientConfig(remote_server_addr=url, proxy=direct, keep_alive=True)

        def listens():
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return True

        eventually(listens, within=20, what="the browser's driver")
        return webdriver.Remote(url, options=options, client_config=config)

    def close(self):
        self.driver.quit()
        self.devtools.close()

    def focus(self, target):
        """Selenium speaks to one window at a time."""
        if self.focused != target:
            self.driver.switch_to.window(target)
            self.focused = target
        return self.driver

    def told(self, target, method, params):
        for seat in list(self.seats):
            seat.told(target, method, params)


class Seat:
    """The browser as one test has it: its people, and what their pages said and asked for."""

    def __init__(self, chromium):
        self.chromium = chromium
        self.devtools = chromium.devtools
        self.people = []
        self.own_origins = set()
        self.requests = []  # (url, target), of pages and of workers
        self.console = []  # (level, text)
        self.allowed = []
        chromium.seats.append(self)

    def person(self, **look):
        """Somebody with cookies and storage of their own. `look`: see `Window.emulate`."""
        person = Person(self, look)
        self.people.append(person)
        return person

    def open(self, url, **look):
        """A window of a new person."""
        return self.person(**look).open(url)

    def allow_console(self, pattern):
        """Errors whose text matches are what the test is about."""
        self.allowed.append(re.compile(pattern))

    def told(self, target, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        elif method == "Runtime.consoleAPICalled":
            words = [spoken(value) for value in params["args"]]
            self.console.append((params["type"], " ".join(words)))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details["text"]
            self.console.append(("error", said))
        elif method == "Log.entryAdded":
            entry = params["entry"]
            # The browser's own wish for an icon is no error of the page.
            if urlsplit(entry.get("url", "")).path == "/favicon.ico":
                return
            self.console.append((entry["level"], f"{entry['text']} {entry.get('url', '')}"))

    def console_errors(self):
        return [
            text
            for level, text in self.console
            if level in ("error", "assert")
            and not any(pattern.search(text) for pattern in self.allowed)
        ]

    def foreign_requests(self):
        """Requests to an origin that the test itself has not opened."""
        hosts = {urlsplit(origin).netloc for origin in self.own_origins}
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in ("http", "https", "ws", "wss")
            and urlsplit(url).netloc not in hosts
        ]

    def problems(self):
        found = [f"console error: {text}" for text in self.console_errors()]
        found += [f"request to another origin: {url}" for url in self.foreign_requests()]
        return list(dict.fromkeys(found))

    def logs(self, last=6000):
        """What a failed test shows."""
        said = "\n".join(f"{level}: {text}" for level, text in self.console)
        pages = [
            (f"window {number} of person {owner}", window.description()[-last:])
            for owner, person in enumerate(self.people, 1)
            for number, window in enumerate(person.windows, 1)
        ]
        return [("console", said[-last:])] + pages

    def close(self):
        for person in self.people:
            person.close()
        self.chromium.seats.remove(self)


class Person:
    """A profile: windows that share cookies, storage and workers, and nothing with others."""

    def __init__(self, seat, look):
        self.seat = seat
        self.look = look
        self.windows = []
        made = seat.devtools.call("Target.createBrowserContext", disposeOnDetach=True)
        self.context = made["browserContextId"]

    def open(self, url=None, **look):
        window = Window(self, {**self.look, **look})
        self.windows.append(window)
        if url is not None:
            window.open(url)
        return window

    def close(self):
        """All of the windows at once, as when a browser is quit."""
        self.windows.clear()
        self.seat.devtools.call("Target.disposeBrowserContext", browserContextId=self.context)


def spoken(value):
    """An argument of console.log as text."""
    if "value" in value:
        return str(value["value"])
    return value.get("description") or value.get("unserializableValue") or value["type"]


