# Owns the tests of the past: a user's history, the peak of the day and the hours.
# Called by pytest, directly and behind nginx.
# Never waits for an hour to pass: that is turned in the unit tests.
import time

import pytest

from harness import tokens
from harness.client import IDS, moment
from harness.waiting import eventually

ALICE, BOB = IDS["alice"], IDS["bob"]


def history(world, user, **query):
    answer = world.client.get(f"/_presence/users/{user}/history", tokens.admin(), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_history_of_a_day(world):
    began = time.time()
    alice = world.client.login("alice")
    now = history(world, ALICE)
    assert list(now) == ["user_id", "from", "to", "online_seconds", "intervals", "gaps"]
    # Before this sidecar there was none.
    assert [gap["from"] for gap in now["gaps"]] == [now["from"]]
    assert abs(moment(now["gaps"][0]["to"]) - began) < 10
    assert now["user_id"] == ALICE
    assert abs(moment(now["to"]) - moment(now["from"]) - 86_400) < 0.01
    assert [(i["status"], i["to"]) for i in now["intervals"]] == [("online", None)]
    assert abs(moment(now["intervals"][0]["from"]) - began) < 2
    world.client.logout(alice)
    world.client.set_status(ALICE, "away", "10m")
    # What has begun in this very millisecond has no length yet.
    eventually(lambda: len(history(world, ALICE)["intervals"]) == 2)
    then = history(world, ALICE)
    assert [i["status"] for i in then["intervals"]] == ["online", "away"]
    online, away = then["intervals"]
    assert moment(online["from"]) < moment(online["to"]) <= moment(away["from"])
    assert away["to"] is None
    total = moment(online["to"]) - moment(online["from"])
    assert then["online_seconds"] == int(total)
    assert history(world, "nobody")["intervals"] == []
    # A window of its own.
    part = history(world, ALICE, to=online["to"], **{"from": online["from"]})
    assert [i["status"] for i in part["intervals"]] == ["online"]


def test_history_is_for_admins(world):
    path = f"/_presence/users/{ALICE}/history"
    assert world.client.get(path, tokens.mint(ALICE)).status_code == 403
    assert world.client.get(path).status_code == 401
    bad = world.client.get(path + "?from=yesterday", tokens.admin())
    assert bad.status_code == 400 and "'from'" in bad.json()["detail"]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_history_survives(world, end):
    alice = world.client.login("alice")
    world.client.logout(alice)
    bob = world.client.login("bob")
    before = history(world, ALICE)["intervals"]
    # Asking has written it; a kill costs one flush at most.
    stays = history(world, BOB)["intervals"]
    if end == "kill":
        world.sidecar.process.kill()
    else:
        world.sidecar.process.stop()
    world.sidecar.start()
    assert history(world, ALICE)["intervals"] == before
    assert history(world, BOB)["intervals"] == stays  # open still: nobody has gone offline
    world.client.logout(bob)
    closed = history(world, BOB)["intervals"]
    assert len(closed) == 1 and closed[0]["from"] == stays[0]["from"] and closed[0]["to"]


def test_history_without_a_store(start):
    world = start(store={"path": None})
    alice = world.client.login("alice")
    world.client.logout(alice)
    assert [i["status"] for i in history(world, ALICE)["intervals"]] == ["online"]


def test_no_history_where_none_is_wanted(start):
    world = start(presence={"history": None})
    answer = world.client.get(f"/_presence/users/{ALICE}/history", tokens.admin())
    assert answer.status_code == 404 and "presence.history" in answer.json()["detail"]


def test_history_of_a_broken_store(start):
    world = start()
    world.client.login("alice")
    world.sidecar.process.stop()
    path = world.sidecar.config["store"]["path"]
    with open(path, "wb") as file:
        file.write(b"no database at all, but some text that is long enough to be looked at")
    world.sidecar.start()
    answer = world.client.get(f"/_presence/users/{ALICE}/history", tokens.admin())
    assert answer.status_code == 503 and path not in answer.text
    assert world.client.work(tokens.mint(ALICE))  # traffic does not notice


def test_stats_have_the_peak_and_the_hours(world):
    for name in ("alice", "bob", "carol"):
        person = world.client.login(name)
    world.client.logout(person)
    stats = world.client.get("/_presence/stats", tokens.mint(ALICE)).json()
    assert stats["online"] == 2 and stats["peak_today"]["online"] == 3
    assert moment(stats["peak_today"]["at"]) <= moment(stats["server_time"])
    hours = stats["hours"]
    assert len(hours) == 24 and hours[-1]["peak"] == 3 and hours[-1]["users"] == 3
    starts = [moment(hour["from"]) for hour in hours]
    assert all(b - a == 3600 for a, b in zip(starts, starts[1:]))
    world.sidecar.process.stop()
    world.sidecar.start()
    again = world.client.get("/_presence/stats", tokens.mint(ALICE)).json()
    assert again["hours"][-1]["users"] == 3 and again["peak_today"] == stats["peak_today"]
