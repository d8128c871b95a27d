"""Makes the predictor's model of the calls that were seen: once a service day is over, and when a timetable is loaded.

Its trees grow anew from the newest WINDOW days; days that leave the window are folded into what segments have learned
for good, each once, and fade from there. Days are taken newest first until LIMIT calls, so that a large city learns
from fewer days and no more memory.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection

from cityhall.engines.arrivals import Model, Traces, Trips
from cityhall.engines.arrivals.segments import Segments
from cityhall.kernel import clock, derived
from cityhall.kernel.errors import Unavailable
from cityhall.services.transit import timetables
from cityhall.services.transit.arrivals import fleet

KIND = "arrivals"
WINDOW = 14
BACK = 4
"""How many windows back the first learning looks."""
LIMIT = 1_500_000
log = logging.getLogger("cityhall.transit.arrivals")


def model() -> Model:
    """The model in use; one that knows the timetable only before the first."""
    folder = derived.current(KIND)
    if folder is None:
        return Model.empty()
    try:
        return Model.open(folder)
    except ValueError as problem:
        log.warning("the arrival model is made anew tonight: %s", problem)
        return Model.empty()


def learn() -> Path | None:
    """Learns from the service days that are over, and puts the model in use. None where there is nothing to learn."""
    try:
        folder = timetables.service().folder
    except Unavailable:
        return None
    # Trips past midnight belong to the day before.
    window = _window((clock.now(settings.CITY.zone) - timedelta(hours=4)).date())
    if not window:
        return None
    stamp = f"{folder.name.rsplit('-', 1)[-1]}-{min(window):%y%m%d}{max(window):%y%m%d}"
    before = model()
    return derived.build(KIND, stamp, lambda draft: _learned(folder, window, before).save(draft))


def _window(day: date) -> list[date]:
    """The newest days before `day` with calls, at most WINDOW of them and LIMIT calls."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT service_day, count(*) FROM transit_stopcall WHERE service_day < %s AND service_day >= %s "
            "GROUP BY 1 ORDER BY 1 DESC",
            [day, day - timedelta(days=BACK * WINDOW)],
        )
        rows = cursor.fetchall()[:WINDOW]
    calls = np.cumsum([count for _, count in rows])
    return [found for (found, _), total in zip(rows, calls, strict=True) if total <= LIMIT or found == rows[0][0]]


def _learned(folder: Path, window: list[date], before: Model) -> Model:
    trips = fleet.trips_of(folder)
    older = _folded(before.older, folder, trips, min(window))
    traces, arrivals = calls_of(folder, window)
    newest = max(window)
    return Model.learned(traces, arrivals, trips, today=newest.toordinal(), older=older)


def _folded(older: Segments, folder: Path, trips: Trips, until: date) -> Segments:
    """What was learned for good, with the days that have left the window since."""
    since = date.fromordinal(older.day) if older.day else until - timedelta(days=BACK * WINDOW)
    days = [since + timedelta(days=step) for step in range(1, (until - since).days)]
    for day in days:
        traces, _ = calls_of(folder, [day])
        if len(traces):
            older = older.learn(traces, trips, day.toordinal())
    return older


def calls_of(folder: Path, window: list[date]) -> tuple[Traces, np.ndarray]:
    """The calls of some service days: where each run was when, and (all the runs' calls,) when it came, Unix seconds.

    Between leaving a stop and coming to the next a vehicle is taken to have been halfway in the middle of that time.
    """
    rows = timetables.service().trip_rows
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT service_day, trip, vehicle, sequence, extract(epoch FROM arrived_at)::float8, "
            "extract(epoch FROM departed_at)::float8 FROM transit_stopcall WHERE service_day = ANY(%s) "
            "ORDER BY service_day, trip, vehicle, sequence",
            [window],
        )
        calls = [call for call in cursor.fetchall() if call[1] in rows]
    trips = fleet.trips_of(folder)
    runs: list[tuple[int, date]] = []
    counts: list[int] = []
    at: list[float] = []
    place: list[float] = []
    arrivals: list[np.ndarray] = []
    last: tuple[object, ...] = ()
    for day, trip, vehicle, sequence, arrived, departed in calls:
        row = rows[trip]
        size = int(trips.first[row + 1] - trips.first[row])
        if sequence >= size or (last == (day, trip, vehicle) and arrived < at[-1]):
            continue
        if last != (day, trip, vehicle):
            last = (day, trip, vehicle)
            runs.append((row, day))
            counts.append(0)
            arrivals.append(np.full(size, np.nan))
        elif place[-1] == sequence - 1:
            place.append(sequence - 0.5)
            at.append((at[-1] + arrived) / 2)
            counts[-1] += 1
        for moment in (arrived, departed):
            if moment is not None:
                place.append(float(sequence))
                at.append(moment)
                counts[-1] += 1
        arrivals[-1][sequence] = arrived if sequence else np.nan
    traces = fleet.traces_of(runs, counts, np.array(at, np.float64), np.array(place, np.float64))
    return traces, np.concatenate(arrivals) if arrivals else np.zeros(0)
