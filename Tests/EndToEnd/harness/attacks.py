# Owns attack tokens: each would make user 666 somebody, had one check been left out.
# Called by test_attacks.py.
# Never holds one that a correct verifier may take.
import json
import time
import zlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from . import signing
from .forging import ISSUER, LONE, NAMED, USER, by, claims, forge, kept, named, text_of
from .signing import b64, compact, key_of, pem, signature

# How many points each curve has (FIPS 186-5): 2^256, 2^384 and 2^521, less these.
ORDERS = {
    "ES256": 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF,
    "ES384": 2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    "ES512": 2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}


def confusion():
    """One algorithm's key taken for another's (RFC 8725 §2.1, §3.1)."""
    der = key_of("RS256").public_key().public_bytes
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    secrets = {
        "the RSA key as PEM": pem(key_of("RS256")),
        "the RSA key as PEM without its line end": pem(key_of("RS256")).rstrip(),
        "the RSA key as DER": der(serialization.Encoding.DER, spki),
        "the RSA key as PKCS1": der(serialization.Encoding.DER, serialization.PublicFormat.PKCS1),
        "the RSA key as JWK": json.dumps(signing.jwk(key_of("RS256"))).encode(),
        "the EC key as PEM": pem(key_of("ES256")),
        "the Ed25519 key as bytes": key_of("EdDSA").public_key().public_bytes_raw(),
        "nothing": b"",
        "a zero byte": b"\x00",
        "its own name": b"HS256",
        "a guess": b"secret",
    }
    for what, secret in secrets.items():
        yield f"HS256 with {what} as secret", forge("HS256", key=secret)
    for alg in ("HS384", "HS512", "RS384", "RS512", "PS384"):
        base = {"H": "HS256", "R": "RS256", "P": NAMED}[alg[0]]
        yield f"{alg} with the key for {base}", forge(alg, key=key_of(base))
    yield "PS256 by the key for RS256", forge("PS256", key=key_of("RS256"))
    yield "RS256 by the key set for PS256", kept({"alg": "RS256"}, by=by("RS256", key_of(NAMED, 1)))
    yield "PS256 said, RS256 signed", kept(by=by("RS256", key_of(NAMED, 1)))
    yield "RS256 said, PS256 signed", forge("RS256", by=by("PS256", key_of("RS256")))
    yield "ES256 said, EdDSA signed", forge("ES256", by=by("EdDSA"))
    yield "EdDSA said, ES256 signed", forge("EdDSA", by=by("ES256"))
    yield "ES256 on P-384", forge("ES256", by=lambda m: raw(ec.SECP384R1(), m, "256", 48))
    yield "ES256 on secp256k1", forge("ES256", by=lambda m: raw(ec.SECP256K1(), m, "256", 32))
    yield "ES256K", forge("ES256K", by=lambda m: raw(ec.SECP256K1(), m, "256", 32))
    yield "ES384 by the key for ES256", forge("ES384", by=by("ES256"))
    yield "EdDSA on Ed448", forge("EdDSA", by=by("Ed448"))
    for alg in LONE[1:]:
        yield f"{alg} by a stranger's key", forge(alg, key=key_of(alg, 9))
    yield "HS256 by a stranger's secret", forge("HS256", key=key_of("HS256", 9))
    yield "RS256 of 1024 bits", forge("RS256", key=signing.rsa_key(1024))


def raw(curve, message, bits, width):
    key = ec.generate_private_key(curve)
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(signing.HASHES[bits])))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def algorithms():
    """Names that are not on the list, with a signature that would be right."""
    hs = by("HS256")
    odd = ["hs256", "Hs256", "HS256 ", "HS256\x00", "HS-256", "ＨＳ256", "", "A256KW", "dir", "HS"]
    for name in odd + [256, ["HS256"], {"HS256": 1}, None, True]:
        yield f"alg {name!r}", forge(header={"alg": name, "typ": "JWT"}, by=hs)
    yield "no alg", forge(header={"typ": "JWT"}, by=hs)
    yield "Ed25519 as a name", forge(header={"alg": "Ed25519"}, by=by("EdDSA"))
    yield "RS1", forge(header={"alg": "RS1"}, by=pkcs1(hashes.SHA1()))
    for name in ("none", "None", "NONE", "nOnE", "none\x00", " none"):
        yield f"alg {name!r} without a signature", forge(header={"alg": name}, by=lambda _: b"")
    yield "alg none with a signature", forge(header={"alg": "none"}, by=hs)
    yield "alg none in two parts", forge(header={"alg": "none"}, by=hs).rpartition(".")[0]
    yield "an empty signature", forge(by=lambda _: b"")


def pkcs1(digest):
    return lambda message: key_of("RS256").sign(message, padding.PKCS1v15(), digest)


