# Owns the dashboard as its reader uses it, and a crowd of people for it to show.
# Called by the tests of the dashboard.
# Never looks into the dashboard's scripts: what is seen, pressed and read is all there is.
import http.client
import threading
import time
from urllib.parse import urlsplit

from . import tokens


class Dashboard:
    """One window with the dashboard in it."""

    def __init__(self, window, address, prefix="/_presence"):
        self.window = window
        self.address = address + prefix + "/dashboard"
        window.open(self.address)

    def sign_in(self, name, password=None):
        self.window.type("#login:not([hidden]) #username", name)
        self.window.type("#password", password or name + "-pw")
        self.window.click("#login-form button")
        return self

    def use_token(self, token):
        self.window.type("#login:not([hidden]) #token", token)
        self.window.click("#token-form button")
        return self

    def is_live(self, by="WebSocket", within=5):
        self.window.wait(f"document.querySelector('#link').textContent === 'Live by {by}'", within)
        return self

    def show(self, status):
        """Presses a tile: "online", "away", "offline" or "" for everyone."""
        self.window.click(f"#tiles [value='{status}']")

    @property
    def counts(self):
        """What the four tiles say."""
        return self.window.evaluate(
            "[...document.querySelectorAll('#tiles b')].map(tile => tile.textContent).join(' ')"
        )

    @property
    def names(self):
        """The names in the rows in sight, from the top."""
        return self.window.evaluate(
            "[...document.querySelectorAll('#users a')].map(link => link.textContent)"
        )

    def row(self, name):
        """The cells of that user's row as text; None where there is no such row."""
        return self.window.evaluate(
            "(name => [...document.querySelectorAll('#users tbody tr')]"
            ".filter(row => row.querySelector('a')?.textContent === name)"
            ".map(row => [...row.cells].map(cell => cell.innerText.trim()))[0] ?? null)"
            f"({name!r})"
        )

    def status_of(self, name):
        row = self.row(name)
        return row and row[0]


class Crowd:
    """People by the thousand, on a connection of their own to the sidecar."""

    def __init__(self, address, count, first=10_000):
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
        ids = range(first, first + count)
        self.tokens = [tokens.mint(i, username=f"person {i}", exp=2_000_000_000) for i in ids]

    def says(self, number, status="online"):
        """A heartbeat of the person of that number."""
        headers = {"Authorization": f"Bearer {self.tokens[number]}"}
        body = f'{{"status":"{status}"}}'
        self.connection.request("POST", "/_presence/heartbeat", body, headers)
        response = self.connection.getresponse()
        text = response.read()
        assert response.status == 200, text

    def come(self):
        for number in range(len(self.tokens)):
            self.says(number)
        return self

    def flicker(self, numbers, per_second, seconds):
        """So many changes a second: the people of those numbers go away, and come back, in turn."""
        return Flicker(self, list(numbers), per_second, per_second * seconds)

    def close(self):
        self.connection.close()


class Flicker:
    """Changes of status at a steady pace, in a thread."""

    def __init__(self, crowd, numbers, per_second, count):
        self.crowd = crowd
        self.numbers = numbers
        self.per_second = per_second
        self.count = count
        self.made = 0
        self.took = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        began = time.monotonic()
        for change in range(self.count):
            turn, place = divmod(change, len(self.numbers))
            ahead = began + change / self.per_second - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)  # the pace is what the test is about
            self.crowd.says(self.numbers[place], "online" if turn % 2 else "away")
            self.made += 1
        self.took = time.monotonic() - began

    def join(self):
        """Waits for the last change; how many a second there were in fact."""
        self.thread.join(60)
        assert self.made == self.count, f"only {self.made} of {self.count} changes were made"
        return self.made / self.took
