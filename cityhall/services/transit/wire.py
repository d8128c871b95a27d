"""Itineraries as JSON values, and back: what the API answers, and what is kept of a followed trip."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from cityhall.services.transit.itinerary import Called, Coordinates, End, Itinerary, Leg, RideLeg, Step, WalkLeg

Json = dict[str, Any]


def to_json(itinerary: Itinerary) -> Json:
    """Times in ISO 8601, distances in metres, GeoJSON coordinates."""
    return {
        **_times(itinerary),
        "transfers": itinerary.transfers,
        "walk_s": itinerary.walk_s,
        "walk_m": itinerary.walk_m,
        "wheelchair": itinerary.wheelchair,
        "legs": [_ride(leg) if isinstance(leg, RideLeg) else _walk(leg) for leg in itinerary.legs],
    }


def _times(part: Itinerary | Leg) -> Json:
    return {
        "departure": part.departure.isoformat(),
        "arrival": part.arrival.isoformat(),
        "duration_s": part.duration_s,
    }


def _ride(leg: RideLeg) -> Json:
    return {
        "mode": leg.mode,
        "line": leg.line,
        "line_id": leg.line_id,
        "line_name": leg.line_name,
        "agency": leg.agency,
        "color": leg.color,
        "text_color": leg.text_color,
        "headsign": leg.headsign,
        "trip_id": leg.trip_id,
        "service_day": leg.service_day.isoformat(),
        "from_sequence": leg.from_sequence,
        "to_sequence": leg.to_sequence,
        "from": _end(leg.origin),
        "to": _end(leg.target),
        **_times(leg),
        "distance_m": leg.distance_m,
        "stops": [{"name": stop.name, "time": stop.time.isoformat()} for stop in leg.stops],
        "geometry": geometry(leg.coordinates),
    }


def _walk(leg: WalkLeg) -> Json:
    return {
        "mode": leg.mode,
        "from": _end(leg.origin),
        "to": _end(leg.target),
        **_times(leg),
        "distance_m": leg.distance_m,
        "steps": [{"street": step.street, "turn": step.turn, "distance_m": step.distance_m} for step in leg.steps],
        "geometry": geometry(leg.coordinates),
    }


def _end(end: End) -> Json:
    return {"id": end.id, "name": end.name, "lon": end.lon, "lat": end.lat}


def geometry(coordinates: Coordinates) -> Json:
    """A GeoJSON line."""
    return {"type": "LineString", "coordinates": coordinates}


def feature(leg: Leg) -> Json:
    """A leg for the map."""
    color, line = (leg.color, leg.line) if isinstance(leg, RideLeg) else ("", "")
    properties = {"mode": leg.mode, "color": f"#{color}" if color else "", "line": line}
    return {"type": "Feature", "geometry": geometry(leg.coordinates), "properties": properties}


def from_json(kept: Json) -> Itinerary:
    """What `to_json` made, of any edition of the program."""
    return Itinerary(
        **_moments(kept),
        transfers=kept["transfers"],
        walk_s=kept["walk_s"],
        walk_m=kept["walk_m"],
        wheelchair=kept["wheelchair"],
        legs=tuple(_leg(leg) for leg in kept["legs"]),
    )


def _moments(kept: Json) -> dict[str, Any]:
    return {
        "departure": datetime.fromisoformat(kept["departure"]),
        "arrival": datetime.fromisoformat(kept["arrival"]),
        "duration_s": kept["duration_s"],
    }


def _leg(kept: Json) -> Leg:
    shared = {
        **_moments(kept),
        "origin": End(**kept["from"]),
        "target": End(**kept["to"]),
        "distance_m": kept["distance_m"],
        "coordinates": kept["geometry"]["coordinates"],
    }
    if kept["mode"] == "walk":
        return WalkLeg(**shared, steps=tuple(Step(**step) for step in kept["steps"]))
    same = ("mode", "line", "line_id", "line_name", "agency", "color", "text_color", "headsign", "trip_id")
    return RideLeg(
        **{name: kept[name] for name in (*same, "from_sequence", "to_sequence")},
        **shared,
        service_day=date.fromisoformat(kept["service_day"]),
        stops=tuple(Called(stop["name"], datetime.fromisoformat(stop["time"])) for stop in kept["stops"]),
    )
