"""Which trips and calls a cancellation or a detour is about, in the timetable in service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import numpy as np

from cityhall.engines.gtfs.schedule import Int64
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import Cancellation, Detour, Notice

NONE = np.zeros(0, np.int64)


def trip_rows() -> dict[str, int]:
    """Row of each trip of the timetable in service by its GTFS id."""
    return timetables.service().trip_rows


def running(day: date) -> Int64:
    """Rows of the trips that run on a service day."""
    schedule = timetables.service().schedule
    return np.flatnonzero(schedule.services.on(day)[np.asarray(schedule.trips.service)])


def cancelled_trips(cancellation: Cancellation) -> Int64:
    """Rows of the trips that a cancellation takes out of its service day."""
    schedule = timetables.service().schedule
    trips = schedule.trips
    rows: Int64 = running(cancellation.service_day)
    if cancellation.trip:
        return np.asarray(rows[rows == trip_rows().get(cancellation.trip, -1)])
    if cancellation.route not in schedule.routes.id:
        return NONE
    rows = rows[np.asarray(trips.route)[rows] == timetables.service().route_rows[cancellation.route]]
    if cancellation.direction is not None:
        rows = rows[np.asarray(trips.direction)[rows] == cancellation.direction]
    starts = np.asarray(schedule.stop_times.departure)[np.asarray(trips.first)[rows]]
    good = np.ones(rows.size, np.bool_)
    if cancellation.from_second is not None:
        good &= starts >= cancellation.from_second
    if cancellation.until_second is not None:
        good &= starts < cancellation.until_second
    return np.asarray(rows[good])


def all_cancelled(cancellations: Iterable[Cancellation]) -> dict[date, set[int]]:
    """Rows of the trips that do not run, by service day."""
    found: dict[date, set[int]] = {}
    for cancellation in cancellations:
        found.setdefault(cancellation.service_day, set()).update(cancelled_trips(cancellation).tolist())
    return found


def left_out(day: date) -> tuple[set[int], dict[int, list[int]]]:
    """Of a service day, the rows of the trips that do not run, and the calls (from 0) that other trips leave out."""
    in_force = {"state": Notice.State.IN_FORCE}
    cancelled = all_cancelled(Cancellation.objects.filter(**in_force, service_day=day)).get(day, set())
    detours = [detour for detour in Detour.objects.filter(**in_force) if detour.closed_stops]
    return cancelled, skipped_calls(detours, day) if detours else {}


def skipped_calls(detours: Iterable[Detour], day: date) -> dict[int, list[int]]:
    """The calls, from 0, that trips of a service day leave out because of detours: {trip row: [call, ...]}."""
    schedule = timetables.service().schedule
    trips, times = schedule.trips, schedule.stop_times
    first, midnight = np.asarray(trips.first), clock(day, 0).timestamp()
    runs = np.zeros(len(trips), np.bool_)
    runs[running(day)] = True
    found: dict[int, set[int]] = {}
    for detour in detours:
        rows = _closed_rows(detour)
        trip = np.searchsorted(first, rows, side="right") - 1
        at = np.asarray(times.departure)[rows] + midnight
        good = runs[trip] & (at >= detour.starts_at.timestamp()) & (at < _end(detour.ends_at))
        if detour.route:
            route = timetables.service().route_rows.get(detour.route, -1)
            good &= np.asarray(trips.route)[trip] == route
        if detour.direction is not None:
            good &= np.asarray(trips.direction)[trip] == detour.direction
        for owner, row in zip(trip[good].tolist(), rows[good].tolist(), strict=True):
            found.setdefault(owner, set()).add(row - int(first[owner]))
    return {trip: sorted(calls) for trip, calls in found.items()}


def _closed_rows(detour: Detour) -> Int64:
    """Stop times at the closed stops; a station closes with all its platforms."""
    service = timetables.service()
    stops, (first, rows) = service.schedule.stops, service.calls
    closed = {service.stop_rows[stop] for stop in detour.closed_stops if stop in service.stop_rows}
    closed |= set(np.flatnonzero(np.isin(np.asarray(stops.parent), list(closed))).tolist()) if closed else set()
    parts = [rows[first[stop] : first[stop + 1]] for stop in closed]
    return np.sort(np.concatenate(parts)) if parts else NONE


def _end(moment: datetime | None) -> float:
    return np.inf if moment is None else moment.timestamp()
