# Owns the program under test: its configuration, its start, its own endpoints as seen by the
# harness (readiness, metrics).
# Called by the fixtures and by tests that need a special configuration.
# Never builds it: SIDECAR_BIN names the binary.
import copy
import json
import os
import re
import subprocess
from pathlib import Path

import requests

from . import tokens
from .processes import free_port
from .waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[3]

ROUTES = [
    {
        "match": "POST /api/auth/login/",
        "on": "login",
        "token": "$.access",
        "user": "$.user.id",
        "name": "$.user.username",
    },
    {"match": "POST /api/auth/logout/", "on": "logout"},
    {"match": "POST /api/users/heartbeat/", "serve": "heartbeat"},
    {"match": "GET /api/users/admin/users/online/", "serve": "online"},
    {"match": "GET /api/users/admin/users/{id}/online-status/", "serve": "user"},
    {"match": "POST /api/users/admin/users/{id}/set-online-status/", "serve": "set-status"},
    {"match": "GET /ws/presence/", "serve": "websocket"},
    {"match": "GET /page/", "activity": False},
    {"match": "* /files/**", "track": False},
]

# The app's pages with dots, and its list with presence in it. Its scripts keep the token in local
# storage, or where they are told so in a cookie.
DOTTED = [
    {
        "match": f"GET /{page}/",
        "inject": {
            "dots": [selector],
            "token_storage": "access_token",
            "token_cookie": "access_token",
        },
    }
    for page, selector in [
        ("team", "a[href='/people/{id}/']"),
        ("roster", "tr[data-user-id='{id}'] td.name"),
    ]
] + [
    {"match": "GET /board/", "inject": {"token_storage": "access_token"}},
    {
        "match": "GET /api/users/admin/users/",
        "enrich": {"items": "$.results[*]", "id": "$.id"},
    },
    *ROUTES,
]

# Thresholds so long that nothing changes by itself in a test that did not ask for it.
DEFAULTS = {
    "tokens": {
        "keys": [{"algorithms": ["HS256"], "secret_env": "JWT_SECRET"}],
        # Tokens minted here carry this very second as `iat`; two clocks may differ by a breath.
        "leeway": "2s",
    },
    "presence": {
        "offline_after": "60s",
        "heartbeat_every": "1s",
        "disconnect_grace": "300ms",
        "allow_flapping": True,
    },
    "routes": ROUTES,
    "api": {"rate_limit": "100000/s"},
    "store": {"path": "presence.sqlite3", "flush_every": "100ms"},
    "log": {"level": "info"},
}


def binary():
    path = Path(os.environ.get("SIDECAR_BIN") or REPOSITORY / ".build/release/sidecar")
    assert path.exists(), f"no binary at {path}; scripts/test builds it, SIDECAR_BIN names another"
    return str(path.absolute())


def merged(base, changes):
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def environment(**changes):
    """The child's environment; None removes a variable."""
    env = dict(os.environ, JWT_SECRET=tokens.SECRET)
    for key, value in changes.items():
        if value is None:
            env.pop(key, None)
        else:
            env[key] = value
    return env


def command(*arguments, env=None, within=20):
    """A call of the command line that ends by itself."""
    return subprocess.run(
        [binary(), *[str(word) for word in arguments]],
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
    )


class Sidecar:
    """One installation: a folder, a config file, a port. It can be started again."""

    def __init__(self, workshop, upstream, changes=None, name="sidecar"):
        self.workshop = workshop
        self.name = name
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder = workshop.folder / f"{name}-{self.port}"
        self.folder.mkdir()
        self.process = None
        base = {
            "listen": [f"127.0.0.1:{self.port}"],
            "upstream": {"servers": [upstream], "connect_timeout": "2s"},
        }
        self.config = merged(merged(base, DEFAULTS), changes or {})
        store = self.config["store"]["path"]
        if store is not None:
            self.config["store"]["path"] = str(self.folder / store)
        self.file = self.folder / "sidecar.json5"
        self.write()

    def write(self):
        self.file.write_text(json.dumps(self.config, indent=2))

    def start(self, ready="/readyz", within=10, env=None):
        self.process = self.workshop.start(
            self.name, [binary(), "run", "--config", self.file], env or environment()
        )

        def answers():
            if self.process.has_ended():
                raise RuntimeError(
                    f"the sidecar ended with status {self.process.wait()}:\n"
                    + self.process.output()
                )
            return self.own(ready).status_code == 200

        eventually(answers, within=within, what=f"200 from /_presence{ready}")
        return self

    def own(self, path, **more):
        """GET under /_presence, on a connection of its own."""
        return requests.get(self.address + "/_presence" + path, timeout=5, **more)

    def metrics(self):
        """Every sample of /metrics: {'name{labels}': value}."""
        samples = {}
        for line in self.own("/metrics").text.splitlines():
            found = re.match(r"^([A-Za-z_:][\w:]*(?:\{.*\})?)\s+([-+.\deEinfNa]+)", line)
            if found:
                samples[found[1]] = float(found[2])
        return samples

    def log(self):
        return self.process.output()
