# Owns signatures of every algorithm, made by the primitives of `cryptography` alone, and key files.
# Called by the tests of issuers and by the attack tokens.
# Never verifies anything.
import base64
import datetime
import functools
import hashlib
import hmac
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "512": ec.SECP521R1()}
EDWARDS = {"EdDSA": ed25519.Ed25519PrivateKey, "Ed448": ed448.Ed448PrivateKey}
WIDTHS = {"256": 32, "384": 48, "512": 66}
SECRETS = {bits: f"a-secret-for-HS{bits}-".encode() * 4 for bits in HASHES}
ALGORITHMS = [kind + bits for kind in ("HS", "RS", "PS", "ES") for bits in HASHES] + ["EdDSA"]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, width=None):
    return b64(value.to_bytes(width or (value.bit_length() + 7) // 8, "big"))


@functools.lru_cache(maxsize=None)
def made(kind, variant):
    """The one key of that kind and variant in this run."""
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    if kind in EDWARDS:
        return EDWARDS[kind].generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=kind)


def rsa_key(size, variant=0):
    return made(size, variant)


def key_of(algorithm, variant=0):
    """The key of an algorithm: bytes for HS, else a private key. Another variant is another key."""
    kind, bits = algorithm[:2], algorithm[2:]
    if kind == "HS":
        return SECRETS[bits] + str(variant or "").encode()
    if kind in ("RS", "PS"):
        return rsa_key(3072 if bits == "512" else 2048, variant)
    return made(bits if kind == "ES" else algorithm, variant)


def raw_ecdsa(key, message, bits):
    """r‖s, each as wide as the curve's order (RFC 7518 §3.4)."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(HASHES[bits])))
    return r.to_bytes(WIDTHS[bits], "big") + s.to_bytes(WIDTHS[bits], "big")


def signature(algorithm, message, key=None, salt=None):
    kind, bits = algorithm[:2], algorithm[2:]
    key = key if key is not None else key_of(algorithm)
    if kind == "HS":
        return hmac.new(key, message, getattr(hashlib, "sha" + bits)).digest()
    if kind == "RS":
        return key.sign(message, padding.PKCS1v15(), HASHES[bits])
    if kind == "PS":
        length = HASHES[bits].digest_size if salt is None else salt
        return key.sign(message, padding.PSS(padding.MGF1(HASHES[bits]), length), HASHES[bits])
    if kind == "ES":
        return raw_ecdsa(key, message, bits)
    return key.sign(message)


def compact(header, claims, sign):
    """header.claims.signature of texts, bytes or things to write as JSON; `sign` signs bytes."""

    def part(value):
        if not isinstance(value, (str, bytes)):
            value = json.dumps(value, separators=(",", ":"))
        return b64(value.encode() if isinstance(value, str) else value)

    message = part(header) + "." + part(claims)
    return message + "." + b64(sign(message.encode()))


def pem(key):
    public = key.public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def certificate(key):
    """Signed by itself; Ed keys sign without a hash."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=7300))
    plain = isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    signed = builder.sign(key, None if plain else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def jwk(key, **more):
    """RFC 7517 and 7518 §6, RFC 8037 for Ed keys."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        numbers, width = public.public_numbers(), (public.curve.key_size + 7) // 8
        name = {256: "P-256", 384: "P-384", 521: "P-521"}[public.curve.key_size]
        members = {"kty": "EC", "crv": name}
        members.update(x=number(numbers.x, width), y=number(numbers.y, width))
    else:
        name = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448"
        members = {"kty": "OKP", "crv": name, "x": b64(public.public_bytes_raw())}
    return dict(members, **more)
