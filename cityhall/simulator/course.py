"""The way a vehicle goes: a polyline in degrees, measured in metres."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from cityhall.engines.gtfs import Schedule

METRES_A_DEGREE = 111_195.08
"""On a sphere of 6,371 km."""


@dataclass(frozen=True)
class Course:
    """A polyline of (lon, lat) with the metres from its start to each point."""

    points: tuple[tuple[float, float], ...]
    distance: tuple[float, ...]

    @classmethod
    def along(cls, points: Sequence[tuple[float, float]]) -> Course:
        """The course through points, measured on the way."""
        distance = [0.0]
        for (lon, lat), (lon2, lat2) in itertools.pairwise(points):
            east = (lon2 - lon) * math.cos(math.radians(lat)) * METRES_A_DEGREE
            distance.append(distance[-1] + math.hypot(east, (lat2 - lat) * METRES_A_DEGREE))
        return cls(tuple(points), tuple(distance))

    @property
    def length(self) -> float:
        """Metres."""
        return self.distance[-1]

    def at(self, metres: float, right: float = 0.0) -> tuple[float, float, float]:
        """(lon, lat, bearing in degrees) at a distance from the start, `right` metres to the right of the line."""
        place = min(max(bisect_right(self.distance, metres), 1), len(self.distance) - 1)
        (lon, lat), (lon2, lat2) = self.points[place - 1], self.points[place]
        span = self.distance[place] - self.distance[place - 1]
        share = min(1.0, max(0.0, (metres - self.distance[place - 1]) / span)) if span > 0 else 0.0
        narrow = math.cos(math.radians(lat))
        east, north = (lon2 - lon) * narrow, lat2 - lat
        size = math.hypot(east, north) or 1.0
        lon, lat = lon + (lon2 - lon) * share, lat + (lat2 - lat) * share
        bearing = math.degrees(math.atan2(east, north)) % 360
        return (
            lon + right * north / size / (METRES_A_DEGREE * narrow),
            lat - right * east / size / METRES_A_DEGREE,
            bearing,
        )

    def turn(self, metres: float) -> float:
        """By how many degrees the line turns at the next of its points within 25 m."""
        place = bisect_right(self.distance, metres)
        if not 0 < place < len(self.distance) - 1 or self.distance[place] - metres > 25:
            return 0.0
        before, after = self.at(self.distance[place] - 0.1)[2], self.at(self.distance[place] + 0.1)[2]
        return abs((after - before + 180) % 360 - 180)


def shape_course(schedule: Schedule, shape: int) -> Course:
    """A shape of the schedule as a course, with the feed's own distances."""
    shapes = schedule.shapes
    rows = slice(int(shapes.first[shape]), int(shapes.first[shape + 1]))
    points = tuple(zip(shapes.lon[rows].tolist(), shapes.lat[rows].tolist(), strict=True))
    return Course(points, tuple(float(metres) for metres in shapes.distance[rows]))
