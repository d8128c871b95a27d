"""The devices process: the doors that keep a connection open, and the watch for silent devices."""

from __future__ import annotations

import logging
import threading

from cityhall.kernel.devices import drops
from cityhall.kernel.work.runners import runners

log = logging.getLogger(__name__)


def main(stop: threading.Event) -> None:
    """Runs every door until `stop` is set."""
    parts = [threading.Thread(target=run, args=(stop,), name=name) for name, run in runners("devices").items()]
    for part in parts:
        part.start()
    while not stop.wait(0.5):
        dead = [part.name for part in parts if not part.is_alive()]
        if dead:
            # The parent starts this process anew, which is better than one that looks alive.
            stop.set()
            log.error("a door has closed: %s", ", ".join(dead))
    for part in parts:
        part.join(timeout=8)
    drops.flush()
