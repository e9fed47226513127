# Owns a Flask app with random tokens of its own in a table: X-Auth-Token, in JSON or in a field.
# Called by gunicorn; `python -m apps.flask_opaque` makes the table.
# Never tells anybody whose token one is: there is no such route.
import os
import secrets
import sqlite3
import time

from flask import Flask, jsonify, request

from apps import people

LIFETIME = 3600
application = Flask(__name__)


def table():
    return sqlite3.connect(
        os.path.join(os.environ["APP_HOME"], "tokens.sqlite3"), timeout=20, isolation_level=None
    )


def issue(person):
    token = secrets.token_urlsafe(32)
    row = (token, person["username"], time.time() + LIFETIME)
    with table() as rows:
        rows.execute("INSERT INTO tokens VALUES (?, ?, ?)", row)
    return token


def holder():
    """Whose token the request has; None: nobody's."""
    query = "SELECT username FROM tokens WHERE token = ? AND expires > ?"
    token = request.headers.get("X-Auth-Token") or request.cookies.get("auth_token")
    found = table().execute(query, (token, time.time())).fetchone()
    return found[0] if found else None


def signed_in():
    given = request.get_json()
    return people.find(given["username"], given["password"])


@application.post("/login")
def login():
    person = signed_in()
    if person is None:
        return jsonify(error="wrong name or password"), 401
    return jsonify(token=issue(person), expires_in=LIFETIME, user=person)


@application.post("/login/mobile")
def login_of_the_phone():
    """The phone's library wants the token in a field."""
    person = signed_in()
    if person is None:
        return jsonify(error="wrong name or password"), 401
    return jsonify(user=person), {"X-Auth-Token": issue(person)}


@application.post("/logout")
def logout():
    if holder() is None:
        return jsonify(error="no such token"), 401
    token = request.headers.get("X-Auth-Token") or request.cookies.get("auth_token")
    with table() as rows:
        rows.execute("DELETE FROM tokens WHERE token = ?", (token,))
    return jsonify(ok=True)


@application.get("/orders")
def orders():
    name = holder()
    if name is None:
        return jsonify(error="no such token"), 401
    return jsonify([{"id": 7, "customer": name}])


@application.get("/news")
def news():
    return "Open on Sunday.\n", {"Content-Type": "text/plain"}


if __name__ == "__main__":
    table().execute("CREATE TABLE tokens (token TEXT PRIMARY KEY, username TEXT, expires REAL)")
