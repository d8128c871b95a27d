"""Ways: the distinct lines that vehicles drive, as polylines in metres, with a grid that finds them by place.

A way is a route, a direction, a shape and a sequence of stops; trips that have all four in common drive the same way.
Metres are on a local plane around the middle of the feed's stops (x east, y north).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cityhall.engines.gtfs.interpolation import METRES_A_DEGREE
from cityhall.engines.gtfs.schedule import Bool, Float64, Int8, Int32, Int64, Schedule
from cityhall.engines.positioning.grid import Grid, build_grid

DRAWN_SPREAD_M = 3.5
"""How far from a shape vehicles truly drive (one sigma): the width of a road, and how well shapes are drawn."""
STRAIGHT_SPREAD_M = 60.0
"""The same where there is no shape and a straight line from stop to stop stands for the streets between."""
SAME_POINT_M = 0.01


@dataclass(frozen=True, slots=True)
class Plane:
    """The local plane: metres east and north of a point (equirectangular; good to 0.1 % over a city)."""

    lon: float
    lat: float

    @property
    def wide(self) -> float:
        """Metres of one degree of longitude."""
        return METRES_A_DEGREE * max(0.01, float(np.cos(np.radians(self.lat))))

    def metres(self, lon: Float64, lat: Float64) -> tuple[Float64, Float64]:
        """Degrees to x, y."""
        return (lon - self.lon) * self.wide, (lat - self.lat) * METRES_A_DEGREE

    def degrees(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """x, y to degrees of longitude and latitude."""
        return x / self.wide + self.lon, y / METRES_A_DEGREE + self.lat


@dataclass(frozen=True)
class Ways:
    """W ways with P points and C calls in all, flattened.

    Way w's points are rows first[w]:first[w + 1], its calls call_first[w]:call_first[w + 1]. Made anew for a new feed.
    """

    plane: Plane
    route: Int32  # (W,) row of the schedule's routes
    direction: Int8  # (W,) 0, 1, -1 unknown
    shape: Int32  # (W,) row of the schedule's shapes, -1 where straight lines stand for it
    spread: Float64  # (W,) metres, one sigma, that vehicles keep off the line
    first: Int64  # (W + 1,)
    x: Float64  # (P,) metres
    y: Float64
    along: Float64  # (P,) metres from the way's start
    lanes: Int8  # (P,) lanes in the way's direction from this point on, 0 not known
    oneway: Bool  # (P,) the line runs in the middle of those lanes, and not at their left (or right) edge
    call_first: Int64  # (W + 1,)
    stop: Int32  # (C,) row of the schedule's stops
    stop_along: Float64  # (C,) metres from the way's start, never decreasing
    trip_way: Int32  # (trips,) the way of each trip of the schedule
    trip_id: list[str]  # (trips,)

    def __len__(self) -> int:
        return int(self.first.size - 1)

    @cached_property
    def grid(self) -> Grid:
        """Which segments lie near each square of the plane."""
        return build_grid(self.first, self.x, self.y, self.spread)

    @cached_property
    def trip_row(self) -> dict[str, int]:
        """Row of the schedule's trips by GTFS id."""
        return {name: row for row, name in enumerate(self.trip_id)}

    def length(self, way: int) -> float:
        """Metres of a way."""
        return float(self.along[self.first[way + 1] - 1])

    def place(self, way: int, along: float) -> tuple[float, float]:
        """x, y of a way `along` metres from its start."""
        rows = slice(int(self.first[way]), int(self.first[way + 1]))
        return (
            float(np.interp(along, self.along[rows], self.x[rows])),
            float(np.interp(along, self.along[rows], self.y[rows])),
        )

    @classmethod
    def from_schedule(cls, schedule: Schedule, around: tuple[float, float] = (0.0, 0.0)) -> Ways:
        """The ways of all the schedule's trips; none for a schedule without trips.

        `around` (longitude, latitude) is the middle of the plane where the schedule has no stop to say so.
        """
        trip_way, heads = _distinct(schedule)
        plane = _plane(schedule, around)
        lines = [_line(schedule, plane, trip) for trip in heads]
        sizes = [x.size for x, _, _ in lines]
        calls = [slice(int(schedule.trips.first[trip]), int(schedule.trips.first[trip + 1])) for trip in heads]
        points = sum(sizes)
        return cls(
            plane=plane,
            route=schedule.trips.route[heads].astype(np.int32),
            direction=schedule.trips.direction[heads].astype(np.int8),
            shape=schedule.trips.shape[heads].astype(np.int32),
            spread=np.where(schedule.trips.shape[heads] >= 0, DRAWN_SPREAD_M, STRAIGHT_SPREAD_M),
            first=_offsets(sizes),
            x=_joined([x for x, _, _ in lines]),
            y=_joined([y for _, y, _ in lines]),
            along=_joined([_lengths(x, y) for x, y, _ in lines]),
            lanes=np.zeros(points, np.int8),
            oneway=np.zeros(points, np.bool_),
            call_first=_offsets([rows.stop - rows.start for rows in calls]),
            stop=np.concatenate([schedule.stop_times.stop[rows] for rows in calls]) if calls else np.zeros(0, np.int32),
            stop_along=_joined([along for _, _, along in lines]),
            trip_way=trip_way,
            trip_id=schedule.trips.id,
        )


