# Owns the tests of `sidecar whoami`: tokens of every kind, explained check by check.
# Called by pytest, directly only.
# Never judges by the whole text: checks are looked up by name.
import json
import subprocess
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from harness import tokens
from harness.issuer import Authority, KeyServer, SigningKey, key_set
from harness.processes import free_port
from harness.sidecar import binary, command, environment

CHECKS = [
    "form", "header", "algorithm", "key", "signature", "claims", "lifetime", "issuer", "audience",
    "type", "user", "revocation",
]
SHARED = {"algorithms": ["HS256"], "secret_env": "JWT_SECRET"}


class Answer:
    """What `whoami` printed: `outcomes` by check, `details` by check, the last line."""

    def __init__(self, done):
        self.status = done.returncode
        self.text = done.stdout
        self.error = done.stderr
        lines = done.stdout.splitlines()
        self.last = lines[-1] if lines else ""
        self.outcomes, self.details = {}, {}
        for line in lines[:-1]:
            what, rest = line.split(maxsplit=1)
            words = 2 if rest.startswith("not reached") else 1
            self.outcomes[what] = " ".join(rest.split()[:words])
            parts = rest.split(maxsplit=words)
            self.details[what] = parts[words] if len(parts) > words else ""

    def refused_at(self, check):
        """Everything before it passed, and nothing behind it was reached."""
        place = CHECKS.index(check)
        wanted = ["ok"] * place + ["refused"] + ["not reached"] * (len(CHECKS) - place - 1)
        assert [self.outcomes[name] for name in CHECKS] == wanted, self.text
        assert self.status == 1 and self.last.startswith("refused: "), self.text
        return self.details[check]

    def unknown(self):
        assert self.status == 2 and self.last.startswith("not known: "), self.text
        return self.last.removeprefix("not known: ")

    def accepted(self):
        passed = [self.outcomes[name] for name in CHECKS[:-1]]
        assert passed == ["ok"] * len(passed), self.text
        assert self.status == 0 and self.last.startswith("accepted: "), self.text
        return self.last.removeprefix("accepted: ")


@pytest.fixture
def configured(tmp_path):
    """configured(tokens, …): a config file with that section."""

    def write(section, **more):
        file = tmp_path / "sidecar.json5"
        whole = {
            "upstream": {"servers": ["http://127.0.0.1:9"]},
            "tokens": section,
            "store": {"path": None},
            **more,
        }
        file.write_text(json.dumps(whole))
        return file

    return write


def ask(file, token, env=None):
    """By standard input. No part of the token is ever shown."""
    env = env or environment()
    piped = subprocess.run(
        [binary(), "whoami", "--config", str(file), "-"],
        input=token + "\n", capture_output=True, text=True, env=env, timeout=20,
    )
    for part in token.split("."):
        if len(part) > 8:
            assert part not in piped.stdout + piped.stderr
    return Answer(piped)


def pem(key):
    return key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_a_token_of_a_shared_secret(configured):
    file = configured({"keys": [dict(SHARED, issuer="me", audience=["app", "web"])]})
    token = tokens.mint(42, username="ann", is_staff=True, iss="me", aud="web")
    answer = ask(file, token)
    assert answer.accepted() == 'user "42", an admin'
    assert answer.details["user"] == '"42", name "ann", an admin'
    assert 'iss "me"' in answer.details["issuer"]
    assert 'aud "web"' in answer.details["audience"]
    assert "in 29m 5" in answer.details["lifetime"] or "in 30m" in answer.details["lifetime"]
    word = command("whoami", "--config", file, token)
    assert word.returncode == 0 and word.stdout.splitlines()[-1] == answer.text.splitlines()[-1]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_r01_tokens_of_public_keys(configured, tmp_path, algorithm):
    key = SigningKey("k1", algorithm)
    (tmp_path / "key.pem").write_bytes(pem(key))
    (tmp_path / "set.json").write_bytes(key_set(key, SigningKey("k2", algorithm)))
    for source in ({"public_key_file": "key.pem"}, {"jwks": "set.json"}):
        name, path = next(iter(source.items()))
        file = configured({"keys": [{"algorithms": [algorithm], name: str(tmp_path / path)}]})
        assert ask(file, key.mint(7)).accepted() == 'user "7"'
        stranger = SigningKey("k1", algorithm)
        assert "does not match" in ask(file, stranger.mint(7)).refused_at("signature")


def test_r06_an_unknown_key_id_is_shown_beside_those_there_are(configured, tmp_path):
    keys = SigningKey("k1"), SigningKey("k2")
    (tmp_path / "set.json").write_bytes(key_set(*keys))
    file = configured({"keys": [{"algorithms": ["ES256"], "jwks": str(tmp_path / "set.json")}]})
    detail = ask(file, keys[0].mint(7, kid="k3")).refused_at("key")
    assert 'kid "k3"' in detail and '"k1", "k2"' in detail


def test_r14_keys_are_fetched(configured, tmp_path):
    authority, key = Authority(tmp_path), SigningKey("k1")
    server = KeyServer(authority.context())
    try:
        server.publish(key)
        entry = {
            "algorithms": ["ES256"], "jwks": server.url(), "jwks_ca_file": str(authority.file)
        }
        answer = ask(configured({"keys": [entry]}), key.mint(7))
        assert answer.accepted() == 'user "7"'
        assert "1 key (k1)" in answer.details["keys"]

        # Nobody has vouched for it.
        entry.pop("jwks_ca_file")
        answer = ask(configured({"keys": [entry]}), key.mint(7))
        assert "certificate" in answer.details["keys"]
        assert answer.outcomes["key"] == "refused" and "not fetched" in answer.details["key"]
        assert answer.outcomes["signature"] == "not reached"
        assert answer.unknown() == "the keys of tokens.keys[0] could not be fetched"
    finally:
        server.close()


