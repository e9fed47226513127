# Owns the tests of keys that are fetched: how they come, what becomes of them, what is refused.
# Called by pytest, directly only.
# Never trusts more than the authority that a test makes.
import json
import re
import signal
import time
import uuid

import pytest

from harness import tokens
from harness.client import IDS
from harness.issuer import Authority, KeyServer, SigningKey, answer, key_set
from harness.sidecar import Sidecar, command
from harness.waiting import eventually, settled

ALICE, BOB = IDS["alice"], IDS["bob"]

# The observer of the tests signs with the shared secret, as everywhere.
SHARED = {"algorithms": ["HS256"], "secret_env": "JWT_SECRET"}


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def publisher(workshop, authority):
    """publisher(…): a TLS server of key sets, with a good certificate unless told otherwise."""

    def build(*keys, **leaf):
        server = workshop.keep(KeyServer(authority.context(**leaf)))
        if keys:
            server.publish(*keys)
        return server

    return build


@pytest.fixture
def before(recorder, stand, authority):
    """before(place): a sidecar whose keys come from there, before a backend that says yes."""
    recorder.handler = lambda call: call.reply(body=b"yes")

    def build(place, algorithms=("ES256",), trusts=True, **more):
        entry = {"algorithms": list(algorithms), "jwks": str(place), **more}
        if trusts and str(place).startswith("https:"):
            entry["jwks_ca_file"] = str(authority.file)
        return stand(recorder.address, tokens={"keys": [SHARED, entry]})

    return build


def counts(world, token, user):
    """Whether the token makes its user somebody who is online. 503: there are no keys yet."""
    answered = world.client.heartbeat(token)
    assert answered.status_code in (200, 401, 503), answered.text
    if answered.status_code == 200:
        assert answered.json()["user_id"] == user
    return answered.status_code == 200


def becomes_good(world, token, user, within=5.0):
    eventually(lambda: counts(world, token, user), within, what="a good token")


def passes(world, token):
    """The application's traffic, which no key and no issuer may touch."""
    answered = world.client.get("/anything", token)
    assert (answered.status_code, answered.text) == (200, "yes")


def lines(world):
    """What the log says of keys."""
    found = [line for line in world.sidecar.log().splitlines() if "keys of " in line]
    return [line[line.index("keys of ") :] for line in found]


def says(world, line, within=8.0):
    eventually(lambda: line in lines(world), within, what=f"{line!r} among {lines(world)}")


# How keys come.


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_r14_keys_come_over_verified_tls(publisher, before, algorithm, host):
    key = SigningKey("one", algorithm)
    server = publisher(key)
    world = before(server.url(host), [algorithm])
    token = key.mint(ALICE)
    becomes_good(world, token, ALICE)
    assert world.client.status(ALICE) == "online"
    says(world, f"keys of {server.url(host)}: 1 key (one)")
    assert server.requests == ["GET /jwks.json HTTP/1.1"]
    # Another's key under the same id counts for nothing.
    assert not counts(world, SigningKey("one", algorithm).mint(BOB), BOB)
    assert world.client.status(BOB) == "offline"


def test_r14_keys_come_from_this_machine_without_tls(workshop, before):
    key = SigningKey("one")
    server = workshop.keep(KeyServer(None))
    server.publish(key)
    world = before(server.url("127.0.0.1"))
    becomes_good(world, key.mint(ALICE), ALICE)


def test_r14_keys_come_from_a_file_and_change_with_it(tmp_path, before):
    first, second = SigningKey("one"), SigningKey("two")
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(first))
    world = before(file)
    becomes_good(world, first.mint(ALICE), ALICE)
    file.write_bytes(key_set(first, second))
    becomes_good(world, second.mint(BOB), BOB)
    says(world, f"keys of {file}: 2 keys (one, two)")


