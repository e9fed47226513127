# Owns making tokens by hand, one thing wrong at a time, and the keys of whoever is attacked.
# Called by harness/attacks.py and its tests.
# Never makes one that is wrong by itself: `good` shows that the keys work.
import json
import time

from . import signing
from .signing import b64, compact, key_of, pem, signature

USER = 666
ISSUER, AUDIENCE = "https://id.example", "app"
NAMED = "PS256"  # the algorithm of the issuer with a name, a key set and a type
LONE = ["HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"]  # a key for each, no name


def claims(**changes):
    now = int(time.time())
    base = {"user_id": USER, "is_staff": True, "iat": now, "exp": now + 3000, "jti": "a-token"}
    base.update(changes)
    return {name: value for name, value in base.items() if value is not None}


def named(**changes):
    return claims(**{"iss": ISSUER, "aud": AUDIENCE, **changes})


def forge(alg="HS256", header=None, body=None, key=None, by=None):
    """Signed for good by default: only what a test names is wrong."""
    head = {"alg": alg, "typ": "JWT"} if header is None else header
    maker = by or (lambda message: signature(alg, message, key))
    return compact(head, claims() if body is None else body, maker)


def kept(header=None, body=None, **more):
    """As `forge`, of the issuer with the name."""
    head = {"alg": NAMED, "typ": "at+jwt", "kid": "one"}
    more.setdefault("by", by(NAMED, key_of(NAMED, 1)))
    return forge(NAMED, dict(head, **(header or {})), named() if body is None else body, **more)


def good():
    return {**{alg: forge(alg) for alg in LONE}, NAMED: kept()}


def text_of(token, body):
    """The token with other claims, the signature kept."""
    head, _, last = token.split(".")
    return f"{head}.{b64(json.dumps(body).encode())}.{last}"


def by(alg, key=None):
    return lambda message: signature(alg, message, key)


def entries(folder):
    """`tokens.keys` with all kinds of keys at once."""
    (folder / "secret").write_bytes(key_of("HS256"))
    made = [{"algorithms": ["HS256"], "secret_file": str(folder / "secret")}]
    for alg in LONE[1:]:
        (folder / alg).write_bytes(pem(key_of(alg)))
        made.append({"algorithms": [alg], "public_key_file": str(folder / alg)})
    keys = [
        signing.jwk(key_of(NAMED, variant), kid=kid, use="sig")
        for variant, kid in ((1, "one"), (2, "two"))
    ]
    (folder / "keys.json").write_text(json.dumps({"keys": keys}))
    made.append(
        {
            "algorithms": [NAMED],
            "jwks": str(folder / "keys.json"),
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "typ": "at+jwt",
            "max_lifetime": "1h",
        }
    )
    return made
