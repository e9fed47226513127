# Owns the test of the first impression: scripts/demo, what it prints, what README.md says to try.
# Called by pytest, directly only.
# Never types anything of its own: every command is run as it is printed.
import json
import os
import re
import signal
import subprocess

import pytest

from harness.processes import free_port
from harness.sidecar import REPOSITORY, binary, environment
from harness.waiting import eventually

WATCHES = "--watch"


@pytest.fixture
def demo(workshop):
    """A running demo: its process, its port."""
    port = free_port()
    process = workshop.start(
        "demo",
        [REPOSITORY / "scripts/demo", port],
        environment(SIDECAR_BIN=binary(), JWT_SECRET=None),
    )
    eventually(
        lambda: "Try, in another terminal:" in process.output(),
        within=20,
        what="the demo's words",
    )
    return process, port


def commands_printed(output):
    """The lines that the demo says to try."""
    after = output.split("Try, in another terminal:\n\n")[1].split("\n\n")[0]
    return [line.strip() for line in after.splitlines()]


def commands_of_readme(port):
    """The lines of README.md's first section of commands after `scripts/demo`."""
    text = (REPOSITORY / "README.md").read_text()
    block = re.search(r"<!-- try -->\s*```sh\n(.*?)```", text, re.DOTALL)
    assert block, "README.md has no block of commands marked <!-- try -->"
    lines = block[1].replace("8090", str(port)).replace(".build/release/sidecar", binary())
    return [line for line in lines.splitlines() if line]


def run(lines):
    """What each line printed, all of them run by one shell as by one reader."""
    script = "\n".join(f"{line}\nprintf '\\n<<next>>\\n'" for line in lines)
    done = subprocess.run(
        ["bash", "-u", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=REPOSITORY,
        env=dict(os.environ),
    )
    assert not done.stderr, done.stderr
    return dict(zip(lines, done.stdout.split("\n<<next>>\n")))


def check(lines):
    """Runs every line that ends by itself; each did what it is there for.

    The names of those things.
    """
    answers = run([line for line in lines if WATCHES not in line])
    met = set()

    def of(what, line):
        met.add(what)
        return answers[line]

    for line in answers:
        if line.startswith("TOKEN="):
            assert not of("token", line).strip()
        elif line.rstrip().endswith("/_presence/users"):
            page = json.loads(of("list", line))
            assert "Ada Lindqvist" in {user["name"] for user in page["results"]}
            assert page["count"] >= len(page["results"]) == 20
        elif "/status -d" in line:
            told = json.loads(of("set", line))
            assert (told["online_status"], told["reason"]) == ("away", "set by admin")
        elif "/api/patients/" in line:
            patients = json.loads(of("enriched", line))["results"]
            assert {patient["doctor_presence"]["online_status"] for patient in patients} >= {
                "online"
            }
        elif "/api/slow/" in line:
            assert json.loads(of("slow", line))["detail"] == "That took two seconds."
        elif "/api/broken/" in line:
            assert of("broken", line).startswith("HTTP/1.1 500 ")
        elif re.search(r"/_presence/users/\d+$", line):
            assert json.loads(of("user", line))["online_status"] in ("online", "away", "offline")
        elif " users --url " in line:
            assert of("table", line).startswith("USER ")
        else:
            raise AssertionError(f"nobody has said what this should print: {line}")
    return met


def see_watching(workshop, lines):
    """The line that never ends shows a table, and shows it again."""
    token = next(line for line in lines if line.startswith("TOKEN="))
    watching = next(line for line in lines if WATCHES in line)
    process = workshop.start(
        "watch", ["bash", "-c", f"{token}\nexec {watching}"], dict(os.environ)
    )
    eventually(lambda: process.output().count("USER ") > 1, what="the table, twice")
    assert "Grace Okafor" in process.output()
    process.stop()


def test_what_the_demo_prints_works(demo, workshop):
    process, _ = demo
    lines = commands_printed(process.output())
    assert check(lines) == {
        "token",
        "list",
        "user",
        "set",
        "enriched",
        "slow",
        "broken",
    }
    see_watching(workshop, lines)


def test_what_readme_says_to_try_works(demo, workshop):
    _, port = demo
    lines = commands_of_readme(port)
    assert check(lines) >= {"token", "list", "set", "table"}
    if any(WATCHES in line for line in lines):
        see_watching(workshop, lines)


def test_people_come_and_go_while_one_looks(demo):
    process, _ = demo
    lines = commands_printed(process.output())
    token = lines[0]
    listing = next(line for line in lines if line.endswith("/_presence/users"))
    seen = set()

    def has_changed():
        page = json.loads(run([token, listing])[listing])
        seen.add(tuple((user["user_id"], user["online_status"]) for user in page["results"]))
        return len(seen) > 2

    eventually(has_changed, within=20, every=0.3, what="the third picture of the team")


def test_ctrl_c_ends_it(demo):
    process, _ = demo
    process.send(signal.SIGINT)
    assert process.wait() == 0


def test_a_port_in_use_is_one_clear_line(demo):
    _, port = demo
    again = subprocess.run(
        [REPOSITORY / "scripts/demo", str(port)],
        env=environment(SIDECAR_BIN=binary()),
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in again.stderr and "in use" in again.stderr


@pytest.mark.parametrize("words", [["x"], ["70000"], ["1", "2"]])
def test_a_wrong_argument_is_told_how(words):
    done = subprocess.run(
        [REPOSITORY / "scripts/demo", *words], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 64
    assert done.stderr.startswith("usage: scripts/demo")