def test_r14_the_start_waits_for_no_key(publisher, before):
    key = SigningKey("one")
    server = publisher(key)
    server.reply = server.hang
    started = time.monotonic()
    world = before(server.url())
    passes(world, key.mint(ALICE))
    assert time.monotonic() - started < 4
    eventually(lambda: server.requests, what="the request for keys")


def test_r14_the_end_waits_for_no_key(publisher, before):
    server = publisher(SigningKey("one"))
    server.reply = server.hang
    world = before(server.url())
    eventually(lambda: server.requests, what="the request for keys")
    world.client.close()
    started = time.monotonic()
    world.sidecar.process.send(signal.SIGTERM)
    assert world.sidecar.process.wait() == 0
    assert time.monotonic() - started < 3
    assert lines(world) == []


def test_r14_a_redirect_to_the_same_server_is_followed(publisher, before):
    key = SigningKey("one")
    server = publisher()

    def reply(link):
        if server.requests[-1].startswith("GET /jwks.json "):
            link.sendall(answer(b"", "302 Found", ["Location: /newer.json"]))
        else:
            link.sendall(answer(key_set(key)))

    server.reply = reply
    world = before(server.url())
    becomes_good(world, key.mint(ALICE), ALICE)
    assert [line.split()[1] for line in server.requests] == ["/jwks.json", "/newer.json"]


# Rotation.


def test_r15_a_new_key_is_fetched_when_its_first_token_comes(publisher, before):
    old, new = SigningKey("old"), SigningKey("new")
    server = publisher(old)
    world = before(server.url())
    becomes_good(world, old.mint(ALICE), ALICE)
    server.publish(old, new)
    # The first request with the new key is answered once the keys have come.
    assert counts(world, new.mint(BOB), BOB)
    assert len(server.requests) == 2
    says(world, f"keys of {server.url()}: 2 keys (old, new)")
    assert counts(world, old.mint(ALICE), ALICE)
    assert len(server.requests) == 2


def test_r15_a_forwarded_request_fetches_and_does_not_wait(publisher, before):
    old, new = SigningKey("old"), SigningKey("new")
    server = publisher(old)
    world = before(server.url())
    becomes_good(world, old.mint(ALICE), ALICE)
    server.reply = server.hang
    started = time.monotonic()
    passes(world, new.mint(BOB))
    assert time.monotonic() - started < 2
    eventually(lambda: len(server.requests) == 2, what="the request for keys")


def test_r15_made_up_key_ids_fetch_once(publisher, before):
    key = SigningKey("one")
    server = publisher(key)
    world = before(server.url())
    becomes_good(world, key.mint(ALICE), ALICE)
    started = time.monotonic()
    for _ in range(200):
        passes(world, key.mint(BOB, kid=uuid.uuid4().hex))
    for _ in range(20):
        assert not counts(world, key.mint(BOB, kid=uuid.uuid4().hex), BOB)
    assert settled(lambda: len(server.requests)) == 2
    # In the half minute after the first one: a slow machine proves nothing.
    assert time.monotonic() - started < 30
    assert world.client.status(BOB) == "offline"
    assert counts(world, key.mint(ALICE), ALICE)


def test_r14_keys_stay_good_while_nobody_answers_and_are_replaced_when_somebody_does(
    publisher, before
):
    old, new = SigningKey("old"), SigningKey("new")
    server = publisher(old)
    world = before(server.url("127.0.0.1"))
    url = server.url("127.0.0.1")
    # Verified before, and remembered; the same key must verify others too.
    remembered = old.mint(ALICE)
    becomes_good(world, remembered, ALICE)
    server.stop()
    assert not counts(world, new.mint(BOB), BOB)
    says(world, f"keys of {url}: connect: Connection refused (111); 1 key from before stays in use")
    assert counts(world, remembered, ALICE)
    assert counts(world, old.mint(ALICE), ALICE)
    passes(world, old.mint(ALICE))

    server.publish(new)
    server.start()
    # The back-off's first waits are of 1 to 2, 2 to 4 and 4 to 8 seconds.
    becomes_good(world, new.mint(BOB), BOB, within=20)
    says(world, f"keys of {url}: 1 key (new)")
    # What was verified by a key that is gone counts no more, remembered or not.
    eventually(lambda: not counts(world, remembered, ALICE), what="the end of the old key")
    assert not counts(world, old.mint(ALICE), ALICE)
    passes(world, old.mint(ALICE))


