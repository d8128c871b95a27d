"""What comes to a stop: predictions where a trip is followed, the timetable where it is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
from django.conf import settings

from cityhall.services.transit import timetables
from cityhall.services.transit.arrivals.predict import Key, predictions
from cityhall.services.transit.days import clock
from cityhall.services.transit.models import Stop, TripPrediction, VehicleState

LATEST_S = 3600
"""A trip is looked for in the predictions until this long after its time."""
AHEAD_S = 6 * 3600
GONE_S = 20
"""A vehicle that has just left is still shown."""

Sure = Literal["followed", "expected", "planned"]
"""followed: its vehicle is under way on this trip; expected: it is still on the trip before; planned: nobody knows."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A trip that calls at a stop. `at` is the best that is known, `low` and `high` hold it eight times in ten.

    Where the trip is only planned, `at` is the timetable's and the interval is None.
    """

    service_day: date
    trip: str
    sequence: int
    line: str
    line_id: str
    color: str
    headsign: str
    planned: datetime
    at: datetime
    leaves: datetime
    low: datetime | None
    high: datetime | None
    vehicle: str
    sure: Sure


def stop_arrivals(stop: Stop, now: datetime, limit: int = 12, *, cancelled: Collection[Key] = ()) -> list[Arrival]:
    """The next calls at a stop (all platforms of a station) from which one can ride on, soonest first.

    `cancelled` names trips (service day, GTFS id) that do not run. Raises Unavailable where no timetable is loaded.
    """
    schedule = timetables.service().schedule
    calls = [
        (day, trip, sequence)
        for day, trip, sequence in _calls(stop, now)
        if (day, schedule.trips.id[trip]) not in cancelled
    ]
    known = predictions({(day, schedule.trips.id[trip]) for day, trip, _ in calls}, now)
    states = VehicleState.objects.filter(trip__in={trip for _, trip in known})
    under_way = set(states.values_list("service_day", "trip"))
    found = []
    for day, trip, sequence in calls:
        key = day, schedule.trips.id[trip]
        found.append(_arrival(day, trip, sequence, known.get(key), now, "followed" if key in under_way else "expected"))
    return sorted((one for one in found if one), key=lambda one: (one.leaves, one.trip))[:limit]


def _calls(stop: Stop, now: datetime) -> list[tuple[date, int, int]]:
    """(service day, row of the trip, place in it) of what the timetable has near `now`."""
    service = timetables.service()
    schedule, (first, by_stop) = service.schedule, service.calls
    places = [stop.row, *np.flatnonzero(np.asarray(schedule.stops.parent) == stop.row).tolist()]
    rows = np.concatenate([by_stop[first[place] : first[place + 1]] for place in places])
    trip = service.trip_of[rows]
    begin = np.asarray(schedule.trips.first)
    departure = np.asarray(schedule.stop_times.departure)[rows]
    leaves = (rows != begin[trip + 1] - 1) & (np.asarray(schedule.stop_times.pickup)[rows] != 1)
    found: list[tuple[date, int, int]] = []
    for back in (1, 0, -1):
        day = now.astimezone(settings.CITY.zone).date() - timedelta(days=back)
        second = now.timestamp() - clock(day, 0).timestamp()
        near = leaves & (departure >= second - LATEST_S) & (departure <= second + AHEAD_S)
        near &= schedule.services.on(day)[np.asarray(schedule.trips.service)[trip]]
        found += [(day, int(trip[one]), int(rows[one] - begin[trip[one]])) for one in np.flatnonzero(near).tolist()]
    return found


def _arrival(
    day: date, trip: int, sequence: int, known: TripPrediction | None, now: datetime, live: Sure
) -> Arrival | None:
    """None where the vehicle has been there, or where the time has passed and nobody knows of it."""
    schedule = timetables.service().schedule
    trips, times, routes = schedule.trips, schedule.stop_times, schedule.routes
    row, route = int(trips.first[trip]) + sequence, int(trips.route[trip])
    planned, leaves = clock(day, int(times.arrival[row])), clock(day, int(times.departure[row]))
    at, low, high, vehicle = planned, None, None, ""
    sure: Sure = "planned"
    if known is not None:
        place = sequence - known.first_sequence
        if not 0 <= place < len(known.arrival):
            return None
        zone = planned.tzinfo
        at, leaves, low, high = (
            datetime.fromtimestamp(column[place], UTC).astimezone(zone)
            for column in (known.arrival, known.departure, known.low, known.high)
        )
        vehicle, sure = known.vehicle, live
    if leaves < now - timedelta(seconds=GONE_S):
        return None
    end = int(times.stop[trips.first[trip + 1] - 1])
    return Arrival(
        service_day=day,
        trip=trips.id[trip],
        sequence=sequence,
        line=routes.short_name[route] or routes.long_name[route],
        line_id=routes.id[route],
        color=routes.color[route],
        headsign=trips.headsign[trip] or schedule.stops.name[end],
        planned=planned,
        at=at,
        leaves=leaves,
        low=low,
        high=high,
        vehicle=vehicle,
        sure=sure,
    )
