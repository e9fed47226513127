# Owns: the tokens of a benchmark: real HS256 JWTs, good and forged.
# Called by: the commands, for wrk's header and the checks.
# Never: prints a secret, or uses one that is not random.
"""JSON Web Tokens (RFC 7519), signed with HMAC-SHA256."""

import base64
import hashlib
import hmac
import json
import secrets
import time

SECRET_ENV = "SIDECAR_BENCH_JWT_SECRET"


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_secret():
    return secrets.token_hex(32)


def token(secret, user, lifetime=6 * 3600):
    """A token as djangorestframework-simplejwt makes them, valid for `lifetime` seconds."""
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"token_type": "access", "exp": now + lifetime, "iat": now,
              "jti": secrets.token_hex(16), "user_id": user}
    signed = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode())
                      for part in (header, claims))
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def bearer(value):
    return {"Authorization": f"Bearer {value}"}
