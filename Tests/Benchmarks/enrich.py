# Owns: the command `enrich`: what presence within an application's own list costs.
# Called by: bench.py.
# Never: measures before every byte of the enriched page has been compared with the origin's.
"""`scripts/bench enrich`: a page of 1,000 users, passed plainly and enriched; then in memory."""

import json
import os
import re
import subprocess
from statistics import median

import checks
import comparison
import measure
import table
import tools
from credentials import bearer, new_secret, token
from peers import USER, Nginx, Sidecar
from processes import Cores, Workshop, free_port, get
from tools import BenchError, say

PEOPLE = 1_000
ONLINE = 300
CPU_BAR = 1.3
MEMORY_BAR = 400  # MB/s
ROUTE = f'{{ match: "GET {measure.PATH}", enrich: {{ items: "$.results[*]", id: "$.id" }} }}'
ADDED = re.compile(
    rb',"online_status":"(online|away|offline)","is_online":(?:true|false),"last_seen":(?:null|"[^"]*")')


def page():
    """A thousand users as Django REST framework lists them."""
    people = [
        {
            "id": number,
            "username": f"person{number}",
            "email": f"person{number}@hospital.example",
            "first_name": f"First{number}",
            "last_name": f"Last{number}",
            "is_staff": number % 20 == 0,
            "date_joined": f"2024-03-01T08:15:{10 + number % 50}.000000Z",
            "last_login": None,
            "groups": [{"id": 3, "name": "nurses"}],
            "ward": {"id": number % 9, "title": f"Intensive care {number % 9}"},
        }
        for number in range(1, PEOPLE + 1)
    ]
    whole = {"count": 57_000, "next": "http://app.example/api/users/?page=2", "previous": None,
             "results": people}
    return json.dumps(whole, separators=(",", ":")).encode()


def start(work, cores, body, secret):
    port = free_port()
    file = work.write("page.json", body.decode())
    origin = work.start("origin", [tools.compile_c("origin", work.path), str(port), file], port,
                        cores=cores.origin)
    common = (work, port, secret, cores.proxy)
    program = tools.sidecar()
    plain = Sidecar(*common, program=program, variant="-plain")
    enriched = Sidecar(*common, program=program, routes=ROUTE, variant="-enriched")
    nginx = Nginx(*common)
    plain.label, plain.name = "sidecar, plainly", "sidecar-plain"
    enriched.label, enriched.name = "sidecar, enriched", "sidecar-enriched"
    for peer in (plain, enriched, nginx):
        peer.start()
    return origin, plain, enriched, nginx


def populate(peer):
    """Some of the people are at work."""
    for number in range(1, ONLINE + 1):
        get(peer.port, "/-/count", bearer(token(peer.secret, number)))


def check(plain, enriched, nginx, headers, body):
    for peer in (plain, nginx):
        checks.answers(peer, headers, body)
    status, fields, got = get(enriched.port, measure.PATH, headers)
    checks.expect(status == 200 and int(fields["content-length"]) == len(got), enriched.name,
                  f"answers {status} with {len(got)} bytes")
    checks.expect(ADDED.sub(b"", got) == body, enriched.name, "changes other bytes than its own")
    words = ADDED.findall(got)
    checks.expect(len(words) == PEOPLE, enriched.name, f"enriches {len(words)} of {PEOPLE}")
    checks.expect(words.count(b"online") == ONLINE, enriched.name,
                  f"shows {words.count(b'online')} people online, not {ONLINE}")
    return len(got)


def in_memory():
    """The rows of the measurement that runs within the process, as it prints them; and the rate
    of the compact page with the presence of the engine."""
    command = ["swift", "test", "-c", "release", "-Xswiftc", "-enable-testing",
               "--disable-swift-testing", "--filter", "EnrichmentMeasurements"]
    say(" ".join(command))
    done = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True,
                          env={**os.environ, "ENRICHMENT_MEASURE": "1"})
    rows = [line for line in done.stdout.splitlines() if line.endswith("MB/s")]
    found = [line for line in rows if line.startswith("compact: enriched by the engine")]
    if done.returncode != 0 or not found:
        raise BenchError(f"the measurement in memory failed:\n{done.stdout[-2000:]}")
    return rows, int(found[0].split()[-2])


def report(readings, before, after, rows, rate, options, cores):
    pairs = [("sidecar, enriched", "sidecar, plainly", CPU_BAR),
             ("sidecar, enriched", "nginx", None), ("sidecar, plainly", "nginx", None)]
    print(f"\nA page of {PEOPLE:,} users, {before:,} bytes, of whom {ONLINE} are online; enriched "
          f"{after:,} bytes:\n{options.rounds} interleaved rounds of {options.seconds} s, "
          f"{measure.CONNECTIONS} connections, {cores}\n")
    print(table.readings(readings), end="\n\n")
    print(table.ratios(readings, pairs), end="\n\n")
    more = median(a.cpu_us - b.cpu_us for a, b in zip(
        readings["sidecar, enriched"], readings["sidecar, plainly"]))
    print(f"Enriching costs {more:.0f} µs of CPU time a page, {more * 1e3 / PEOPLE:.0f} ns an item.")
    if rows:
        verdict = "reached" if rate >= MEMORY_BAR else "missed"
        print(f"\nIn memory (best of many rounds; bar ≥ {MEMORY_BAR} MB/s for the third row: "
              f"{verdict}):\n")
        print("\n".join("  " + row for row in rows))


def run(options):
    tools.need("cc", "nginx", "wrk")
    cores, secret, body = Cores(), new_secret(), page()
    headers = bearer(token(secret, USER))
    with Workshop() as work:
        origin, plain, enriched, nginx = start(work, cores, body, secret)
        populate(enriched)
        length = check(plain, enriched, nginx, headers, body)
        peers = [plain, enriched, nginx]
        for peer in peers:
            measure.load(peer.port, options.warm_up, headers, cores.load)
        readings = comparison.rounds(peers, origin, headers, cores, options)
        check(plain, enriched, nginx, headers, body)
    rows, rate = ([], 0) if options.alone or not tools.program("swift") else in_memory()
    report(readings, len(body), length, rows, rate, options, cores)
    return 0
