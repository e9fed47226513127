# Owns how long the tasks of a page took of the processor, by the browser's own trace.
# Called by tests of speed.
# Never counts the time that a task waited while another process had the core.
import json

from .waiting import eventually

CATEGORIES = ["toplevel", "devtools.timeline"]


class Trace:
    """`with Trace(window) as trace: …`, then `trace.tasks`."""

    def __init__(self, window):
        self.window = window
        self.stream = None
        self.tasks = []  # (milliseconds of processor time, milliseconds in all)

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
            self.stream = params["stream"]

    def __exit__(self, *fault):
        try:
            self.window.cdp("Tracing.end")
            eventually(lambda: self.stream, within=20, what="the trace")
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
        """The tasks of the thread that ran this page's scripts."""
        path = self.window.evaluate("location.origin")
        threads = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "FunctionCall"
            and event.get("args", {}).get("data", {}).get("url", "").startswith(path)
        }
        assert len(threads) == 1, threads
        return [
            (event.get("tdur", 0) / 1000, event["dur"] / 1000)
            for event in events
            if event["name"].endswith("RunTask")
            and "dur" in event
            and (event["pid"], event["tid"]) in threads
        ]
