# Owns a shop that leaves accounts to an identity provider and verifies by its published keys.
# Called by gunicorn; IDENTITY_PROVIDER is the address of the provider.
# Never remembers a token: what the provider signed holds until it expires.
import os

import jwt
import requests
from flask import Flask, jsonify, request

PROVIDER = os.environ["IDENTITY_PROVIDER"]
ISSUER = "https://id.example"
AUDIENCE = "shop"
application = Flask(__name__)
keys = jwt.PyJWKClient(PROVIDER + "/.well-known/jwks.json")


def passed_on(path):
    """The provider's answer as it is: its pages may not be asked by browsers of other sites."""
    answer = requests.post(PROVIDER + path, json=request.get_json(), timeout=10)
    return answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]}


@application.post("/auth/login")
def login():
    return passed_on("/token")


@application.post("/auth/refresh")
def refresh():
    return passed_on("/refresh")


@application.post("/auth/logout")
def logout():
    return passed_on("/revoke")


def customer():
    """The claims of the request's token; None where it is not good."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        return None
    try:
        signer = keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, signer.key, ["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.PyJWTError:
        return None


@application.get("/orders")
def orders():
    claims = customer()
    if claims is None:
        return jsonify(error="invalid_token"), 401, {"WWW-Authenticate": "Bearer"}
    return jsonify([{"id": 7, "customer": claims["name"]}])


@application.get("/news")
def news():
    return "Open on Sunday.\n", {"Content-Type": "text/plain"}