def refused(name, check, words, token):
    return pytest.param(check, words, token, id=name)


NOW = int(time.time())


@pytest.mark.parametrize(
    "check, words, token",
    [
        refused("expired", "lifetime", ["expired", "1h ago"], lambda: tokens.expired(7)),
        refused("unsigned", "algorithm", ["alg none"], lambda: tokens.unsigned(7)),
        refused("tampered", "signature", ["does not match"], lambda: tokens.tampered(7, 8)),
        refused(
            "another secret", "signature", ["does not match"],
            lambda: tokens.mint(7, secret="x" * 40),
        ),
        refused(
            "another algorithm", "algorithm", ['"HS384"', "HS256"],
            lambda: tokens.mint(7, algorithm="HS384"),
        ),
        refused("a refresh token", "type", ["refresh"], lambda: tokens.mint(7, token_type="refresh")),
        refused(
            "not yet valid", "lifetime", ["nbf", "in 59m 5"],
            lambda: tokens.mint(7, nbf=int(time.time()) + 3600),
        ),
        refused("no end", "lifetime", ["no expiry"], lambda: without("exp")),
        refused("nobody", "user", ["no user id"], lambda: without("user_id")),
        refused("four segments", "form", ["three segments"], lambda: "a.b.c.d"),
        refused(
            "a critical extension", "header", ["critical"],
            lambda: jwt.encode(
                tokens.claims(7), tokens.SECRET, headers={"crit": ["x"], "x": 1}
            ),
        ),
    ],
)
def test_each_reason_to_refuse_is_named(configured, check, words, token):
    file = configured({"keys": [SHARED]})
    detail = ask(file, token()).refused_at(check)
    assert all(word in detail for word in words), detail


def without(name):
    claims = tokens.claims(7)
    claims.pop(name)
    return jwt.encode(claims, tokens.SECRET, algorithm="HS256")


def test_r17_a_token_that_was_logged_out(world):
    alice = world.client.login("alice")
    file = world.sidecar.file
    assert ask(file, alice.token).accepted().startswith('user "2"')
    assert world.client.logout(alice).status_code == 200
    assert "revoked by a logout, until" in ask(file, alice.token).refused_at("revocation")
    # The same beside no running service.
    world.sidecar.process.stop()
    assert ask(file, alice.token).last == "refused: revoked"


def test_r20_the_application_is_asked(configured, recorder):
    def who(call):
        if call.get("Cookie") == "sessionid=an-opaque-session":
            return call.reply(200, body=b'{"id": 5, "username": "eve", "is_staff": true}')
        return call.reply(401)

    recorder.handler = who
    section = {
        "from": ["header:Authorization", "cookie:sessionid"],
        "introspect": {
            "path": "/me/", "user": "$.id", "name": "$.username", "admin": "$.is_staff"
        },
    }
    file = configured(section, upstream={"servers": [recorder.address]})
    answer = ask(file, "an-opaque-session")
    assert answer.status == 0 and answer.last == 'accepted: user "5"', answer.text
    assert answer.details["introspection"] == 'shown in cookie:sessionid: "5", name "eve", an admin'
    answer = ask(file, "another-session")
    assert answer.status == 1 and answer.outcomes["introspection"] == "refused", answer.text
    down = configured(section, upstream={"servers": [f"http://127.0.0.1:{free_port()}"]})
    answer = ask(down, "an-opaque-session")
    assert answer.outcomes["introspection"] == "not reached", answer.text
    assert "Connection refused" in answer.details["introspection"]
    assert answer.unknown() == "the application could not be asked"
    for status in (302, 404, 500):
        recorder.handler = lambda call, status=status: call.reply(status)
        answer = ask(file, "an-opaque-session")
        assert answer.outcomes["introspection"] == "not reached", answer.text
        assert answer.unknown() == "the application could not be asked"
    # It is at one of two places, and the application is silent about one of them.
    recorder.handler = lambda call: call.reply(401 if call.get("Cookie") else 500)
    assert ask(file, "an-opaque-session").unknown()


def test_r22_a_service_token(configured):
    file = configured(
        {"keys": [SHARED], "service": [{"name": "wallboard", "token_env": "WALLBOARD_TOKEN"}]}
    )
    answer = ask(file, "w" * 20, environment(WALLBOARD_TOKEN="w" * 20))
    assert answer.status == 0 and answer.last == 'accepted: the service "wallboard"'


def test_what_cannot_be_asked(configured, tmp_path):
    file = configured({"keys": [SHARED]})
    for words in (["whoami"], ["whoami", "x"], ["whoami", "--config", file]):
        done = command(*words)
        assert done.returncode == 64 and len(done.stderr.splitlines()) == 1, done.stderr
    done = command("whoami", "--config", file, "-")
    assert done.returncode == 64 and "standard input" in done.stderr
    for empty in ("", " "):
        done = command("whoami", "--config", file, empty)
        assert done.returncode == 64 and "the token is empty" in done.stderr, done.stderr
    bad = tmp_path / "bad.json5"
    bad.write_text("{ upstream: 5 }")
    done = command("whoami", "--config", bad, "x")
    assert done.returncode == 1 and f"{bad}:1: upstream:" in done.stderr
