# Owns the tests of `sidecar run` without a config file: keys by options.
# Called by pytest, directly only.
# Never writes a config file.
import requests
from cryptography.hazmat.primitives import serialization

from harness import tokens
from harness.issuer import SigningKey, key_set
from harness.processes import free_port
from harness.sidecar import binary, environment
from harness.waiting import eventually


def run(workshop, upstream, *options):
    """A sidecar started by options alone: its process and its address."""
    port = free_port()
    listen = ["--upstream", upstream, "--listen", f"127.0.0.1:{port}"]
    process = workshop.start(
        "options", [binary(), "run", *listen, *options], environment()
    )
    address = f"http://127.0.0.1:{port}/_presence"
    eventually(lambda: requests.get(address + "/healthz", timeout=5).ok, what="an answer")
    return process, address


def heartbeat(address, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(address + "/heartbeat", headers=headers, timeout=5)


def test_r01_public_keys_by_options(workshop, recorder, tmp_path):
    published = SigningKey("k1", "EdDSA"), SigningKey("k2", "RS256")
    single = SigningKey("k3", "ES256")
    (tmp_path / "set.json").write_bytes(key_set(*published))
    (tmp_path / "key.pem").write_bytes(
        single.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    process, address = run(
        workshop, recorder.address,
        "--jwks", tmp_path / "set.json", "--public-key", tmp_path / "key.pem",
        "--jwt-secret-env", "JWT_SECRET",
    )
    for number, key in enumerate([*published, single], start=1):
        assert heartbeat(address, key.mint(number)).json()["user_id"] == str(number)
    assert heartbeat(address, tokens.mint(9)).status_code == 200
    assert heartbeat(address, SigningKey("k1", "EdDSA").mint(1)).status_code == 401
    eventually(lambda: "set.json: 2 keys (k1, k2)" in process.output(), what="the keys")
    metrics = requests.get(address + "/metrics", timeout=5).text.splitlines()
    assert [line for line in metrics if line.startswith("sidecar_keys{")] == [
        'sidecar_keys{entry="0"} 1',
        'sidecar_keys{entry="1"} 2',
        'sidecar_keys{entry="2"} 1',
    ]
    assert "sidecar_key_fetches_total 1" in metrics
