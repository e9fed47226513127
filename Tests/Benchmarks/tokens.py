# Owns: the command `tokens`: what a credential costs, by how it is signed and how often it is new.
# Called by: bench.py.
# Never: takes a token for verified that the sidecar has not counted as such.
"""`scripts/bench tokens`: none, cached, many in turn, always new; then a flood of forged ones."""

import re
from statistics import median

import checks
import comparison
import flood
import measure
import table
import tools
from credentials import bearer, new_secret
from minting import ALGORITHMS, Mint, first_token
from pacing import Pace
from peers import HAProxy, KeyedHAProxy, Sidecar
from processes import Cores, Workshop, get
from tools import BenchError, say

CACHED_BAR_US = 0.3
MANY = 100_000
# A difference of so little drowns in what a machine does meanwhile: it is taken between runs of a
# second, one right behind the other, so many of them a round.
PAIRS = 8
# Signing with RSA takes longest: so many new tokens of each algorithm a round.
NEW_A_ROUND = 6_000


class Steady:
    """The same request over and over."""

    def __init__(self, label, peer, headers):
        self.label, self.peer, self.headers = label, peer, headers
        self.readings, self.verified = [], []

    def load(self, seconds, cores):
        return measure.load(self.peer.port, seconds, self.headers, cores.load)

    def check(self):
        pass

    def run(self, origin, seconds, cores):
        before = verified(self.peer)
        reading = measure.during(self.peer.server, origin.port, lambda: self.load(seconds, cores))
        self.readings.append(reading)
        self.verified.append((verified(self.peer) - before) / reading.requests)
        self.check()


class InTurn(Steady):
    """All tokens of a file, one after the other, in every round."""

    def __init__(self, label, peer, pace, file, count):
        super().__init__(label, peer, {})
        self.pace, self.file, self.count = pace, file, count

    def first(self):
        return 0

    def load(self, seconds, cores):
        return self.pace.run(self.peer.port, self.count, tokens=self.file, first=self.first())


class Fresh(InTurn):
    """Tokens that the sidecar has never seen, each round the next ones of a file."""

    def first(self):
        # The first of the file was shown by the checks.
        return 1 + len(self.readings) * self.count

    def check(self):
        if self.verified[-1] != 1:
            raise BenchError(f"{self.label}: {self.verified[-1]:.1%} of the tokens were verified")


def verified(peer):
    """Tokens that the sidecar has verified so far, by its own count; 0 for other proxies."""
    if not isinstance(peer, Sidecar):
        return 0
    text = get(peer.port, "/_presence/metrics")[2].decode()
    found = re.search(r'^presence_tokens_total\{verdict="verified"\} (\d+)$', text, re.M)
    if not found:
        raise BenchError("sidecar: its metrics do not count verified tokens")
    return int(found[1])


def start(work, origin, secret, mint, cores, program):
    common = (work, origin.port, secret, cores.proxy)
    public = [f'{{ algorithms: ["{name}"], public_key_file: "{mint.public_key(name)}" }}'
              for name in ALGORITHMS if name != "HS256"]
    sidecar = Sidecar(*common, program=program, keys=", ".join(public))
    others = {"HS256": HAProxy(*common)}
    for name in ("RS256", "ES256"):
        others[name] = KeyedHAProxy(*common, algorithm=name, key=mint.public_key(name))
    for peer in (sidecar, *others.values()):
        peer.start()
    return sidecar, others


def check(sidecar, others, origin, files):
    """Each proxy takes a token of each algorithm and refuses, or does not count, a forged one."""
    body = checks.raw_answer(origin.port).partition(b"\r\n\r\n")[2]
    for name in ALGORITHMS:
        before = verified(sidecar)
        checks.answers(sidecar, bearer(first_token(files[name])), body)
        checks.expect(verified(sidecar) == before + 1, "sidecar", f"did not verify {name}")
    for name, peer in others.items():
        headers = bearer(first_token(files[name]))
        checks.answers(peer, headers, body)
        broken = bearer(first_token(files[name])[:-6] + "AAAAAA")
        status = get(peer.port, measure.PATH, broken)[0]
        checks.expect(status == 401, peer.name, f"answers {status} to a broken {name} token")


