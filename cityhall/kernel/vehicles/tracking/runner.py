"""One tracker works at a time (an advisory lock); another process of the same city waits to take over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import psycopg

from cityhall.kernel.database.alone import alone
from cityhall.kernel.vehicles import inbox, kinds

LOCK = 0x7261_636B


def run(stop: threading.Event) -> None:
    """Tracks until `stop`, as soon as no other process of the city does; not where no vehicles are run."""
    if not kinds.kinds():
        stop.wait()
        return
    # The engine is a large part of the process: who runs no vehicles does not load it.
    from cityhall.kernel.vehicles.tracking.fleet import Fleet

    # Who waits is ready to take over at once.
    Fleet().warm()
    alone("the tracker", LOCK, partial(_track, stop), stop)


def _track(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> Iterator[None]:
    from cityhall.kernel.vehicles.tracking.fleet import TICK_S
    from cityhall.kernel.vehicles.tracking.tracker import LOOK_S, Tracking

    holding.execute(f"LISTEN {inbox.CHANNEL}")
    here = inbox.open_here()
    try:
        tracking = Tracking()
        # What came while nobody listened.
        waiting, looked = True, time.monotonic()
        while not stop.is_set():
            began = time.monotonic()
            tracking.tick(here.take(), waiting=waiting)
            # The wait is on the connection that holds the lock: where that is lost, another may track.
            left = max(0.001, TICK_S - (time.monotonic() - began))
            waiting = any(True for _notice in holding.notifies(timeout=left)) or time.monotonic() - looked > LOOK_S
            looked = time.monotonic() if waiting else looked
            yield
    finally:
        inbox.close_here()