def structure():
    """What is not three parts of base64url (RFC 7515 §3.1, §7.1; RFC 7516)."""
    token = forge()
    head, body, last = token.split(".")
    yield "one part", head
    yield "two parts", head + "." + body
    yield "four parts", token + "." + last
    yield "a dot behind", token + "."
    yield "a dot before", "." + token
    yield "an empty header", f".{body}.{last}"
    yield "an empty payload", f"{head}..{last}"
    yield "detached payload, rightly signed", forge(body=b"")
    yield "three empty parts", ".."
    yield "flattened JSON", json.dumps(
        {"payload": body, "protected": head, "signature": last}, separators=(",", ":")
    )
    yield "general JSON", json.dumps(
        {"payload": body, "signatures": [{"protected": head, "signature": last}]},
        separators=(",", ":"),
    )
    for alg, enc in (("RSA-OAEP", "A256GCM"), ("dir", "A128CBC-HS256")):
        first = b64(json.dumps({"alg": alg, "enc": enc}).encode())
        yield f"a JWE of {alg}", ".".join([first, b64(b"k" * 256), b64(b"i" * 12), body, last])
    yield "quoted", f'"{token}"'
    yield "with percent-encoded dots", token.replace(".", "%2E")
    yield "with a comma and another", token + "," + token


def encoding():
    """Other texts for the same bytes (RFC 4648 §3.5, §5; RFC 7515 §2)."""
    head, body, last = forge().split(".")
    yield "padded signature", f"{head}.{body}.{last}="
    padded = head + "=" * (-len(head) % 4 or 4)
    yield "padded header, rightly signed", over(padded, body)
    token = next(
        t for t in (forge(body=claims(n=n)) for n in range(99)) if set("-_") & set(t.split(".")[2])
    )
    yield "the alphabet with + and /", token.replace("-", "+").replace("_", "/")
    yield "trailing bits in the signature", f"{head}.{body}.{stray(last)}"
    padding_claims = next(
        text for text in (json.dumps(claims(n="x" * n)) for n in range(3)) if len(text) % 3
    )
    yield "trailing bits in the claims, rightly signed", over(
        head, stray(b64(padding_claims.encode()))
    )
    short = b64(b'{"alg":"HS256","a":1}'[:-1] + b" }")
    yield "trailing bits in the header, rightly signed", over(stray(short), body)
    yield "a character too many", over(head, body + "A" * ((1 - len(body)) % 4 or 4))
    for what in "!", "*", "~", "%0A", "%20":
        yield f"{what} in the signature", f"{head}.{body}.{last[:20]}{what}{last[20:]}"
        yield f"{what} in the claims, rightly signed", over(head, body[:20] + what + body[20:])


def over(head, body):
    message = f"{head}.{body}"
    return message + "." + b64(signature("HS256", message.encode()))


def stray(text):
    """The last character's unused low bits set."""
    assert len(text) % 4
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) | 1]


def signatures():
    """Signatures in a wrong form (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1)."""
    for alg, order in ORDERS.items():
        bits, key, width = alg[2:], key_of(alg), signing.WIDTHS[alg[2:]]
        digest = ec.ECDSA(signing.HASHES[bits])
        yield f"{alg} as DER", forge(alg, by=lambda m, k=key, d=digest: k.sign(m, d))

        def pair(r, s, w=width):
            return lambda message: r.to_bytes(w, "big") + s.to_bytes(w, "big")

        numbers = {
            "0 and 0": (0, 0),
            "0 and 1": (0, 1),
            "1 and 0": (1, 0),
            "n and n": (order, order),
        }
        numbers["1 and n"] = (1, order)
        for what, (r, s) in numbers.items():
            yield f"{alg} of {what}", forge(alg, by=pair(r, s))
        for what, cut in (("a byte less", lambda x: x[1:]), ("a byte more", lambda x: b"\0" + x)):
            yield f"{alg} with {what}", forge(alg, by=lambda m, a=alg, c=cut: c(signature(a, m)))
        wide = lambda m, a=alg, w=width: b"\0" + signature(a, m)[:w] + b"\0" + signature(a, m)[w:]
        yield f"{alg} wider than the curve", forge(alg, by=wide)
    for alg in ("HS256", "RS256", "EdDSA"):
        size = len(signature(alg, b""))
        yield f"{alg} of zeros", forge(alg, by=lambda _, n=size: bytes(n))
        yield f"{alg} with a byte less", forge(alg, by=lambda m, a=alg: signature(a, m)[:-1])
        yield f"{alg} with a byte more", forge(alg, by=lambda m, a=alg: signature(a, m) + b"\0")
    yield "half an HMAC", forge(by=lambda m: signature("HS256", m)[:16])
    yield "RS256 with the number one", forge("RS256", by=lambda _: bytes(255) + b"\1")
    yield "RS256 over SHA-512", forge("RS256", by=pkcs1(hashes.SHA512()))
    yield "RS256 over SHA-1", forge("RS256", by=pkcs1(hashes.SHA1()))
    for salt in (0, 20, 222):
        yield f"PS256 with a salt of {salt}", kept(
            by=lambda m, n=salt: signature("PS256", m, key_of(NAMED, 1), n)
        )
    other = padding.PSS(padding.MGF1(hashes.SHA512()), 32)
    yield "PS256 with another mask", kept(
        by=lambda m: key_of(NAMED, 1).sign(m, other, hashes.SHA256())
    )
    ell = 2**252 + 27742317777372353535851937790883648493

    def larger(message):
        made = signature("EdDSA", message)
        s = int.from_bytes(made[32:], "little") + ell
        return made[:32] + s.to_bytes(32, "little")

    yield "EdDSA with S beyond the order", forge("EdDSA", by=larger)
    yield "signed for other claims", text_of(forge(body=claims(user_id=1)), claims())
    yield "signed for other claims by RSA", text_of(
        forge("RS256", body=claims(user_id=1)), claims()
    )


