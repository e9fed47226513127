# Owns one connection to a browser's DevTools protocol: commands, and every event of its targets.
# Called by harness/browser.py.
# Never misses the beginning: a page or worker stands still until its events are asked for.
import json
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

# A command that has no answer after this many seconds has none.
PATIENCE = 20

DOMAINS = ["Runtime", "Log", "Network"]


class CommandRefused(AssertionError):
    """The browser's own words about a command that it does not obey."""


class DevTools:
    """`told(target, method, params)` is called for each event, on the reading thread."""

    def __init__(self, url, told):
        self.told = told
        self.link = connect(url, max_size=None, compression=None, proxy=None, open_timeout=10)
        self.lock = threading.Condition()
        self.count = 0
        self.waiting = set()
        self.answers = {}
        self.sessions = {}  # target -> session
        self.targets = {}  # session -> target
        self.ended = False
        self.reader = threading.Thread(target=self.read, name="devtools", daemon=True)
        self.reader.start()
        self.attach_all()

    def close(self):
        self.link.close()
        self.reader.join(5)

    def attach_all(self, session=None):
        """Pages and workers attach themselves, and wait for `welcome`."""
        self.tell(
            "Target.setAutoAttach",
            session,
            autoAttach=True,
            waitForDebuggerOnStart=True,
            flatten=True,
        )

    # Commands.

    def tell(self, method, session=None, **params):
        """Sends, and does not wait for the answer."""
        with self.lock:
            self.count += 1
            message = {"id": self.count, "method": method, "params": params}
            if session is not None:
                message["sessionId"] = session
            self.link.send(json.dumps(message))
            return self.count

    def call(self, method, session=None, **params):
        with self.lock:
            number = self.tell(method, session, **params)
            self.waiting.add(number)
            self.lock.wait_for(lambda: number in self.answers or self.ended, timeout=PATIENCE)
            self.waiting.discard(number)
            answer = self.answers.pop(number, None)
        assert answer, f"no answer of the browser to {method}"
        if "error" in answer:
            raise CommandRefused(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def session_of(self, target):
        with self.lock:
            known = self.lock.wait_for(lambda: target in self.sessions, timeout=PATIENCE)
            assert known, f"the browser has not attached to {target}"
            return self.sessions[target]

    # Events.

    def read(self):
        try:
            for text in self.link:
                self.take(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            with self.lock:
                self.ended = True
                self.lock.notify_all()

    def take(self, message):
        if "id" in message:
            with self.lock:
                if message["id"] in self.waiting:
                    self.answers[message["id"]] = message
                    self.lock.notify_all()
            return
        method, params = message["method"], message.get("params", {})
        if method == "Target.attachedToTarget":
            self.welcome(params["sessionId"], params["targetInfo"]["targetId"])
        elif method == "Target.detachedFromTarget":
            with self.lock:
                target = self.targets.pop(params["sessionId"], None)
                self.sessions.pop(target, None)
        else:
            self.told(self.targets.get(message.get("sessionId")), method, params)

    def welcome(self, session, target):
        """Its events are asked for before its first line runs."""
        for domain in DOMAINS:
            self.tell(f"{domain}.enable", session)
        self.attach_all(session)
        self.tell("Runtime.runIfWaitingForDebugger", session)
        with self.lock:
            self.targets[session] = target
            self.sessions[target] = session
            self.lock.notify_all()
