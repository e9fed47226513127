# Owns: the reading of callgrind's output: self cost by function and source file, and call arcs.
# Called by: instructions.py, rooms.py.
# Never: runs anything. The format: https://valgrind.org/docs/manual/cl-format.html
"""A callgrind profile as numbers."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple


class Function(NamedTuple):
    """A function: the object file it lies in and its (mangled) name."""

    object: str
    name: str


class Place(NamedTuple):
    """A piece of a function's code: with inlining, one function holds code of several files."""

    function: Function
    file: str


@dataclass
class Profile:
    """Costs in instructions."""

    self_cost: dict = field(default_factory=lambda: defaultdict(int))   # Place: cost
    arcs: dict = field(default_factory=lambda: defaultdict(int))        # (Place, Function): cost
    calls: dict = field(default_factory=lambda: defaultdict(int))       # (Place, Function): count
    home: dict = field(default_factory=dict)                            # Function: file it is in
    elsewhere: int = 0                                                  # of the other threads

    @property
    def total(self):
        return sum(self.self_cost.values())

    def by_function(self):
        """{Function: (self, inclusive)}. Recursion makes inclusive costs too large, as ever."""
        own, inclusive = defaultdict(int), defaultdict(int)
        for place, cost in self.self_cost.items():
            own[place.function] += cost
            inclusive[place.function] += cost
        for (place, callee), cost in self.arcs.items():
            if callee != place.function:
                inclusive[place.function] += cost
        return {function: (own[function], inclusive[function]) for function in inclusive}

    def calls_to(self):
        """{Function: how often it was called}."""
        counts = defaultdict(int)
        for (_, callee), count in self.calls.items():
            counts[callee] += count
        return counts


class _Names:
    """callgrind writes a long name once, as "(7) name", and "(7)" from then on."""

    def __init__(self):
        self.known = {}

    def __call__(self, text):
        if not text.startswith("("):
            return text
        number, _, name = text.partition(")")
        if name:
            self.known[number] = name.strip()
        return self.known.get(number, "???")


def read(path):
    """Reads one dump made with the default positions (lines) and one event (Ir)."""
    profile = Profile()
    objects, files, functions = _Names(), _Names(), _Names()
    object_ = file = ""
    function = callee_object = callee_name = None
    count = None  # set after a calls= line: the next line is the cost of these calls
    with open(path, errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line:
                continue
            if line[0] in "0123456789+-*":
                words = line.split()
                cost = int(words[1]) if len(words) > 1 else 0
                place = Place(function, file)
                if count is None:
                    profile.self_cost[place] += cost
                else:
                    callee = Function(callee_object or object_, callee_name)
                    profile.arcs[place, callee] += cost
                    profile.calls[place, callee] += count
                    count = callee_object = None
                continue
            key, _, value = line.partition("=")
            if key == "ob":
                object_ = objects(value)
            elif key == "fl":
                file = home = files(value)
            elif key in ("fi", "fe"):
                file = files(value)
            elif key == "fn":
                function = Function(object_, functions(value))
                file = home
                profile.home[function] = home
            elif key == "cob":
                callee_object = objects(value)
            elif key in ("cfi", "cfl"):
                files(value)
            elif key == "cfn":
                callee_name = functions(value)
            elif key == "calls":
                count = int(value.split()[0])
    return profile
