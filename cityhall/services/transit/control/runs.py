"""What the timetable says of a trip under way: where it should be, and how far apart from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from cityhall.engines.gtfs.schedule import Float64, Int64
from cityhall.services.transit import days, timetables
from cityhall.services.transit.riders.trips import is_by_headway

LAYOVER_S = 120.0
"""What a round of a loop takes more than the trip, at its end."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip of the feed in service. `along` (metres) and `second` are two a stop: arrival, then departure."""

    row: int
    id: str
    route: str
    line: str
    color: str
    direction: int
    headsign: str
    stops: tuple[int, ...]
    along: Float64
    second: Int64
    shape: int
    headway_line: bool
    loop: bool

    @property
    def length(self) -> float:
        """Metres."""
        return float(self.along[-1])

    def phase(self, along: float) -> float:
        """Usual seconds of travel from the start to a place."""
        return float(np.interp(along, self.along, self.second - self.second[0]))

    def round_s(self) -> float:
        """How long a round takes where it is a loop, NaN else."""
        return float(self.second[-1] - self.second[0]) + LAYOVER_S if self.loop and self.headway_line else float("nan")

    def moment(self, day: date, place: int) -> datetime:
        """When it should be at `place` of `second`, on a service day."""
        return days.clock(day, int(self.second[place]))


def find(trip_id: str) -> Trip | None:
    """A trip by its GTFS id; None where the feed in service has none of that name."""
    folder = timetables.service().folder
    row = timetables.service().trip_rows.get(trip_id)
    return None if row is None else _trip(folder, row)


@lru_cache(maxsize=4096)
def _trip(folder: Path, row: int) -> Trip:
    service = timetables.service()
    schedule = service.schedule
    trips, times, routes = schedule.trips, schedule.stop_times, schedule.routes
    rows = slice(int(trips.first[row]), int(trips.first[row + 1]))
    stops = tuple(service.stops_of(row))
    along = np.asarray(times.shape_distance[rows], np.float64)
    if np.isnan(along).any():
        # A feed without shapes: places between stops count as far apart as the stops' numbers.
        along = np.arange(len(stops), dtype=np.float64) * 400
    route = int(trips.route[row])
    parent = schedule.stops.parent
    first, last = (int(parent[stop]) if parent[stop] >= 0 else stop for stop in (stops[0], stops[-1]))
    return Trip(
        row=row,
        id=trips.id[row],
        route=routes.id[route],
        line=service.line(route),
        color=routes.color[route],
        direction=int(trips.direction[row]),
        headsign=service.headsign(row),
        stops=stops,
        along=np.repeat(along, 2),
        second=np.column_stack([times.arrival[rows], times.departure[rows]]).ravel().astype(np.int64),
        shape=int(trips.shape[row]),
        headway_line=is_by_headway(trips.id[row]),
        loop=first == last,
    )


def of_line(route: str, direction: int, day: date) -> list[Trip]:
    """A line's trips of a service day in one direction (-1: every one), by departure."""
    folder = timetables.service().folder
    return [_trip(folder, row) for row, _start in _day(folder, route, direction, day)]


@lru_cache(maxsize=512)
def _day(folder: Path, route: str, direction: int, day: date) -> tuple[tuple[int, int], ...]:
    service = timetables.service()
    schedule, trips = service.schedule, service.schedule.trips
    if route not in service.route_rows:
        return ()
    here = np.asarray(trips.route) == service.route_rows[route]
    here = here & schedule.services.on(day)[trips.service]
    if direction >= 0:
        here = here & (np.asarray(trips.direction) == direction)
    rows = np.flatnonzero(here)
    starts = np.asarray(schedule.stop_times.departure)[np.asarray(trips.first)[rows]]
    order = np.argsort(starts, kind="stable")
    return tuple(zip(rows[order].tolist(), starts[order].tolist(), strict=True))


def planned_gap(trip: Trip, day: date) -> float:
    """Seconds from the departure before to this trip's, on its line and in its direction; NaN for the day's first."""
    departures = _day(timetables.service().folder, trip.route, trip.direction, day)
    starts = [start for _row, start in departures]
    place = int(np.searchsorted(starts, trip.second[1]))
    return float(trip.second[1] - starts[place - 1]) if place > 0 else float("nan")


def service_day(state_day: date | None, trip: Trip, now: datetime) -> date:
    """The service day of a trip under way: the state's, else the one whose times are nearest to now."""
    if state_day is not None:
        return state_day
    today = days.today()
    near = (today, date.fromordinal(today.toordinal() - 1))
    return min(near, key=lambda day: abs((trip.moment(day, len(trip.second) // 2) - now).total_seconds()))
