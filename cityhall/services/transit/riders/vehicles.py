"""Buses as riders look at them: one whole, and all of a line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from cityhall.kernel.errors import Missing
from cityhall.services.transit import queries
from cityhall.services.transit.models import VehicleState
from cityhall.services.transit.riders import words
from cityhall.services.transit.riders.trips import DatedTrip, is_by_headway, stop_name, trip_of, trips_of

NEXT_STOPS = 4
LISTED = 300


def find_vehicle(public_id: str) -> VehicleState:
    """A vehicle that everybody may see and that was heard of lately. Raises Missing, for a school bus too."""
    state = queries.shown_vehicles().filter(vehicle__public_id=public_id).first()
    if state is None:
        raise Missing(_("This bus is not on the road now."), mend=_("Look for another on the map."))
    return state


def describe(state: VehicleState, now: datetime) -> dict[str, Any]:
    """A bus with its trip, its next stops and everything in words."""
    return _described(state, trip_of(state, now), now)


def _described(state: VehicleState, trip: DatedTrip | None, now: datetime) -> dict[str, Any]:
    off = None if is_by_headway(state.trip) else state.delay_s
    return {
        "id": state.vehicle.public_id,
        "label": state.vehicle.label or state.vehicle.public_id,
        "line": trip.line if trip else state.line,
        "line_id": trip.line_id if trip else state.route,
        "color": trip.color if trip else state.color,
        "mode": trip.mode if trip else "bus",
        "headsign": trip.headsign if trip else "",
        "lon": round(state.point.lon, 6),
        "lat": round(state.point.lat, 6),
        "bearing": state.bearing,
        "speed": state.speed,
        "status": state.status,
        "status_words": state.get_status_display(),
        "delay_s": state.delay_s,
        "delay_words": words.delay(off),
        "punctuality": words.punctuality(off),
        "fix": state.fix_class,
        "fix_words": words.fix(state),
        "accuracy_m": round(state.accuracy_m, 1),
        "lane": state.lane,
        "lane_words": words.lane(state),
        "crowding": words.crowding(state.occupancy),
        "occupancy": state.occupancy,
        "wheelchair": trip.wheelchair if trip else 1 if state.vehicle.wheelchair else 0,
        "at": state.at,
        "age_s": max(0, round((now - state.at).total_seconds())),
        "at_stop": state.at_stop,
        "next_stops": _next_stops(trip, state, now),
    }


def _next_stops(trip: DatedTrip | None, state: VehicleState, now: datetime) -> list[dict[str, Any]]:
    if trip is None or state.next_sequence is None:
        return []
    from cityhall.services.transit import timetables

    ids = timetables.service().schedule.stops.id
    first = max(0, state.next_sequence)
    calls = [trip.call(sequence) for sequence in range(first, min(len(trip), first + NEXT_STOPS))]
    return [
        {
            "id": ids[call.stop],
            "name": stop_name(call.stop),
            "scheduled": call.scheduled_arrival,
            "expected": call.arrival,
            "wait": words.wait(call, now),
        }
        for call in calls
    ]


def listed(now: datetime, line_id: str = "") -> list[dict[str, Any]]:
    """Every bus on the road, or those of a line, by line and name; at most LISTED."""
    states = queries.shown_vehicles().order_by("line", "vehicle__public_id")
    if line_id:
        states = states.filter(route=line_id)
    shown = list(states[:LISTED])
    trips = trips_of(shown, now)
    return [_described(state, trips.get(state.pk), now) for state in shown]
