# Owns: what a benchmark needs on the machine: Debian packages, compiled C programs, the sidecar.
# Called by: bench.py and the commands, before anything is measured.
# Never: starts a server, or installs what is already there.
"""Programs: found, installed, compiled, asked for their version."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

PACKAGES = {"cc": "gcc", "nginx": "nginx", "haproxy": "haproxy", "wrk": "wrk",
            "valgrind": "valgrind", "pkg-config": "pkg-config"}
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # Debian keeps nginx and haproxy out of a user's PATH


class BenchError(Exception):
    """The benchmark cannot be run, or would not be honest. The text says why."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def program(name):
    """The path of an installed program, or None."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":" + SBIN)


def install(packages):
    say("installing by apt-get: " + " ".join(packages))
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Debian starts the services it installs; the benchmark runs its own copies on other ports.
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*sudo, "apt-get", "-qq", *words], env=quiet, stdout=sys.stderr)
        if done.returncode != 0:
            raise BenchError(f"apt-get {words[0]} failed; install by hand: {' '.join(packages)}")


def need(*names):
    """Installs the Debian packages of the programs in `names` that are missing."""
    missing = [PACKAGES[name] for name in names if not program(name)]
    if "cc" in names and not Path("/usr/include/stdio.h").exists():
        missing.append("libc6-dev")
    if missing:
        install(missing)
    for name in names:
        if not program(name):
            raise BenchError(f"{name} is still missing after the installation")


def compile_c(name, into, *flags):
    """Compiles Tests/Benchmarks/NAME.c and returns the program's path."""
    target = Path(into) / name
    done = subprocess.run([program("cc"), "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(target),
                           str(HERE / f"{name}.c"), *flags])
    if done.returncode != 0:
        raise BenchError(f"{name}.c does not compile")
    return str(target)


def sidecar(environment=os.environ):
    """The release sidecar: SIDECAR_BIN, or built from this tree."""
    given = environment.get("SIDECAR_BIN")
    if given:
        if not os.access(given, os.X_OK):
            raise BenchError(f"SIDECAR_BIN={given} is not a program")
        return str(Path(given).resolve())
    if not program("swift"):
        raise BenchError("Swift is missing: install it from https://www.swift.org/install/, "
                         "or name a built sidecar in SIDECAR_BIN")
    wanted = {"libssl-dev": "/usr/include/openssl/evp.h",
              "libsqlite3-dev": "/usr/include/sqlite3.h"}
    missing = [package for package, header in wanted.items() if not Path(header).exists()]
    if not program("pkg-config"):
        missing.append("pkg-config")
    if missing:
        install(missing)
    build = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", "sidecar"]
    say(" ".join(build))
    if subprocess.run(build, cwd=ROOT, stdout=sys.stderr).returncode != 0:
        raise BenchError("the release build failed")
    shown = subprocess.run([*build, "--show-bin-path"], cwd=ROOT, capture_output=True, text=True)
    return str(Path(shown.stdout.strip()) / "sidecar")


def version(path, *arguments, pick=0):
    """One line of what a program says about its version; `pick` chooses the line."""
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[pick] if len(lines) > pick else "unknown"
