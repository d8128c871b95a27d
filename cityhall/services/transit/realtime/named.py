"""What feeds name of the timetable in service."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from google.transit import gtfs_realtime_pb2 as rt

from cityhall.kernel import derived
from cityhall.services.transit import timetables
from cityhall.services.transit.realtime.selection import trip_rows

KEPT_TRIPS = 20_000
_FREQUENCY = re.compile(r"(.*)@(\d\d:\d\d:\d\d)")


class Plan:
    """What feeds name of the timetable in service, found once for each."""

    def __init__(self) -> None:
        schedule = timetables.service().schedule
        self.rows = trip_rows()
        self.first = np.asarray(schedule.trips.first).tolist()
        self.route = np.asarray(schedule.trips.route).tolist()
        self.direction = np.asarray(schedule.trips.direction).tolist()
        self.route_id = schedule.routes.id
        self.routes = {"", *schedule.routes.id}
        self.trip_id = schedule.trips.id
        self.stops = {"", *schedule.stops.id}
        self.stop_id = schedule.stops.id
        self.stop = np.asarray(schedule.stop_times.stop)
        self.sequence = np.asarray(schedule.stop_times.sequence)
        # The same trips are told of every second for an hour: half of a feed's time went into naming them anew.
        self.describe = lru_cache(KEPT_TRIPS)(self._describe)
        self.calls = lru_cache(KEPT_TRIPS)(self._calls)

    def knows(self, selector: dict[str, Any]) -> bool:
        """Whether the route and the stop that an alert names are in the timetable in service."""
        return selector.get("route", "") in self.routes and selector.get("stop", "") in self.stops

    def _describe(self, trip: str, day: date | None) -> rt.TripDescriptor | None:
        """A trip as feeds name it, None where the timetable in service has none such. Not to be changed: it is kept.

        A departure of frequencies.txt is its template's trip_id with a start_time (TripDescriptor.start_time).
        """
        row = self.rows.get(trip)
        if row is None:
            return None
        route = self.route_id[self.route[row]]
        found = rt.TripDescriptor(trip_id=trip, route_id=route, schedule_relationship=rt.TripDescriptor.SCHEDULED)
        if self.direction[row] >= 0:
            found.direction_id = self.direction[row]
        if day is not None:
            found.start_date = f"{day:%Y%m%d}"
        departure = _FREQUENCY.fullmatch(trip)
        if departure:
            found.trip_id, found.start_time = departure.groups()
        return found

    def _calls(self, row: int) -> tuple[list[int], list[str]]:
        """stop_sequence (all -1 where the feed's are not in order) and stop_id of each call of a trip."""
        block = slice(self.first[row], self.first[row + 1])
        sequence = self.sequence[block]
        if (np.diff(sequence) <= 0).any():
            sequence = np.full(sequence.size, -1)
        names = self.stop_id
        return sequence.tolist(), [names[stop] for stop in self.stop[block].tolist()]


@lru_cache(maxsize=2)
def _plan_of(folder: Path) -> Plan:
    return Plan()


def plan() -> Plan | None:
    """None before any timetable is loaded: positions are published without it."""
    folder = derived.current(timetables.KIND)
    return _plan_of(folder) if folder is not None else None
