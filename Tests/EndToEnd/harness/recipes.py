# Owns how people sign in to each app of `apps/`, what they send then, and its recipe at work.
# Called by the tests of the recipes.
# Never changes a recipe but by RULE: addresses, the store's file, the rate limit of a test's haste.
import re
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .apps import AppServer
from .client import IDS
from .processes import free_port
from .sidecar import REPOSITORY, Sidecar, environment
from .sockets import Tab
from .waiting import eventually

FOLDER = REPOSITORY / "docs" / "recipes"
WALLBOARD, FRONT_DESK = "wallboard-4cKXPuh0yD", "front-desk-Zt3Yk0fQ2b"


@dataclass
class Device:
    """A browser or a phone that signed in, by what it sends from then on."""

    id: str
    name: str
    fields: dict
    refresh: str = None


class Recipe:
    """One app, one file of docs/recipes. `attempt` may go to the app itself or through a front."""

    login, logout, work, open = "/api/login/", "/api/logout/", "/api/orders/", "/api/news/"
    learns = True  # its tokens say nothing themselves
    asks = None  # where the app says whose credential one is
    tokens_per_user = None  # where each device has its own
    by_cookie = False
    own_admin = True

    def __init__(self, workshop):
        self.app = AppServer(workshop, self.page, self.open)
        self.address = self.app.address

    def rule(self):
        return []

    @property
    def source(self):
        return FOLDER / f"{self.name}.json5"

    def is_ready(self, sidecar):
        return True

    def sign_in(self, address, name):
        answer, device = self.attempt(address, name, name + "-pw")
        assert device is not None, f"{answer.status_code} {answer.text}"
        return device

    def sign_out(self, address, device):
        return requests.post(address + self.logout, headers=device.fields, timeout=10)

    def gone(self, name):
        """What a device sends whose session the app has ended, behind everybody's back."""
        device = self.sign_in(self.address, name)
        assert self.sign_out(self.address, device).ok
        return device.fields

    def bad(self):
        """(what is wrong, the fields): credentials that the app refuses."""
        return [
            ("unknown", self.fields("0123456789abcdef0123456789abcdef")),
            ("ended", self.gone("dave")),
        ]


class DjangoSessions(Recipe):
    name, page, open = "django-sessions", "django_sessions", "/news/"
    asks, by_cookie = "/api/me/", True

    def attempt(self, address, name, password):
        page = requests.get(address + self.login, timeout=10)
        csrf = page.cookies["csrftoken"]
        answer = requests.post(
            address + self.login,
            json={"username": name, "password": password},
            cookies={"csrftoken": csrf},
            headers={"X-CSRFToken": csrf},
            timeout=10,
        )
        if not answer.ok:
            return answer, None
        fields = self.fields(answer.cookies["sessionid"], answer.cookies["csrftoken"])
        return answer, Device(str(answer.json()["id"]), name, fields)

    def fields(self, token, csrf="x" * 32):
        return {"Cookie": f"csrftoken={csrf}; sessionid={token}", "X-CSRFToken": csrf}

    def service(self, token):
        return {"Authorization": f"Bearer {token}"}

    def disagreeing(self, one, other):
        yield [("Cookie", one.fields["Cookie"]), ("Cookie", other.fields["Cookie"])]
        yield [("Cookie", one.fields["Cookie"] + "; " + other.fields["Cookie"])]
        token = re.search("sessionid=(.*)", other.fields["Cookie"])[1]
        yield [("Cookie", one.fields["Cookie"]), ("Authorization", f"Bearer {token}")]

    def scripted_login(self, call, token):
        cookies = [
            ("Set-Cookie", "csrftoken=c; Path=/"),
            ("Set-Cookie", f"sessionid={token}; Path=/"),
        ]
        call.reply(200, cookies, b'{"id": 2, "username": "alice", "is_staff": false}')


