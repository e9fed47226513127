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

# Of both the most that still looks as it did; PNG stays PNG.
REDUCE = ["pngquant", "--force", "--skip-if-larger", "--quality=80-98", "--strip", "--ext", ".png"]
REDUCED = (0, 98, 99)  # 98, 99: not smaller, or not as good; the picture is as it was


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

    def dashboard(self, **look):
        """The dashboard as ada sees it, with the list filled."""
        page = self.seat.open(self.demo.address + "/_presence/dashboard", **look)
        page.type("#username", "ada")
        page.type("#password", "demo")
        page.press("ENTER")
        page.wait("document.querySelectorAll('#users tbody tr').length > 10")
        page.wait("document.querySelector('#link').dataset.state === 'live'")
        return page

    def dots(self, page, status, least):
        page.wait(
            "[...document.querySelectorAll('presence-dot')]"
            f".filter(dot => dot.getAttribute('status') === '{status}').length >= {least}"
        )


def take_all(photographer):
    demo, seat = photographer.demo, photographer.seat
    team = demo.sign_in(seat.person(), "ada")
    team.size(1000, 700)
    photographer.dots(team, "online", 5)
    photographer.take(team, "team")
    team.open(demo.address + "/patients/")
    photographer.dots(team, "online", 5)
    team.hover("tbody tr:nth-child(2) presence-dot")
    photographer.take(team, "patients")

    light = photographer.dashboard()
    light.size(1200, 900)
    photographer.take(light, "dashboard-light")
    photographer.take(photographer.dashboard(dark=True), "dashboard-dark")
    photographer.take(photographer.dashboard(phone=True), "dashboard-phone")
    light.open(demo.address + "/_presence/dashboard#/users/3")
    light.wait("document.querySelector('#timeline svg') !== null")
    photographer.take(light, "dashboard-user")


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
