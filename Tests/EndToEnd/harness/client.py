# Owns how a person's client speaks: to the app, and to the sidecar's endpoints.
# Called by the presence tests, over either front.
# Never hides an answer: every call gives the response as it came.
import time
from dataclasses import dataclass
from datetime import datetime, timezone

import requests

from . import tokens
from .waiting import eventually

IDS = {"admin": "1", "alice": "2", "bob": "3", "carol": "4", "dave": "5", "erin": "6", "frank": "7"}


@dataclass
class Person:
    id: str
    name: str
    token: str
    refresh: str


def moment(text):
    """Seconds since 1970 of a time in an answer; None of null. Checks the contract's form."""
    if text is None:
        return None
    parsed = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert len(text) == 24, f"not RFC 3339 UTC with milliseconds: {text}"
    return parsed.timestamp()


class Client:
    """Requests to one front; the observer is an admin who watches and does nothing else."""

    def __init__(self, address):
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        self.observer = tokens.admin()

    def close(self):
        self.session.close()

    def call(self, method, path, token=None, **more):
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("http") else self.address + path
        more.setdefault("allow_redirects", False)
        return self.session.request(method, url, headers=headers, timeout=10, **more)

    def get(self, path, token=None, **more):
        return self.call("GET", path, token, **more)

    def post(self, path, token=None, **more):
        return self.call("POST", path, token, **more)

    # The app, as its own clients use it.

    def login(self, name, password=None, query=""):
        response = self.post(
            "/api/auth/login/" + query,
            json={"username": name, "password": password or name + "-pw"},
        )
        response.raise_for_status()
        body = response.json()
        return Person(str(body["user"]["id"]), name, body["access"], body["refresh"])

    def logout(self, person):
        return self.post("/api/auth/logout/", person.token, json={"refresh": person.refresh})

    def work(self, token):
        """What a person at work does."""
        response = self.get("/api/orders/", token)
        assert response.status_code == 200, response.text
        return response

    # The sidecar.

    def heartbeat(self, token, status=None):
        body = {} if status is None else {"json": {"status": status}}
        return self.post("/_presence/heartbeat", token, **body)

    def presence(self, user):
        """The presence object of a user, asked for by the observer."""
        response = self.get(f"/_presence/users/{user}", self.observer)
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def status(self, user):
        return self.presence(user)["online_status"]

    def set_status(self, user, status, lasting=None, token=None):
        body = {"online_status": status}
        if lasting is not None:
            body["for"] = lasting
        return self.post(f"/_presence/users/{user}/status", token or self.observer, json=body)

    def becomes(self, user, status, within=5.0):
        """Waits until the user has that status."""
        return eventually(
            lambda: self.status(user) == status, within, what=f"{status} of user {user}"
        )

    def stays(self, user, status, seconds):
        """Looks again and again for a while: the status must be the same at every look."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            seen = self.presence(user)
            assert seen["online_status"] == status, seen
            time.sleep(0.02)