def loads(sidecar, others, files, pace):
    cached = first_token(files["HS256"])
    # As long as the token's field, so that the difference is the token and not its bytes.
    filler = {"X-Filling-Bytes": f"Bearer{'x' * (len(cached) - 1)}"}
    found = [Steady("no token", sidecar, filler), Steady("cached HS256", sidecar, bearer(cached)),
             InTurn(f"{MANY:,} HS256 in turn", sidecar, pace, files["many"], MANY)]
    found += [Fresh(f"new {name}", sidecar, pace, files[name], NEW_A_ROUND) for name in ALGORITHMS]
    found += [Steady(haproxy_label(name), peer, bearer(first_token(files[name])))
              for name, peer in others.items()]
    return found


def haproxy_label(name):
    return f"haproxy {name}"


def measure_pairs(none, cached, origin, cores):
    """CPU µs a request of `cached` over `none`, in neighbouring runs, each first in turn."""
    over = []
    for number in range(PAIRS):
        readings = {}
        for load in (none, cached) if number % 2 else (cached, none):
            readings[load] = measure.during(
                load.peer.server, origin.port, lambda: load.load(1, cores)).cpu_us
        over.append(readings[cached] - readings[none])
    return over


def measure_all(found, origin, cores, options):
    pairs = []
    for number in range(options.rounds):
        pairs += measure_pairs(found[0], found[1], origin, cores)
        turn = number % len(found)
        for load in found[turn:] + found[:turn]:
            load.run(origin, options.seconds, cores)
        say(f"round {number + 1} of {options.rounds}: " + ", ".join(
            f"{load.label} {load.readings[-1].cpu_us:.1f} µs" for load in found))
    return pairs


def report(found, pairs, options, cores):
    readings = {load.label: load.readings for load in found}
    print(f"\nCPU time a request by its token: {options.rounds} interleaved rounds, {cores}\n")
    print(table.readings(readings), end="\n\n")
    rows = []
    for load in found[1:]:
        if not isinstance(load.peer, Sidecar):
            continue
        over = [run.cpu_us - base.cpu_us for run, base in zip(load.readings, found[0].readings)]
        if load is found[1]:
            over = pairs
        bar = CACHED_BAR_US if load is found[1] else None
        rows.append((load.label, f"{median(load.verified):.0%}", table.spread(over),
                     "" if bar is None else f"≤ {bar:.2f}", table.verdict(median(over), bar)))
    print(table.render(
        ("sidecar", "verified anew", "µs over no token: median (min – max)", "bar", "verdict"),
        rows), end="\n\n")
    pairs = [("cached HS256", haproxy_label("HS256"), None)]
    pairs += [(f"new {name}", haproxy_label(name), None)
              for name in ALGORITHMS if haproxy_label(name) in readings]
    print(table.ratios(readings, pairs), end="\n\n")
    print("HAProxy verifies the token of every request; it has no EdDSA and remembers nothing.")


def run(options):
    tools.need("cc", "haproxy", "wrk")
    program = tools.sidecar()
    cores, secret = Cores(), new_secret()
    with Workshop() as work:
        origin = comparison.start_origin(work, cores.origin)
        mint, pace = Mint(work, secret), Pace(work, cores.load)
        say("making tokens")
        files = {"many": mint.make("HS256", MANY, name="many", users=MANY // 2)}
        for name in ALGORITHMS:
            files[name] = mint.make(name, NEW_A_ROUND * options.rounds + 1)
        sidecar, others = start(work, origin, secret, mint, cores, program)
        check(sidecar, others, origin, files)
        found = loads(sidecar, others, files, pace)
        for load in found[:3]:
            say(f"warming up: {load.label}")
            load.load(options.warm_up, cores)
        pairs = measure_all(found, origin, cores, options)
        report(found, pairs, options, cores)
        flood.run(sidecar, pace, mint, options)
    return 0
