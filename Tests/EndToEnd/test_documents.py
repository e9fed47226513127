# Owns the test that the documents do not lie: configurations, links, the nginx snippet.
# Called by pytest, directly only.
# Never reads a document for its style.
import os
import re

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from harness import nginx, tokens
from harness.processes import free_port
from harness.sidecar import REPOSITORY, command, environment
from harness.sockets import Tab
from harness.waiting import eventually

DOCUMENTS = [
    REPOSITORY / name
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Tests/EndToEnd/README.md")
] + sorted((REPOSITORY / "docs").rglob("*.md"))

CONFIGURATIONS = [
    pytest.param(text, id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, text in enumerate(re.findall(r"```json5\n(.*?)```", path.read_text(), re.DOTALL))
]


def furnished(text, folder):
    """The same with what it refers to: a secret for each variable, a key for each key file."""
    variables = {
        name: f"{number}-" + "x" * 40
        for number, name in enumerate(re.findall(r'_env: "(\w+)"', text))
        if name != "JWT_SECRET"
    }
    key = folder / "key.pem"
    key.write_bytes(
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return re.sub(r'public_key_file: "[^"]+"', f'public_key_file: "{key}"', text), variables


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configurations_are_good(text, tmp_path):
    file = tmp_path / "sidecar.json5"
    text, variables = furnished(text, tmp_path)
    file.write_text(text)
    done = command("check", "--config", file, env=environment(**variables))
    assert (done.returncode, done.stdout) == (0, f"{file}: ok\n"), done.stdout


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
    missing = [
        link
        for link in links
        if not link.startswith("http") and not (path.parent / link).exists()
    ]
    assert not missing


@pytest.mark.parametrize("path", ["README.md", "docs/configuration.md"])
def test_tokens_and_every_recipe_can_be_found(path):
    page = REPOSITORY / path
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    found = {(page.parent / link).resolve() for link in links if not link.startswith("http")}
    docs = REPOSITORY / "docs"
    assert not {docs / "tokens.md", *(docs / "recipes").glob("*.md")} - found


def test_every_key_has_its_line():
    """Every key that there will be stands in docs/configuration.md."""
    text = (REPOSITORY / "docs/configuration.md").read_text()
    sample = (REPOSITORY / "Tests/SidecarTests/Config/ConfigSample.swift").read_text()
    config = sample.split('#"""')[1].split('"""#')[0]
    keys = set(re.findall(r"([a-z_]+): ", re.sub(r'"[^"]*"|//.*', "", config)))
    assert len(keys) > 60
    assert not {key for key in keys if f"`{key}" not in text and f"{key}:" not in text}


class Front:
    """deploy/nginx/presence.conf, on a port of its own, before that sidecar."""

    def __init__(self, workshop, upstream):
        port = free_port()
        home = workshop.folder / f"front-{port}"
        home.mkdir()
        snippet = (REPOSITORY / "deploy/nginx/presence.conf").read_text()
        for given, wanted in (
            ("listen 80;", f"listen 127.0.0.1:{port};"),
            ("server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};"),
        ):
            assert given in snippet
            snippet = snippet.replace(given, wanted)
        (home / "presence.conf").write_text(snippet)
        frame = re.sub(
            r"    server \{\{.*\n    \}\}\n",
            "    include {home}/presence.conf;\n",
            nginx.CONFIGURATION,
            flags=re.DOTALL,
        )
        user = "user root root;" if os.geteuid() == 0 else ""
        (home / "nginx.conf").write_text(frame.format(user=user, home=home))
        argv = [nginx.program(), "-p", home, "-c", home / "nginx.conf", "-e", "stderr"]
        self.process = workshop.start("nginx", argv, dict(os.environ), has_children=True)
        self.address = f"http://127.0.0.1:{port}"
        eventually(lambda: requests.get(self.address, timeout=5).status_code, what="nginx")


def test_the_nginx_snippet_works(workshop, stand, legacy):
    world = stand(legacy.address)
    front = Front(workshop, world.sidecar.port)
    admin = {"Authorization": f"Bearer {tokens.admin()}", "Host": "app.example"}

    # Links and the application see the name and the address that the client used.
    requests.get(front.address + "/api/orders/", headers=admin, timeout=5)
    page = requests.get(
        front.address + "/_presence/users?per_page=1&page=1", headers=admin, timeout=5
    ).json()
    assert page["count"] == 1
    seen = requests.get(front.address + "/echo/", headers=admin, timeout=5).json()["headers"]
    assert seen["host"] == "app.example"
    assert seen["x-forwarded-host"] == "app.example"
    assert seen["x-forwarded-for"].startswith("127.0.0.1")

    # WebSockets open; metrics stay inside.
    tab = Tab(front.address, tokens.admin(), path="/_presence/ws")
    tab.begin()
    tab.close()
    assert requests.get(front.address + "/_presence/metrics", timeout=5).status_code == 404
    assert requests.get(front.address + "/_presence/readyz", timeout=5).status_code == 200
