# Owns: the processes of a benchmark: start, pin, CPU clocks, end by their own pid; ports; cores.
# Called by: peers.py (servers), measure.py (CPU time), instructions.py (under valgrind).
# Never: ends a process that it did not start, or by name.
"""Processes on chosen cores, with nanosecond CPU clocks, that cannot outlive the benchmark."""

import ctypes
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tools import BenchError

_prctl = ctypes.CDLL(None, use_errno=True).prctl
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG: a killed benchmark leaves no server behind


class Cores:
    """Which cores the proxy, the origin and wrk run on. None: wherever the kernel likes."""

    def __init__(self):
        free = sorted(os.sched_getaffinity(0))
        self.proxy = {free[0]} if len(free) > 1 else None
        self.origin = {free[1]} if len(free) > 1 else None
        self.load = {free[2]} if len(free) > 2 else self.origin

    def __str__(self):
        if self.proxy is None:
            return "one core only, nothing pinned: the proxy shares it with wrk and the origin"
        def name(cores):
            return str(min(cores))
        if self.load == self.origin:
            return f"proxy on cpu {name(self.proxy)}, wrk and origin on cpu {name(self.load)}"
        return (f"proxy on cpu {name(self.proxy)}, origin on cpu {name(self.origin)}, "
                f"wrk on cpu {name(self.load)}")


def prepare(cores):
    """What a child does before it becomes its program."""
    def run():
        _prctl(_DEATH_SIGNAL, signal.SIGTERM)
        if cores:
            os.sched_setaffinity(0, cores)
    return run


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it meanwhile."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BenchError("no free port between 20000 and 32000")


class Server:
    """A running server: `pid`, `port`, its output in a file."""

    def __init__(self, name, command, port, directory, environment=None, cores=None, patience=20):
        self.name, self.port = name, port
        self.output = Path(directory) / f"{name}-{port}.out"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})}, preexec_fn=prepare(cores))
        try:
            self._wait_until_listening(patience)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def _wait_until_listening(self, patience):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise BenchError(f"{self.name} does not listen on port {self.port}:\n{self.tail()}")

    def tail(self, lines=15):
        """The last lines that the server wrote."""
        text = self.output.read_text(errors="replace") if self.output.exists() else ""
        return "\n".join("    " + line for line in text.splitlines()[-lines:])

    def alive(self):
        return self.process.poll() is None

    def family(self):
        """The pids of the server and its descendants (nginx: master and worker)."""
        found, queue = [], [self.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    queue += [int(word) for word in children.read_text().split()]
                except OSError:
                    pass
        return found

    def cpu_ns(self):
        """CPU time of all threads of the family, ended ones included, in nanoseconds."""
        return sum(cpu_clock(pid) for pid in self.family())

    def cpu_ticks(self):
        """(user, system) time of the family in clock ticks, for the share of user time."""
        user = system = 0
        for pid in self.family():
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user, system = user + int(words[11]), system + int(words[12])
        return user, system

    def stop(self, patience=15):
        """Asks with TERM, insists with KILL, on this pid (and its own children) alone."""
        if self.process.poll() is not None:
            return self.process.returncode
        children = self.family()[1:]
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            for pid in children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.kill()
            self.process.wait()
        return self.process.returncode


def cpu_clock(pid):
    """A process's CPU time in ns: the kernel's clock of the whole thread group.

    clock_getcpuclockid(3) makes the clock's number so: the pid inverted, then three bits of which
    2 means the scheduler's exact sum (CPUCLOCK_SCHED), not ticks.
    """
    return time.clock_gettime_ns(((~pid) << 3) | 2)


def get(port, path, headers=None, timeout=10):
    """One GET on a new connection: (status, {lower-case field: value}, body bytes)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body
    finally:
        connection.close()


class Workshop:
    """A temporary directory and the servers started in it; both gone at the end, come what may."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="sidecar-bench-"))
        self.path.chmod(0o711)  # nginx's worker runs as another user and must reach its folders
        self.servers = []
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, *arguments, **options):
        server = Server(*arguments, directory=self.path, **options)
        self.servers.append(server)
        return server

    def write(self, name, text):
        path = self.path / name
        path.write_text(text)
        return str(path)
