# Owns the tests of running it: check, missing secrets, broken stores, signals.
# Called by pytest, directly only.
# Never uses a port or file that a test did not make.
import signal
import threading

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from harness import tokens
from harness.client import IDS
from harness.processes import free_port
from harness.sidecar import Sidecar, command, environment
from harness.waiting import eventually
from harness.wire import Wire

ALICE, BOB = IDS["alice"], IDS["bob"]


@pytest.fixture
def config(workshop):
    """A config file that is right; tests spoil it."""
    return Sidecar(workshop, "http://127.0.0.1:1")


def test_check_of_a_good_config_exits_0(config):
    result = command("check", "--config", config.file)
    assert result.returncode == 0, result.stdout + result.stderr


def test_missing_secret_check_and_run_say_which_variable(config):
    config.config["tokens"]["keys"][0]["secret_env"] = "NOWHERE_TO_BE_FOUND"
    config.write()
    line = next(
        number
        for number, text in enumerate(config.file.read_text().splitlines(), start=1)
        if "NOWHERE_TO_BE_FOUND" in text
    )
    checked = command("check", "--config", config.file)
    said = checked.stdout + checked.stderr
    assert checked.returncode == 1
    assert f"{config.file}:{line}: " in said and "NOWHERE_TO_BE_FOUND" in said
    ran = command("run", "--config", config.file)
    assert ran.returncode not in (0, -signal.SIGILL, -signal.SIGSEGV)
    assert "NOWHERE_TO_BE_FOUND" in ran.stdout + ran.stderr


def test_run_by_flags_alone(workshop, legacy):
    port = free_port()
    from harness.sidecar import binary

    argv = [binary(), "run", "--upstream", legacy.address, "--listen", f"127.0.0.1:{port}"]
    argv += ["--jwt-secret-env", "JWT_SECRET"]
    workshop.start("flags", argv, environment())
    base = f"http://127.0.0.1:{port}"

    def ready():
        return requests.get(base + "/_presence/readyz", timeout=5).status_code == 200

    eventually(ready, what="readiness")
    bearer = {"Authorization": "Bearer " + tokens.mint(BOB)}
    assert requests.get(base + "/api/orders/", headers=bearer, timeout=5).status_code == 200
    beat = requests.post(base + "/_presence/heartbeat", headers=bearer, timeout=5)
    assert beat.json()["status"] == "online"


def test_command_line():
    assert command("--version").returncode == 0
    assert "run" in command("--help").stdout
    wrong = command("rnu")
    assert wrong.returncode == 64 and len(wrong.stderr.strip().splitlines()) <= 2


def test_a_token_of_the_command_line_works(stand, legacy):
    world = stand(legacy.address)
    minted = command("token", "--config", world.sidecar.file, "--user", BOB, "--admin")
    assert minted.returncode == 0, minted.stderr
    token = minted.stdout.strip()
    assert world.client.heartbeat(token).json()["user_id"] == BOB
    assert world.client.set_status(ALICE, "away", token=token).status_code == 200


@pytest.mark.parametrize(
    "content", [b"this is no database\n" * 500, b"SQLite format 3\0 and no more"]
)
def test_broken_database_file_is_named_and_the_proxy_runs_on(workshop, legacy, content):
    sidecar = Sidecar(workshop, legacy.address)
    file = sidecar.config["store"]["path"]
    with open(file, "wb") as broken:
        broken.write(content)
    sidecar.start(ready="/healthz")
    assert [line for line in sidecar.log().splitlines() if file in line], sidecar.log()

    base = sidecar.address
    bearer = {"Authorization": "Bearer " + tokens.mint(BOB)}
    assert requests.get(base + "/api/orders/", headers=bearer, timeout=5).status_code == 200
    beat = requests.post(base + "/_presence/heartbeat", headers=bearer, timeout=5)
    assert beat.json()["status"] == "online"
    said = sidecar.own("/readyz").text.lower()
    assert "store" in said or "database" in said, said
    # What was there is evidence: it is left as it was found.
    with open(file, "rb") as broken:
        assert broken.read() == content


def test_a_store_that_cannot_be_made_is_said_and_the_proxy_runs_on(workshop, legacy):
    sidecar = Sidecar(workshop, legacy.address)
    file = str(sidecar.file / "presence.sqlite3")  # below a file, where no folder can be
    sidecar.config["store"]["path"] = file
    sidecar.write()
    sidecar.start(ready="/healthz")
    assert file in sidecar.log()
    assert requests.get(sidecar.address + "/page/", timeout=5).status_code == 200


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_drains_in_flight_and_exits_0(stand, recorder, signal_number):
    gate, asked = threading.Event(), threading.Event()

    def answer(call):
        call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        asked.set()
        gate.wait(20)
        call.send(b"-half")

    world = stand(recorder.address)
    sidecar = world.sidecar
    tab = world.tab(tokens.mint(BOB))
    tab.begin()
    idle, busy = Wire(sidecar.port), Wire(sidecar.port)
    assert idle.ask("GET", "/").status == 200
    recorder.handler = answer
    busy.send("GET /long HTTP/1.1\r\nHost: app.test\r\n\r\n")
    assert asked.wait(5)
    sidecar.process.send(signal_number)
    sidecar.process.ended_by_test = True

    def no_longer_ready():
        try:
            return sidecar.own("/readyz").status_code == 503
        except requests.ConnectionError:
            return True

    eventually(no_longer_ready, what="the start of the drain")
    assert not sidecar.process.has_ended()
    gate.set()
    assert busy.read_answer().body == b"first-half"
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            tab.receive()
    assert closed.value.rcvd.code == 1001
    assert sidecar.process.wait(20) == 0
    idle.close()
    busy.close()


def test_metrics_are_prometheus_text(stand, legacy):
    world = stand(legacy.address)
    world.client.login("alice")
    response = world.sidecar.own("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    samples = world.sidecar.metrics()
    assert len(samples) >= 5
    for line in response.text.splitlines():
        assert line == "" or line.startswith("#") or line.rsplit(" ", 1)[0] in samples, line
    assert [name for name, value in samples.items() if "online" in name and value >= 1]


def test_tokens_are_in_no_log(stand, legacy):
    world = stand(legacy.address, log={"level": "debug"})
    alice = world.client.login("alice")
    world.client.work(alice.token)
    world.client.heartbeat(alice.token)
    world.client.get("/api/orders/", tokens.mint(BOB, secret="x" * 40))
    world.client.logout(alice)
    signature = alice.token.rsplit(".", 1)[1]
    assert signature not in world.sidecar.log() and tokens.SECRET not in world.sidecar.log()
