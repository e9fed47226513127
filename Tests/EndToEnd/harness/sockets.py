# Owns a presence WebSocket as a browser tab holds one.
# Called by the socket tests.
# Never drops a message: all that came is in `messages`, in order.
import json
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Tab:
    def __init__(
        self,
        address,
        token=None,
        path="/ws/presence/",
        subprotocols=None,
        query="",
        fields=None,
        origin=None,
    ):
        url = address.replace("http://", "ws://") + path + query
        headers = dict(fields or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.messages = []
        self.link = connect(
            url,
            additional_headers=headers,
            subprotocols=subprotocols,
            origin=origin,
            open_timeout=5,
            close_timeout=2,
            compression=None,
            proxy=None,
        )

    def close(self):
        self.link.close()

    def send(self, message):
        self.link.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self, within=5.0):
        message = json.loads(self.link.recv(timeout=within))
        self.messages.append(message)
        return message

    def expect(self, kind, within=5.0):
        """The next message of that type; others before it are kept in `messages`."""
        deadline = time.monotonic() + within
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no {kind} within {within} s; came: {self.messages}"
            try:
                message = self.receive(left)
            except TimeoutError:
                continue
            if message["type"] == kind:
                return message

    def begin(self):
        """The first two messages: hello and snapshot."""
        hello, snapshot = self.receive(), self.receive()
        assert hello["type"] == "hello", hello
        assert snapshot["type"] == "snapshot", snapshot
        return hello, snapshot

    def change_of(self, user, status=None, within=5.0):
        """The next change of that user (to that status)."""
        deadline = time.monotonic() + within
        while True:
            message = self.expect("presence", max(0.01, deadline - time.monotonic()))
            for change in message["changes"]:
                if change["user_id"] == user and status in (None, change["online_status"]):
                    return change

    def changes(self, user):
        """Every change of that user that came so far, as a list of statuses."""
        return [
            change["online_status"]
            for message in self.messages
            if message["type"] == "presence"
            for change in message["changes"]
            if change["user_id"] == user
        ]

    def close_code(self, within=5.0):
        """Reads to the end: the code that the server closed with."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                self.receive(max(0.01, deadline - time.monotonic()))
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None
            except TimeoutError:
                continue
        raise AssertionError(f"the socket is still open after {within} s")
