# Owns the processes that a test starts: their output, their end.
# Called by the fixtures; each process is known and ended by its own pid.
# Never touches a process that it did not start.
import ctypes
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

LIBC = ctypes.CDLL(None)


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """In the child: SIGTERM when pytest itself is killed (PR_SET_PDEATHSIG)."""
    LIBC.prctl(1, signal.SIGTERM)


class Process:
    """A child with its output in a file.

    `ended_by_test` is set by a test that ends or expects the end of it; any other end is a
    failure that `Workshop.close` reports. One with children of its own is never killed outright,
    for it must end them first.
    """

    def __init__(self, name, argv, folder, env, has_children=False):
        self.name = name
        self.has_children = has_children
        self.argv = [str(word) for word in argv]
        self.log = Path(folder) / f"{name}.log"
        self.ended_by_test = False
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                preexec_fn=end_with_parent,
            )
        self.pid = self.child.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def has_ended(self):
        return self.child.poll() is not None

    def send(self, signal_number):
        self.child.send_signal(signal_number)

    def wait(self, within=10):
        """The exit status; negative for a signal."""
        self.ended_by_test = True
        try:
            return self.child.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} (pid {self.pid}) still runs after {within} s")

    @property
    def is_stopped(self):
        """Whether none of its threads runs any more (SIGSTOP takes a moment)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        stats = [(task / "stat").read_text().rsplit(")", 1)[1].split() for task in tasks]
        return all(words[0] == "T" for words in stats)

    def kill(self):
        self.ended_by_test = True
        self.child.kill()
        self.child.wait()

    def stop(self, within=5):
        """Ends it the polite way, and the hard way when that takes too long."""
        if self.has_ended():
            return
        self.ended_by_test = True
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()

    def cpu_seconds(self):
        """User and system time so far."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name} has no resident size; it has ended")


class Workshop:
    """All the processes and other things to end of one test, or of one session."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.processes = []
        self.others = []
        self.passing = []

    def start(self, name, argv, env, has_children=False):
        count = sum(1 for process in self.processes if process.name.split("-")[0] == name)
        unique = name if count == 0 else f"{name}-{count + 1}"
        process = Process(unique, argv, self.folder, env, has_children)
        self.processes.append(process)
        return process

    def keep(self, other):
        """Something with a `close`, closed before the processes end."""
        self.others.append(other)
        return other

    def passing_folder(self):
        """For what a process leaves in its TMPDIR; removed after its end. The path is short, for
        sockets are made there, and theirs may have 107 bytes."""
        self.passing.append(tempfile.TemporaryDirectory(prefix="passing-"))
        return self.passing[-1].name

    def close(self):
        """Ends everything, newest first; names the processes that had died by themselves."""
        for other in reversed(self.others):
            other.close()
        died = [
            f"{process.name} ended by itself with status {process.child.returncode}"
            for process in self.processes
            if process.has_ended() and not process.ended_by_test
        ]
        for process in reversed(self.processes):
            process.stop() if process.has_children else process.kill()
        for folder in self.passing:
            folder.cleanup()
        return died

    def logs(self, last=6000):
        return [(process.name, process.output()[-last:]) for process in self.processes]
