# Owns: one measurement: wrk against a proxy for some seconds, and the CPU time that cost the proxy.
# Called by: comparison.py.
# Never: judges. A round with a wrong answer or a broken connection is an error, not a number.
"""Rounds of load and what they cost."""

import os
import re
import subprocess
from dataclasses import dataclass

import tools
from processes import get, prepare
from tools import BenchError

CONNECTIONS = 32
PATH = "/api/orders/"

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


@dataclass
class Reading:
    """One round of one proxy."""

    requests: int
    seconds: float
    cpu_ns: int
    user_share: float  # of the CPU time, 0…1; the rest is the kernel's
    p50_us: float
    p99_us: float

    @property
    def cpu_us(self):
        """CPU time a request, µs."""
        return self.cpu_ns / 1e3 / self.requests

    @property
    def rate(self):
        """Requests a second."""
        return self.requests / self.seconds


def _microseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * _UNITS[unit]


def parse_wrk(text):
    """(requests, seconds, p50 µs, p99 µs) from what wrk printed; an error on any fault in it."""
    for fault in ("Socket errors", "Non-2xx"):
        if fault in text:
            line = next(line for line in text.splitlines() if fault in line)
            raise BenchError(f"wrk saw faults: {line.strip()}")
    total = re.search(r"(\d+) requests in ([\d.]+(?:us|ms|s|m)),", text)
    median = re.search(r"^\s*50%\s+(\S+)\s*$", text, re.M)
    tail = re.search(r"^\s*99%\s+(\S+)\s*$", text, re.M)
    if not (total and median and tail) or int(total[1]) == 0:
        raise BenchError(f"wrk's output is not understood:\n{text}")
    return (int(total[1]), _microseconds(total[2]) / 1e6, _microseconds(median[1]),
            _microseconds(tail[1]))


def load(port, seconds, headers, cores):
    """Runs wrk: one thread, 32 keep-alive connections, the same request over and over."""
    # wrk calls an answer after 2 s an error; on a busy machine a proxy may not get its core so long.
    command = [tools.program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency",
               "--timeout", "20s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{PATH}"], capture_output=True,
                          text=True, timeout=seconds + 60, preexec_fn=prepare(cores))
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse_wrk(done.stdout)


def served(origin_port):
    """How many requests the origin has answered so far."""
    return int(get(origin_port, "/-/count")[2])


def measure(server, origin_port, seconds, headers, cores):
    """One round of wrk for `seconds`."""
    return during(server, origin_port, lambda: load(server.port, seconds, headers, cores))


def during(server, origin_port, run):
    """What `run` cost a server: CPU time before and after, every request seen by the origin.

    `run` puts the load on and returns (requests, seconds, p50 µs, p99 µs).
    """
    before, ticks, seen = server.cpu_ns(), server.cpu_ticks(), served(origin_port)
    requests, took, p50, p99 = run()
    if not server.alive():
        raise BenchError(f"{server.name} ended during the round:\n{server.tail()}")
    after, ticks_after, seen = server.cpu_ns(), server.cpu_ticks(), served(origin_port) - seen
    # wrk leaves up to one request a connection unfinished, which it does not count; those of the
    # round before may reach the origin in this one.
    if not requests <= seen <= requests + 2 * CONNECTIONS:
        raise BenchError(f"{server.name}: {requests} answers were counted, the origin gave {seen}")
    user, system = (b - a for a, b in zip(ticks, ticks_after))
    return Reading(requests, took, after - before, user / max(1, user + system), p50, p99)


def load_average():
    return os.getloadavg()[0]
