# Owns HTTP/1.1 as bytes, for tests: reading heads and bodies strictly, a client on a raw socket.
# Called by the recording backend and by the forwarding and refusal tests.
# Never repairs anything: what is not well-formed raises Broken.
import re
import socket
import struct
from dataclasses import dataclass, field

CRLF = b"\r\n"


class Broken(Exception):
    """The bytes are not the HTTP that they should be; `so_far` is the body up to there."""

    def __init__(self, reason, so_far=b""):
        super().__init__(f"{reason} (after {len(so_far)} bytes of body)")
        self.so_far = so_far


@dataclass
class Head:
    start_line: tuple
    fields: list
    raw: bytes


@dataclass
class Answer:
    status: int
    reason: str
    version: str
    fields: list
    body: bytes = b""
    interim: list = field(default_factory=list)
    framing: tuple = ("none",)

    def get(self, name):
        return first(self.fields, name)

    def all(self, name):
        return every(self.fields, name)


def first(fields, name):
    return next((value for key, value in fields if key.lower() == name.lower()), None)


def every(fields, name):
    return [value for key, value in fields if key.lower() == name.lower()]


def framing_of(fields, request):
    """("none",), ("length", n), ("chunked",) or ("close",); both framings at once is Broken."""
    lengths, codings = every(fields, "content-length"), every(fields, "transfer-encoding")
    if codings:
        if lengths or codings != ["chunked"]:
            raise Broken(f"framing is not single: {lengths} {codings}")
        return ("chunked",)
    if lengths:
        if len(lengths) != 1 or not re.fullmatch(r"\d+", lengths[0]):
            raise Broken(f"bad Content-Length: {lengths}")
        return ("length", int(lengths[0]))
    return ("none",) if request else ("close",)


class Stream:
    """Reads from a socket; `received` counts every byte, `raw` holds those of heads."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.received = 0

    def fill(self):
        data = self.sock.recv(262144)
        self.received += len(data)
        self.buffer += data
        return bool(data)

    def has_more_now(self):
        if self.buffer:
            return True
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False

    def line(self):
        while CRLF not in self.buffer:
            if not self.fill():
                raise Broken(f"end inside a line: {self.buffer[:80]!r}")
        text, self.buffer = self.buffer.split(CRLF, 1)
        return text

    def read_head(self):
        """The next head; None at a clean end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                if self.buffer:
                    raise Broken(f"end inside a head: {self.buffer[:200]!r}")
                return None
        text, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = text.split(CRLF)
        fields = []
        for line in lines[1:]:
            found = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line, re.S)
            if not found or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line):
                raise Broken(f"bad field line: {line!r}")
            fields.append((found[1].decode(), found[2].decode("latin-1")))
        parts = tuple(lines[0].decode("latin-1").split(" ", 2))
        if len(parts) < 2 or b"\n" in text.replace(CRLF, b"") or b"\r" in text.replace(CRLF, b""):
            raise Broken(f"bad start line or line end: {lines[0]!r}")
        return Head(parts if len(parts) == 3 else parts + ("",), fields, text + b"\r\n\r\n")

    def pieces(self, framing):
        """The body piece by piece, as framed."""
        if framing[0] == "length":
            yield from self.exactly(framing[1])
        elif framing[0] == "chunked":
            yield from self.chunks()
        elif framing[0] == "close":
            while self.buffer or self.fill():
                data, self.buffer = self.buffer, b""
                yield data

    def exactly(self, count):
        while count > 0:
            if not self.buffer and not self.fill():
                raise Broken(f"end with {count} bytes to come")
            data, self.buffer = self.buffer[:count], self.buffer[count:]
            count -= len(data)
            yield data

    def chunks(self):
        while True:
            size = self.line()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
                raise Broken(f"bad chunk size: {size!r}")
            count = int(size, 16)
            if count == 0:
                while self.line():
                    pass
                return
            yield from self.exactly(count)
            if self.line():
                raise Broken("no CRLF after a chunk")

    def read_body(self, framing):
        body = bytearray()
        try:
            for piece in self.pieces(framing):
                body += piece
        except (Broken, ConnectionError) as error:
            raise Broken(str(error), bytes(body)) from error
        return bytes(body)


class Wire:
    """A client's end of a connection, byte by byte."""

    def __init__(self, port, timeout=10.0, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = Stream(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends it with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def read_answer_head(self, method="GET"):
        """The final head, with the interim ones before it; the body is still to be read."""
        interim = []
        while True:
            head = self.stream.read_head()
            if head is None:
                raise Broken("the connection ended before an answer")
            version, status, reason = head.start_line
            answer = Answer(int(status), reason, version, head.fields, interim=interim)
            if answer.status >= 200 or answer.status == 101:
                break
            interim.append(answer)
        if method == "HEAD" or answer.status in (101, 204, 304):
            answer.framing = ("none",)
        else:
            answer.framing = framing_of(head.fields, request=False)
        return answer

    def read_answer(self, method="GET"):
        answer = self.read_answer_head(method)
        answer.body = self.stream.read_body(answer.framing)
        return answer

    def ask(self, method, target, fields=(), body=b"", host="app.test"):
        """A request with a Content-Length where there is a body, and its answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines + ["", ""]).encode("latin-1") + body)
        return self.read_answer(method)

    def at_end(self, within=5.0):
        """True when the other side closes (or resets) without another byte."""
        self.sock.settimeout(within)
        try:
            return not self.stream.buffer and not self.stream.fill()
        except ConnectionError:
            return True
        except TimeoutError:
            return False
