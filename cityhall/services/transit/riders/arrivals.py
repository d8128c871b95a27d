"""What comes to a stop: the timetable, and in its place whatever is known better."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cityhall.services.transit import days, timetables
from cityhall.services.transit.models import Stop
from cityhall.services.transit.riders.notices import around
from cityhall.services.transit.riders.trips import NOTHING, Call, DatedTrip, live_of

LATEST = timedelta(minutes=45)
"""A trip that should have come longer ago than this is not waited for."""
AHEAD = timedelta(hours=6)
GONE = timedelta(seconds=20)
"""How long a bus that has left is still shown."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A trip that leaves a stop, or would were it not `cancelled`. `stops_away` is 0 where it comes here next."""

    trip: DatedTrip
    call: Call
    at_stop: bool
    stops_away: int | None
    occupancy: int | None
    cancelled: bool = False

    @property
    def vehicle(self) -> str:
        return self.trip.live.vehicle


def stop_arrivals(stop: Stop, now: datetime, limit: int = 12) -> list[Arrival]:
    """The next trips from a stop (all platforms of a station), soonest first by what is expected of each.

    Calls that a detour leaves out are not there.

    Where the feed is out of date, the timetable of a usual day of the same weekday, on today's clock.
    """
    changed = around(days.here(now))
    places = [(trip, place) for trip, place in _candidates(stop, now) if changed.calls(trip.day, trip.row, place)]
    live = live_of(((trip.day, trip.id) for trip, _sequence in places), now)
    found: list[Arrival] = []
    for trip, sequence in places:
        known = live.get((trip.day, trip.id), NOTHING)
        trip = DatedTrip(trip.row, trip.day, known)
        call = trip.call(sequence)
        if call.passed or call.departure < now - GONE:
            continue
        state = known.state
        at_stop = bool(state and state.at_stop and state.next_sequence == sequence)
        occupancy = state.occupancy if state else None
        cancelled = not changed.runs(trip.day, trip.row)
        found.append(Arrival(trip, call, at_stop, trip.stops_away(sequence), occupancy, cancelled))
    return sorted(found, key=lambda one: (one.call.departure, one.trip.row))[:limit]


def lines_at(stop: Stop) -> set[str]:
    """The lines (GTFS ids) that call at a stop or its platforms on any day."""
    service = timetables.service()
    routes = np.unique(np.asarray(service.schedule.trips.route)[service.trip_of[_calls_at(stop)]])
    return {service.schedule.routes.id[route] for route in routes.tolist()}


def _calls_at(stop: Stop) -> np.ndarray:
    """The rows of stop_times at a stop and its platforms."""
    service = timetables.service()
    first, rows_by_stop = service.calls
    places = [stop.row, *np.flatnonzero(np.asarray(service.schedule.stops.parent) == stop.row).tolist()]
    return np.concatenate([rows_by_stop[first[place] : first[place + 1]] for place in places])


def _candidates(stop: Stop, now: datetime) -> list[tuple[DatedTrip, int]]:
    """(trip, place of the stop in it) of every trip that should call between LATEST ago and AHEAD from now."""
    here = days.here(now)
    service = timetables.service()
    schedule, rows = service.schedule, _calls_at(stop)
    trip = service.trip_of[rows]
    first_row = np.asarray(schedule.trips.first)
    leaves = (rows != first_row[trip + 1] - 1) & (np.asarray(schedule.stop_times.pickup)[rows] != 1)
    departure = np.asarray(schedule.stop_times.departure)[rows]
    found: list[tuple[DatedTrip, int]] = []
    for back in (1, 0, -1):
        day = here.date() - timedelta(days=back)
        noon = days.clock(day, 43_200)
        second = (here - noon).total_seconds() + 43_200
        runs = schedule.services.on(days.usual_day(day))[schedule.trips.service[trip]]
        soon = (departure >= second - LATEST.total_seconds()) & (departure <= second + AHEAD.total_seconds())
        for place in np.flatnonzero(leaves & runs & soon).tolist():
            row = int(trip[place])
            found.append((DatedTrip(row, day), int(rows[place]) - int(first_row[row])))
    return found
