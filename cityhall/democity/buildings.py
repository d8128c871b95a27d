"""What stands on the blocks: houses along their streets, parks, squares, schools."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from shapely import Polygon

from cityhall.democity.streets import Quarter


class Way(NamedTuple):
    """How a quarter builds: setback from the street, width and depth of a house (least, most), gap, share built."""

    setback: float
    width: tuple[float, float]
    depth: tuple[float, float]
    gap: float
    share: float


WAYS = {
    "old": Way(5.5, (8, 14), (10, 13), 0.0, 0.97),
    "grid": Way(9.0, (13, 24), (13, 16), 0.4, 0.93),
    "garden": Way(13.0, (10, 14), (9, 12), 9.0, 0.86),
    "industry": Way(18.0, (50, 110), (35, 60), 16.0, 0.8),
    "campus": Way(20.0, (28, 52), (16, 24), 18.0, 0.55),
}


@dataclass(frozen=True, slots=True)
class Use:
    """A block's use as OSM tags, and whether houses stand on it."""

    tags: dict[str, str]
    built: bool


def use_of(quarter: Quarter, block: Polygon, rng: np.random.Generator) -> Use:
    """Parks are scattered; what else a block is follows its quarter."""
    draw = rng.random()
    if quarter.kind == "industry":
        return Use({"landuse": "industrial"}, True)
    if draw < {"garden": 0.1, "campus": 0.3, "old": 0.025, "grid": 0.045}[quarter.kind] or block.area > 90_000:
        return Use({"leisure": "park"}, False)
    if draw > 0.93 and quarter.kind == "garden":
        return Use({"natural": "wood"}, False)
    if quarter.kind == "campus":
        return Use({"amenity": "university"}, True)
    if quarter.kind == "grid" and draw > 0.955:
        return Use({"landuse": "retail"}, True)
    return Use({"landuse": "residential"}, True)


def houses(block: Polygon, quarter: Quarter, rng: np.random.Generator) -> list[Polygon]:
    """Houses side by side along a block's streets, none touching another's ground."""
    way = WAYS[quarter.kind]
    ground = block.buffer(-way.setback, join_style="mitre")
    if ground.is_empty or ground.geom_type != "Polygon" or ground.area < 120:
        return []
    shapely.prepare(ground)
    ring = np.array(shapely.orient_polygons(ground).exterior.coords)
    stood: list[Polygon] = []
    for a, b in pairwise(ring):
        length = float(np.hypot(*(b - a)))
        along = (b - a) / max(length, 1e-9)
        inward = np.array([-along[1], along[0]])
        place = 0.4
        while place < length - way.width[0] * 0.8:
            width = min(float(rng.uniform(*way.width)), length - place - 0.3)
            depth = float(rng.uniform(*way.depth))
            corner = a + along * place + inward * 0.2
            place += width + way.gap * float(rng.uniform(0.6, 1.6))
            if width < 6 or rng.random() > way.share:
                continue
            house = Polygon(
                [corner, corner + along * width, corner + along * width + inward * depth, corner + inward * depth]
            )
            if ground.contains(house) and not any(house.intersects(other) for other in stood):
                stood.append(house)
    return stood
