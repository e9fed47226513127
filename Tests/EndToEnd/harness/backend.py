# Owns the legacy app as a running server: its database, seeded, and gunicorn before it.
# Called by the session's fixtures.
# Never changes anything in the app.
import os
import subprocess
import sys
from pathlib import Path

import requests

from . import tokens
from .processes import free_port
from .waiting import eventually

SUITE = Path(__file__).resolve().parent.parent


class LegacyApp:
    def __init__(self, workshop):
        self.workshop = workshop
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = None
        home = workshop.folder / "legacy"
        home.mkdir()
        self.env = dict(
            os.environ,
            LEGACY_DIR=str(home),
            JWT_SECRET=tokens.SECRET,
            PYTHONPATH=str(SUITE),
            PYTHONDONTWRITEBYTECODE="1",
        )
        subprocess.run([sys.executable, "-m", "legacy.seed"], env=self.env, check=True, timeout=60)

    def start(self):
        """gthread, as gunicorn's documentation names it for keep-alive."""
        argv = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        argv += ["--worker-class", "gthread", "--workers", "2", "--threads", "16"]
        argv += ["--keep-alive", "5", "--graceful-timeout", "2", "legacy.wsgi:application"]
        self.process = self.workshop.start("gunicorn", argv, self.env, has_children=True)
        eventually(self.answers, within=20, what="the legacy app")
        return self

    def answers(self):
        try:
            return requests.get(self.address + "/nothing/", timeout=5).status_code == 204
        except requests.ConnectionError:
            return False

    def stop(self):
        self.process.stop()