# What is refused.

NO_KEYS = "its tokens are not accepted until there are keys"


def refused(world, key, url, reason):
    """The log says exactly that, nobody is anybody, and the traffic flows."""
    says(world, f"keys of {url}: {reason}; {NO_KEYS}")
    token = key.mint(ALICE)
    passes(world, token)
    # Nobody is signed out for it.
    answered = world.client.heartbeat(token)
    assert (answered.status_code, answered.headers.get("Retry-After")) == (503, "1")
    assert world.client.status(ALICE) == "offline"
    # Who signs with what is no matter of the fetched keys is not touched.
    assert counts(world, tokens.mint(BOB), BOB)


def test_r14_an_expired_certificate_is_refused(publisher, before):
    key = SigningKey("one")
    server = publisher(key, hours=-1)
    world = before(server.url())
    reason = "certificate verify failed: certificate has expired (asked for localhost)"
    refused(world, key, server.url(), reason)
    assert server.requests == []


def test_r14_a_certificate_of_another_host_is_refused(publisher, before):
    key = SigningKey("one")
    server = publisher(key, names=["elsewhere.example", "127.0.0.2"])
    world = before(server.url())
    reason = "certificate verify failed: hostname mismatch (asked for localhost)"
    refused(world, key, server.url(), reason)
    assert server.requests == []


def test_r14_a_certificate_of_another_address_is_refused(publisher, before):
    key = SigningKey("one")
    server = publisher(key, names=["localhost", "127.0.0.2"])
    world = before(server.url("127.0.0.1"))
    reason = "certificate verify failed: IP address mismatch (asked for 127.0.0.1)"
    refused(world, key, server.url("127.0.0.1"), reason)
    assert server.requests == []


def test_r14_an_unknown_authority_is_refused(tmp_path, workshop, before):
    key = SigningKey("one")
    other = Authority(tmp_path, "somebody-else")
    server = workshop.keep(KeyServer(other.context()))
    server.publish(key)
    world = before(server.url())
    reason = "certificate verify failed: unable to get local issuer certificate"
    refused(world, key, server.url(), f"{reason} (asked for localhost)")
    assert server.requests == []


def test_r14_the_systems_authorities_do_not_know_ours(publisher, before):
    key = SigningKey("one")
    server = publisher(key)
    world = before(server.url(), trusts=False)
    reason = "certificate verify failed: unable to get local issuer certificate"
    refused(world, key, server.url(), f"{reason} (asked for localhost)")


def test_r14_a_server_without_tls_is_refused(workshop, before):
    key = SigningKey("one")
    server = workshop.keep(KeyServer(None))
    # Sent before anything is read: what it is asked is no line of text.
    server.serve = lambda link: (link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), link.recv(1))
    url = f"https://localhost:{server.port}/jwks.json"
    world = before(url)
    refused(world, key, url, "the TLS handshake failed: wrong version number")


