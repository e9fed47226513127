# Owns waiting: until a condition holds, never for a length of time.
# Called by everything that starts or watches a process.
# Never waits without a bound.
import time


def eventually(condition, within=5.0, every=0.02, what="the condition"):
    """The first truthy answer of `condition`; its last answer or error when time is up."""
    deadline = time.monotonic() + within
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {within} s; last: {last!r}")
        time.sleep(every)


def settled(value, quiet=0.5, within=20.0, every=0.05):
    """The value of `value()` once it has not moved for `quiet` seconds."""
    deadline = time.monotonic() + within
    last, since = value(), time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > deadline:
            raise AssertionError(f"still moving after {within} s: {last!r}")
        time.sleep(every)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last
