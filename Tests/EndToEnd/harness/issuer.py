# Owns an issuer of tokens: his authority, his keys, and the TLS server that publishes them.
# Called by the tests of fetched keys.
# Never uses the code under test: certificates are cryptography's, tokens PyJWT's, TLS Python's.
import datetime
import ipaddress
import json
import socket
import ssl
import threading

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import tokens


class SigningKey:
    """One private key with its id; `jwk` is what the world may see."""

    MAKERS = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }

    def __init__(self, kid, algorithm="ES256"):
        self.kid = kid
        self.algorithm = algorithm
        self.private = self.MAKERS[algorithm]()

    def jwk(self, **more):
        kind = jwt.get_algorithm_by_name(self.algorithm)
        described = json.loads(kind.to_jwk(self.private.public_key()))
        described.update({"kid": self.kid, "alg": self.algorithm, "use": "sig"}, **more)
        # PyJWT says what the key is for; both ways of saying it at once are discouraged.
        described.pop("key_ops", None)
        return described

    def mint(self, user_id, kid=None, **more):
        """A token; `kid` names another key than the one that signs."""
        return jwt.encode(
            tokens.claims(user_id, **more),
            self.private,
            algorithm=self.algorithm,
            headers={"kid": kid or self.kid},
        )


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


class Authority:
    """A certificate authority that nobody knows but who is given its file."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        made = (
            self.begin(self.name, self.key.public_key(), hours=24)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def begin(self, subject, public, hours):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=48))
            .not_valid_after(now + datetime.timedelta(hours=hours))
        )

    def context(self, names=("localhost", "127.0.0.1"), hours=24):
        """What a server needs to show a certificate for these names; -1 hours: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        made = (
            self.begin(subject, key.public_key(), hours)
            .add_extension(x509.SubjectAlternativeName([named(name) for name in names]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.folder / f"leaf-{made.serial_number}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def named(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def answer(body, status="200 OK", fields=()):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


class KeyServer:
    """A server of key sets. It can change its answer, die, and come back on the same port."""

    def __init__(self, context, reply=b""):
        self.context = context
        # Bytes, or a function that is given the open connection.
        self.reply = reply
        self.requests = []
        # Connections that came, also those that ended within the handshake.
        self.visits = 0
        self.errors = []
        self.released = threading.Event()
        self.port = 0
        self.listener = None
        self.start()

    def publish(self, *keys):
        self.reply = answer(key_set(*keys), fields=["Content-Type: application/json"])

    def url(self, host="localhost", path="/jwks.json"):
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://{host}:{self.port}{path}"

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def stop(self):
        """Nobody listens there any more."""
        # Ends the accept, which a close alone leaves waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self):
        self.released.set()
        try:
            self.stop()
        except OSError:
            pass  # It was stopped by the test.

    def accept(self, listener):
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            self.visits += 1
            threading.Thread(target=self.serve, args=[link], daemon=True).start()

    def serve(self, link):
        link.settimeout(30)
        try:
            if self.context is not None:
                link = self.context.wrap_socket(link, server_side=True)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                part = link.recv(1)
                if not part:
                    return
                head += part
            self.requests.append(head.decode().splitlines()[0])
            if callable(self.reply):
                self.reply(link)
            else:
                link.sendall(self.reply)
            if self.context is not None:
                link.unwrap()
        except OSError as error:
            self.errors.append(error)
        finally:
            link.close()

    # Ways to answer.

    def hang(self, link):
        """Takes the request and says nothing."""
        self.released.wait(30)

    def drip(self, link):
        """A byte now and then, without end."""
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not self.released.wait(0.1):
            link.sendall(b" ")
