"""Runs: the trips of a service day as they are to be driven, in Unix seconds.

A trip runs on many days; a run is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.gtfs.schedule import Float64, Int32, Int64, Schedule
from cityhall.engines.positioning.ways import Ways

DAY = 86_400
LATE_S = 2 * 3600
"""Runs of the day before that end this long before midnight or later may still be under way after it."""
EARLY_S = 12 * 3600
"""Runs of the day after are there when they start before noon: the day may be changed at any quiet hour."""


@dataclass(frozen=True)
class Runs:
    """R runs with N stop times in all. Run r's times are rows first[r]:first[r + 1], one a call of its way."""

    day: date
    trip: Int32  # (R,) row of the schedule's trips
    way: Int32  # (R,)
    service_day: Int32  # (R,) as date.toordinal()
    first: Int64  # (R + 1,)
    arrival: Float64  # (N,) Unix seconds
    departure: Float64
    after: Int32  # (R,) the run that the same block drives next, -1 for none
    way_first: Int64  # (W + 1,) into way_run
    way_run: Int32  # runs by way, and by departure within the way
    trip_first: Int64  # (trips + 1,) into trip_run
    trip_run: Int32  # runs by trip, and by day within the trip

    def __len__(self) -> int:
        return int(self.trip.size)

    @classmethod
    def from_schedule(cls, schedule: Schedule, ways: Ways, day: date) -> Runs:
        """The runs of `day`: its service day's, yesterday's that end near midnight or after, tomorrow's morning."""
        trips, times = schedule.trips, schedule.stop_times
        ends = times.arrival[trips.first[1:] - 1] if len(trips) else np.zeros(0, np.int32)
        starts = times.departure[trips.first[:-1]] if len(trips) else np.zeros(0, np.int32)
        chosen: list[Int64] = []
        for offset, wanted in ((-1, ends >= DAY - LATE_S), (0, ends >= 0), (1, starts < EARLY_S)):
            chosen.append(np.flatnonzero(schedule.services.on(day + timedelta(days=offset))[trips.service] & wanted))
        trip = np.concatenate(chosen)
        shift = np.repeat(np.array([-1, 0, 1]), [rows.size for rows in chosen])
        origin = np.array([service_start(day + timedelta(days=offset), schedule.timezone) for offset in (-1, 0, 1)])
        lengths = np.diff(trips.first)[trip]
        first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.repeat(trips.first[trip] - first[:-1], lengths) + np.arange(first[-1])
        begin = np.repeat(origin[shift + 1], lengths)
        departure = times.departure[rows] + begin
        start = departure[first[:-1]]
        way = ways.trip_way[trip]
        service_day = (day.toordinal() + shift).astype(np.int32)
        by_way, by_trip = np.lexsort((start, way)), np.lexsort((service_day, trip))
        return cls(
            day=day,
            trip=trip.astype(np.int32),
            way=way.astype(np.int32),
            service_day=service_day,
            first=first,
            arrival=times.arrival[rows] + begin,
            departure=departure,
            after=_after(schedule, trip, service_day, start),
            way_first=_counted(way, len(ways)),
            way_run=by_way.astype(np.int32),
            trip_first=_counted(trip, len(trips)),
            trip_run=by_trip.astype(np.int32),
        )

    @cached_property
    def _row(self) -> dict[tuple[int, int], int]:
        keys = zip(self.trip.tolist(), self.service_day.tolist(), strict=True)
        return {key: row for row, key in enumerate(keys)}

    def row(self, trip: int, service_day: date) -> int:
        """The run of a trip (row of the schedule) on a service day; -1 where it is not among these."""
        return self._row.get((trip, service_day.toordinal()), -1)


def _after(schedule: Schedule, trip: Int64, service_day: Int32, start: Float64) -> Int32:
    """(R,) the next run of each run's block on the same service day."""
    after = np.full(trip.size, -1, np.int32)
    names = np.array([schedule.trips.block[row] for row in trip.tolist()], object)
    last: dict[tuple[str, int], int] = {}
    for run in np.argsort(start, kind="stable").tolist():
        if names[run]:
            key = (str(names[run]), int(service_day[run]))
            if key in last:
                after[last[key]] = run
            last[key] = run
    return after


def _counted(group: Int64 | Int32, groups: int) -> Int64:
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))]).astype(np.int64)
