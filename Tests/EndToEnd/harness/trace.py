# Owns how long the tasks of a page took of the processor, by the browser's own trace.
# Called by tests of speed.
# Never counts the time that a task waited while another process had the core.
import json
from bisect import bisect
from typing import NamedTuple

from .waiting import eventually

CATEGORIES = ["toplevel", "devtools.timeline"]


class Task(NamedTuple):
    processor: float  # milliseconds of processor time
    whole: float  # milliseconds from beginning to end
    functions: tuple  # the names of the page's functions that it called


class Trace:
    """`with Trace(window) as trace: …`, then `trace.tasks`."""

    def __init__(self, window):
        self.window = window
        self.stream = None
        self.is_whole = False
        self.tasks = []

    def __enter__(self):
        self.window.seat.chromium.seats.append(self)
        self.window.cdp(
            "Tracing.start",
            transferMode="ReturnAsStream",
            traceConfig={"includedCategories": CATEGORIES, "excludedCategories": ["*"]},
        )
        return self

    def told(self, target, method, params):
        if method == "Tracing.tracingComplete":
            self.is_whole = not params["dataLossOccurred"]
            self.stream = params["stream"]

    def __exit__(self, *fault):
        try:
            self.window.cdp("Tracing.end")
            eventually(lambda: self.stream, within=20, what="the trace")
            assert self.is_whole, "the trace was too long for the browser: its end is missing"
            self.tasks = self.of_page(self.read())
        finally:
            self.window.seat.chromium.seats.remove(self)

    def read(self):
        text, done = "", False
        while not done:
            piece = self.window.cdp("IO.read", handle=self.stream)
            text, done = text + piece["data"], piece["eof"]
        return json.loads(text)["traceEvents"]

    def of_page(self, events):
        """The tasks of the thread that ran this page's scripts, in their order."""
        origin = self.window.evaluate("location.origin")
        calls = [event for event in events if event["name"] == "FunctionCall"]
        threads = {
            thread_of(call) for call in calls if data_of(call).get("url", "").startswith(origin)
        }
        assert len(threads) == 1, threads
        runs = [
            event
            for event in sorted(events, key=lambda event: event["ts"])
            if event["name"].endswith("RunTask") and "dur" in event and thread_of(event) in threads
        ]
        starts = [run["ts"] for run in runs]
        functions = [[] for run in runs]
        for call in calls:
            place = bisect(starts, call["ts"]) - 1
            if thread_of(call) in threads and place >= 0:
                functions[place].append(data_of(call).get("functionName", ""))
        return [task_of(run, names) for run, names in zip(runs, functions)]


def thread_of(event):
    return event["pid"], event["tid"]


def data_of(event):
    return event.get("args", {}).get("data", {})


def task_of(run, names):
    # A slow task must not count as none; what is shorter than this is not slow either way.
    assert "tdur" in run or run["dur"] <= 1000, f"no processor time of a task: {run}"
    return Task(run.get("tdur", 0) / 1000, run["dur"] / 1000, tuple(names))
