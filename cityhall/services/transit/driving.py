"""What other services may ask of buses under way, and of lines and stops."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cityhall.kernel.errors import Unavailable
from cityhall.kernel.ports.driving import At, Coming, Driving
from cityhall.kernel.ports.lines import LineStop
from cityhall.services.transit import timetables
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.queries import FRESH
from cityhall.services.transit.riders.trips import Call, DatedTrip, trips_of


def driving_now(vehicles: Sequence[str], now: datetime, ahead: int) -> dict[str, Driving]:
    """What `DrivingNow` asks: a few queries, however many vehicles. Nothing of a special-school bus."""
    found = VehicleState.objects.public().filter(vehicle__public_id__in=list(vehicles), at__gte=now - FRESH)
    states = list(found.exclude(status=VehicleState.Status.LOST).exclude(trip="").select_related("vehicle"))
    try:
        trips = trips_of(states, now) if states else {}
    except Unavailable:
        # Before a timetable is loaded nobody knows what a trip is.
        return {}
    return {state.vehicle.public_id: _driving(state, trips[state.pk], ahead) for state in states if state.pk in trips}


def _driving(state: VehicleState, trip: DatedTrip, ahead: int) -> Driving:
    before = state.next_sequence
    calls: list[Call] = []
    if before is not None:
        calls = [trip.call(place) for place in range(max(0, before), min(len(trip), max(0, before) + ahead))]
    return Driving(
        line=trip.line_id,
        line_name=trip.line,
        trip=trip.id,
        direction=trip.direction,
        headsign=trip.headsign,
        previous=_at(trip.call(before - 1).stop) if before is not None and 0 < before <= len(trip) else None,
        ahead=tuple(Coming(_at(call.stop), call.arrival, call.low, call.high) for call in calls),
        at_stop=state.at_stop,
        seen_at=state.at,
        off_way=state.status == VehicleState.Status.OFF_ROUTE,
    )


def _at(stop: int) -> At:
    stops = timetables.service().schedule.stops
    return At(stops.id[stop], stops.name[stop], float(stops.lon[stop]), float(stops.lat[stop]))


def line_stops() -> list[LineStop]:
    """What `LineStops` asks."""
    try:
        now = timetables.service()
    except Unavailable:
        return []
    schedule = now.schedule
    route = np.asarray(schedule.trips.route)[now.trip_of]
    pairs = np.unique(np.stack([route, np.asarray(schedule.stop_times.stop)], axis=1), axis=0)
    routes, stops = schedule.routes, schedule.stops
    return [
        LineStop(routes.id[line], now.line(line), stops.id[stop], stops.name[stop]) for line, stop in pairs.tolist()
    ]
