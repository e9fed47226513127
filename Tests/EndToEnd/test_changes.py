# Owns the tests of following changes: by long polls, by event streams, and after a break.
# Called by pytest, directly and behind nginx.
# Never waits for silence alone: where nothing may come, something that must come follows it.
import signal
import socket
import time
from urllib.parse import urlsplit

import pytest

from harness import tokens
from harness.client import IDS
from harness.following import Beats, Events, Reader, aside, flood
from harness.sidecar import ROUTES
from harness.waiting import eventually

ALICE, BOB, CAROL, DAVE = (IDS[name] for name in ("alice", "bob", "carol", "dave"))
CHANGES = "/_presence/changes"


def poll(world, token, since=None, wait=None):
    query = {"since": since, "wait": wait}
    return world.client.get(
        CHANGES, token, params={name: value for name, value in query.items() if value is not None}
    )


def parked(world, token, since, wait="25s"):
    """A poll that surely waits at the sidecar."""
    before = world.sidecar.metrics()["presence_polls"]
    answer = aside(lambda: poll(world, token, since, wait))
    eventually(
        lambda: world.sidecar.metrics()["presence_polls"] == before + 1, what="a parked poll"
    )
    return answer


def events(world, token, **more):
    return world.sidecar.workshop.keep(Events(world.client.address, token, **more))


# Long polls.


def test_poll_snapshot_then_changes(world):
    token = tokens.mint(BOB)
    world.client.login("alice")
    reader = Reader()
    first = poll(world, token)
    assert first.status_code == 200 and first.headers["Cache-Control"] == "no-store"
    assert list(reader.take(first.json())) == ["cursor", "reset", "changes"]
    assert first.json()["reset"] is True and reader.status(ALICE) == "online"
    none = poll(world, token, reader.cursor).json()
    assert none == {"cursor": reader.cursor, "reset": False, "changes": []}
    carol = world.client.login("carol")
    world.client.logout(carol)
    assert [c["user_id"] for c in poll(world, token, reader.cursor).json()["changes"]] == [CAROL]
    reader.take(poll(world, token, reader.cursor).json())
    assert reader.known[CAROL] == "offline"


def test_poll_waits_for_the_next_change(world):
    token = tokens.mint(BOB)
    cursor = poll(world, token).json()["cursor"]
    answer = parked(world, token, cursor)
    assert answer.waits()
    world.client.set_status("77", "online", "10m")
    batch = answer(within=2).json()
    # The admin who did it was not there before.
    assert {change["user_id"] for change in batch["changes"]} <= {"77", "1"}
    assert batch["changes"][-1]["user_id"] == "77"
    assert batch["reset"] is False and batch["cursor"] != cursor
    assert world.sidecar.metrics()["presence_polls"] == 0


def test_poll_that_nothing_happens_for(world):
    token = tokens.mint(BOB)
    cursor = poll(world, token).json()["cursor"]
    answer = parked(world, token, cursor, "1500ms")
    assert answer(within=5).json() == {"cursor": cursor, "reset": False, "changes": []}


