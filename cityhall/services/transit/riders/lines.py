"""A line as it goes now: its stops in each direction, the buses between them, and when the next one comes to each."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from cityhall.services.transit import days, queries, timetables
from cityhall.services.transit.models import Line
from cityhall.services.transit.riders import vehicles, words
from cityhall.services.transit.riders.notices import around
from cityhall.services.transit.riders.trips import NOTHING, Call, DatedTrip, live_of

AHEAD = timedelta(hours=2)
FREQUENT = timedelta(minutes=16)
"""A line that comes more often than this is spoken of by its headway."""


def diagram(line: Line, now: datetime) -> list[dict[str, Any]]:
    """Each direction of a line: its pattern (see queries.patterns_of), `headway_min`, and at each stop `next` and the
    `buses` that come to it next.
    """
    trips = running(line, now)
    buses = vehicles.listed(now, line.gtfs_id)
    patterns = queries.patterns_of(line)
    for pattern in patterns:
        mine = [trip for trip in trips if trip.direction == pattern["direction"] and _goes(trip, pattern)]
        calls = _next_calls(mine, now)
        pattern["headway_min"] = headway(mine, pattern["stops"][0]["id"], now)
        for stop in pattern["stops"]:
            call = calls.get(stop["id"])
            stop["next"] = call
            stop["wait"] = words.wait(call, now) if call else ""
            stop["buses"] = []
        _place(pattern, buses, mine, now)
    return patterns


def _goes(trip: DatedTrip, pattern: dict[str, Any]) -> bool:
    """Whether a trip goes a pattern's way and not back: not every feed says directions, or says them rightly."""
    schedule = timetables.service().schedule
    places = {stop["id"]: place for place, stop in reversed(list(enumerate(pattern["stops"])))}
    first, last = schedule.trips.first[trip.row], schedule.trips.first[trip.row + 1]
    stops = [schedule.stops.id[int(stop)] for stop in schedule.stop_times.stop[first:last]]
    order = [places[stop] for stop in stops if stop in places]
    forwards = sum(after > before for before, after in pairwise(order))
    return bool(forwards > (len(order) - 1) / 2)


def running(line: Line, now: datetime) -> list[DatedTrip]:
    """A line's trips that are under way or leave within AHEAD, with what is known of them."""
    schedule = timetables.service().schedule
    here = days.here(now)
    rows = np.flatnonzero(np.asarray(schedule.trips.route) == line.row)
    first = np.asarray(schedule.trips.first)
    start = np.asarray(schedule.stop_times.departure)[first[rows]]
    end = np.asarray(schedule.stop_times.arrival)[first[rows + 1] - 1]
    found: list[DatedTrip] = []
    for back in (1, 0, -1):
        day = here.date() - timedelta(days=back)
        second = (here - days.clock(day, 43_200)).total_seconds() + 43_200
        runs = schedule.services.on(days.usual_day(day))[np.asarray(schedule.trips.service)[rows]]
        # A trip may be late at its end by as much as arrivals are waited for at a stop.
        good = runs & (start <= second + AHEAD.total_seconds()) & (end >= second - 2700)
        found += [DatedTrip(int(row), day) for row in rows[good]]
    changed = around(here)
    found = [trip for trip in found if changed.runs(trip.day, trip.row)]
    live = live_of(((trip.day, trip.id) for trip in found), now)
    return [DatedTrip(trip.row, trip.day, live.get((trip.day, trip.id), NOTHING)) for trip in found]


def _next_calls(trips: list[DatedTrip], now: datetime) -> dict[str, Call]:
    """By stop id the soonest departure still to come."""
    ids = timetables.service().schedule.stops.id
    best: dict[str, Call] = {}
    for trip in trips:
        for call in trip.calls():
            known = best.get(ids[call.stop])
            if not call.passed and call.departure >= now and (known is None or call.departure < known.departure):
                best[ids[call.stop]] = call
    return best


def headway(trips: list[DatedTrip], stop_id: str, now: datetime) -> int | None:
    """Minutes between departures from a stop, as expected now; None where they are too far apart to speak of."""
    ids = timetables.service().schedule.stops.id
    leaving = sorted(
        {
            call.departure
            for trip in trips
            for call in trip.calls()[:-1]
            if ids[call.stop] == stop_id and not call.passed
        }
    )
    gaps = [(after - before).total_seconds() for before, after in pairwise(leaving) if after >= now]
    if len(gaps) < 2 or median(gaps) > FREQUENT.total_seconds():
        return None
    return max(1, round(median(gaps) / 60))


def _place(pattern: dict[str, Any], buses: list[dict[str, Any]], trips: list[DatedTrip], now: datetime) -> None:
    """Puts each bus at the stop of the diagram that it comes to next."""
    on = {trip.live.state.vehicle.public_id for trip in trips if trip.live.state is not None}
    by_stop = {stop["id"]: stop for stop in pattern["stops"]}
    for bus in buses:
        upcoming = [stop for stop in bus["next_stops"] if stop["id"] in by_stop]
        if bus["id"] in on and upcoming:
            by_stop[upcoming[0]["id"]]["buses"].append(bus)
