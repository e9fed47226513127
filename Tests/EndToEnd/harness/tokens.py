# Owns tokens made by hand: good ones without a login, and every kind of bad one.
# Called by the tests.
# Never talks to anybody.
import base64
import json
import time
import uuid

import jwt

SECRET = "the-legacy-app-signs-with-this-very-long-secret"


def claims(user_id, **more):
    now = int(time.time())
    base = {
        "token_type": "access",
        "user_id": user_id,
        "iat": now,
        "exp": now + 1800,
        "jti": uuid.uuid4().hex,
    }
    base.update(more)
    return base


def mint(user_id, secret=SECRET, algorithm="HS256", **more):
    return jwt.encode(claims(user_id, **more), secret, algorithm=algorithm)


def admin(user_id=1, **more):
    return mint(user_id, username="admin", is_staff=True, **more)


def expired(user_id):
    now = int(time.time())
    return mint(user_id, iat=now - 7200, exp=now - 3600)


def unsigned(user_id):
    """`alg: none` with an empty signature."""

    def part(value):
        raw = json.dumps(value, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return part({"alg": "none", "typ": "JWT"}) + "." + part(claims(user_id)) + "."


def tampered(user_id, becomes):
    """Signed for one user, the claims replaced by another's."""
    head, _, signature = mint(user_id).split(".")
    body = mint(becomes).split(".")[1]
    return f"{head}.{body}.{signature}"
