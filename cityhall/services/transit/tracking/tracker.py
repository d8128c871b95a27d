"""The tracker: takes all the city's fixes, estimates where each vehicle is, keeps and publishes that.

One tracker works at a time (an advisory lock); another process of the same city waits to take over. It works in
ticks: what came since the last one is estimated together, and what is due is kept by one statement and published in
the same transaction.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from django.conf import settings
from django.db import Error, close_old_connections, transaction

from cityhall.kernel import clock
from cityhall.kernel.database import psycopg_url, wait_for_lock
from cityhall.kernel.devices import drops
from cityhall.kernel.live import publish
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.tracking import keeping
from cityhall.services.transit.tracking.fleet import Fleet

TICK_S = 0.25
EVERY_S = 0.9
"""A vehicle's state is kept and published at most so often; a map that moves each second needs no more."""
REMEMBER_S = 15.0
"""How often what the filter knows of a vehicle is kept, for a tracker that has to go on from there."""
LOOK_S = 10.0
"""How often the registry of vehicles, the feed and the day are looked at."""
LOCK = 0x7261_636B
TOPIC = "vehicles"
NO_TRIP = {"trip": "", "service_day": None, "next_sequence": None, "delay_s": None, "at_stop": False, "along_m": None}
log = logging.getLogger("cityhall.transit.tracker")


class Tracking:
    """One tracker's work, tick by tick."""

    def __init__(self, now: float | None = None) -> None:
        now = clock.time() if now is None else now
        self.fleet = Fleet()
        self.remembered_at = np.zeros(0)
        self.looked_at = now
        self._calls: list[tuple[Any, ...]] = []
        self._recall(now)

    def _recall(self, now: float) -> None:
        """Goes on where the tracker before this one stopped, or was stopped."""
        since = datetime.fromtimestamp(now, UTC) - timedelta(seconds=self.fleet.engine.settings.forget_after)
        recalled = [
            state.pk
            for state in VehicleState.objects.filter(at__gte=since).select_related("vehicle")
            if state.memory and self.fleet.recall(state, now)
        ]
        # What is not remembered is on no trip any more: another vehicle may be given it.
        VehicleState.objects.exclude(trip="").exclude(pk__in=recalled).update(**NO_TRIP)

    def tick(self, given: Sequence[Fix] = (), *, waiting: bool = True, now: float | None = None) -> int:
        """Takes `given` fixes and, where `waiting`, those in the inbox; gives how many.

        All that follows from them is in one transaction. Where that fails nothing in the inbox is lost, and calls
        already seen are kept with the next tick.
        """
        now = clock.time() if now is None else now
        if now - self.looked_at > LOOK_S:
            self.fleet.look_again()
            self.fleet.follow_the_timetable(now)
            self.looked_at = now
        dropped: Counter[tuple[str, str]] = Counter()
        with transaction.atomic():
            fixes = [*given, *inbox.take()] if waiting else list(given)
            if fixes:
                calls, dropped = self.fleet.take(fixes, now)
                self._calls += keeping.call_rows(self.fleet, calls)
            self.fleet.reckon(now)
            self.fleet.settle(now)
            rows = self.fleet.due(now, EVERY_S, round(1 / TICK_S))
            remember = self._to_remember(rows, now)
            if rows.size:
                self._keep(rows, remember)
            if self._calls:
                keeping.keep_calls(self.fleet, self._calls)
        self._calls.clear()
        self.fleet.kept(rows, now)
        self.remembered_at[rows[remember]] = now
        for (device, reason), number in dropped.items():
            drops.count(reason, number, device=device)
        return len(fixes)

    def _to_remember(self, rows: np.ndarray, now: float) -> np.ndarray:
        if self.remembered_at.size < len(self.fleet):
            # Each in its turn: all of them in one tick would hold the others up.
            turns = now - REMEMBER_S + np.arange(self.remembered_at.size, len(self.fleet)) % 60 * (REMEMBER_S / 60)
            self.remembered_at = np.concatenate([self.remembered_at, turns])
        return now - self.remembered_at[rows] >= REMEMBER_S

    def _keep(self, rows: np.ndarray, remember: np.ndarray) -> None:
        columns = keeping.states(self.fleet, rows, remember)
        keeping.keep_states(columns)
        keeping.keep_history(self.fleet, rows, columns)
        # A vehicle that not everybody may see is on no topic at all: a stream stays open when a right is taken away.
        features = zip(rows.tolist(), keeping.features(self.fleet, rows, columns), strict=True)
        public = [feature for row, feature in features if not self.fleet.vehicles[row].hidden]
        if public:
            publish(TOPIC, public)


def run(stop: threading.Event) -> None:
    """Tracks until `stop`, as soon as no other process of the city does."""
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
