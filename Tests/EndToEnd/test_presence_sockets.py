# Owns the tests of the presence WebSocket.
# Called by pytest, directly and through nginx's documented upgrade settings.
# Never waits for silence alone: where nothing may come, a marker that must come follows it.
import json

import pytest
from websockets.exceptions import InvalidStatus

from harness import tokens
from harness.client import IDS, moment

ALICE, BOB, CAROL, DAVE = (IDS[name] for name in ("alice", "bob", "carol", "dave"))


def mark(world, tab, user="900"):
    """Something that surely is announced: all that came before it in time has come by then."""
    world.client.set_status(user, "online", "10m")
    tab.change_of(user, "online")


def test_socket_snapshot_then_changes(world):
    world.client.login("alice")
    world.client.set_status("77", "away", "10m")
    world.client.set_status("78", "offline", "10m")
    tab = world.tab(tokens.mint(BOB, username="bob"))
    hello, snapshot = tab.begin()
    assert hello["user_id"] == BOB and hello["heartbeat_every"] == 1
    assert moment(hello["server_time"])
    users = {user["user_id"]: user for user in snapshot["users"]}
    assert users[ALICE]["online_status"] == "online" and users[ALICE]["name"] == "alice"
    assert users["77"]["online_status"] == "away"
    assert all(user["online_status"] in ("online", "away") for user in users.values())
    assert "78" not in users and CAROL not in users
    assert snapshot["cursor"]

    carol = world.client.login("carol")
    change = tab.change_of(CAROL)
    assert change["online_status"] == "online" and change["is_online"] is True
    assert change["name"] == "carol" and moment(change["since"])
    world.client.logout(carol)
    assert tab.change_of(CAROL)["online_status"] == "offline"
    assert tab.changes(CAROL) == ["online", "offline"]
    cursors = [m["cursor"] for m in tab.messages if m["type"] == "presence"]
    assert len(set(cursors)) == len(cursors)


def test_socket_makes_online_and_sees_what_time_changes(start):
    world = start(presence={"offline_after": "1s"})
    watcher = world.tab(tokens.mint(BOB))
    watcher.begin()
    world.client.work(tokens.mint(CAROL))
    assert watcher.change_of(CAROL, "online")
    # Nobody asks: the sweep has to announce it.
    gone = watcher.change_of(CAROL, "offline")
    assert abs(moment(gone["since"]) - moment(gone["last_seen"]) - 1.0) < 0.002
    # Bob has an open socket and did nothing else for longer than the threshold.
    assert world.client.status(BOB) == "online"


def test_socket_heartbeat_is_answered_and_seen_by_others(world):
    watcher, tab = world.tab(tokens.mint(BOB)), world.tab(tokens.mint(ALICE))
    watcher.begin()
    tab.begin()
    tab.send({"type": "heartbeat", "status": "away"})
    answer = tab.expect("heartbeat")
    assert answer["status"] == "away"
    assert moment(answer["last_seen"]) and moment(answer["server_time"])
    assert watcher.change_of(ALICE, "away")
    tab.send({"type": "heartbeat", "status": "online"})
    assert tab.expect("heartbeat")["status"] == "online"
    assert watcher.change_of(ALICE, "online")


def test_socket_subscribe_replaces_the_list(world):
    tab = world.tab(tokens.mint(BOB))
    tab.begin()
    tab.send({"type": "subscribe", "users": [DAVE]})
    # A heartbeat's answer shows that the message before it was taken in.
    tab.send({"type": "heartbeat"})
    tab.expect("heartbeat")
    world.client.login("carol")
    world.client.login("dave")
    assert tab.change_of(DAVE, "online")
    assert tab.changes(CAROL) == []
    tab.send({"type": "subscribe", "users": "*"})
    tab.send({"type": "heartbeat"})
    tab.expect("heartbeat")
    world.client.set_status(CAROL, "away", "10m")
    assert tab.change_of(CAROL, "away")


