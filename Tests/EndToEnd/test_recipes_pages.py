# Owns the test that the pages of docs/recipes say what happens: their commands, run as printed.
# Called by pytest, directly only.
# Never compares what no two runs have in common: times, sizes, addresses.
import os
import re
import subprocess

import pytest

from harness.sidecar import binary

PAIR = re.compile(r"```sh\n(.*?)```\s+```(?:json)?\n(.*?)```", re.DOTALL)
VARYING = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"in \d+[dhms]( \d+[hms])?", "in A WHILE"),
    (r"\d+s ago", "A WHILE ago"),
    (r"\d+ bytes", "SOME bytes"),
]


@pytest.fixture
def front():
    return "direct"


def alike(text):
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    # An answer has no line end of its own; the page gives it one.
    return "".join(line.rstrip() for line in text.splitlines())


def test_a_recipes_page_says_what_happens(set_up, recipe, tmp_path):
    at = set_up()
    (tmp_path / f"{recipe.name}.json5").write_text(at.sidecar.file.read_text())
    (tmp_path / "sidecar").symlink_to(binary())
    page = (at.sidecar.source.parent / f"{recipe.name}.md").read_text()
    pairs = PAIR.findall(page)
    assert len(pairs) == page.count("```sh") == 2
    script = "".join(commands for commands, _ in pairs)
    for given, wanted in at.sidecar.rule:
        script = script.replace(given, wanted)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=dict(os.environ, PATH=path),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    for given, wanted in at.sidecar.rule:
        said = said.replace(wanted, given)
    assert alike(said) == alike("".join(output for _, output in pairs))