GOOD = SigningKey("good")
ANSWERS = {
    "an error": (answer(b"oh", "503 Service Unavailable"), "answered 503"),
    "garbage": (b"\x00\x01\x02garbage\r\n\r\n", "no HTTP answer: a malformed status line (RFC 9112 §4)"),
    "nothing": (b"", "the server closed the connection without an answer"),
    "half of it": (answer(key_set(GOOD))[:-9], "the answer broke off"),
    "too much": (
        answer(key_set(GOOD) + b" " * 262144),
        "the answer is larger than 262144 bytes",
    ),
    "another server": (
        answer(b"", "302 Found", ["Location: https://elsewhere.example/keys"]),
        "redirected to https://elsewhere.example/keys: another server is not asked",
    ),
    "another port": (
        answer(b"", "301 Moved", ["Location: https://localhost:1/keys"]),
        "redirected to https://localhost:1/keys: another server is not asked",
    ),
    "round and round": (
        answer(b"", "302 Found", ["Location: /jwks.json"]),
        "redirected to {url}: more than 3 times",
    ),
    "compressed": (
        answer(b"\x1f\x8b\x08", fields=["Content-Encoding: gzip"]),
        "the answer is compressed (gzip)",
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_r14_what_is_no_key_set_is_refused(publisher, before, kind):
    reply, reason = ANSWERS[kind]
    server = publisher()
    server.reply = reply
    world = before(server.url())
    refused(world, GOOD, server.url(), reason.format(url=server.url()))


SETS = {
    "no JSON": b"<html>sign in</html>",
    "an empty set": b'{"keys": []}',
    "too many keys": json.dumps({"keys": [GOOD.jwk(kid=str(n)) for n in range(101)]}).encode(),
    "a key id twice": json.dumps({"keys": [GOOD.jwk(), GOOD.jwk()]}).encode(),
    "a secret": json.dumps(
        {"keys": [GOOD.jwk(), {"kty": "oct", "kid": "s", "k": "c2VjcmV0"}]}
    ).encode(),
    "a private key": json.dumps({"keys": [GOOD.jwk(d="AAAA")]}).encode(),
    "no key that fits": key_set(SigningKey("good", "EdDSA")),
}


@pytest.mark.parametrize("kind", SETS)
def test_r14_a_set_that_is_no_good_replaces_nothing(publisher, before, kind):
    server = publisher(GOOD)
    world = before(server.url())
    becomes_good(world, GOOD.mint(ALICE), ALICE)
    server.reply = answer(SETS[kind])
    # An unknown id makes it ask again.
    assert not counts(world, GOOD.mint(BOB, kid="new"), BOB)

    def told():
        return [line for line in lines(world) if line.endswith("1 key from before stays in use")]

    assert len(eventually(told, what="the refusal of the set")) == 1
    assert counts(world, GOOD.mint(ALICE), ALICE)


def test_r14_a_slow_drip_ends_after_five_seconds_and_holds_nothing_up(publisher, before):
    server = publisher()
    server.reply = server.drip
    world = before(server.url())
    started = time.monotonic()
    passes(world, GOOD.mint(ALICE))
    assert time.monotonic() - started < 2
    refused(world, GOOD, server.url(), "gave up after 5000 ms, reading the answer")


# What check says.


def checked(workshop, entry):
    config = Sidecar(workshop, "http://127.0.0.1:1", {"tokens": {"keys": [entry]}})
    result = command("check", "--config", config.file)
    found = (result.stdout + result.stderr).splitlines()
    return result.returncode, [line for line in found if re.match(rf"{config.file}:\d", line)]


@pytest.mark.parametrize("host", ["id.example", "10.0.0.1:8080", "127.0.0.1.id.example", "[::]"])
def test_r14_check_refuses_http_to_another_host(workshop, host):
    url = f"http://{host}/keys"
    status, found = checked(workshop, {"algorithms": ["ES256"], "jwks": url})
    assert status == 1 and len(found) == 1, found
    assert "tokens.keys[0].jwks" in found[0] and url in found[0]
    assert f'write "https://{host}/keys"' in found[0]


@pytest.mark.parametrize(
    "url", ["https://id.example/keys", "http://127.0.0.1:9/keys", "http://localhost/k"]
)
def test_r14_check_takes_https_and_this_machine_and_asks_nobody(workshop, url):
    status, found = checked(workshop, {"algorithms": ["ES256"], "jwks": url})
    assert (status, found) == (0, [])
