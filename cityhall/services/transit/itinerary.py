"""A journey as people read it: legs with names, moments, lines on the map, steps on foot. Values, no text: JSON is made
of them in wire.py, pages in the templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import ClassVar

import numpy as np

from cityhall.engines.gtfs.clock import days_of
from cityhall.engines.timetable import Journey, Ride, Walk
from cityhall.kernel.places.point import Point, metres_between
from cityhall.services.transit import timetables
from cityhall.services.transit.days import clock
from cityhall.services.transit.modes import mode_of
from cityhall.services.transit.plan import Plan, Question, network_for

Coordinates = list[list[float]]
"""[lon, lat] in degrees, as GeoJSON has them."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a leg begins or ends: a stop of the timetable, or a door (`id` and `name` are "")."""

    id: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Called:
    """A stop that a ride calls at, and when it comes there by the plan."""

    name: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a way on foot: `turn` as engines/streets names it, then along `street`."""

    street: str
    turn: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class WalkLeg:
    """A way on foot; no `steps` where there is no map of the streets."""

    origin: End
    target: End
    departure: datetime
    arrival: datetime
    duration_s: int
    distance_m: int
    steps: tuple[Step, ...]
    coordinates: Coordinates
    mode: ClassVar[str] = "walk"

    @property
    def minutes(self) -> int:
        """Minutes on the way, one at least."""
        return max(1, round(self.duration_s / 60))


@dataclass(frozen=True, slots=True)
class RideLeg:
    """A ride on a trip of a service day, from the trip's call `from_sequence` to `to_sequence` (from 0)."""

    mode: str
    line: str
    line_id: str
    line_name: str
    agency: str
    color: str
    text_color: str
    headsign: str
    trip_id: str
    service_day: date
    from_sequence: int
    to_sequence: int
    origin: End
    target: End
    departure: datetime
    arrival: datetime
    duration_s: int
    distance_m: int
    stops: tuple[Called, ...]
    coordinates: Coordinates

    @property
    def minutes(self) -> int:
        """Minutes on the way, one at least."""
        return max(1, round(self.duration_s / 60))


Leg = RideLeg | WalkLeg


@dataclass(frozen=True, slots=True)
class Itinerary:
    """A journey. `wheelchair` is what is known of it for one: yes, no or unknown."""

    departure: datetime
    arrival: datetime
    duration_s: int
    transfers: int
    walk_s: int
    walk_m: int
    wheelchair: str
    legs: tuple[Leg, ...]

    @property
    def rides(self) -> list[RideLeg]:
        return [leg for leg in self.legs if isinstance(leg, RideLeg)]


def itineraries(plan: Plan) -> list[Itinerary]:
    """Each journey of a plan."""
    return [_itinerary(journey, plan.question) for journey in plan.journeys]


def _at(day: date, second: int) -> datetime:
    """A service day's second, with the offset of its moment: two of them can be subtracted in any night."""
    moment = clock(day, second)
    return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()))


def _itinerary(journey: Journey, question: Question) -> Itinerary:
    legs = tuple(_leg(leg, question) for leg in journey.legs)
    return Itinerary(
        departure=_at(question.day, journey.departure),
        arrival=_at(question.day, journey.arrival),
        duration_s=journey.arrival - journey.departure,
        transfers=journey.transfers,
        walk_s=journey.walking,
        walk_m=round(sum(leg.distance_m for leg in legs if isinstance(leg, WalkLeg))),
        wheelchair=_wheelchair(journey),
        legs=legs,
    )


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


def _stop(row: int) -> End:
    stops = timetables.service().schedule.stops
    return End(stops.id[row], stops.name[row], float(stops.lon[row]), float(stops.lat[row]))


def _ride(ride: Ride, day: date) -> RideLeg:
    service = timetables.service()
    schedule = service.schedule
    routes, trips, times = schedule.routes, schedule.trips, schedule.stop_times
    first = int(trips.first[ride.trip])
    coordinates = ride_shape(ride.trip, ride.first_row, ride.last_row)
    return RideLeg(
        mode=mode_of(int(routes.type[ride.route])),
        line=service.line(ride.route),
        line_id=routes.id[ride.route],
        line_name=routes.long_name[ride.route],
        agency=schedule.agencies.get(routes.agency[ride.route], ""),
        color=routes.color[ride.route],
        text_color=routes.text_color[ride.route],
        headsign=service.headsign(ride.trip),
        trip_id=trips.id[ride.trip],
        service_day=day + timedelta(days=days_of(ride.shift)),
        from_sequence=ride.first_row - first,
        to_sequence=ride.last_row - first,
        origin=_stop(ride.from_stop),
        target=_stop(ride.to_stop),
        departure=_at(day, ride.departure),
        arrival=_at(day, ride.arrival),
        duration_s=ride.arrival - ride.departure,
        distance_m=round(_length(coordinates)),
        stops=tuple(
            Called(schedule.stops.name[int(times.stop[row])], _at(day, int(times.arrival[row]) + ride.shift))
            for row in range(ride.first_row, ride.last_row + 1)
        ),
        coordinates=coordinates,
    )


def ride_shape(trip: int, first_row: int, last_row: int) -> Coordinates:
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


def _length(coordinates: Coordinates) -> float:
    return sum(metres_between((a[0], a[1]), (b[0], b[1])) for a, b in pairwise(coordinates))


def _walk(walk: Walk, question: Question) -> WalkLeg:
    origin = _stop(walk.from_stop) if walk.from_stop >= 0 else _door(question.origin)
    target = _stop(walk.to_stop) if walk.to_stop >= 0 else _door(question.goal)
    ends = Point(origin.lon, origin.lat), Point(target.lon, target.lat)
    distance, steps, coordinates = _way(*ends, question.wheelchair)
    return WalkLeg(
        origin=origin,
        target=target,
        departure=_at(question.day, walk.departure),
        arrival=_at(question.day, walk.arrival),
        duration_s=walk.arrival - walk.departure,
        distance_m=distance,
        steps=steps,
        coordinates=coordinates,
    )


def _door(place: Point) -> End:
    return End("", "", place.lon, place.lat)


def _way(origin: Point, target: Point, wheelchair: bool) -> tuple[int, tuple[Step, ...], Coordinates]:
    """The way on foot: along the streets, or the straight line where there is no map of them."""
    network = network_for(wheelchair)
    path = None
    if network:
        a, b = network.snap(*origin), network.snap(*target)
        path = network.route(a, b, 3 * 3600) if a and b else None
    ends = [[round(place.lon, 6), round(place.lat, 6)] for place in (origin, target)]
    if path is None:
        return round(metres_between(origin, target)), (), ends
    inner = np.column_stack([path.lon, path.lat]).round(6).tolist()
    steps = tuple(Step(step.name, step.turn, round(step.distance)) for step in path.steps)
    return round(path.distance), steps, [ends[0], *inner, ends[1]]


def walk_only(question: Question, seconds: int) -> Itinerary:
    """The whole way on foot, as an itinerary."""
    start = question.second if question.mode == "leave" else question.second - seconds
    return _itinerary(Journey(start, start + seconds, (Walk(-1, -1, start, start + seconds),)), question)
