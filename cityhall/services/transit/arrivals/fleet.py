"""The timetable in service, and the vehicles' states, as the arrival predictor takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from cityhall.engines.arrivals import Traces, Trips
from cityhall.engines.arrivals.trips import kind_of
from cityhall.engines.gtfs import Schedule
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import VehicleState

INSIDE = 0.02
"""A vehicle between two stops is at least this share of the way from either."""


@lru_cache(maxsize=2)
def trips_of(folder: Path) -> Trips:
    """The trips of the schedule in service, whose folder this is."""
    schedule = timetables.service().schedule
    trips, times = schedule.trips, schedule.stop_times
    arrival, departure = np.asarray(times.arrival), np.asarray(times.departure)
    return Trips.make(
        trips.first,
        times.stop,
        arrival,
        departure,
        _metres(schedule),
        trips.route,
        stop_ids=schedule.stops.id,
        route_ids=schedule.routes.id,
        # Where the timetable itself stands still, drivers wait for the time.
        timepoint=departure - arrival >= 60,
    )


def _metres(schedule: Schedule) -> np.ndarray:
    """(calls,) metres along each trip: its shape's, or straight from stop to stop where it has none."""
    stop = np.asarray(schedule.stop_times.stop)
    lat, lon = np.asarray(schedule.stops.lat)[stop], np.asarray(schedule.stops.lon)[stop]
    steps = np.hypot(np.diff(lat), np.diff(lon) * np.cos(np.radians(lat[:-1]))) * 111_195.0
    straight = np.concatenate([[0.0], np.cumsum(steps)])
    along = np.asarray(schedule.stop_times.shape_distance, np.float64)
    return np.where(np.isnan(along), straight, along)


@lru_cache(maxsize=4)
def following(folder: Path, day: date) -> np.ndarray:
    """(trips,) the trip that the same vehicle drives next on a service day, by block; -1 where there is none."""
    schedule = timetables.service().schedule
    trips, times = schedule.trips, schedule.stop_times
    first = np.asarray(trips.first)
    start = np.asarray(times.departure)[first[:-1]]
    runs = np.flatnonzero(schedule.services.on(day)[np.asarray(trips.service)])
    blocks: dict[str, list[int]] = {}
    for row in runs[np.argsort(start[runs], kind="stable")].tolist():
        if trips.block[row]:
            blocks.setdefault(trips.block[row], []).append(row)
    after = np.full(len(trips), -1, np.int64)
    for members in blocks.values():
        after[members[:-1]] = members[1:]
    return after


def midnight(day: date) -> float:
    """Unix seconds of a service day's second 0."""
    return clock(day, 0).timestamp()


def traces_of(runs: Sequence[tuple[int, date]], counts: Sequence[int], at: np.ndarray, place: np.ndarray) -> Traces:
    """Traces of runs (row of the trip, service day) with so many points each."""
    days = [day for _, day in runs]
    zero = {day: midnight(day) for day in set(days)}
    return Traces(
        trip=np.array([trip for trip, _ in runs], np.int64).reshape(-1),
        midnight=np.array([zero[day] for day in days], np.float64),
        day=np.array([day.toordinal() for day in days], np.int64),
        kind=np.array([kind_of(day) for day in days], np.int64),
        first=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        at=at,
        place=place,
        speed=np.full(at.size, np.nan),
    )


def place_of(state: VehicleState, trips: Trips, row: int) -> float:
    """Where a vehicle is along its trip, in calls passed; NaN where the tracker did not say."""
    base, last = int(trips.first[row]), int(trips.first[row + 1] - trips.first[row]) - 1
    ahead = state.next_sequence
    if ahead is None or not 0 <= ahead <= last:
        return float("nan")
    if state.at_stop or ahead == 0:
        return float(ahead)
    if state.along_m is None:
        return ahead - 0.5
    begin, end = trips.metres[base + ahead - 1], trips.metres[base + ahead]
    share = (state.along_m - begin) / max(end - begin, 1.0)
    return float(ahead - 1 + min(1.0 - INSIDE, max(INSIDE, share)))


def seen_now(states: Iterable[VehicleState], folder: Path) -> tuple[list[VehicleState], Traces]:
    """The vehicles that are on a trip of the timetable at a known place, and those places: one point each."""
    trips, rows = trips_of(folder), timetables.service().trip_rows
    found: list[VehicleState] = []
    places: list[float] = []
    for state in states:
        row = rows.get(state.trip, -1)
        place = place_of(state, trips, row) if row >= 0 and state.service_day else float("nan")
        if place == place:
            found.append(state)
            places.append(place)
    runs = [(rows[state.trip], state.service_day) for state in found if state.service_day]
    at = np.array([state.at.timestamp() for state in found], np.float64)
    return found, traces_of(runs, [1] * len(found), at, np.array(places, np.float64))
