# Owns following changes as programs do: event streams, long polls, and what a reader then knows.
# Called by the tests of changes.
# Never drops a batch: all that came is in `batches`, in order.
import http.client
import json
import os
import socket
import struct
import threading
import time
from urllib.parse import urlsplit


class Reader:
    """What somebody knows who does as the documents say."""

    def __init__(self):
        self.known = {}
        self.cursor = None
        self.batches = []
        self.resets = 0

    def take(self, batch):
        """A batch of any of the three ways; nobody may stand in it twice."""
        self.batches.append(batch)
        self.cursor = batch["cursor"]
        users = batch["users"] if batch.get("type") == "snapshot" else batch["changes"]
        if batch.get("type") == "snapshot" or batch.get("reset"):
            self.known = {}
            self.resets += 1
        ids = [user["user_id"] for user in users]
        assert len(set(ids)) == len(ids), f"twice in one batch: {ids}"
        for user in users:
            self.known[user["user_id"]] = user["online_status"]
        return batch

    def status(self, user):
        return self.known.get(user, "offline")


class Events:
    """An event stream as an EventSource reads it, without its reconnecting."""

    def __init__(self, address, token, path="/_presence/events", last=None, within=10):
        place = urlsplit(address)
        self.link = http.client.HTTPConnection(place.hostname, place.port, timeout=within)
        fields = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last is not None:
            fields["Last-Event-ID"] = last
        self.link.request("GET", path, headers=fields)
        self.response = self.link.getresponse()
        self.status = self.response.status
        self.comments = 0
        self.retry = None
        self.last = last

    def close(self):
        self.response.close()
        self.link.close()

    def event(self):
        """The next event; None at a proper end of the stream."""
        data = []
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line == "":
                if data:
                    return json.loads("\n".join(data))
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "":
                self.comments += 1
                return self.event() if data else {"comment": value}
            if name == "data":
                data.append(value)
            elif name == "id":
                self.last = value
            elif name == "retry":
                self.retry = int(value)

    def batch(self, reader=None):
        """The next event that says something."""
        while True:
            event = self.event()
            assert event is not None, "the stream has ended"
            if "changes" in event:
                assert event["cursor"] == self.last
                return reader.take(event) if reader else event

    def change_of(self, user, status=None):
        while True:
            for change in self.batch()["changes"]:
                if change["user_id"] == user and status in (None, change["online_status"]):
                    return change

    def ends(self):
        """Reads to the end: whether it was a proper one."""
        try:
            while self.event() is not None:
                pass
        except (http.client.IncompleteRead, ConnectionError):
            return False
        return True


def aside(call):
    """Runs `call` on a thread; the function that is returned waits for its answer."""
    box = []

    def run():
        try:
            box.append(call())
        except Exception as error:  # shown by whoever waits
            box.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def answer(within=15.0):
        thread.join(within)
        assert box, f"no answer within {within} s"
        if isinstance(box[0], Exception):
            raise box[0]
        return box[0]

    answer.waits = lambda: not box
    return answer


def flood(address, token, count, path="/_presence/ws"):
    """Makes so many changes of one user, by heartbeats on a socket whose answers are not read."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as link:
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        link.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(65536)
        assert b" 101 " in head.split(b"\r\n")[0], head

        def frame(message):
            text = json.dumps(message).encode()
            mask = os.urandom(4)
            masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
            assert len(text) < 126
            return struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + masked

        def drop():
            try:
                while link.recv(1 << 20):
                    pass
            except OSError:
                pass

        reading = threading.Thread(target=drop, daemon=True)
        reading.start()
        # Of nobody, so that only answers come back.
        link.sendall(frame({"type": "subscribe", "users": []}))
        beats = [frame({"type": "heartbeat", "status": word}) for word in ("away", "online")]
        for start in range(0, count, 500):
            link.sendall(b"".join(beats) * (min(500, count - start) // 2))
        # A close is answered once all before it was taken in.
        link.sendall(struct.pack("!BB", 0x88, 0x82) + b"\0\0\0\0" + struct.pack("!H", 1000))
        reading.join(120)
        assert not reading.is_alive(), "the sidecar has not taken everything in"


class Beats:
    """Heartbeats of many users, pipelined on one connection."""

    def __init__(self, address, tokens):
        place = urlsplit(address)
        self.link = socket.create_connection((place.hostname, place.port), timeout=60)
        self.requests = {
            word: [
                f"POST /_presence/heartbeat HTTP/1.1\r\nHost: {place.netloc}\r\n"
                f"Authorization: Bearer {token}\r\nContent-Length: {len(word) + 13}\r\n\r\n"
                f'{{"status":"{word}"}}'.encode()
                for token in tokens
            ]
            for word in ("online", "away")
        }

    def close(self):
        self.link.close()

    def all(self, word):
        """Everybody says it; returns when all were answered."""
        requests = self.requests[word]
        for start in range(0, len(requests), 50):
            part = requests[start : start + 50]
            self.link.sendall(b"".join(part))
            seen = b""
            deadline = time.monotonic() + 60
            while seen.count(b"HTTP/1.1 200 OK") < len(part) or not seen.endswith(b"}"):
                assert time.monotonic() < deadline, seen[-300:]
                more = self.link.recv(1 << 20)
                assert more, "the connection has ended"
                seen += more
