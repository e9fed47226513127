# Owns the apps of `apps/` as running servers, each with a folder of its own.
# Called by the fixtures of the recipes.
# Never changes anything in an app.
import os
import subprocess
import sys

import requests

from .backend import SUITE
from .processes import free_port
from .waiting import eventually


class AppServer:
    """gunicorn with one page of `apps/`; `prepared` runs the page as a program before."""

    def __init__(self, workshop, page, probe, prepared=True, **env):
        self.page = page
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.probe = self.address + probe
        self.home = workshop.folder / f"{page}-{self.port}"
        self.home.mkdir()
        self.env = dict(
            os.environ,
            APP_HOME=str(self.home),
            APP_SECRET="a-secret-of-the-app-alone",
            PYTHONPATH=str(SUITE),
            PYTHONDONTWRITEBYTECODE="1",
            **env,
        )
        if prepared:
            argv = [sys.executable, "-m", f"apps.{page}"]
            subprocess.run(argv, env=self.env, check=True, timeout=60)
        # One process, for the provider keeps its refresh tokens in memory.
        argv = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        argv += ["--worker-class", "gthread", "--workers", "1", "--threads", "16"]
        argv += ["--keep-alive", "5", "--graceful-timeout", "2", f"apps.{page}:application"]
        self.process = workshop.start(page.replace("_", ""), argv, self.env, has_children=True)
        eventually(self.answers, within=20, what=f"the app {page}")

    def answers(self):
        try:
            return requests.get(self.probe, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False