def key_names():
    """Where the key is to be looked for (RFC 8725 §3.10; RFC 7515 §4.1.2 to §4.1.6)."""
    mine = key_of("RS256", 9)
    kids = [
        "two'--",
        "../../../../dev/null",
        "http://127.0.0.1:9/k",
        "one\n",
        "ONE",
        " one",
        "",
        "o" * 300,
    ]
    for kid in kids + [1, ["one"], {"one": 1}, True]:
        yield f"kid {str(kid)[:24]!r}", kept({"kid": kid}, by=by(NAMED, key_of(NAMED, 9)))
        if kid not in ("two'--", "../../../../dev/null", "http://127.0.0.1:9/k"):
            yield f"kid {str(kid)[:24]!r}, rightly signed", kept(
                {"kid": kid}, by=by(NAMED, key_of(NAMED, 1))
            )
    yield "kid of a file, the empty secret", forge(
        header={"alg": "HS256", "kid": "/dev/null"}, key=b""
    )
    yield "kid of another key of the set", kept({"kid": "two"}, by=by(NAMED, key_of(NAMED, 1)))
    yield "no kid where two keys fit", compact(
        {"alg": NAMED, "typ": "at+jwt"}, named(), by(NAMED, key_of(NAMED, 1))
    )
    chain = b64(signing.certificate(mine))
    embedded = {
        "jwk": signing.jwk(mine),
        "x5c": [chain],
        "jku": "http://127.0.0.1:9/keys.json",
        "x5u": "http://127.0.0.1:9/cert.pem",
        "x5t": b64(b"t" * 20),
    }
    for name, value in embedded.items():
        header = {"alg": "RS256", "typ": "JWT", name: value}
        yield f"{name} of the stranger who signs", forge("RS256", header, key=mine)
    secret = {"kty": "oct", "k": b64(b"x" * 32)}
    yield "jwk with a secret", forge(header={"alg": "HS256", "jwk": secret}, key=b"x" * 32)
    curve = key_of("ES256", 9)
    header = {"alg": "ES256", "jwk": signing.jwk(curve)}
    yield "jwk on a curve", forge("ES256", header, key=curve)


def extensions():
    """crit, b64, zip, typ (RFC 7515 §4.1.11, RFC 7797, RFC 8725 §3.11)."""
    for value in (["exp"], [], ["b64"], ["http://example.com/UNDEFINED"], "exp", None, {}):
        yield f"crit {value!r}", forge(header={"alg": "HS256", "crit": value, "exp": 1})
    for crit in ({}, {"crit": ["b64"]}):
        head = b64(json.dumps({"alg": "HS256", "b64": False, **crit}).encode())
        body = json.dumps(claims(), separators=(",", ":")).replace(".", "")
        plain = signature("HS256", f"{head}.{body}".encode())
        coded = b64(body.encode())
        yield f"b64 false, signed as it stands {crit}", f"{head}.{coded}.{b64(plain)}"
        yield f"b64 false, signed as coded {crit}", over(head, coded)
    packed = zlib.compress(json.dumps(claims()).encode())[2:-4]
    yield "zip, deflated", forge(header={"alg": "HS256", "zip": "DEF"}, body=packed)
    yield "zip, not deflated", forge(header={"alg": "HS256", "zip": "DEF"})
    for typ in ("JWT", "JOSE+JSON", "", None, 1):
        yield f"typ {typ!r} where at+jwt is wanted", kept({"typ": typ})
    no_type = {"alg": NAMED, "kid": "one"}
    yield "no typ where at+jwt is wanted", compact(no_type, named(), by(NAMED, key_of(NAMED, 1)))


