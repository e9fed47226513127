# Owns the pictures of docs/pictures: python screenshots.py FOLDER takes them anew, from the demo.
# Called by scripts/screenshots.
# Never paints anything: what is seen is what the demo's pages show.
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.browser import Chromium, Seat
from harness.demo import Demo
from harness.processes import Workshop
from harness.window import TWO_FRAMES

# Of both the most that still looks as it did; PNG stays PNG.
REDUCE = ["pngquant", "--force", "--skip-if-larger", "--quality=80-98", "--strip", "--ext", ".png"]
REDUCED = (0, 98, 99)  # 98, 99: not smaller, or not as good; the picture is as it was


# What fades in has done so. (A document does not know the animations of its shadow roots.)
AT_REST = """Promise.all([document, ...document.querySelectorAll("presence-dot")]
    .flatMap(at => (at.shadowRoot || at).getAnimations())
    .filter(animation => animation.effect.getComputedTiming().iterations < 9)
    .map(animation => animation.finished.catch(() => null))).then(() => true)"""


class Photographer:
    def __init__(self, folder, demo, seat):
        self.folder = Path(folder)
        self.demo = demo
        self.seat = seat

    def take(self, page, name):
        file = self.folder / f"{name}.png"
        page.picture(file)
        done = subprocess.run([*REDUCE, file])
        assert done.returncode in REDUCED, f"pngquant ended with {done.returncode}"
        subprocess.run(["optipng", "-quiet", "-o2", file], check=True)
        print(f"{file.name}: {file.stat().st_size // 1024} KiB")

    def dashboard(self, ada, **look):
        """The dashboard with its list filled; whoever has signed in to the intranet is known."""
        page = ada.open(**look)
        if not look.get("phone"):
            page.size(1200, 900, scale=2)
        page.open(self.demo.address + "/_presence/dashboard")
        page.wait("document.querySelectorAll('#users tbody tr').length >= 5", within=20)
        page.wait("document.querySelector('#link').dataset.state === 'live'", within=20)
        page.wait("document.querySelector('#day-chart svg') !== null")
        page.click("#tiles button:last-child")
        page.wait("document.querySelector('#users .offline') !== null", within=20)
        return page

    def person(self, page, user):
        """One person's page of the dashboard."""
        page.click(f"a[href='#/users/{user}']")
        page.wait("document.querySelector('#timeline svg') !== null", within=20)

    def dots(self, page):
        """The page with somebody of each status among those who are seen first."""
        seen = "[...document.querySelectorAll('presence-dot')].slice(0, 20)"
        page.wait(
            f"new Set({seen}.map(dot => dot.getAttribute('status'))).size === 3", within=60
        )
        page.evaluate(TWO_FRAMES)
        page.evaluate(AT_REST)


def take_all(photographer):
    demo = photographer.demo
    ada = photographer.seat.person()
    team = demo.sign_in(ada, "ada")
    team.size(1000, 700, scale=2)
    photographer.dots(team)
    team.hover("presence-dot[user='9']")
    photographer.take(team, "team")
    team.open(demo.address + "/patients/")
    photographer.dots(team)
    photographer.take(team, "patients")
    team.close()

    light = photographer.dashboard(ada)
    photographer.take(light, "dashboard-light")
    photographer.take(photographer.dashboard(ada, dark=True), "dashboard-dark")
    photographer.take(photographer.dashboard(ada, phone=True), "dashboard-phone")
    photographer.person(light, 4)
    photographer.take(light, "dashboard-person")


def main(folder):
    shop = Workshop(tempfile.mkdtemp(prefix="screenshots-"))
    try:
        demo = Demo(shop)
        seat = Seat(Chromium(shop))
        take_all(Photographer(folder, demo, seat))
        problems = seat.problems()
        seat.close()
        assert not problems, problems
    finally:
        died = shop.close()
        shutil.rmtree(shop.folder, ignore_errors=True)
    assert not died, died


if __name__ == "__main__":
    main(*sys.argv[1:])
