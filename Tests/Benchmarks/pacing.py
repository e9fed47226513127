# Owns: the client made of pace.c: tokens from a file, at a fixed rate or as fast as it goes.
# Called by: tokens.py and flood.py.
# Never: lets an answer other than 200 pass.
"""Load with another token in each request."""

import subprocess

import tools
from measure import CONNECTIONS
from processes import prepare
from tools import BenchError


class Pace:
    """The compiled client, on the cores of the load."""

    def __init__(self, work, cores):
        self.program = tools.compile_c("pace", work.path, "-D_GNU_SOURCE")
        self.cores = cores

    def start(self, port, total, rate=0, source="127.0.0.1", tokens=None, first=0):
        words = [self.program, port, source, rate, total, CONNECTIONS]
        if tokens:
            words += [tokens, first]
        return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                preexec_fn=prepare(self.cores))

    def finish(self, process):
        """(requests, seconds, p50 µs, p99 µs)."""
        try:
            out, complaint = process.communicate(timeout=150)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise BenchError(complaint.strip())
        answered, errors, took, p50, p99, _ = map(int, out.split())
        if errors:
            raise BenchError(f"pace: {answered} answers, {errors} of them wrong or missing")
        return answered, took / 1e6, p50, p99

    def run(self, *arguments, **options):
        return self.finish(self.start(*arguments, **options))
