"""`python -m cityhall.engines.ready GROUP[:LATCH] ...`: compiles what a city's processes call, before or beside them.

LATCH is the descriptor of a latch (`groups.py`) that is opened when the group has been compiled.

What is compiled is kept beside the engines (numba's cache), so every process that comes later only reads it. So that
it is the same code, the little feed that is tried here goes the way a city's goes: read, written, mapped into memory.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import zipfile
from datetime import date
from pathlib import Path

import numpy as np

from cityhall.engines import arrays, groups, latches, parent
from cityhall.engines.gtfs import Schedule

NICENESS = 5
"""The start of the city that is being got ready goes first."""
DAY = date(2026, 1, 5)
NOON = 43_200
FEED = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,A,https://example.org,UTC\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\na,A,10.0,10.0\nb,B,10.0,10.01\nc,C,10.0,10.02\n",
    "routes.txt": "route_id,route_short_name,route_type\nR,1,3\n",
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        f"S,1,1,1,1,1,1,1,{DAY:%Y%m%d},{DAY:%Y%m%d}\n"
    ),
    "shapes.txt": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "L,10.0,10.0,1\nL,10.0,10.01,2\nL,10.0,10.02,3\n",
    "trips.txt": "route_id,service_id,trip_id,shape_id\nR,S,t,L\nR,S,u,L\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t,12:00:00,12:00:00,a,1\nt,,,b,2\nt,12:20:00,12:20:00,c,3\n"
        "u,12:30:00,12:30:00,a,1\nu,12:40:00,12:41:00,b,2\nu,12:50:00,12:50:00,c,3\n"
    ),
}


def ready(group: str) -> None:
    """Compiles one of GROUPS, or reads that it has been. Raises KeyError for another."""
    work = {groups.FEEDS: _feeds, groups.JOURNEYS: _journeys, groups.POSITIONING: _positioning}[group]
    if group != groups.FEEDS:
        # All begin with a timetable: another process compiles the reading of it.
        groups.wait(groups.FEEDS, threading.Event())
    with tempfile.TemporaryDirectory() as folder:
        work(_schedule(Path(folder)))


def _schedule(folder: Path) -> Schedule:
    from cityhall.engines.gtfs import read_feeds

    feed = folder / "feed.zip"
    with zipfile.ZipFile(feed, "w") as archive:
        for name, text in FEED.items():
            archive.writestr(name, text)
    schedule, _ = read_feeds([feed])
    arrays.save(folder / "schedule", schedule, "ready")
    return arrays.load(folder / "schedule", Schedule, "ready")


def _feeds(schedule: Schedule) -> None:
    """Nothing more: reading it has compiled all of it."""


def _journeys(schedule: Schedule) -> None:
    from cityhall.engines.timetable import Delay, Places, Router, Timetable

    router = Router(Timetable.from_schedule(schedule, DAY))
    ends = Places.at(0), Places.at(2)
    router.range(*ends, NOON, 60)
    router.earliest_arrival(*ends, NOON)
    router.arrive_by(*ends, NOON + 3600)
    router.one_to_all(ends[0], NOON)
    router.update(changes=[Delay(0, 60)])
    router.range(*ends, NOON, 60)
    _arrivals(schedule)
    _coverage()


def _coverage() -> None:
    from cityhall.engines.coverage import Cap, Ground, move

    ground = Ground(np.ones((1, 2), np.bool_), np.ones(1), np.ones(2, np.int64))
    move(ground, np.zeros(1, np.int64), np.zeros(1), np.zeros((1, 2)), now=0.0, cap=Cap(1))


def _positioning(schedule: Schedule) -> None:
    from cityhall.engines.positioning import Fixes, Runs, Tracker, Ways

    ways = Ways.from_schedule(schedule)
    tracker = Tracker(ways, Runs.from_schedule(schedule, ways, DAY))
    tracker.update(Fixes.of([0, 0], [1.0, 2.0], [10.0, 10.0], [10.0, 10.0]), 2.0)
    tracker.predict(10.0)


def _arrivals(schedule: Schedule) -> None:
    from cityhall.engines.arrivals import Model, Predictor, Traces, Trips

    trips, times = schedule.trips, schedule.stop_times
    arrival, departure = np.asarray(times.arrival), np.asarray(times.departure)
    waits = departure - arrival >= 60
    made = Trips.make(
        *(trips.first, times.stop, arrival, departure, np.asarray(times.shape_distance, np.float64), trips.route),
        stop_ids=schedule.stops.id,
        route_ids=schedule.routes.id,
        timepoint=waits,
    )
    one, where = np.zeros(1, np.int64), np.array([0, 1], np.int64)
    at = np.array([NOON + 300.0])
    seen = Traces(one, np.zeros(1), one + DAY.toordinal(), one, where, at, np.array([0.5]), np.array([8.0]))
    predictor = Predictor(Model.empty(), made)
    calls = predictor.look(["t"], seen, float(at[0]))
    predictor.onwards(one + 1, np.zeros(1), one, calls, one, layover_s=60.0)


def main(told: list[str]) -> None:
    """Compiles the groups named, each opening its latch when it is done, and marks them (`groups.mark`)."""
    parent.end_with_starter()
    os.nice(NICENESS)
    for one in told or groups.GROUPS:
        group, _, latch = one.partition(":")
        ready(group)
        # Where nothing can be kept there is nothing to mark either.
        with contextlib.suppress(OSError):
            groups.set_mark(group)
        if latch:
            latches.open_for(int(latch))


if __name__ == "__main__":
    main(sys.argv[1:])