def _distinct(schedule: Schedule) -> tuple[Int32, Int64]:
    """(trips,) each trip's way, and (W,) the first trip of each."""
    trips, stops = schedule.trips, schedule.stop_times.stop
    known: dict[tuple[int, int, int, bytes], int] = {}
    way = np.empty(len(trips), np.int32)
    heads: list[int] = []
    for trip in range(len(trips)):
        called = stops[trips.first[trip] : trips.first[trip + 1]]
        key = (int(trips.route[trip]), int(trips.direction[trip]), int(trips.shape[trip]), called.tobytes())
        if key not in known:
            known[key] = len(heads)
            heads.append(trip)
        way[trip] = known[key]
    return way, np.array(heads, np.int64)


def _plane(schedule: Schedule, around: tuple[float, float]) -> Plane:
    lon, lat = schedule.stops.lon, schedule.stops.lat
    good = np.isfinite(lon) & np.isfinite(lat)
    if not good.any():
        return Plane(*around)
    return Plane(float(np.median(lon[good])), float(np.median(lat[good])))


def _line(schedule: Schedule, plane: Plane, trip: int) -> tuple[Float64, Float64, Float64]:
    """x, y of a trip's line and its stops' metres along it. Points on the same spot are one."""
    calls = slice(int(schedule.trips.first[trip]), int(schedule.trips.first[trip + 1]))
    shape, along = int(schedule.trips.shape[trip]), schedule.stop_times.shape_distance[calls].astype(np.float64)
    if shape >= 0 and np.isfinite(along).all():
        points = slice(int(schedule.shapes.first[shape]), int(schedule.shapes.first[shape + 1]))
        x, y = plane.metres(schedule.shapes.lon[points], schedule.shapes.lat[points])
        told = schedule.shapes.distance[points].astype(np.float64)
    else:
        stops = schedule.stop_times.stop[calls]
        x, y = plane.metres(schedule.stops.lon[stops], schedule.stops.lat[stops])
        along = told = _lengths(x, y)
    keep = np.hypot(np.diff(x, prepend=np.inf), np.diff(y, prepend=np.inf)) > SAME_POINT_M
    x, y, told = x[keep], y[keep], told[keep]
    if x.size == 1:  # a line of one point still needs a segment
        x, y, told = np.append(x, x[0] + 1.0), np.append(y, y[0]), np.append(told, told[0] + 1.0)
    # The feed's own metres are kept in proportion: its plane had another middle than ours.
    return x, y, np.maximum.accumulate(np.interp(along, told, _lengths(x, y)))


def _lengths(x: Float64, y: Float64) -> Float64:
    result: Float64 = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    return result


def _offsets(sizes: list[int]) -> Int64:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _joined(parts: list[Float64]) -> Float64:
    return np.concatenate(parts) if parts else np.zeros(0)
