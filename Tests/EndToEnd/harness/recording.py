# Owns a backend on raw sockets: it answers byte by byte as a test says, and keeps all it was sent.
# Called by the forwarding and refusal tests.
# Never helps: it adds no header, repairs nothing, and pipelining into it is noticed.
import socket
import threading

from . import wire


class Call:
    """One request as it reached the backend, and the way to answer it."""

    def __init__(self, link, head):
        self.link = link
        self.method, self.target, self.version = head.start_line
        self.fields = head.fields
        self.raw_head = head.raw
        self.framing = wire.framing_of(head.fields, request=True)
        self.body = None

    def get(self, name):
        return wire.first(self.fields, name)

    def all(self, name):
        return wire.every(self.fields, name)

    def names(self):
        return [name.lower() for name, _ in self.fields]

    def read_body(self):
        if self.body is None:
            self.body = self.link.stream.read_body(self.framing)
        return self.body

    def send(self, data):
        self.link.send(data)

    def reply(self, status=200, fields=(), body=b"", reason="OK"):
        """A plain answer with a Content-Length, after reading the body."""
        self.read_body()
        lines = [f"HTTP/1.1 {status} {reason}"]
        lines += [f"{name}: {value}" for name, value in fields]
        lines += [f"Content-Length: {len(body)}", "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)


class Link:
    """One connection from the sidecar, served on a thread of its own."""

    def __init__(self, backend, sock):
        self.backend = backend
        self.sock = sock
        self.stream = wire.Stream(sock)
        self.calls = []
        self.sent = 0
        self.pipelined = False
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def send(self, data):
        view = memoryview(data)
        while view:
            count = self.sock.send(view)
            self.sent += count
            view = view[count:]

    def serve(self):
        try:
            while True:
                head = self.stream.read_head()
                if head is None:
                    return
                call = Call(self, head)
                self.calls.append(call)
                with self.backend.lock:
                    self.backend.calls.append(call)
                # A second request before the first one's answer: RFC 9112 allows it to clients,
                # the sidecar must not do it (an answer could be taken for another's).
                if call.framing == ("none",) and self.stream.has_more_now():
                    self.pipelined = True
                if self.backend.handler(call) == "close":
                    return
                call.read_body()
        except (OSError, wire.Broken) as error:
            self.backend.errors.append(error)
        finally:
            self.ended.set()
            self.sock.close()

    def wait_for_end_of_peer(self, within=10.0):
        """True once the sidecar has closed or reset its side."""
        self.sock.settimeout(within)
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def answer_plainly(call):
    call.reply(200, [("Content-Type", "application/json")], b'{"ok": true}')


class RecordingBackend:
    def __init__(self, handler=answer_plainly, port=0):
        self.handler = handler
        self.lock = threading.Lock()
        self.links = []
        self.calls = []
        self.errors = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(self, sock)
            with self.lock:
                self.links.append(link)
            link.thread.start()

    @property
    def used_links(self):
        """Connections that carried a request: the sidecar also knocks to see who is there."""
        return [link for link in list(self.links) if link.calls]

    @property
    def bytes_received(self):
        return sum(link.stream.received for link in list(self.links))

    def close(self):
        """Down: the port refuses, and every connection ends."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed before
        self.listener.close()
        for link in self.links:
            try:
                link.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
