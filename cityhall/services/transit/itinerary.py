"""A journey as people read it: legs with names, clock times, lines on the map, steps on foot."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from cityhall.engines.gtfs.clock import days_of
from cityhall.engines.timetable import Journey, Ride, Walk
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.modes import mode_of
from cityhall.services.transit.plan import Plan, Question, network_for

Leg = dict[str, Any]


def itineraries(plan: Plan) -> list[dict[str, Any]]:
    """Each journey of a plan as JSON values: times in ISO 8601, distances in metres, GeoJSON coordinates."""
    return [_itinerary(journey, plan.question) for journey in plan.journeys]


def _itinerary(journey: Journey, question: Question) -> dict[str, Any]:
    legs = [_leg(leg, question) for leg in journey.legs]
    return {
        "departure": clock(question.day, journey.departure).isoformat(),
        "arrival": clock(question.day, journey.arrival).isoformat(),
        "duration_s": journey.arrival - journey.departure,
        "transfers": journey.transfers,
        "walk_s": journey.walking,
        "walk_m": round(sum(leg["distance_m"] for leg in legs if leg["mode"] == "walk")),
        "wheelchair": _wheelchair(journey),
        "legs": legs,
    }


def _wheelchair(journey: Journey) -> str:
    """What is known of a journey for a wheelchair: yes, no or unknown."""
    schedule = timetables.service().schedule
    known = [int(schedule.trips.wheelchair[ride.trip]) for ride in journey.rides]
    known += [int(schedule.stops.wheelchair[stop]) for ride in journey.rides for stop in (ride.from_stop, ride.to_stop)]
    if 2 in known:
        return "no"
    return "yes" if known and all(value == 1 for value in known) else "unknown"


def _leg(leg: Ride | Walk, question: Question) -> Leg:
    return _ride(leg, question.day) if isinstance(leg, Ride) else _walk(leg, question)


def _stop(row: int) -> dict[str, Any]:
    stops = timetables.service().schedule.stops
    return {
        "id": stops.id[row],
        "name": stops.name[row],
        "lon": float(stops.lon[row]),
        "lat": float(stops.lat[row]),
    }


def _ride(ride: Ride, day: date) -> Leg:
    schedule = timetables.service().schedule
    routes, trips, times = schedule.routes, schedule.trips, schedule.stop_times
    rows = range(ride.first_row, ride.last_row + 1)
    coordinates = ride_shape(ride.trip, ride.first_row, ride.last_row)
    return {
        "mode": mode_of(int(routes.type[ride.route])),
        "line": routes.short_name[ride.route] or routes.long_name[ride.route],
        "line_id": routes.id[ride.route],
        "line_name": routes.long_name[ride.route],
        "agency": schedule.agencies.get(routes.agency[ride.route], ""),
        "color": routes.color[ride.route],
        "text_color": routes.text_color[ride.route],
        "headsign": trips.headsign[ride.trip] or schedule.stops.name[int(times.stop[trips.first[ride.trip + 1] - 1])],
        "trip_id": trips.id[ride.trip],
        "service_day": (day + timedelta(days=days_of(ride.shift))).isoformat(),
        "from_sequence": ride.first_row - int(trips.first[ride.trip]),
        "to_sequence": ride.last_row - int(trips.first[ride.trip]),
        "from": _stop(ride.from_stop),
        "to": _stop(ride.to_stop),
        "departure": clock(day, ride.departure).isoformat(),
        "arrival": clock(day, ride.arrival).isoformat(),
        "duration_s": ride.arrival - ride.departure,
        "distance_m": round(_length(coordinates)),
        "stops": [
            {
                "name": schedule.stops.name[int(times.stop[row])],
                "time": clock(day, int(times.arrival[row]) + ride.shift).isoformat(),
            }
            for row in rows
        ],
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


def ride_shape(trip: int, first_row: int, last_row: int) -> list[list[float]]:
    """[lon, lat] along a trip's shape between two of its stop times; from stop to stop where it has none."""
    schedule = timetables.service().schedule
    times, shapes, stops = schedule.stop_times, schedule.shapes, schedule.stops
    shape = int(schedule.trips.shape[trip])
    start, end = float(times.shape_distance[first_row]), float(times.shape_distance[last_row])
    if shape < 0 or not (start < end):
        called = np.asarray(times.stop[first_row : last_row + 1])
        return np.column_stack([stops.lon[called], stops.lat[called]]).round(6).tolist()  # type: ignore[no-any-return]
    points = slice(int(shapes.first[shape]), int(shapes.first[shape + 1]))
    distance = np.asarray(shapes.distance[points])
    lon, lat = np.asarray(shapes.lon[points]), np.asarray(shapes.lat[points])
    inner = (distance > start) & (distance < end)
    way = np.concatenate([[start], distance[inner], [end]])
    return np.column_stack([np.interp(way, distance, lon), np.interp(way, distance, lat)]).round(6).tolist()  # type: ignore[no-any-return]


def _length(coordinates: list[list[float]]) -> float:
    return sum(metres_between((a[0], a[1]), (b[0], b[1])) for a, b in pairwise(coordinates))


def _walk(walk: Walk, question: Question) -> Leg:
    origin = _stop(walk.from_stop) if walk.from_stop >= 0 else _door(question.origin)
    target = _stop(walk.to_stop) if walk.to_stop >= 0 else _door(question.goal)
    return {
        "mode": "walk",
        "from": origin,
        "to": target,
        "departure": clock(question.day, walk.departure).isoformat(),
        "arrival": clock(question.day, walk.arrival).isoformat(),
        "duration_s": walk.arrival - walk.departure,
        **_way(Point(origin["lon"], origin["lat"]), Point(target["lon"], target["lat"]), question.wheelchair),
    }


def _door(place: Point) -> dict[str, Any]:
    return {"id": "", "name": "", "lon": place.lon, "lat": place.lat}


def _way(origin: Point, target: Point, wheelchair: bool) -> dict[str, Any]:
    """The way on foot: along the streets, or the straight line where there is no map of them."""
    network = network_for(wheelchair)
    path = None
    if network:
        a, b = network.snap(*origin), network.snap(*target)
        path = network.route(a, b, 3 * 3600) if a and b else None
    ends = [[round(place.lon, 6), round(place.lat, 6)] for place in (origin, target)]
    if path is None:
        coordinates, steps = ends, []
        distance = metres_between(origin, target)
    else:
        inner = np.column_stack([path.lon, path.lat]).round(6).tolist()
        coordinates, distance = [ends[0], *inner, ends[1]], path.distance
        steps = [{"street": step.name, "turn": step.turn, "distance_m": round(step.distance)} for step in path.steps]
    return {
        "distance_m": round(distance),
        "steps": steps,
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


def walk_only(question: Question, seconds: int) -> dict[str, Any]:
    """The whole way on foot, as an itinerary."""
    start = question.second if question.mode == "leave" else question.second - seconds
    return _itinerary(Journey(start, start + seconds, (Walk(-1, -1, start, start + seconds),)), question)
