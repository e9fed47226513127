# Owns a running `sidecar demo`, and how its people sign in.
# Called by the tests of pages and by screenshots.py.
# Never speaks to the demo but as a browser does.
from .processes import free_port
from .sidecar import binary, environment
from .waiting import eventually


class Demo:
    def __init__(self, workshop):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = workshop.start(
            "demo", [binary(), "demo", "--port", self.port], environment(JWT_SECRET=None)
        )
        eventually(lambda: "Stop with Ctrl-C" in self.process.output(), 20, what="the demo's words")

    def sign_in(self, person, name):
        """A window of that person on the page of the team."""
        page = person.open(self.address + "/signin/")
        page.type("#username", name)
        page.type("#password", "demo")
        page.press("ENTER")
        page.wait("document.title.startsWith('Team')")
        return page
