# Owns the tests of `sidecar check`: ten ways to get a config wrong, each named by its line.
# Called by pytest, directly only.
# Never runs the service.
import re

import pytest

from harness.processes import free_port
from harness.sidecar import command

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
    "a flapping threshold": ('"2m"', '"40s"', ["presence.offline_after", "allow_flapping"]),
}


def check(path, text):
    path.write_text(text.replace("@PORT@", str(free_port())))
    result = command("check", "--config", path)
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