class DRFToken(Recipe):
    name, page = "drf-token", "drf_token"
    asks = "/api/users/me/"
    tokens_per_user = 1

    def attempt(self, address, name, password):
        given = {"username": name, "password": password}
        answer = requests.post(address + self.login, json=given, timeout=10)
        if not answer.ok:
            return answer, None
        body = answer.json()
        return answer, Device(str(body["user"]["id"]), name, self.fields(body["token"]))

    def fields(self, token):
        return {"Authorization": f"Token {token}"}

    service = fields

    def bad(self):
        good = self.sign_in(self.address, "erin").fields["Authorization"].split()[1]
        return super().bad() + [
            ("another scheme", {"Authorization": f"Bearer {good}"}),
            ("no scheme", {"Authorization": good}),
        ]

    def disagreeing(self, one, other):
        yield [("Authorization", device.fields["Authorization"]) for device in (one, other)]

    def scripted_login(self, call, token):
        body = '{"token": "%s", "user": {"id": 2, "username": "alice", "is_staff": false}}' % token
        call.reply(200, [("Content-Type", "application/json")], body.encode())


class FlaskOpaque(Recipe):
    name, page = "flask-opaque", "flask_opaque"
    login, logout, work, open = "/login", "/logout", "/orders", "/news"
    own_admin = False

    def attempt(self, address, name, password, path=None):
        given = {"username": name, "password": password}
        answer = requests.post(address + (path or self.login), json=given, timeout=10)
        if not answer.ok:
            return answer, None
        body = answer.json()
        token = body.get("token") or answer.headers["X-Auth-Token"]
        return answer, Device(str(body["user"]["id"]), name, self.fields(token))

    def fields(self, token):
        return {"X-Auth-Token": token}

    service = fields

    def disagreeing(self, one, other):
        fields = [("X-Auth-Token", device.fields["X-Auth-Token"]) for device in (one, other)]
        yield fields
        yield [fields[0], ("Cookie", "auth_token=" + fields[1][1])]

    scripted_login = DRFToken.scripted_login


class JWKS(Recipe):
    name, page = "jwks", "shop"
    login, logout, work, open = "/auth/login", "/auth/logout", "/orders", "/news"
    learns = False

    def __init__(self, workshop):
        self.provider = AppServer(workshop, "identity_provider", "/.well-known/jwks.json")
        env = {"IDENTITY_PROVIDER": self.provider.address}
        self.app = AppServer(workshop, self.page, self.open, prepared=False, **env)
        self.address = self.app.address
        pem = (self.provider.home / "provider.pem").read_bytes()
        self.key = serialization.load_pem_private_key(pem, password=None)

    def rule(self):
        return [("http://127.0.0.1:9000", self.provider.address)]

    def is_ready(self, sidecar):
        return "keys" in sidecar.log()

    def device(self, answer, name):
        body = answer.json()
        return Device(IDS[name], name, self.fields(body["access_token"]), body["refresh_token"])

    def attempt(self, address, name, password):
        given = {"username": name, "password": password}
        answer = requests.post(address + self.login, json=given, timeout=10)
        return answer, self.device(answer, name) if answer.ok else None

    def sign_out(self, address, device):
        given = {"refresh_token": device.refresh}
        url = address + self.logout
        return requests.post(url, json=given, headers=device.fields, timeout=10)

    def renew(self, address, device, fields=None):
        given = {"refresh_token": device.refresh}
        url = address + "/auth/refresh"
        fields = device.fields if fields is None else fields
        answer = requests.post(url, json=given, headers=fields, timeout=10)
        assert answer.ok, answer.text
        return self.device(answer, device.name)

    def fields(self, token):
        return {"Authorization": f"Bearer {token}"}

    service = fields

    def mint(self, user="5", key=None, algorithm="RS256", kid="2026-11", typ="at+jwt", **changes):
        now = int(time.time())
        claims = {"iss": "https://id.example", "aud": "shop", "sub": user, "name": "dave"}
        claims.update({"iat": now, "exp": now + 900, "jti": f"{now}-{user}"}, **changes)
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": kid, "typ": typ}
        return jwt.encode(claims, key or self.key, algorithm, headers=headers)

    def bad(self):
        now = int(time.time())
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        tokens = {
            "of another's key": self.mint(key=other),
            "expired": self.mint(iat=now - 7200, exp=now - 3600),
            "of another audience": self.mint(aud="warehouse"),
            "of another issuer": self.mint(iss="https://id.example/"),
            "of another algorithm": self.mint(algorithm="RS512"),
            "of an unknown key": self.mint(key=other, kid="2027-01"),
            "with the public key as secret": self.mint(key=public, algorithm="HS256"),
            "without a signature": self.mint().rpartition(".")[0] + ".",
            "without exp": self.mint(exp=None),
        }
        return [(what, self.fields(token)) for what, token in tokens.items()]

    def disagreeing(self, one, other):
        yield [("Authorization", device.fields["Authorization"]) for device in (one, other)]


