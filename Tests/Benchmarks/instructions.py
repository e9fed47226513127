# Owns: `--instructions`: instructions a request by callgrind, and whose they are.
# Called by: bench.py.
# Never: measures time; under valgrind there is none worth measuring.
"""Instructions a request: repeatable to a fraction of a percent, on any busy machine.

The server runs under callgrind from its start. callgrind_control sets the counts to zero once the
server is warm and writes them down after N requests, so that start and end count for nothing.
Repeated in one process, the totals of 2,000 nginx requests differed by less than 0.02 %. Only user
space is counted: what the kernel does for a request shows in scripts/bench alone. What other
threads do (sweep, store) goes by the clock, not by requests, and valgrind stretches time: it is
shown apart.
"""

import re
import socket
import subprocess
from collections import defaultdict
from dataclasses import dataclass

import callgrind
import checks
import comparison
import table
import tools
from credentials import bearer, new_secret, token
from measure import PATH
from peers import USER, Floor, HAProxy, Sidecar, SingleNginx
from processes import Workshop
from rooms import Attribution, group
from tools import BenchError, say

WARM_UP = 500
# Called often enough, these are the first thing to look for in a slow path.
RUNTIME = ("malloc", "calloc", "realloc", "free", "memcpy", "memmove", "memset", "memchr", "memcmp",
           "swift_retain", "swift_release", "swift_allocObject", "swift_bridgeObjectRetain",
           "swift_bridgeObjectRelease", "swift_isUniquelyReferenced_nonNull_native",
           "swift_beginAccess", "swift_once", "pthread_mutex_lock", "clock_gettime",
           "epoll_wait", "epoll_ctl", "recv", "send", "read", "write", "writev", "sendto",
           "recvfrom")


@dataclass
class Scenario:
    """One server under callgrind: what it is called, and the fields of the request."""

    label: str
    peer: object
    headers: dict
    online: object = None  # for the sidecar: must the user be online afterwards?


