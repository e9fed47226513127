# Owns: the proof that each proxy does its work: right answers, tokens verified, presence recorded.
# Called by: comparison.py and instructions.py, before and after measuring.
# Never: lets a wrong answer pass as a fast one.
"""Checks of the proxies under test; each raises BenchError with what was wrong."""

import json
import socket
import sqlite3
from contextlib import closing

from credentials import bearer, new_secret, token
from measure import PATH
from peers import USER
from processes import get
from tools import BenchError

STRANGER = 4711  # only ever named by a forged token
WATCHER = 7  # asks about the others


def expect(condition, name, text):
    if not condition:
        raise BenchError(f"{name}: {text}")


def raw_answer(port):
    """The origin's answer with its head, byte for byte."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: origin\r\n\r\n".encode())
        received = b""
        while True:
            head, blank, body = received.partition(b"\r\n\r\n")
            if blank and len(body) >= 512:
                return received
            chunk = connection.recv(65536)
            expect(chunk, "origin", "closed the connection in the middle of its answer")
            received += chunk


def answers(peer, headers, body):
    """Status 200 and the origin's very body."""
    status, fields, got = get(peer.port, PATH, headers)
    expect(status == 200, peer.name, f"answers {status} instead of 200")
    expect(got == body, peer.name, "answers another body than the origin's")
    expect(fields.get("content-type") == "application/json", peer.name, "lost Content-Type")


def forwards_token(peer, headers):
    """The origin gets the client's credentials (the application needs them)."""
    status, _, head = get(peer.port, "/-/echo", headers)
    expect(status == 200 and headers["Authorization"].encode() in head, peer.name,
           "does not forward the Authorization field")


def keeps_upstream_alive(peer, headers):
    """No `Connection: close` towards the origin."""
    head = get(peer.port, "/-/echo", headers)[2].lower()
    expect(b"connection: close" not in head and b"http/1.1" in head, peer.name,
           "does not keep the upstream connection alive")


def _haproxy_table(peer):
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(5)
        control.connect(peer.control)
        control.sendall(b"show table people\n")
        text = b""
        while chunk := control.recv(65536):
            text += chunk
    return text.decode()


def haproxy_works(peer):
    """A forged token is refused, none is refused, the user's requests are counted."""
    forged = bearer(token(new_secret(), STRANGER))
    for what, headers in (("a forged token", forged), ("no token", {})):
        status = get(peer.port, PATH, headers)[0]
        expect(status == 401, peer.name, f"answers {status} to {what} instead of 401")
    haproxy_counts(peer, 1)


def haproxy_counts(peer, at_least):
    """The stick table holds the user with at least so many requests, and nobody else."""
    table = _haproxy_table(peer)
    entries = [line for line in table.splitlines() if "key=" in line]
    found = [line for line in entries if f"key={USER} " in line]
    expect(len(found) == 1 and len(entries) == 1, peer.name, f"stick table is wrong:\n{table}")
    count = int(found[0].rpartition("http_req_cnt=")[2])
    expect(count >= at_least, peer.name, f"counted {count} requests, not {at_least}")


def presence(peer, user=USER):
    """The sidecar's presence object of a user, asked for by somebody else's token.

    The watcher is another user, so that the question itself cannot bring the user online.
    """
    headers = bearer(token(peer.secret, WATCHER))
    status, _, body = get(peer.port, f"/_presence/users/{user}", headers)
    expect(status == 200, peer.name, f"answers {status} for user {user}'s presence: {body[:200]!r}")
    return json.loads(body)


def sidecar_works(peer, headers, body):
    """Requests bring the user online; a forged token passes and brings nobody online."""
    answers(peer, headers, body)
    record = presence(peer)
    expect(record.get("user_id") == str(USER), peer.name, f"another user: {record}")
    expect(record.get("online_status") == "online", peer.name, f"user not online: {record}")
    answers(peer, bearer(token(new_secret(), STRANGER)), body)
    stranger = presence(peer, STRANGER)
    expect(stranger.get("online_status") == "offline", peer.name,
           f"a forged token counted: {stranger}")


def last_seen(peer):
    """When the sidecar saw the user last, as it says it (RFC 3339 sorts as text)."""
    return presence(peer)["last_seen"]


def stored(database):
    """After the end: the user is in some table of the database."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [row[0] for row in
                  connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in connection.execute(f'SELECT * FROM "{quoted}"'):
                if any(value in (USER, str(USER), str(USER).encode()) for value in row):
                    return
    raise BenchError(f"sidecar: {database} does not know user {USER}")
