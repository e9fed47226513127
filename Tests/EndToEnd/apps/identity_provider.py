# Owns an identity provider: RS256 access tokens that live shortly, refresh tokens, its key set.
# Called by gunicorn and by the shop over HTTP; `python -m apps.identity_provider` makes its key.
# Never sees what people do in the shop.
import json
import os
import secrets
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, jsonify, request
from jwt.algorithms import RSAAlgorithm

from apps import people

ISSUER = "https://id.example"
AUDIENCE = "shop"
LIFETIME = 900
KEY_ID = "2026-11"
KEY_FILE = os.path.join(os.environ.get("APP_HOME", "."), "provider.pem")
application = Flask(__name__)
refreshes = {}


def key():
    with open(KEY_FILE, "rb") as file:
        return serialization.load_pem_private_key(file.read(), password=None)


def access(person, **changes):
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(person["id"]),
        "name": person["username"],
        "roles": ["customer", "admin"] if person["is_staff"] else ["customer"],
        "iat": now,
        "exp": now + LIFETIME,
        "jti": secrets.token_hex(16),
    }
    claims.update(changes)
    return jwt.encode(claims, key(), "RS256", headers={"kid": KEY_ID, "typ": "at+jwt"})


def pair(person):
    refresh = secrets.token_urlsafe(32)
    refreshes[refresh] = person
    return jsonify(
        access_token=access(person),
        refresh_token=refresh,
        token_type="Bearer",
        expires_in=LIFETIME,
    )


@application.post("/token")
def token():
    given = request.get_json()
    person = people.find(given["username"], given["password"])
    if person is None:
        return jsonify(error="invalid_grant"), 400
    return pair(person)


@application.post("/refresh")
def refresh():
    """A refresh token works once."""
    person = refreshes.pop(request.get_json()["refresh_token"], None)
    if person is None:
        return jsonify(error="invalid_grant"), 400
    return pair(person)


@application.post("/revoke")
def revoke():
    refreshes.pop(request.get_json()["refresh_token"], None)
    return jsonify()


@application.get("/.well-known/jwks.json")
def key_set():
    public = json.loads(RSAAlgorithm.to_jwk(key().public_key()))
    public.pop("key_ops", None)
    return jsonify(keys=[dict(public, kid=KEY_ID, use="sig", alg="RS256")])


if __name__ == "__main__":
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with open(KEY_FILE, "wb") as file:
        file.write(pem)