class Client:
    """One keep-alive connection."""

    def __init__(self, port, headers):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        lines = [f"GET {PATH} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.request = "\r\n".join([*lines, "", ""]).encode()

    def ask(self, times):
        """Sends the request so often, one after the other."""
        for _ in range(times):
            self.socket.sendall(self.request)
            received = b""
            while True:
                chunk = self.socket.recv(65536)
                if not chunk:
                    raise BenchError("the connection was closed between two requests")
                received += chunk
                head, blank, body = received.partition(b"\r\n\r\n")
                if blank and len(body) >= 512:
                    break
            if not head.startswith(b"HTTP/1.1 200 "):
                raise BenchError(f"answer under callgrind: {head.splitlines()[0].decode()}")


def _control(action, pid):
    done = subprocess.run([tools.program("callgrind_control"), action, str(pid)],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or "Error" in done.stdout + done.stderr:
        raise BenchError(f"callgrind_control {action}: {(done.stdout + done.stderr).strip()}")


def profile(scenario, work, requests, repeats=2):
    """Runs a scenario: `repeats` profiles of `requests` requests each, from one warm process."""
    out = work.path / f"callgrind.{scenario.peer.port}"
    valgrind = [tools.program("valgrind"), "--tool=callgrind", f"--callgrind-out-file={out}",
                "--fair-sched=try", "--separate-threads=yes"]
    server = scenario.peer.start(wrapper=valgrind, patience=180)
    client = Client(server.port, scenario.headers)
    client.ask(WARM_UP)
    if isinstance(scenario.peer, Sidecar):
        state = checks.presence(scenario.peer)["is_online"]
        checks.expect(state is scenario.online, scenario.label, f"is_online is {state}")
        client.ask(WARM_UP // 5)
    _control("-z", server.pid)
    profiles = []
    for number in range(repeats):
        client.ask(requests)
        _control("-d", server.pid)
        threads = [callgrind.read(path) for path in work.path.glob(f"{out.name}.{number + 1}-*")]
        threads.sort(key=lambda thread: -thread.total)
        profiles.append(threads[0])
        profiles[-1].elsewhere = sum(thread.total for thread in threads[1:])
    client.socket.close()
    server.stop(patience=60)
    return profiles


def scenarios(work, origin, program, alone):
    """The sidecar three ways, so that tokens and presence show as differences, then the peers.

    All three match one route, so that the match does not count as a difference. Without a token,
    another field of the same size keeps the length of the head.
    """
    secret = new_secret()
    jwt = token(secret, USER)
    common = (work, origin.port, secret)
    found = []
    if program:
        def sidecar(variant, track):
            route = f'{{ match: "* /**", track: {track} }}'
            return Sidecar(*common, program=program, variant=variant, routes=route)
        padding = {"X-Bench-Token": f"Bearer {jwt}"}
        found += [
            Scenario("sidecar", sidecar("-full", "true"), bearer(jwt), True),
            Scenario("sidecar, track: false", sidecar("-untracked", "false"), bearer(jwt), False),
            Scenario("sidecar, and no token", sidecar("-anonymous", "false"), padding, False),
        ]
    if alone:
        return found
    answer_bytes = len(checks.raw_answer(origin.port))
    floor = Floor(*common, program=tools.compile_c("floor", work.path), answer_bytes=answer_bytes)
    return found + [Scenario("nginx", SingleNginx(*common), bearer(jwt)),
                    Scenario("haproxy+jwt", HAProxy(*common), bearer(jwt)),
                    Scenario("floor (C)", floor, bearer(jwt))]


def totals_table(results, requests):
    rows = []
    for label, profiles in results.items():
        totals = [p.total / requests for p in profiles]
        apart = (max(totals) - min(totals)) / totals[-1]
        rows.append((label, f"{totals[-1]:,.0f}", f"{apart:.2%}",
                     f"{profiles[-1].elsewhere / requests:,.0f}"))
    return table.render(
        ("server", "instructions a request", "repeats differ by", "other threads"), rows)


def differences(results, requests):
    """What the scenarios say about tokens and presence."""
    full, untracked, anonymous = (
        results[label][-1].total / requests
        for label in ("sidecar", "sidecar, track: false", "sidecar, and no token"))
    def line(what, value):
        return f"  {what}: {value:,.0f} instructions, {value / full:.1%} of the whole"
    return "\n".join([
        "By differences between the scenarios:",
        line("presence (whole, less the one with track: false)", full - untracked),
        line("token (track: false, less the one without a token)", untracked - anonymous),
        line("both (whole, less the one without a token)", full - anonymous)])


def rooms_table(attribution, requests):
    """Self cost where it lies, and with libraries charged to the rooms that call them."""
    own, charged = attribution.own(), attribution.charged()
    total = attribution.profile.total
    names = sorted(set(own) | set(charged), key=lambda room: (-charged.get(room, 0), -own[room]))
    table_rows = []
    for name in names:
        if own.get(name, 0) + charged.get(name, 0) < requests / 2:
            continue
        table_rows.append((name, group(name), f"{own.get(name, 0) / requests:,.0f}",
                           f"{own.get(name, 0) / total:.1%}",
                           f"{charged.get(name, 0) / requests:,.0f}",
                           f"{charged.get(name, 0) / total:.1%}"))
    return table.render(("room or library", "is", "own code", "share", "with libraries", "share"),
                        table_rows, left=(0, 1))


def files_table(attribution, requests, top):
    """The source files with most instructions: inlined code counts where it was written."""
    costs = defaultdict(int)
    for place, cost in attribution.profile.self_cost.items():
        _, found, inner = place.file.rpartition("/Sources/")
        if found:
            costs[inner] += cost
    rows = [(file, f"{cost / requests:,.0f}", f"{cost / attribution.profile.total:.1%}")
            for file, cost in sorted(costs.items(), key=lambda item: -item[1])[:top]]
    return table.render(("source file", "own code", "share"), rows)


def functions_table(attribution, requests, top):
    costs, calls = attribution.profile.by_function(), attribution.profile.calls_to()
    rows = []
    for function, (own, inclusive) in sorted(costs.items(), key=lambda i: -i[1][0])[:top]:
        rows.append((attribution.name(function)[:88], f"{own / requests:,.1f}",
                     f"{inclusive / requests:,.1f}", f"{calls[function] / requests:.2f}"))
    return table.render(("function", "self", "inclusive", "calls"), rows)


def plain_name(name):
    """libc's choice for this processor hides the name: __memcpy_avx_unaligned_erms is memcpy."""
    name = name.split("'")[0].split("@")[0].lstrip("_")
    return re.sub(r"^(\w+?)_(avx|sse|evex|erms)\w*$", r"\1", name)


def runtime_table(attribution, requests):
    """Allocation, reference counting, copying and the kernel: calls, cost, and for whom."""
    rows, costs = [], attribution.profile.by_function()
    for function, count in sorted(attribution.profile.calls_to().items(),
                                  key=lambda item: -costs[item[0]][1]):
        name = plain_name(function.name)
        if name not in RUNTIME and not name.startswith("swift_") or count < requests / 50:
            continue
        first, *others = [f"{cost / requests:7,.0f} {calls / requests:6.2f}x {caller[:70]}"
                          for caller, calls, cost in attribution.callers(function, 5)]
        rows.append((name, f"{count / requests:.2f}", f"{costs[function][1] / requests:,.0f}",
                     first))
        rows += [("", "", "", other) for other in others]
    if not rows:
        return "no calls of allocation, reference counting or the kernel by name"
    return table.render(("runtime or kernel call", "calls", "cost", "for whom (cost, calls)"), rows,
                        left=(0, 3))


def run(options):
    tools.need("cc", "nginx", "haproxy", "valgrind")
    program = None if options.without_sidecar else tools.sidecar()
    requests, results = options.requests, {}
    with Workshop() as work:
        origin = comparison.start_origin(work, None)
        for scenario in scenarios(work, origin, program, options.alone):
            say(f"callgrind: {scenario.label}")
            results[scenario.label] = profile(scenario, work, requests)
    print(f"\nInstructions in user space a keep-alive request: {requests} requests on one "
          "connection\n")
    print(totals_table(results, requests), end="\n\n")
    subject = "sidecar" if program else "haproxy+jwt"
    if program:
        print(differences(results, requests), end="\n\n")
    attribution = Attribution(results[subject][-1])
    print(f"{subject}: whose instructions, a request\n")
    print(rooms_table(attribution, requests), end="\n\n")
    if program:
        print(f"{subject}: the source files with most instructions\n")
        print(files_table(attribution, requests, options.top // 2), end="\n\n")
    print(f"{subject}: the {options.top} functions with most instructions of their own\n")
    print(functions_table(attribution, requests, options.top), end="\n\n")
    print(f"{subject}: calls into libraries and the kernel\n")
    print(runtime_table(attribution, requests))
    return 0
