# Owns the tests of bad days: kill -9, a dead backend, an orderly stop.
# Called by pytest, once directly and once behind nginx.
# Never repairs the store by hand.
import signal
import time

from harness import tokens
from harness.client import IDS
from harness.processes import free_port
from harness.recording import RecordingBackend
from harness.waiting import eventually

ALICE, BOB, CAROL, DAVE = (IDS[name] for name in ("alice", "bob", "carol", "dave"))


def test_kill_9_and_restart_with_claims_revocations_and_last_seen_intact(start):
    world = start(presence={"offline_after": "3s"})
    client, sidecar = world.client, world.sidecar
    alice = client.login("alice")
    carol = client.login("carol")
    assert client.logout(carol).status_code == 200
    seen_before = client.presence(ALICE)
    # Sightings are written each 100 ms, explicit facts before their answer: five of these last
    # longer than the one interval that a kill may cost.
    flushed = time.monotonic() + 0.5
    while time.monotonic() < flushed:
        client.set_status(DAVE, "away", "10m")
    assert client.set_status(BOB, "online", "10m").status_code == 200
    sidecar.process.kill()

    started = time.time()
    sidecar.start()
    assert client.status(BOB) == "online"  # the claim, answered a moment before the kill
    assert client.status(DAVE) == "away"
    assert client.heartbeat(carol.token).status_code == 401  # the revocation
    gone = client.presence(CAROL)
    assert gone["online_status"] == "offline" and gone["name"] == "carol" and gone["last_seen"]

    alike = client.presence(ALICE)
    for key in ("last_seen", "last_active", "since", "name"):
        assert alike[key] == seen_before[key], key
    # Alice was there when the light went out: one full threshold to come back.
    while time.time() < started + 3.0 - 0.05:
        assert client.status(ALICE) == "online"
    eventually(lambda: client.status(ALICE) == "offline", within=4)
    assert client.presence(ALICE)["last_seen"] == seen_before["last_seen"]
    # Tokens go on as they were.
    client.work(alice.token)
    assert client.status(ALICE) == "online"


def test_a_claim_without_end_survives_and_still_ends_by_activity(start):
    world = start()
    alice = world.client.login("alice")
    world.client.set_status(ALICE, "offline")
    world.sidecar.process.kill()
    world.sidecar.start()
    assert world.client.status(ALICE) == "offline"
    world.client.work(alice.token)
    assert world.client.status(ALICE) == "online"


def test_a_revocation_answered_is_a_revocation_kept(start):
    """Killed right behind the answer to the logout, ten times."""
    world = start()
    revoked = []
    for _ in range(10):
        alice = world.client.login("alice")
        assert world.client.logout(alice).status_code == 200
        world.sidecar.process.kill()
        revoked.append(alice.token)
        world.sidecar.start()
    for token in revoked:
        assert world.client.heartbeat(token).status_code == 401
    assert world.client.status(ALICE) == "offline"


def test_an_orderly_stop_keeps_the_last_sighting(start):
    world = start(store={"flush_every": "20s"})
    world.client.work(tokens.mint(BOB, username="bob"))
    seen = world.client.presence(BOB)
    world.sidecar.process.send(signal.SIGTERM)
    assert world.sidecar.process.wait(15) == 0
    world.sidecar.start()
    again = world.client.presence(BOB)
    assert again["last_seen"] == seen["last_seen"] and again["online_status"] == "online"


def test_backend_down_502_for_the_app_presence_still_answered(stand, front):
    world = stand(f"http://127.0.0.1:{free_port()}", front=front, ready="/healthz")
    client = world.client
    down = client.get("/api/orders/", tokens.mint(BOB, username="bob"))
    assert down.status_code == 502
    assert down.headers["Content-Type"].startswith("application/problem+json")
    assert down.json()["status"] == 502
    # A token verified here counts on an answer made here, too.
    assert client.status(BOB) == "online"
    beat = client.heartbeat(tokens.mint(ALICE), "away")
    assert beat.status_code == 200 and beat.json()["status"] == "away"
    assert client.set_status(CAROL, "away", "10m").status_code == 200
    listed = client.get("/_presence/users?status=away&ordering=user_id", client.observer).json()
    assert [user["user_id"] for user in listed["results"]] == [ALICE, CAROL]
    tab = world.tab(tokens.mint(DAVE))
    tab.begin()
    client.heartbeat(tokens.mint(ALICE), "online")
    assert tab.change_of(ALICE, "online")


def test_the_backend_dies_and_returns(workshop, stand, recorder, front):
    """The app ends and starts again on its port; nobody restarts the sidecar."""
    world = stand(recorder.address, front=front)
    token = tokens.mint(BOB)
    client = world.client
    assert client.get("/api/orders/", token).status_code == 200
    recorder.close()
    assert client.get("/api/orders/", token).status_code == 502
    assert client.status(BOB) == "online"
    eventually(
        lambda: world.sidecar.own("/readyz").status_code == 503,
        what="readiness that knows of no upstream",
    )
    workshop.keep(RecordingBackend(port=recorder.port))
    eventually(
        lambda: client.get("/api/orders/", token).status_code == 200,
        what="the app through the sidecar",
    )
    eventually(lambda: world.sidecar.own("/readyz").status_code == 200, what="readiness")
