# Owns the proof that no attack token counts, opens a route, or is kept from an open one.
# Called by pytest, directly only; the tokens are those of harness/attacks.py.
# Never stops at the first: a family is sent whole, and all that failed is named.
import itertools
import json
import re

import pytest

from harness import attacks, forging, signing
from harness.recording import RecordingBackend
from harness.sidecar import Sidecar, command, environment
from harness.waiting import eventually
from harness.wire import Wire

WATCHER = "the-watcher-of-these-tests"
REFUSED = re.compile(r"presence_tokens_refused_total\{")
PEERS = itertools.count(1)


@pytest.fixture(scope="module")
def backend(session_shop):
    return session_shop.keep(RecordingBackend())


@pytest.fixture(scope="module")
def sidecar(session_shop, tmp_path_factory, backend):
    """One for all of them: no token may hurt the next one either."""
    tokens = {
        "keys": forging.entries(tmp_path_factory.mktemp("keys")),
        "service": [{"name": "watcher", "token_env": "WATCHER"}],
    }
    routes = [{"match": "* /private/**", "require": True}]
    changes = {"tokens": tokens, "store": {"path": None}, "routes": routes}
    program = Sidecar(session_shop, backend.address, changes, name="attacked")
    yield program.start(env=environment(WATCHER=WATCHER))
    assert not program.process.has_ended()
    program.process.kill()


def fields_of(token):
    """Each token comes from a client of its own: failed checks have an allowance (R12)."""
    peer = next(PEERS)
    address = f"10.1.{peer // 250}.{peer % 250 + 1}"
    return [("Authorization", "Bearer " + token), ("X-Forwarded-For", address)]


def known(client):
    answer = client.ask("GET", "/_presence/users", [("Authorization", "Bearer " + WATCHER)])
    return [user["user_id"] for user in json.loads(answer.body)["results"]]


def refused(sidecar):
    """How many tokens were refused so far, for whatever reason."""
    return sum(value for name, value in sidecar.metrics().items() if REFUSED.match(name))


def faults(sidecar, backend, client, token):
    """What went otherwise than it should with that token."""
    fields, count, seen = fields_of(token), refused(sidecar), len(backend.calls)
    answer = client.ask("GET", "/orders", fields)
    if (answer.status, answer.body) != (200, b'{"ok": true}'):
        yield f"{answer.status} instead of the backend's answer"
    if [call.get("Authorization") for call in backend.calls[seen:]] != [fields[0][1]]:
        yield "the backend did not see it as it was sent"
    if refused(sidecar) == count:
        yield "not counted as refused"
    seen = len(backend.calls)
    own = client.ask("POST", "/_presence/heartbeat", fields)
    closed = client.ask("GET", "/private/orders", fields)
    for what, answer in (("heartbeat", own), ("a closed route", closed)):
        if answer.status != 401 or not answer.get("WWW-Authenticate").startswith("Bearer"):
            yield f"{answer.status} of {what}"
    if (own.body, own.get("Content-Type")) != (closed.body, closed.get("Content-Type")):
        yield "the answers to it differ"
    if len(backend.calls) != seen:
        yield "it reached the backend behind a closed route"
    if str(forging.USER) in known(client):
        yield "IT COUNTS"


@pytest.mark.parametrize("family", attacks.FAMILIES, ids=lambda family: family.__name__)
def test_r01_to_r12_an_attack_counts_for_nothing(sidecar, backend, family):
    failed = []
    with Wire(sidecar.port) as client:
        for what, token in family():
            failed += [f"{what}: {fault}" for fault in faults(sidecar, backend, client, token)]
    assert not failed, "\n" + "\n".join(failed)


def test_r01_the_keys_work_and_closed_routes_open(sidecar, backend):
    """Otherwise the attacks would be refused for nothing."""
    assert len(dict(attacks.every())) == len(attacks.every()) >= 80
    with Wire(sidecar.port) as client:
        for alg, token in forging.good().items():
            eventually(
                lambda: client.ask("POST", "/_presence/heartbeat", fields_of(token)).status == 200,
                what=f"{alg}",
            )
            assert client.ask("GET", "/private/orders", fields_of(token)).status == 200
            assert backend.calls[-1].target == "/private/orders"
        assert known(client) == [str(forging.USER)]


