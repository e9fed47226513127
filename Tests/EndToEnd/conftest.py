# Owns the fixtures: the legacy app once a session, a fresh sidecar for each test.
# Called by pytest.
# Never shares presence between tests: each has a store and a process of its own.
import resource
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from harness.backend import LegacyApp
from harness.browser import Chromium, Seat
from harness.client import Client
from harness.dashboard import Dashboard
from harness.nginx import Nginx
from harness.processes import Workshop
from harness.recipes import RECIPES, Installation, RecipeSidecar
from harness.recording import RecordingBackend
from harness.sidecar import Sidecar, binary
from harness.site import Site
from harness.sockets import Tab


def pytest_configure(config):
    # A thousand connections on both sides of a proxy; children inherit it.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_sessionstart(session):
    if not session.config.option.collectonly:
        binary()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the processes said."""
    report = yield
    if report.failed:
        for bench in OPEN:
            for name, text in bench.logs():
                report.sections.append((f"log of {name}", text))
    return report


# The workshops whose processes may run now: that of the session, and that of the present test.
OPEN = []


@contextmanager
def opened(folder):
    """A workshop; a process that died on its own fails the test."""
    bench = Workshop(folder)
    OPEN.append(bench)
    yield bench
    OPEN.remove(bench)
    died = bench.close()
    assert not died, died


@pytest.fixture(scope="session")
def session_shop(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("session")) as bench:
        yield bench


@pytest.fixture(scope="session")
def legacy(session_shop):
    return LegacyApp(session_shop).start()


@pytest.fixture
def workshop(tmp_path):
    """Everything a test starts."""
    with opened(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="session")
def chromium(session_shop):
    return Chromium(session_shop)


@pytest.fixture
def browser(chromium, workshop):
    """A real Chromium for this test; an error in a console fails it, and so does a request to
    another origin."""
    seat = Seat(chromium)
    OPEN.append(seat)
    yield seat
    OPEN.remove(seat)
    seat.close()
    assert not seat.problems(), "\n".join(seat.problems())


@pytest.fixture
def recorder(workshop):
    """A backend that answers as the test says and keeps every byte that reached it."""
    return workshop.keep(RecordingBackend())


@dataclass
class World:
    """One sidecar, with the address where clients meet it."""

    sidecar: Sidecar
    front: str
    client: Client
    tabs: list = field(default_factory=list)

    def tab(self, token=None, **more):
        tab = Tab(self.client.address, token, **more)
        self.tabs.append(tab)
        return tab

    def close(self):
        for tab in self.tabs:
            tab.close()
        self.client.close()


@pytest.fixture
def stand(workshop):
    """stand(backend, config changes…): a running sidecar, met directly or behind nginx."""

    def build(backend, /, front="direct", ready="/readyz", **changes):
        sidecar = Sidecar(workshop, backend, changes).start(ready=ready)
        address = sidecar.address
        if front == "nginx":
            address = Nginx(workshop, sidecar.port).address
        return workshop.keep(World(sidecar, front, Client(address)))

    return build


@pytest.fixture
def site(stand, legacy, browser):
    """site(config changes…): the legacy app with scripts of the sidecar in its pages."""

    def build(**changes):
        return Site(stand(legacy.address, **changes), browser)

    return build


@pytest.fixture(params=["direct", "nginx"])
def front(request):
    """Where clients meet the sidecar: itself, or Debian's nginx before it."""
    return request.param


@pytest.fixture
def start(front, stand, legacy):
    """As `stand`, before the legacy app, each test once with each front."""

    def build(**changes):
        return stand(legacy.address, front=front, **changes)

    return build


@pytest.fixture
def world(start):
    """The ordinary installation: nothing changes by itself within a test."""
    return start()


@pytest.fixture(scope="session")
def recipe_apps(session_shop):
    """The apps that have been asked for so far, each started once."""
    return {}


@pytest.fixture
def board(world, browser):
    """The dashboard of the `world` that a file of tests has, before anybody has signed in."""
    return Dashboard(browser.person().open(), world.client.address)


@pytest.fixture(params=list(RECIPES))
def recipe(request, session_shop, recipe_apps):
    """Each app of docs/recipes, as its people use it."""
    name = request.param
    if name not in recipe_apps:
        recipe_apps[name] = RECIPES[name](session_shop)
    return recipe_apps[name]


@pytest.fixture
def set_up(front, workshop, recipe):
    """set_up(changes of the recipe's text…): that recipe at work."""

    def build(changes=(), upstream=None):
        sidecar = RecipeSidecar(workshop, recipe, upstream or recipe.address, changes).start()
        address = sidecar.address
        if front == "nginx":
            address = Nginx(workshop, sidecar.port).address
        at = workshop.keep(Installation(recipe, sidecar, address))
        at.settle()
        return at

    return build
