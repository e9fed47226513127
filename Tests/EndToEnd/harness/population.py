# Owns a population of the past: users by the hundred thousand, written into a sidecar's store.
# Called by the tests of large installations, while the sidecar is down.
# Never makes the schema: the sidecar itself has made it.
import sqlite3
import struct
import time
from contextlib import closing

OFFLINE, AWAY, ONLINE = 0, 1, 2
SAID_AWAY = 1


def populate(path, count, online=0, away=0, first=100_000):
    """Users "person 000000" and so on, each last seen a second before the one before; so many of
    the first are online, and so many of the next are away."""
    now = int(time.time() * 1000)

    def row(number):
        status = ONLINE if number < online else AWAY if number < online + away else OFFLINE
        seen = now - (0 if status else 3_600_000 + 1000 * number)
        flags = SAID_AWAY if status == AWAY else 0
        sessions = struct.pack(">QQB", number + 1, seen, flags) if status else b""
        return (
            str(first + number), f"person {number:06}", seen, seen, status, seen, None, sessions,
        )  # fmt: skip

    with closing(sqlite3.connect(path)) as store, store:
        store.executemany(
            "INSERT INTO users (id, name, last_seen, last_active, status, since, logged_out_at,"
            " sessions) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            map(row, range(count)),
        )
