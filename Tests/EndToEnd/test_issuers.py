# Owns the tests that tokens as real issuers make them count: every algorithm, every form of key.
# Called by pytest, directly only.
# Never makes a token with the program under test.
import itertools
import json
import re
import time
import uuid

import jwt
import pytest

from harness import signing
from harness.recording import RecordingBackend
from harness.sidecar import Sidecar, environment
from harness.waiting import eventually
from harness.wire import Wire

PUBLIC = [name for name in signing.ALGORITHMS if not name.startswith("HS")] + ["Ed448"]
SHARED = [name for name in signing.ALGORITHMS if name.startswith("HS")]
FORMS = ["pem", "certificate", "jwk", "jwks"]
WATCHER = "the-watcher-of-these-tests"
COUNTER = itertools.count(1000, 2)  # the neighbour of each is nobody


def alg(name):
    return "EdDSA" if name == "Ed448" else name


def by_pyjwt(name, claims, kid):
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, signing.key_of(name), alg(name), headers=headers)


def by_primitives(name, claims, kid):
    """Written otherwise than PyJWT does: spaces, escapes, another order, a typ of its own."""
    header = {"typ": "at+jwt", "alg": alg(name)}
    if kid is not None:
        header["kid"] = kid
    body = json.dumps(dict(reversed(claims.items())), indent=1, ensure_ascii=True)
    return signing.compact(
        json.dumps(header), body, lambda message: signing.signature(name, message)
    )


def entries(form, folder):
    """The entries of `tokens.keys` with every algorithm's key in that form."""
    if form == "secret":
        for name in SHARED:
            (folder / name).write_bytes(signing.key_of(name))
            yield {"algorithms": [name], "secret_file": str(folder / name)}
        return
    if form == "jwks":
        keys = [
            signing.jwk(signing.key_of(name), kid=name, alg=alg(name), use="sig") for name in PUBLIC
        ]
        (folder / "keys.json").write_text(json.dumps({"keys": keys}))
        yield {
            "algorithms": sorted({alg(name) for name in PUBLIC}),
            "jwks": str(folder / "keys.json"),
            "issuer": "https://jwks.example",
        }
        return
    for name in PUBLIC:
        key, file = signing.key_of(name), folder / name
        entry = {"algorithms": [alg(name)], "issuer": f"https://{form}.example/{name}"}
        if form == "jwk":
            file.write_text(json.dumps(signing.jwk(key)))
            yield dict(entry, jwks=str(file))
        else:
            file.write_bytes(signing.pem(key) if form == "pem" else signing.certificate(key))
            yield dict(entry, public_key_file=str(file))


@pytest.fixture(scope="module")
def sidecars(session_shop, tmp_path_factory):
    """form -> the running sidecar with its keys, each started once."""
    backend = session_shop.keep(RecordingBackend())
    running = {}

    def get(form):
        if form not in running:
            folder = tmp_path_factory.mktemp(form)
            tokens = {
                "keys": list(entries(form, folder)),
                "service": [{"name": "watcher", "token_env": "WATCHER"}],
            }
            changes = {"tokens": tokens, "store": {"path": None}, "routes": []}
            sidecar = Sidecar(session_shop, backend.address, changes, name="verifier")
            running[form] = sidecar.start(env=environment(WATCHER=WATCHER))
        return running[form]

    yield get
    for sidecar in running.values():
        assert not sidecar.process.has_ended()
        sidecar.process.kill()


def claims_for(form, name):
    now = int(time.time())
    issuer = "https://jwks.example" if form == "jwks" else f"https://{form}.example/{name}"
    return {
        "iss": issuer,
        "user_id": next(COUNTER),
        "name": "Zoë",
        "iat": now,
        "exp": now + 600,
        "jti": uuid.uuid4().hex,
    }


def bearer(token):
    return [("Authorization", "Bearer " + token)]


def presence(client, user):
    return json.loads(client.ask("GET", f"/_presence/users/{user}", bearer(WATCHER)).body)


def flipped(token, claims):
    """The token with one bit changed, in the signature at three places, then in the claims."""
    head, body, signature = token.split(".")
    raw = signing.unb64(signature)
    for place in (0, len(raw) // 2, len(raw) - 1):
        other = bytearray(raw)
        other[place] ^= 1
        yield f"{head}.{body}.{signing.b64(bytes(other))}"
    other, count = re.subn(
        rb'("user_id": ?)\d+', rb"\g<1>%d" % (claims["user_id"] ^ 1), signing.unb64(body)
    )
    assert count == 1
    yield f"{head}.{signing.b64(other)}.{signature}"


CASES = [("secret", name) for name in SHARED] + list(itertools.product(FORMS, PUBLIC))


@pytest.mark.parametrize("maker", [by_pyjwt, by_primitives])
@pytest.mark.parametrize("form, name", CASES)
def test_r01_a_real_issuers_token_counts_and_a_flipped_bit_does_not(sidecars, form, name, maker):
    sidecar = sidecars(form)
    claims = claims_for(form, name)
    user = claims["user_id"]
    token = maker(name, claims, name if form == "jwks" else None)
    with Wire(sidecar.port) as client:

        def counts():
            assert client.ask("GET", "/orders", bearer(token)).status == 200
            return presence(client, user)["online_status"] == "online"

        for wrong in flipped(token, claims):
            assert client.ask("GET", "/orders", bearer(wrong)).status == 200
            assert client.ask("POST", "/_presence/heartbeat", bearer(wrong)).status == 401
            for somebody in (user, user ^ 1):
                assert presence(client, somebody)["last_seen"] is None
        # Key files are read on a thread of its own.
        eventually(counts, what="presence")
        seen = presence(client, user)
        assert seen["name"] == "Zoë" and seen["devices"] == 1
        beat = client.ask("POST", "/_presence/heartbeat", bearer(token))
        assert beat.status == 200 and json.loads(beat.body)["user_id"] == str(user)