def times():
    """exp is required, a number, finite, and in order (RFC 7519 §4.1.4 to §4.1.6)."""
    now = int(time.time())
    yield "no exp", forge(body=claims(exp=None))
    for value in (str(now + 600), "", True, [now + 600], {"n": now + 600}, 0, -1, now - 600):
        yield f"exp {value!r:.16}", forge(body=claims(exp=value))
    for literal in (
        "NaN",
        "Infinity",
        "1e999",
        "-1e999",
        "1e400",
        "+1795240000",
        "null",
        "0x7fffffff",
        "01795250000",
        "1795250000.",
        ".5e11",
    ):
        body = json.dumps(claims(exp=0)).replace('"exp": 0', f'"exp": {literal}')
        yield f"exp {literal}", forge(body=body)
    yield "nbf to come", forge(body=claims(nbf=now + 600))
    yield "iat to come", forge(body=claims(iat=now + 600))
    yield "nbf of text", forge(body=claims(nbf=str(now)))
    yield "longer than the issuer may", kept(body=named(exp=now + 7200))


def people():
    """iss, aud, and who it is (RFC 8725 §3.8, §3.9)."""
    for iss in (None, ISSUER + "/", ISSUER.upper(), "id.example", [ISSUER], 1, ""):
        body = named()
        body["iss"] = iss
        yield f"iss {iss!r}", kept(body=body)
    without = named()
    del without["iss"]
    yield "no iss", kept(body=without)
    for aud in ("App", "app ", "ap", "", [], ["apps"], [["app"]], {"app": 1}, 1, True, None):
        body = named()
        body["aud"] = aud
        yield f"aud {aud!r}", kept(body=body)
    for user in (
        "",
        None,
        True,
        6.5,
        {"id": USER},
        [USER],
        "6" * 257,
        "66\n6",
        "66\x006",
        "66\x7f6",
    ):
        body = claims()
        body["user_id"] = user
        yield f"user_id {str(user)[:12]!r}", forge(body=body)
    yield "nobody", forge(body=claims(user_id=None))
    yield "a refresh token", forge(body=claims(token_type="refresh"))


def texts():
    """JSON that readers differ on (RFC 8259 §4, §6, §8; RFC 8725 §2.4, §3.7)."""
    body = json.dumps(claims())
    twice = body[:-1] + ', "user_id": 1}'
    yield "user_id twice", forge(body=twice)
    yield "user_id twice, once with an escape", forge(body=body[:-1] + ', "user\\u005fid": 1}')
    yield "exp twice", forge(body=body[:-1] + ', "exp": 1}')
    yield "alg twice", forge(header='{"alg":"none","alg":"HS256"}')
    yield "alg twice, the other way round", forge(header='{"alg":"HS256","alg":"none"}')
    for depth in (17, 3000):
        nested = "[" * depth + "]" * depth
        yield f"{depth} deep", forge(body=f'{body[:-1]}, "x": {nested}}}')
    yield "a header 17 deep", forge(header='{"alg":"HS256","x":%s}' % ("[" * 17 + "]" * 17))
    raw_body = body.encode()[:-1]
    for what, data in {
        "a byte that is no UTF-8": b', "name": "\xff"}',
        "an overlong slash": b', "name": "\xc0\xaf"}',
        "half a surrogate in UTF-8": b', "name": "\xed\xa0\x80"}',
        "a zero byte in a text": b', "name": "a\x00b"}',
        "a line end in a text": b', "name": "a\nb"}',
        "an escape that is none": b', "name": "\\x41"}',
        "half a surrogate": b', "name": "\\ud800"}',
        "a comma behind": b",}",
        "a comment": b"/* */}",
        "something behind": b"} {}",
        "a second object": raw_body + b"}" + b"{}",
        "no end": b"",
        "a leading zero": b', "n": 01}',
        "a name without quotes": b", n: 1}",
    }.items():
        yield what, forge(body=raw_body + data)
    yield "a byte order mark", forge(body=b"\xef\xbb\xbf" + body.encode())
    yield "UTF-16", forge(body=body.encode("utf-16"))
    for value in ("[]", "null", "1", '"x"', "true", f"[{body}]"):
        yield f"claims {value[:5]}", forge(body=value)
    yield "an array as header", forge(header='["HS256"]')
    yield "8 KiB and more", forge(body=claims(name="x" * 8000))
    yield "24 KiB", forge(body=claims(name="x" * 18000))


FAMILIES = [
    confusion,
    algorithms,
    structure,
    encoding,
    signatures,
    key_names,
    extensions,
    times,
    people,
    texts,
]


def every():
    """(name, token), each name once."""
    return [
        (f"{family.__name__}: {what}", token) for family in FAMILIES for what, token in family()
    ]
