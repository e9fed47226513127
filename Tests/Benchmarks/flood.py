# Owns: what a flood of forged tokens does to the others: their p99 with it and without.
# Called by: tokens.py, with a running sidecar.
# Never: floods so fast that the machine itself is full: then every answer waits, whatever is asked.
"""Good traffic at a fixed rate, quiet and beside floods from another address."""

import time
from statistics import median

import table
import tools

GOOD_RATE, FLOOD_RATE = 1_000, 3_000
GOOD, FLOODER = "127.0.0.2", "127.0.0.3"
FORGED = ("HS256", "RS256", "ES256", "EdDSA")
TOKENS = 20_000
BAR = 2.0


def once(pace, port, seconds, good, flooding, flood):
    """p99 µs of the good traffic, with the flood beside it where there is one."""
    other = None
    if flooding:
        other = pace.start(port, FLOOD_RATE * (seconds + 1), FLOOD_RATE, FLOODER, flood)
        time.sleep(0.5)
    try:
        p99 = pace.run(port, GOOD_RATE * seconds, rate=GOOD_RATE, source=GOOD, tokens=good)[3]
    finally:
        if other:
            pace.finish(other)
    return p99


def run(sidecar, pace, mint, options):
    """Prints the table. The bar: p99 beside forged tokens at most twice its quiet value."""
    good = mint.make("HS256", 1_000, name="paced")
    floods = [("quiet", False, None), ("requests without a token", True, None)]
    floods += [(f"forged {name}", True, mint.make(name, TOKENS, forged=True)) for name in FORGED]
    results = {label: [] for label, *_ in floods}
    seconds = max(options.seconds, 2)
    once(pace, sidecar.port, 1, good, False, None)
    for number in range(options.rounds):
        turn = number % len(floods)
        for label, flooding, tokens in floods[turn:] + floods[:turn]:
            results[label].append(once(pace, sidecar.port, seconds, good, flooding, tokens))
        tools.say(f"flood, round {number + 1} of {options.rounds}")
    print(f"\np99 of {GOOD_RATE:,} good requests a second from {GOOD}, beside {FLOOD_RATE:,} a "
          f"second from {FLOODER}\n")
    rows = []
    for label, values in results.items():
        ratios = [value / quiet for value, quiet in zip(values, results["quiet"])]
        bar = BAR if label.startswith("forged") else None
        rows.append((label, table.spread((value / 1e3 for value in values), 3),
                     table.spread(ratios), "" if bar is None else f"≤ {bar:.1f}",
                     table.verdict(median(ratios), bar)))
    print(table.render(("beside", "p99 ms of the good", "over quiet", "bar", "verdict"), rows))
