"""One tracker works at a time (an advisory lock); another process of the same city waits to take over."""

from __future__ import annotations

import logging
import threading
import time

import psycopg
from django.conf import settings
from django.db import Error, close_old_connections

from cityhall.kernel.database import psycopg_url, wait_for_lock
from cityhall.kernel.vehicles import inbox, kinds

LOCK = 0x7261_636B
log = logging.getLogger("cityhall.vehicles.tracker")


def run(stop: threading.Event) -> None:
    """Tracks until `stop`, as soon as no other process of the city does; not where no vehicles are run."""
    if not kinds.kinds():
        stop.wait()
        return
    url = psycopg_url(settings.DATABASES["default"])
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as holding:
                _track(stop, holding)
        except (psycopg.Error, Error) as problem:
            log.warning("the tracker waits for the database: %r", problem)
            close_old_connections()
            stop.wait(0.5)


def _track(stop: threading.Event, holding: psycopg.Connection[tuple[object, ...]]) -> None:
    # The engine is a large part of the process: who runs no vehicles does not load it.
    from cityhall.kernel.vehicles.tracking.fleet import TICK_S, Fleet
    from cityhall.kernel.vehicles.tracking.tracker import LOOK_S, Tracking

    Fleet().warm()
    if not wait_for_lock(holding, LOCK, stop):
        return
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
    finally:
        inbox.close_here()
