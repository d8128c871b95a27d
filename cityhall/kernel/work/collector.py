"""Python's collector of cycles, kept from stopping a process while it should answer.

A whole collection looks at every object there is. With what a city has loaded that takes from a tenth to half a second,
in which no thread goes on, and many small objects (a thousand presses a second) bring it every few seconds. What a
start has made is there to stay: it is set aside (`gc.freeze`), and from then on only what came later is looked at.
While a process starts nothing of it is garbage, so it is not looked for at all.
"""

from __future__ import annotations

import gc
import threading
import time

SETTLED_S = (3.0, 30.0, 120.0)
"""Seconds after the start at which what is there by then is set aside: what is compiled and read at first use too."""


def wait() -> None:
    """Looks for nothing until `settle` begins; for a process that is starting."""
    gc.disable()


def settle(stop: threading.Event) -> None:
    """Sets aside what the start has made, once it is there (a Runner's run)."""
    began = time.monotonic()
    for moment in SETTLED_S:
        if stop.wait(max(0.0, began + moment - time.monotonic())):
            return
        if moment == SETTLED_S[0]:
            gc.enable()
            gc.collect()
        # Without a collection before: by now somebody may be waiting for an answer.
        gc.freeze()
    stop.wait()
