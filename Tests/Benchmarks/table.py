# Owns: how results look: aligned columns, medians with their spread, verdicts.
# Called by: the commands.
# Never: computes more than medians and ratios of what it is given.
"""Readable tables."""

from statistics import median


def spread(values, digits=2):
    """"0.91 (0.88 – 0.95)": the median and the extremes."""
    values = list(values)
    return (f"{median(values):.{digits}f} "
            f"({min(values):.{digits}f} – {max(values):.{digits}f})")


def render(header, rows, left=(0,)):
    """Columns as wide as they must be: those named in `left` to the left, the others right."""
    lines = [header, *rows]
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(header))]
    def draw(line):
        cells = [str(cell).ljust(width) if i in left else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        return "  ".join(cells).rstrip()
    return "\n".join([draw(header), "  ".join("-" * width for width in widths), *map(draw, rows)])


def verdict(value, bar):
    return "" if bar is None else "reached" if value <= bar else "missed"


def readings(by_peer):
    """The first table: one line a proxy. `by_peer`: {label: [Reading]}."""
    rows = [(label, spread((r.cpu_us for r in runs)),
             f"{median(r.user_share for r in runs):.0%}",
             f"{median(r.rate for r in runs):,.0f}",
             spread((r.p50_us / 1e3 for r in runs)), spread((r.p99_us / 1e3 for r in runs)))
            for label, runs in by_peer.items()]
    return render(("proxy", "CPU µs a request", "of it user", "requests/s", "p50 ms", "p99 ms"),
                  rows)


def ratios(by_peer, pairs):
    """The second table: ratios of CPU time a request within each round. `pairs`: (a, b, bar)."""
    rows = []
    for one, other, bar in pairs:
        values = [a.cpu_us / b.cpu_us for a, b in zip(by_peer[one], by_peer[other])]
        rows.append((f"{one} / {other}", spread(values), "" if bar is None else f"≤ {bar:.2f}",
                     verdict(median(values), bar)))
    return render(("ratio of CPU time a request", "median (min – max)", "bar", "verdict"), rows)