def test_poll_whose_client_leaves_frees_its_place(world):
    token = tokens.mint(BOB)
    cursor = poll(world, token).json()["cursor"]
    place = urlsplit(world.client.address)
    with socket.create_connection((place.hostname, place.port), timeout=5) as link:
        link.sendall(
            f"GET {CHANGES}?since={cursor}&wait=60s HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        eventually(lambda: world.sidecar.metrics()["presence_polls"] == 1, what="a parked poll")
    eventually(lambda: world.sidecar.metrics()["presence_polls"] == 0, what="its place")


@pytest.mark.parametrize("wait", ["x", "25", "-1s"])
def test_poll_with_a_bad_wait(world, wait):
    answer = poll(world, tokens.mint(BOB), "7-0", wait)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_poll_revoked_while_it_waits(world):
    alice = world.client.login("alice")
    cursor = poll(world, alice.token).json()["cursor"]
    answer = parked(world, alice.token, cursor)
    world.client.logout(alice)
    told = answer(within=3)
    assert told.status_code == 401
    assert "changes" not in told.json()
    assert poll(world, alice.token, cursor).status_code == 401


def test_poll_whose_token_expires_while_it_waits(start):
    world = start(tokens={"leeway": "0s"})
    token = tokens.mint(BOB, exp=int(time.time()) + 3)
    answer = parked(world, token, poll(world, token).json()["cursor"])
    assert answer(within=6).status_code == 401


def test_a_drain_answers_those_who_wait(world):
    token = tokens.mint(BOB)
    cursor = poll(world, token).json()["cursor"]
    answer = parked(world, token, cursor, "60s")
    world.sidecar.process.send(signal.SIGTERM)
    assert answer(within=5).json()["changes"] == []
    assert world.sidecar.process.wait(within=10) == 0


# Event streams.


def test_events_snapshot_then_changes(world):
    world.client.login("alice")
    stream = events(world, tokens.mint(BOB))
    assert stream.status == 200
    fields = stream.response.headers
    assert fields["Content-Type"] == "text/event-stream"
    assert fields["Cache-Control"] == "no-store"
    reader = Reader()
    first = stream.batch(reader)
    assert first["reset"] is True and reader.status(ALICE) == "online"
    assert 2000 <= stream.retry < 5000
    world.client.login("carol")
    assert stream.change_of(CAROL)["online_status"] == "online"
    assert "reason" not in first["changes"][0]
    full = events(world, tokens.admin()).batch()
    assert all("reason" in user for user in full["changes"])
    assert world.sidecar.metrics()["presence_streams"] == 2


def test_events_head(world):
    answer = world.client.call("HEAD", "/_presence/events", tokens.mint(BOB))
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert "Content-Length" not in answer.headers
    assert world.sidecar.metrics()["presence_streams"] == 0


def test_events_need_a_credential_and_get(world):
    assert world.client.get("/_presence/events").status_code == 401
    query = world.client.get("/_presence/events?token=" + tokens.mint(BOB))
    assert query.status_code == 401  # addresses are kept in logs: sockets alone may do that
    refused = world.client.post("/_presence/events", tokens.mint(BOB))
    assert refused.status_code == 405 and refused.headers["Allow"] == "GET, HEAD"


def test_events_by_a_cookie(start):
    world = start(tokens={"from": ["header:Authorization", "cookie:access_token"]})
    answer = world.client.get(
        "/_presence/events", cookies={"access_token": tokens.mint(BOB)}, stream=True
    )
    assert answer.status_code == 200
    answer.close()


def test_events_end_with_their_token(world):
    alice = world.client.login("alice")
    stream = events(world, alice.token)
    stream.batch()
    other = events(world, tokens.mint(BOB))
    other.batch()
    world.client.logout(alice)
    assert stream.ends()
    assert events(world, alice.token).status == 401
    assert other.change_of(ALICE, "offline")
    eventually(lambda: world.sidecar.metrics()["presence_streams"] == 1, what="its end")


def test_events_whose_client_leaves(world):
    stream = events(world, tokens.mint(BOB))
    stream.batch()
    stream.close()
    eventually(lambda: world.sidecar.metrics()["presence_streams"] == 0, what="its end")


def test_a_drain_ends_streams_properly(world):
    stream = events(world, tokens.mint(BOB))
    stream.batch()
    world.sidecar.process.send(signal.SIGTERM)
    assert stream.ends()
    assert world.sidecar.process.wait(within=10) == 0


def test_an_open_stream_is_no_presence(start):
    world = start(presence={"offline_after": "1s"})
    watcher = events(world, tokens.mint(BOB))
    watcher.batch()
    assert world.client.status(BOB) == "online"  # asking was contact
    assert watcher.change_of(BOB, "offline")
    assert world.client.presence(BOB)["devices"] == 0


def test_a_stream_gives_signs_of_life(stand, legacy):
    world = stand(legacy.address)
    stream = events(world, tokens.mint(BOB), within=25)
    stream.batch()
    assert stream.event() == {"comment": ""}  # after 15 s in which nothing happened


def test_too_many_streams(start):
    # One loop: each has its share of them.
    world = start(workers=1, websocket={"max_sockets": 2})
    for _ in range(2):
        assert events(world, tokens.mint(BOB)).batch()
    refused = events(world, tokens.mint(BOB))
    assert refused.status == 503 and refused.response.headers["Retry-After"] == "5"


def test_a_slow_reader_of_events_is_cut(world):
    """Directly: nginx would read for it."""
    place = urlsplit(world.sidecar.address)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(30)
    slow.connect((place.hostname, place.port))
    token = tokens.mint(BOB)
    slow.sendall(
        f"GET /_presence/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    eventually(lambda: world.sidecar.metrics()["presence_streams"] == 1, what="the stream")
    reader = events(world, tokens.mint(CAROL))
    reader.batch()
    beats = Beats(world.sidecar.address, [tokens.mint(str(1000 + n)) for n in range(400)])
    cut = 'presence_sockets_ended_total{reason="reader too slow"}'
    for round in range(200):
        beats.all("away" if round % 2 else "online")
        if world.sidecar.metrics()[cut] == 1:
            break
    assert world.sidecar.metrics()[cut] == 1
    beats.close()
    slow.close()
    # Who reads goes on, and so does everybody else.
    world.client.set_status("900", "online", "10m")
    assert reader.change_of("900", "online")
    assert world.client.work(tokens.mint(DAVE))


# Coming back.


def come_back(world, token, readers):
    """Each of the three goes on from where it stopped."""
    socket_reader, stream_reader, poll_reader = readers
    tab = world.tab(token, query=f"?cursor={socket_reader.cursor}")
    assert tab.receive()["type"] == "hello"
    socket_reader.take(tab.receive())
    stream = events(world, token, last=stream_reader.cursor)
    stream.batch(stream_reader)
    while True:
        batch = poll_reader.take(poll(world, token, poll_reader.cursor).json())
        if not batch["changes"] or batch["reset"]:
            break
    return tab, stream


def begin(world, token):
    readers = Reader(), Reader(), Reader()
    tab = world.tab(token)
    tab.receive()
    readers[0].take(tab.receive())
    stream = events(world, token)
    stream.batch(readers[1])
    readers[2].take(poll(world, token).json())
    tab.close()
    stream.close()
    return readers


def everybody(world):
    """The truth, by another way: all users that were ever seen."""
    answer = world.client.get("/_presence/users?per_page=1000", tokens.admin())
    return {user["user_id"]: user["online_status"] for user in answer.json()["results"]}


def expect_the_truth(world, readers):
    truth = everybody(world)
    for reader, name in zip(readers, ("socket", "stream", "poller")):
        # The admin who asks and the reader itself may have come in between.
        seen = {user: reader.status(user) for user in truth if int(user) >= 500}
        assert seen == {user: truth[user] for user in seen}, name


def two_hundred(world):
    for round in range(4):
        for number in range(50):
            words = ("online", "away", "offline")
            word = words[(round + number) % 3]
            assert world.client.set_status(str(500 + number), word).status_code == 200


def test_200_changes_while_away(world):
    token = tokens.mint(BOB)
    readers = begin(world, token)
    two_hundred(world)
    come_back(world, token, readers)
    assert [reader.resets for reader in readers] == [1, 1, 1], "what was missed is at hand"
    assert len([user for user in everybody(world) if int(user) >= 500]) == 50
    expect_the_truth(world, readers)


def test_200_changes_while_away_by_name(world):
    token = tokens.mint(BOB)
    tab = world.tab(token)
    tab.begin()
    wanted = ["501", "510", "549"]
    tab.send({"type": "subscribe", "users": wanted})
    reader = Reader()
    reader.take(tab.receive())
    tab.close()
    two_hundred(world)
    tab = world.tab(token, query=f"?cursor={reader.cursor}")
    assert tab.receive()["type"] == "hello"
    tab.receive()
    tab.send({"type": "subscribe", "users": wanted})
    reader.take(tab.expect("snapshot"))
    truth = everybody(world)
    assert {user: reader.status(user) for user in wanted} == {u: truth[u] for u in wanted}


def test_away_too_long(world):
    token = tokens.mint(BOB)
    readers = begin(world, token)
    world.client.set_status("700", "away", "1h")
    for reader in readers:
        reader.known["600"] = "online"  # of whom the snapshot will not speak
    flood(world.sidecar.address, tokens.mint(ALICE), 66_000)
    assert world.sidecar.metrics()["presence_changes_total"] > 65_536
    come_back(world, token, readers)
    for reader in readers:
        assert reader.resets == 2
        assert reader.status("700") == "away"
        assert reader.status("600") == "offline"


def test_kill_9_and_restart_is_a_reset(world):
    token = tokens.mint(BOB)
    readers = begin(world, token)
    world.client.set_status("700", "away", "1h")
    world.sidecar.process.kill()
    world.sidecar.start()
    tab, stream = come_back(world, token, readers)
    for reader in readers:
        assert reader.resets == 2
        assert reader.status("700") == "away"
    # And from there on changes.
    world.client.set_status("701", "online", "1h")
    assert tab.change_of("701", "online") and stream.change_of("701", "online")


def test_at_addresses_of_the_app(start):
    routes = [
        {"match": "GET /api/presence/changes/", "serve": "changes"},
        {"match": "GET /api/presence/events/", "serve": "events"},
        {"match": "GET /api/presence/{id}/history/", "serve": "history"},
    ]
    world = start(routes=routes + ROUTES)
    token = tokens.mint(BOB)
    assert world.client.get("/api/presence/changes/", token).json()["reset"] is True
    assert events(world, token, path="/api/presence/events/").batch()["reset"] is True
    past = world.client.get(f"/api/presence/{BOB}/history/", tokens.admin()).json()
    assert past["user_id"] == BOB and past["intervals"]
