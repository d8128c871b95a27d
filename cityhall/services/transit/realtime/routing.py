"""The journey search that knows of the present: cancelled trips, closed stops, and when vehicles are expected.

Each process looks at most every LOOK_S seconds, and only when somebody asks, whether something has changed; the trips
that differ join the planned timetable's patterns, nothing is built anew. One thread does that while the others go on
with what there is.
"""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection

from cityhall.engines.gtfs.clock import shift
from cityhall.engines.timetable import Progress, Router, Skip
from cityhall.kernel import clock as city_clock
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.realtime import predictions
from cityhall.services.transit.realtime.selection import left_out, trip_rows

LOOK_S = 2.0
FARTHEST_S = 4 * 3600
"""A prediction this far from the plan is of another day, or wrong."""

_STAMP = """
SELECT (SELECT concat(count(*), ' ', max(made_at)) FROM transit_tripprediction
        WHERE made_at > to_timestamp(%s)),
       (SELECT max(changed_at) FROM transit_cancellation),
       (SELECT max(changed_at) FROM transit_detour)
"""


class LiveRouter:
    """A service day's search as of now. Threads share it."""

    def __init__(self, day: date, planned: Router) -> None:
        self.day = day
        self.planned = planned
        self.router = Router(planned.planned)
        self._stamp: Any = None
        self._looked = 0.0
        self._lock = threading.Lock()

    def current(self) -> Router:
        """The search, brought up to date where that is due."""
        if time.monotonic() - self._looked >= LOOK_S and self._lock.acquire(blocking=self._stamp is None):
            try:
                if time.monotonic() - self._looked >= LOOK_S:
                    self._look()
                    self._looked = time.monotonic()
            finally:
                self._lock.release()
        return self.router

    def _look(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_STAMP, [city_clock.time() - predictions.FRESH_S])
            stamp = cursor.fetchone()
        if stamp == self._stamp:
            return
        days = [self.day + timedelta(days=offset) for offset in (-1, 0, 1)]
        cancelled, skips = _notices(self.day, days)
        changes: list[Progress | Skip] = [*skips, *self._progress(days)]
        if cancelled or changes:
            self.router.update(cancelled, changes)
            # Built here, so that no resident's question waits for it.
            _ = self.router.timetable.net
        else:
            self.router.update()
        self._stamp = stamp

    def _progress(self, days: list[date]) -> list[Progress]:
        """What is expected of the trips under way, in seconds of this service day."""
        known, schedule = trip_rows(), timetables.service().schedule
        first, planned = np.asarray(schedule.trips.first), np.asarray(schedule.stop_times.arrival)
        midnight = int(clock(self.day, 0).timestamp())
        found = []
        for one in predictions.read(city_clock.time(), hidden=True):
            row, start = known.get(one.trip), one.first_sequence
            if one.service_day not in days or row is None or not one.arrival.size:
                continue
            if first[row] + start + one.arrival.size != first[row + 1]:
                continue
            later = shift(self.day, one.service_day, schedule.timezone)
            comes, goes = one.arrival - midnight, one.departure - midnight
            if abs(int(comes[0]) - int(planned[first[row] + start]) - later) <= FARTHEST_S:
                found.append(Progress(row, start, comes, goes, one.made_at - midnight, later))
        return found


def _notices(day: date, days: list[date]) -> tuple[list[tuple[int, int]], list[Skip]]:
    """Trips that do not run, as (row, shift), and calls that are left out, of a service day and those beside it."""
    cancelled, skips = [], []
    zone = timetables.service().schedule.timezone
    for on in days:
        later = shift(day, on, zone)
        trips, calls = left_out(on)
        cancelled += [(row, later) for row in sorted(trips)]
        skips += [Skip(row, places, later) for row, places in calls.items()]
    return cancelled, skips


_live: dict[tuple[date, bool], LiveRouter] = {}
_making = threading.Lock()
MOST_DAYS = 6


def router(day: date, wheelchair: bool = False) -> Router:
    """The search over a service day as of now; `timetables.router` is the one as planned."""
    planned, key = timetables.router(day, wheelchair), (day, wheelchair)
    found = _live.get(key)
    if found is None or found.planned is not planned:
        with _making:
            found = _live.get(key)
            if found is None or found.planned is not planned:
                found = LiveRouter(day, planned)
                while len(_live) >= MOST_DAYS:
                    _live.pop(next(iter(_live)))
                _live[key] = found
    return found.current()
