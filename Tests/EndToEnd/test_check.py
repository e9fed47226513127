# Owns the tests of `sidecar check`: many ways to get a config wrong, each named by its line.
# Called by pytest, directly only.
# Never runs the service.
import json
import re

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.processes import free_port
from harness.sidecar import command, environment

GOOD = """\
{
  // A comment, and a trailing comma below: this is JSON5.
  listen: ["127.0.0.1:@PORT@"],
  upstream: {
    servers: ["http://127.0.0.1:9"],
    connect_timeout: "2s",
  },
  tokens: {
    keys: [{ algorithms: ["HS256"], secret_env: "JWT_SECRET" }],
    leeway: "30s",
  },
  presence: {
    offline_after: "2m",
    heartbeat_every: "30s",
  },
  routes: [
    { match: "POST /api/auth/logout/", on: "logout" },
    { match: "POST /api/users/heartbeat/", serve: "heartbeat" },
  ],
  store: { path: null },
}
"""

# name: (text to replace, what stands there instead, words that the finding must hold)
SPOILT = {
    "a misspelt key": (
        "offline_after:",
        "ofline_after:",
        ["presence.ofline_after", "offline_after"],
    ),
    "a wrong type": ('connect_timeout: "2s"', "connect_timeout: [2]", ["upstream.connect_timeout"]),
    "a bad duration": ('leeway: "30s"', 'leeway: "30 parsecs"', ["tokens.leeway", "30 parsecs"]),
    "an unknown route action": ('on: "logout"', 'on: "loguot"', ["routes[0].on", "logout"]),
    "an unreadable secret": (
        'secret_env: "JWT_SECRET"',
        'secret_file: "/no/such/secret"',
        ["tokens.keys[0].secret_file", "/no/such/secret"],
    ),
    "a duplicate key": ("leeway:", 'leeway: "1s", leeway:', ["leeway"]),
    "a shadowed route": (
        "POST /api/users/heartbeat/",
        "POST /api/auth/logout",
        ["routes[1]", "POST /api/auth/logout/"],
    ),
    "a port out of range": ("127.0.0.1:@PORT@", "127.0.0.1:70000", ["listen[0]", "70000"]),
    "a syntax error": ('"http://127.0.0.1:9"]', '"http://127.0.0.1:9"', []),
    "a weak secret": (
        'secret_env: "JWT_SECRET"',
        'secret_env: "WEAK_SECRET"',
        ["tokens.keys[0].secret_env", "7 bytes", "allow_weak_secret"],
    ),
    "keys fetched in the open": (
        '["HS256"], secret_env: "JWT_SECRET"',
        '["RS256"], jwks: "http://id.example/jwks"',
        ["tokens.keys[0].jwks", "https://id.example/jwks"],
    ),
    "a place that is none": (
        'leeway: "30s"',
        'from: ["header:Authorization Basic"]',
        ["tokens.from[0]", "Basic", "Bearer"],
    ),
    "two who are asked": (
        'leeway: "30s"',
        'introspect: { path: "/me/", url: "https://id.example/i", user: "$.id" }',
        ["tokens.introspect.url", "path"],
    ),
    "a field that is taken": (
        'leeway: "30s"',
        'forward: { user: "X-Forwarded-User" }',
        ["tokens.forward.user", "X-Auth-User"],
    ),
    "a guessable service token": (
        'leeway: "30s"',
        'service: [{ name: "wall", token_env: "WEAK_SECRET" }]',
        ["tokens.service[0].token_env", "16"],
    ),
    "a login that needs a token": (
        'on: "logout" }',
        'on: "login", token: "$.access", require: true }',
        ["routes[0].require", "login"],
    ),
    "a refresh without a token": (
        'on: "logout" }',
        'on: "refresh" }',
        ["routes[0].on", "token"],
    ),
    "a flapping threshold": ('"2m"', '"40s"', ["presence.offline_after", "allow_flapping"]),
}


def check(path, text):
    path.write_text(text.replace("@PORT@", str(free_port())))
    result = command("check", "--config", path, env=environment(WEAK_SECRET="hunter2"))
    return result.returncode, (result.stdout + result.stderr).splitlines()


def test_a_good_config_has_no_findings(tmp_path):
    status, said = check(tmp_path / "good.json5", GOOD)
    assert status == 0, said
    assert not [line for line in said if re.search(r'good\.json5:\d', line)]


@pytest.mark.parametrize("kind", SPOILT)
def test_check_names_the_line_and_what_to_write(tmp_path, kind):
    old, new, words = SPOILT[kind]
    assert GOOD.count(old) == 1
    file = tmp_path / "bad.json5"
    status, said = check(file, GOOD.replace(old, new))
    line = GOOD[: GOOD.index(old)].count("\n") + 1
    # The reader notices the missing bracket where something else follows.
    lines = [line, line + 1] if kind == "a syntax error" else [line]
    # (and may add the column).
    found = [text for text in said for number in lines if text.startswith(f"{file}:{number}:")]
    assert len(found) == 1, said
    assert all(word in found[0] for word in words), found
    assert status == 1, said
    assert [text for text in said if text.startswith(f"{file}:")] == found


def test_several_mistakes_are_all_named_at_once(tmp_path):
    text = GOOD
    for kind in ("a misspelt key", "a bad duration", "an unknown route action"):
        text = text.replace(*SPOILT[kind][:2])
    status, said = check(tmp_path / "bad.json5", text)
    assert status == 1 and len([line for line in said if "bad.json5:" in line]) == 3, said


def test_a_missing_file_is_named(tmp_path):
    result = command("check", "--config", tmp_path / "nowhere.json5")
    assert result.returncode == 1 and "nowhere.json5" in result.stdout + result.stderr


def with_key(tmp_path, name, content):
    """What `check` says of a config with that file of keys."""
    (tmp_path / name).write_bytes(content)
    kind = "public_key_file" if name.endswith(".pem") else "jwks"
    entry = f'["ES256"], {kind}: "{tmp_path / name}"'
    return check(
        tmp_path / "keys.json5", GOOD.replace('["HS256"], secret_env: "JWT_SECRET"', entry)
    )


def test_r05_files_of_keys_are_read(tmp_path):
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(private.public_key()))
    key.pop("key_ops", None)
    twins = {"keys": [dict(key, kid="a"), dict(key, kid="a")]}
    shared = {"keys": [dict(key, kid="a"), {"kty": "oct", "k": "c2VjcmV0"}]}
    assert with_key(tmp_path, "good.pem", public)[0] == 0
    assert with_key(tmp_path, "good.json", json.dumps({"keys": [key]}).encode())[0] == 0
    for name, content, words in [
        ("private.pem", secret, "private key"),
        ("text.pem", b"hello", "no PEM"),
        ("twins.json", json.dumps(twins).encode(), "two keys have the id a"),
        ("shared.json", json.dumps(shared).encode(), "shared secret"),
    ]:
        status, said = with_key(tmp_path, name, content)
        assert status == 1 and len(said) == 1, said
        assert "keys.json5:9: tokens.keys[0]." in said[0] and words in said[0], said
        assert "c2VjcmV0" not in said[0]


def test_r14_check_fetches_nothing(tmp_path, recorder):
    url = f"{recorder.address}/jwks.json"
    status, said = check(
        tmp_path / "good.json5",
        GOOD.replace('["HS256"], secret_env: "JWT_SECRET"', f'["ES256"], jwks: "{url}"'),
    )
    assert status == 0, said
    assert not recorder.calls
