# Owns: whose an instruction is: from source files and Swift symbols to the rooms of Sources/.
# Called by: instructions.py.
# Never: guesses silently: what belongs to nobody is shown as such.
"""Attribution of a callgrind profile to the rooms of the source tree."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import tools
from callgrind import Function

# What a room is about, in the words of the report; the longest prefix wins.
GROUPS = {
    "ProxyCore/Token": "tokens",
    "Presence": "presence",
    "ProxyCore/HTTP": "HTTP parsing and writing",
    "ProxyCore/WebSocket": "WebSocket",
    "ProxyCore/Bytes": "bytes and tables",
    "ProxyCore/JSON": "JSON",
    "ProxyCore/Loop": "loop",
    "ProxyCore/Proxy": "proxy",
    "ProxyCore/Platform": "kernel-call wrappers",
    "StatusAPI": "status API",
    "Sidecar": "assembly",
}
ROUNDS_OF_CHARGING = 200


def group(room):
    """The report's word for a room such as "ProxyCore/Token" or "Presence/Store"."""
    while room:
        if room in GROUPS:
            return GROUPS[room]
        room = room.rpartition("/")[0]
    return "other"


def room_of_file(path):
    """".../Sources/ProxyCore/Token/Verifier.swift" -> "ProxyCore/Token"; None if not ours."""
    _, found, inner = path.rpartition("/Sources/")
    if not found or not inner.endswith(".swift") or inner.split("/")[0] not in {
            name.split("/")[0] for name in GROUPS}:
        return None
    return "/".join(inner.split("/")[:-1][:2])


def types_of_sources():
    """{"Module.Type": room}, for code without a source line (the compiler's own, generics)."""
    found = {}
    pattern = re.compile(r"\b(?:struct|class|enum|protocol|actor|extension)\s+([A-Z]\w*)")
    for path in sorted((tools.ROOT / "Sources").rglob("*.swift")):
        room = room_of_file(str(path))
        if room:
            module = room.split("/")[0]
            for name in pattern.findall(path.read_text(errors="replace")):
                found.setdefault(f"{module}.{name}", room)
    return found


def demangle(names):
    """{mangled: readable} by `swift demangle`; what cannot be read stays as it is."""
    names = sorted(name for name in names if name.startswith(("$s", "$S", "_$s")))
    if not names or not tools.program("swift"):
        return {}
    done = subprocess.run([tools.program("swift"), "demangle", "--simplified", "--compact"],
                          input="\n".join(names) + "\n", capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return dict(zip(names, lines)) if len(lines) == len(names) else {}


class Attribution:
    """Who owns each instruction of a profile."""

    def __init__(self, profile):
        self.profile = profile
        self.types = types_of_sources()
        self.readable = demangle({f.name for f in profile.home})
        self._rooms = {}

    def name(self, function):
        return self.readable.get(function.name, function.name.split("'")[0])

    def room(self, place):
        """The room of a place, or None for code that is not ours."""
        if place not in self._rooms:
            self._rooms[place] = self._find(place)
        return self._rooms[place]

    def _find(self, place):
        room = room_of_file(place.file) or room_of_file(self.profile.home.get(place.function, ""))
        if room:
            return room
        for module, name in re.findall(r"\b([A-Z]\w+)\.([A-Z]\w*)", self.name(place.function)):
            if f"{module}.{name}" in self.types:
                return self.types[f"{module}.{name}"]
        # A mangled name begins with its module: $s9ProxyCore...
        mangled = re.match(r"_?\$[sS](\d+)(\w+)", place.function.name)
        if mangled:
            module = mangled[2][:int(mangled[1])]
            if module in {name.split("/")[0] for name in GROUPS}:
                return module
        return None

    def library(self, function):
        """The report's word for code that is not ours."""
        name = Path(function.object).name
        if name.startswith(("libc.", "libc-", "ld-linux", "libm.", "libpthread")):
            return "libc"
        if name.startswith("lib"):
            return name.split(".so")[0].split("-")[0]
        if function.name.startswith(("swift_", "_swift", "$s", "$S")) or "swift" in function.name:
            return "Swift runtime and library"
        return "other"

    def own(self):
        """{room or library: self cost}: each instruction where it lies."""
        costs = defaultdict(int)
        for place, cost in self.profile.self_cost.items():
            costs[self.room(place) or self.library(place.function)] += cost
        return costs

    def charged(self):
        """{room: cost}, with libraries' instructions charged to the rooms that called them.

        A library function's own cost goes to its callers in proportion to the cost of their
        calls, and on through library callers until it reaches a room; as gprof does it.
        """
        costs, waiting, callers = defaultdict(float), defaultdict(float), defaultdict(dict)
        for place, cost in self.profile.self_cost.items():
            room = self.room(place)
            if room:
                costs[room] += cost
            else:
                waiting[place.function] += cost
        for (place, callee), cost in self.profile.arcs.items():
            caller = self.room(place) or place.function
            if caller != callee and cost > 0:
                callers[callee][caller] = callers[callee].get(caller, 0) + cost
        for _ in range(ROUNDS_OF_CHARGING):
            moved = defaultdict(float)
            for function, cost in waiting.items():
                shares = callers.get(function)
                if not shares:
                    costs["not called by ours"] += cost
                    continue
                total = sum(shares.values())
                for caller, share in shares.items():
                    target = moved if isinstance(caller, Function) else costs
                    target[caller] += cost * share / total
            waiting = moved
            if sum(waiting.values()) < 1:
                break
        costs["not called by ours"] += sum(waiting.values())
        return costs

    def callers(self, function, limit):
        """For whom a function works most: [(name, calls, cost of these calls)]."""
        calls, costs = defaultdict(int), defaultdict(int)
        for (place, callee), count in self.profile.calls.items():
            if callee == function:
                calls[place.function] += count
                costs[place.function] += self.profile.arcs[place, callee]
        best = sorted(costs, key=lambda caller: -costs[caller])[:limit]
        return [(self.name(caller), calls[caller], costs[caller]) for caller in best]
