# Owns the tests of lists: pages, ordering, search, filters.
# Called by pytest, once directly and once behind nginx.
# Never counts the observer, who may come online by looking.
import pytest

from harness import tokens
from harness.client import moment

GUESTS = [str(number) for number in range(501, 526)]  # 25 people


@pytest.fixture
def guests(world):
    """25 users online, seen one after the other; every fifth is away."""
    for number, user in enumerate(GUESTS):
        token = tokens.mint(user, username=f"Guest-{user}")
        status = "away" if number % 5 == 4 else "online"
        assert world.client.heartbeat(token, status).status_code == 200
    return world.client


def page(client, query, path="/_presence/users", status=200):
    response = client.get(path + query, client.observer)
    assert response.status_code == status, response.text
    return response.json()


def ids(page):
    return [user["user_id"] for user in page["results"]]


def test_paged_lists_next_and_previous(guests):
    first = page(guests, "?search=guest-&ordering=user_id&per_page=10")
    assert first["count"] == 25 and first["previous"] is None
    assert ids(first) == GUESTS[:10]
    second = guests.get(first["next"], guests.observer).json()
    assert ids(second) == GUESTS[10:20]
    third = guests.get(second["next"], guests.observer).json()
    assert ids(third) == GUESTS[20:] and third["next"] is None
    assert ids(guests.get(third["previous"], guests.observer).json()) == GUESTS[10:20]
    assert ids(guests.get(second["previous"], guests.observer).json()) == GUESTS[:10]
    again = page(guests, "?search=guest-&ordering=user_id&page_size=10&page=2")
    assert ids(again) == GUESTS[10:20]


def test_paged_lists_default_page_is_20(guests):
    first = page(guests, "?search=guest-")
    assert len(first["results"]) == 20 and first["count"] == 25


def test_paged_lists_past_the_end_404_and_not_a_number_400(guests):
    assert page(guests, "?search=guest-&page=3&per_page=10")["next"] is None
    page(guests, "?search=guest-&page=4&per_page=10", status=404)
    page(guests, "?page=two", status=400)
    page(guests, "?per_page=ten", status=400)
    # An empty list has a first page.
    assert page(guests, "?search=nobody-at-all") == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


def test_paged_lists_next_respects_the_forwarded_host_and_scheme(guests):
    headers = {"X-Forwarded-Host": "people.example.test", "X-Forwarded-Proto": "https"}
    response = guests.get("/_presence/users?per_page=2", guests.observer, headers=headers)
    assert response.json()["next"].startswith("https://people.example.test/_presence/users")


@pytest.mark.parametrize(
    "ordering, key, backwards",
    [
        ("user_id", lambda user: user["user_id"], False),
        ("name", lambda user: user["name"], False),
        ("last_seen", lambda user: moment(user["last_seen"]), False),
        ("-last_seen", lambda user: moment(user["last_seen"]), True),
    ],
)
def test_paged_lists_ordering(guests, ordering, key, backwards):
    results = page(guests, f"?search=guest-&per_page=100&ordering={ordering}")["results"]
    assert len(results) == 25
    keys = [key(user) for user in results]
    assert keys == sorted(keys, reverse=backwards)
    assert len(set(keys)) > 1


def test_paged_lists_search(guests):
    assert ids(page(guests, "?search=GUEST-51&ordering=user_id")) == GUESTS[9:19]
    assert ids(page(guests, "?search=guest-525")) == ["525"]


def test_paged_lists_filter_by_status(guests):
    away = GUESTS[4::5]
    assert sorted(ids(page(guests, "?status=away&per_page=100"))) == away
    online = ids(page(guests, "?status=online&search=guest-&per_page=100"))
    assert sorted(online) == [user for user in GUESTS if user not in away]
    guests.set_status("501", "offline", "10m")
    assert ids(page(guests, "?status=offline&search=guest-")) == ["501"]


def test_paged_lists_filter_by_time(guests):
    everybody = page(guests, "?search=guest-&per_page=100&ordering=last_seen")["results"]
    middle = everybody[12]["last_seen"]
    later = page(guests, f"?search=guest-&per_page=100&seen_after={middle}")
    earlier = page(guests, f"?search=guest-&per_page=100&seen_before={middle}")
    # Several may have been seen in the same millisecond. At it counts as after it.
    after = [user["user_id"] for user in everybody if user["last_seen"] >= middle]
    assert sorted(ids(later)) == sorted(after) and len(after) >= 10
    assert set(ids(earlier)) == set(ids({"results": everybody})) - set(after)
    assert later["count"] == len(after) and earlier["count"] == len(everybody) - len(after)
    page(guests, "?seen_after=yesterday", status=400)


def test_paged_lists_of_those_online(guests):
    path = "/_presence/users/online"
    away = GUESTS[4::5]
    online = ids(page(guests, "?per_page=100", path))
    assert [user for user in online if user in GUESTS and user in away] == []
    assert sorted(set(online) & set(GUESTS)) == [u for u in GUESTS if u not in away]
    with_away = ids(page(guests, "?per_page=100&include=away", path))
    assert sorted(set(with_away) & set(GUESTS)) == GUESTS
    small = page(guests, "?per_page=7", path)
    assert len(small["results"]) == 7 and small["next"] and small["count"] >= 20
