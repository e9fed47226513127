# Owns: the main command: CPU time a request of the sidecar and its peers, interleaved in one run.
# Called by: bench.py.
# Never: compares numbers of different runs; the ratios come from neighbours in time.
"""`scripts/bench`: sidecar, nginx, HAProxy with jwt_verify, and the floor."""

from processes import Cores, Workshop, free_port
import checks
import measure
import table
import tools
from credentials import bearer, new_secret, token
from peers import USER, Floor, HAProxy, Nginx, Sidecar
from tools import say

NGINX_BAR, HAPROXY_BAR = 1.0, 0.8


def start_origin(work, cores):
    port = free_port()
    program = tools.compile_c("origin", work.path)
    return work.start("origin", [program, str(port)], port, cores=cores)


def start_peers(work, origin, secret, cores, without_sidecar):
    """All proxies, running side by side; only the one under load uses its core."""
    sidecar = None if without_sidecar else tools.sidecar()
    raw = checks.raw_answer(origin.port)
    common = (work, origin.port, secret, cores.proxy)
    peers = [Nginx(*common), HAProxy(*common),
             Floor(*common, program=tools.compile_c("floor", work.path), answer_bytes=len(raw))]
    if sidecar:
        peers.insert(0, Sidecar(*common, program=sidecar))
    for peer in peers:
        peer.start()
    return peers, raw.partition(b"\r\n\r\n")[2]


def check_peers(peers, headers, body):
    for peer in peers:
        checks.answers(peer, headers, body)
        if not isinstance(peer, Floor):
            checks.forwards_token(peer, headers)
            checks.keeps_upstream_alive(peer, headers)
        if isinstance(peer, HAProxy):
            checks.haproxy_works(peer)
        if isinstance(peer, Sidecar):
            checks.sidecar_works(peer, headers, body)


def check_afterwards(peers, readings, headers, body, seen_before):
    for peer in peers:
        checks.answers(peer, headers, body)
        if isinstance(peer, HAProxy):
            checks.haproxy_counts(peer, sum(r.requests for r in readings[peer.label]))
        if isinstance(peer, Sidecar):
            moved = checks.last_seen(peer) > seen_before
            checks.expect(moved, peer.name, "last_seen did not move during the run")
            peer.server.stop()
            checks.stored(peer.database)


def rounds(peers, origin, headers, cores, options):
    """Every proxy once a round, in an order that rotates, so that no place is favoured."""
    readings = {peer.label: [] for peer in peers}
    for number in range(options.rounds):
        turn = number % len(peers)
        for peer in peers[turn:] + peers[:turn]:
            readings[peer.label].append(
                measure.measure(peer.server, origin.port, options.seconds, headers, cores.load))
        say(f"round {number + 1} of {options.rounds}: " + ", ".join(
            f"{label} {runs[-1].cpu_us:.1f} µs" for label, runs in readings.items()))
    return readings


def report(peers, readings, cores, options, load_before):
    labels = [peer.label for peer in peers]
    if "sidecar" in labels:
        pairs = [("sidecar", "nginx", NGINX_BAR), ("sidecar", "haproxy+jwt", HAPROXY_BAR),
                 ("sidecar", "floor (C)", None)]
    else:
        pairs = [("nginx", "floor (C)", None), ("haproxy+jwt", "floor (C)", None),
                 ("haproxy+jwt", "nginx", None)]
    print(f"\nCPU time a proxied keep-alive request: {options.rounds} interleaved rounds of "
          f"{options.seconds} s,\n{measure.CONNECTIONS} connections, 512-byte JSON answer, "
          f"{cores}\n")
    print(table.readings(readings), end="\n\n")
    print(table.ratios(readings, pairs), end="\n\n")
    print("Medians, with (min – max) of the rounds; a ratio is taken within each round.\n"
          "Latency is under full load, where it is little more than connections / throughput.")
    for peer in peers:
        print(f"  {peer.label}: {peer.version()}")
    print(f"  wrk: {tools.version(tools.program('wrk'), '-v').split(' Copyright')[0]}")
    if load_before > 0.5:
        print(f"  note: the machine was busy (load {load_before:.1f} before the run); only the "
              "ratios mean something")


def run(options):
    tools.need("cc", "nginx", "haproxy", "wrk")
    cores, load_before = Cores(), measure.load_average()
    secret = new_secret()
    headers = bearer(token(secret, USER))
    with Workshop() as work:
        origin = start_origin(work, cores.origin)
        peers, body = start_peers(work, origin, secret, cores, options.without_sidecar)
        check_peers(peers, headers, body)
        seen = next((checks.last_seen(p) for p in peers if isinstance(p, Sidecar)), "")
        for peer in peers:
            say(f"warming up {peer.label}")
            measure.load(peer.port, options.warm_up, headers, cores.load)
        readings = rounds(peers, origin, headers, cores, options)
        check_afterwards(peers, readings, headers, body, seen)
        report(peers, readings, cores, options, load_before)
    return 0
