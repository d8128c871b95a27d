"""Land and water. All lengths are metres on a plane; `to_degrees` puts it into the open Atlantic."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, Polygon
from shapely.affinity import rotate, scale

Points = npt.NDArray[np.float64]
HALF = 4600.0
CENTER = (-29.4, 36.35)
METRES_A_DEGREE = 111_195.08


def to_degrees(points: Points) -> Points:
    """(n, 2) metres as longitude and latitude."""
    scale = METRES_A_DEGREE * np.cos(np.radians(CENTER[1]))
    return np.column_stack([points[:, 0] / scale + CENTER[0], points[:, 1] / METRES_A_DEGREE + CENTER[1]])


@dataclass(frozen=True, slots=True)
class Terrain:
    """`coast` runs west to east with land on its left; `banks` is the river's middle line, from its spring."""

    coast: LineString
    land: Polygon
    river: Polygon
    island: Polygon
    course: LineString
    dry: Polygon  # land without the river
    hills: tuple[tuple[float, float], ...]


def smooth(points: Points, times: int = 3) -> Points:
    """Chaikin's corner cutting; the ends stay."""
    for _ in range(times):
        a, b = points[:-1], points[1:]
        cut = np.empty((2 * len(a), 2))
        cut[0::2], cut[1::2] = 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b
        points = np.vstack([points[:1], cut, points[-1:]])
    return points


def make_terrain(rng: np.random.Generator) -> Terrain:
    """A bay open to the south-west, capes on both sides, a river that winds down from the hills in the north."""
    anchors = np.array(
        [
            (-HALF - 200, -900),
            (-3700, -1350),
            (-2900, -1900),
            (-2300, -2050),
            (-1700, -1500),
            (-1000, -950),
            (-300, -800),
            (350, -1000),
            (900, -1500),
            (1500, -1750),
            (2100, -2450),
            (2800, -2900),
            (3500, -2650),
            (HALF + 200, -2300),
        ],
        np.float64,
    )
    anchors[1:-1] += rng.uniform(-90, 90, (len(anchors) - 2, 2))
    coast = LineString(smooth(anchors))
    land = Polygon([*coast.coords, (HALF + 200, HALF + 200), (-HALF - 200, HALF + 200)])
    course = LineString(smooth(_course(rng)))
    river = _widened(course)
    middle = course.interpolate(0.62, normalized=True)
    island = rotate(scale(middle.buffer(1), 75, 210), 12)
    river = shapely.union_all([river, island.buffer(60)]).difference(island)
    dry = land.difference(river)
    return Terrain(coast, land, river, island, course, dry, ((-2200, 2700), (2600, 2300), (300, 3600)))


def _course(rng: np.random.Generator) -> Points:
    steps = np.linspace(0, 1, 10)
    x = 1500 - 1350 * steps + 420 * np.sin(steps * 7.2) + rng.uniform(-70, 70, 10)
    y = HALF + 300 - (HALF + 300 + 1150) * steps
    x[-1], y[-1] = 130, -1250
    return np.column_stack([x, y])


def _widened(course: LineString) -> Polygon:
    """The river as wide as its water: 45 m at its spring, 190 m at its mouth."""
    pieces = []
    for place in np.linspace(0, 1, 90):
        pieces.append(course.interpolate(place, normalized=True).buffer(22 + 75 * place**1.6))
    hulls = [shapely.convex_hull(shapely.union(a, b)) for a, b in pairwise(pieces)]
    return shapely.union_all(hulls)