def test_r12_forgeries_are_limited_by_peer_and_good_tokens_are_not(sidecar):
    """ES512 costs the most to check: a flood of it is not checked for ever."""
    flood = [("X-Forwarded-For", "10.9.9.9")]
    remembered = [("Authorization", "Bearer " + forging.forge("HS256"))] + flood
    stranger = signing.key_of("ES512", 9)
    with Wire(sidecar.port) as client:
        assert client.ask("POST", "/_presence/heartbeat", remembered).status == 200
        used = sidecar.process.cpu_seconds()
        for number in range(500):
            forged = forging.forge("ES512", body=forging.claims(jti=str(number)), key=stranger)
            client.ask("GET", "/orders", [("Authorization", "Bearer " + forged)] + flood)
        assert sidecar.process.cpu_seconds() - used < 1.0
        limited = 'presence_tokens_refused_total{reason="too many bad ones"}'
        assert sidecar.metrics()[limited] > 200
        # What is remembered needs no check, and another peer is another peer.
        assert client.ask("POST", "/_presence/heartbeat", remembered).status == 200
        fresh = forging.forge("ES512", body=forging.claims(jti="fresh", user_id=1))
        answer = client.ask("POST", "/_presence/heartbeat", fields_of(fresh))
        assert answer.status == 200 and json.loads(answer.body)["user_id"] == "1"


def weak(folder):
    """(what, the entry): keys that no configuration may have."""
    rsa = signing.jwk(signing.key_of("RS256"))
    private = signing.key_of("RS256")
    secret = {"kty": "oct", "k": signing.b64(b"x" * 32), "kid": "s"}
    sets = {
        "RSA of 1024 bits": [signing.jwk(signing.rsa_key(1024))],
        "exponent 1": [dict(rsa, e="AQ")],
        "an even exponent": [dict(rsa, e="Ag")],
        "a secret among public keys": [rsa, secret],
        "two keys of one name": [
            dict(rsa, kid="a"),
            dict(signing.jwk(signing.key_of("RS512")), kid="a"),
        ],
        "a private member": [dict(rsa, d=rsa["n"])],
        "no key at all": [],
        "a point that is on no curve": [
            dict(signing.jwk(signing.key_of("ES256")), y=signing.number(5, 32))
        ],
        "for encryption": [dict(rsa, use="enc")],
    }
    for what, keys in sets.items():
        file = folder / f"{what}.json"
        file.write_text(json.dumps({"keys": keys}))
        algorithms = ["ES256"] if keys and keys[0]["kty"] == "EC" else ["RS256"]
        yield what, {"algorithms": algorithms, "jwks": str(file)}
    small, public = folder / "small.pem", folder / "public.pem"
    small.write_bytes(signing.pem(signing.rsa_key(1024)))
    public.write_bytes(signing.pem(private))
    yield "a PEM of 1024 bits", {"algorithms": ["RS256"], "public_key_file": str(small)}
    yield "a key of another sort", {"algorithms": ["ES256"], "public_key_file": str(public)}
    yield "a public key as secret", {"algorithms": ["HS256"], "secret_file": str(public)}
    yield "none as algorithm", {"algorithms": ["none"], "public_key_file": str(public)}
    (folder / "short").write_bytes(b"short")
    yield "a short secret", {"algorithms": ["HS256"], "secret_file": str(folder / "short")}


def test_r05_r07_keys_that_no_configuration_may_have(tmp_path):
    taken = []
    for what, entry in weak(tmp_path):
        file = tmp_path / "sidecar.json5"
        config = {
            "upstream": {"servers": ["http://127.0.0.1:8000"]},
            "tokens": {"keys": [entry]},
            "store": {"path": None},
        }
        file.write_text(json.dumps(config))
        done = command("check", "--config", file)
        if done.returncode != 1 or "tokens.keys[0]" not in done.stdout:
            taken.append(f"{what}: {done.returncode} {done.stdout}")
    assert not taken, "\n" + "\n".join(taken)