RECIPES = {recipe.name: recipe for recipe in (DjangoSessions, DRFToken, FlaskOpaque, JWKS)}


class RecipeSidecar(Sidecar):
    """The sidecar with a file of docs/recipes as it stands, but for RULE and a test's changes."""

    def __init__(self, workshop, recipe, upstream, changes=()):
        self.workshop, self.name = workshop, "sidecar"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.folder = workshop.folder / f"{recipe.name}-{self.port}"
        self.folder.mkdir()
        self.process = None
        self.source = recipe.source
        text = self.source.read_text()
        self.rule = recipe.rule() + [
            ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
            ("http://127.0.0.1:8000", upstream),
            ("/var/lib/presence/presence.sqlite3", str(self.folder / "presence.sqlite3")),
            ('rate_limit: "20/s"', 'rate_limit: "100000/s"'),
        ]
        for given, wanted in self.rule + list(changes):
            assert text.count(given) == 1, f"{given} in {recipe.name}.json5"
            text = text.replace(given, wanted)
        self.file = self.folder / "sidecar.json5"
        self.file.write_text(text)

    def start(self, ready="/readyz", within=10, env=None):
        env = env or environment(WALLBOARD_TOKEN=WALLBOARD, FRONT_DESK_TOKEN=FRONT_DESK)
        return super().start(ready, within, env)


class Installation:
    """A recipe at work; the wallboard looks on, which makes nobody online."""

    def __init__(self, recipe, sidecar, address):
        self.recipe, self.sidecar, self.address = recipe, sidecar, address
        self.observer = recipe.service(WALLBOARD)
        self.tabs = []
        self.session = requests.Session()
        self.session.trust_env = False
        # What a device sends stands in its fields, and is no other's.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self):
        for tab in self.tabs:
            tab.close()
        self.session.close()

    @property
    def origin(self):
        """What the sidecar takes for the page's own: nginx's default names the sidecar as Host."""
        return self.sidecar.address

    def settle(self):
        """Key sets are fetched after the start, which waits for nobody."""
        eventually(lambda: self.recipe.is_ready(self.sidecar), what="the provider's keys")

    def restart(self):
        self.sidecar.start()
        self.settle()

    def call(self, method, path, fields=None, **more):
        url = path if path.startswith("http") else self.address + path
        more.setdefault("allow_redirects", False)
        return self.session.request(method, url, headers=fields, timeout=10, **more)

    def sign_in(self, name):
        return self.recipe.sign_in(self.address, name)

    def sign_out(self, device):
        return self.recipe.sign_out(self.address, device)

    def work(self, device):
        return self.call("GET", self.recipe.work, device.fields)

    def heartbeat(self, fields, status=None):
        body = {} if status is None else {"json": {"status": status}}
        return self.call("POST", "/_presence/heartbeat", fields, **body)

    def presence(self, user, fields=None):
        answer = self.call("GET", f"/_presence/users/{user}", fields or self.observer)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def status(self, user):
        return self.presence(user)["online_status"]

    def becomes(self, user, status, within=5.0):
        return eventually(lambda: self.status(user) == status, within, what=f"{status} of {user}")

    def known(self):
        """The ids of everybody who ever counted."""
        answer = self.call("GET", "/_presence/users?per_page=1000", self.observer)
        assert answer.status_code == 200, answer.text
        return sorted(user["user_id"] for user in answer.json()["results"])

    def admin(self):
        """What an admin sends."""
        if not self.recipe.own_admin:
            return self.recipe.service(FRONT_DESK)
        admin = self.sign_in("admin")
        assert self.work(admin).status_code == 200
        return admin.fields

    def tab(self, device, **more):
        tab = Tab(self.address, fields=device.fields, **more)
        self.tabs.append(tab)
        return tab
