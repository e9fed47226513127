# Owns: files full of tokens, good and forged, made by mint.c.
# Called by: tokens.py and flood.py.
# Never: leaves a private key behind: the program that made it keeps it.
"""Tokens in bulk."""

import os
import subprocess

import tools
from credentials import SECRET_ENV
from tools import BenchError

ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")
USERS = 1_000


class Mint:
    """Makes tokens of any algorithm, and knows where the public keys to check them by are."""

    def __init__(self, work, secret):
        self.work, self.secret = work, secret
        self.program = tools.compile_c("mint", work.path, "-lcrypto")

    def public_key(self, algorithm):
        return str(self.work.path / f"{algorithm}.pem")

    def make(self, algorithm, count, name=None, forged=False, users=USERS):
        """Writes `count` tokens of `users` in turn, a line each; returns the file's path.

        Every call makes a new key pair. The public key of a forged batch goes nowhere: what it is
        signed with does not matter.
        """
        name = name or f"{algorithm}-{'forged' if forged else 'good'}"
        public = os.devnull if forged else self.public_key(algorithm)
        words = [self.program, algorithm, str(count), str(users), public]
        path = self.work.path / f"{name}.tokens"
        with open(path, "wb") as out:
            done = subprocess.run(words + ["forged"] * forged, stdout=out, stderr=subprocess.PIPE,
                                  env={**os.environ, SECRET_ENV: self.secret}, text=True)
        if done.returncode != 0:
            raise BenchError(f"mint {algorithm}: {done.stderr.strip()}")
        return str(path)


def first_token(path):
    with open(path) as lines:
        return lines.readline().strip()
