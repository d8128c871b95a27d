"""The board of a stop's screen: what comes, for one stop or several, and the way to the stop's page as a QR code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cityhall.services.transit import queries
from cityhall.services.transit.riders import words
from cityhall.services.transit.riders.arrivals import lines_at, stop_arrivals
from cityhall.services.transit.riders.notices import notices
from cityhall.web.assets import build

ROWS = 10
MOST_STOPS = 6


def board(stop_ids: list[str], now: datetime) -> dict[str, Any]:
    """The rows of a board. Raises Missing for a stop there is not."""
    stops = [queries.find_stop(stop_id) for stop_id in stop_ids[:MOST_STOPS]]
    found = [(stop, arrival) for stop in stops for arrival in stop_arrivals(stop, now, ROWS)]
    found.sort(key=lambda one: one[1].call.departure)
    rows = [row(arrival, now) | {"at": stop.name if len(stops) > 1 else ""} for stop, arrival in found[:ROWS]]
    lines = set[str]().union(*map(lines_at, stops))
    return {
        "stops": stops,
        "rows": rows,
        "notices": notices(now, stops=[stop.gtfs_id for stop in stops], lines=lines),
        "now": now,
        "build": build(),
    }


def row(arrival: Any, now: datetime) -> dict[str, Any]:
    """An arrival with its words, as the stop's page and its board show it."""
    trip, call = arrival.trip, arrival.call
    off = None if trip.by_headway else call.delay_s
    return {
        "trip": trip.id,
        "day": trip.day,
        "sequence": call.sequence,
        "line": trip.line,
        "line_id": trip.line_id,
        "color": trip.color,
        "text_color": trip.text_color,
        "mode": trip.mode,
        "headsign": trip.headsign,
        "scheduled": call.scheduled_departure,
        "expected": call.departure,
        "low": call.low,
        "high": call.high,
        "live": call.predicted,
        "delay_s": call.delay_s,
        "delay": words.delay(off),
        "punctuality": words.punctuality(off),
        "wait": words.wait(call, now),
        "away": words.away(arrival.stops_away, arrival.at_stop),
        "stops_away": arrival.stops_away,
        "occupancy": arrival.occupancy,
        "crowding": words.crowding(arrival.occupancy),
        "wheelchair": trip.wheelchair,
        "vehicle": arrival.vehicle,
        "cancelled": arrival.cancelled,
    }