@pytest.mark.parametrize("message", ["{", "[]", '{"type": "dance"}', '{"type": 7}', '"x"'])
def test_socket_answers_a_bad_message_and_stays_open(world, message):
    tab = world.tab(tokens.mint(BOB))
    tab.begin()
    tab.send(message)
    assert tab.expect("error")["detail"]
    tab.send({"type": "heartbeat"})
    assert tab.expect("heartbeat")["status"] == "online"


def test_two_tabs_one_closed(world):
    token = tokens.mint(ALICE)
    watcher = world.tab(tokens.mint(BOB))
    watcher.begin()
    first, second = world.tab(token), world.tab(token)
    first.begin()
    second.begin()
    assert watcher.change_of(ALICE, "online")
    assert world.client.presence(ALICE)["devices"] == 1

    first.close()
    world.client.stays(ALICE, "online", 0.6)  # twice the grace
    mark(world, watcher)
    assert watcher.changes(ALICE) == ["online"]

    second.close()
    assert world.client.status(ALICE) == "online"  # the grace runs
    assert watcher.change_of(ALICE)["online_status"] == "offline"
    assert world.client.status(ALICE) == "offline"


def test_two_tabs_of_two_logins_one_closed(world):
    phone, desk = world.tab(tokens.mint(ALICE)), world.tab(tokens.mint(ALICE))
    phone.begin()
    desk.begin()
    assert world.client.presence(ALICE)["devices"] == 2
    phone.close()
    world.client.stays(ALICE, "online", 0.6)
    assert world.client.presence(ALICE)["devices"] == 1
    desk.close()
    world.client.becomes(ALICE, "offline")


def test_socket_that_returns_within_the_grace_announces_nothing(start):
    world = start(presence={"disconnect_grace": "1500ms"})
    token = tokens.mint(ALICE)
    watcher = world.tab(tokens.mint(BOB))
    watcher.begin()
    first = world.tab(token)
    first.begin()
    assert watcher.change_of(ALICE, "online")
    first.close()
    second = world.tab(token)
    second.begin()
    world.client.stays(ALICE, "online", 1.7)
    mark(world, watcher)
    assert watcher.changes(ALICE) == ["online"]


def test_logout_closes_the_sockets_of_the_user(world):
    alice = world.client.login("alice")
    tab = world.tab(alice.token)
    tab.begin()
    other = world.tab(tokens.mint(BOB))
    other.begin()
    world.client.logout(alice)
    assert tab.close_code() == 4401
    assert other.change_of(ALICE, "offline")
    other.send({"type": "heartbeat"})
    assert other.expect("heartbeat")
    refused = pytest.raises(InvalidStatus, world.tab, alice.token)
    assert refused.value.response.status_code == 401


def test_socket_without_a_good_token_is_401_before_the_upgrade(world):
    for token in (None, "not.a.token", tokens.expired(BOB), tokens.mint(BOB, secret="x" * 40)):
        refused = pytest.raises(InvalidStatus, world.tab, token)
        assert refused.value.response.status_code == 401
    assert world.client.presence(BOB)["last_seen"] is None


def test_socket_token_by_query_and_by_subprotocol(world):
    token = tokens.mint(BOB)
    by_query = world.tab(query=f"?token={token}")
    assert by_query.begin()[0]["user_id"] == BOB
    by_protocol = world.tab(subprotocols=["bearer", token])
    assert by_protocol.begin()[0]["user_id"] == BOB
    assert by_protocol.link.subprotocol == "bearer"
    assert token not in world.sidecar.log()


def test_socket_ping_is_answered_and_big_messages_are_refused(world):
    tab = world.tab(tokens.mint(BOB))
    tab.begin()
    assert tab.link.ping(b"are you there").wait(5)
    tab.send(json.dumps({"type": "heartbeat", "padding": "x" * 70000}))
    assert tab.close_code() == 1009


def test_socket_under_the_prefix(stand, legacy):
    world = stand(legacy.address)
    tab = world.tab(tokens.mint(BOB), path="/_presence/ws")
    assert tab.begin()[0]["user_id"] == BOB
