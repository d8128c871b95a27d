"""The web's tile grid: Web Mercator cut into 2^z by 2^z squares (OGC 17-083r4, WebMercatorQuad)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

EXTENT = 4096
"""Units across a tile."""
BUFFER = 64
"""Units beyond a tile's edge that belong to it too: a mark is wider than its point."""
LAST_LATITUDE = 85.051128779806604
Float = npt.NDArray[np.float64]


def to_world(lon: Any, lat: Any) -> tuple[Float, Float]:
    """Degrees as shares of the world's square, 0 to 1, from its west and north edges."""
    latitude = np.radians(np.clip(np.asarray(lat, np.float64), -LAST_LATITUDE, LAST_LATITUDE))
    u = np.asarray(lon, np.float64) / 360.0 + 0.5
    v = 0.5 - np.arctanh(np.sin(latitude)) / (2.0 * math.pi)
    return u, v


def _latitude(v: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1.0 - 2.0 * v))))


def bounds_of(z: int, x: int, y: int, buffer: float = BUFFER / EXTENT) -> tuple[float, float, float, float]:
    """(west, south, east, north) of a tile in degrees, with `buffer` of its width on each side.

    Raises ValueError where the grid has no such tile.
    """
    count = 1 << z
    if not (0 <= z <= 24 and 0 <= x < count and 0 <= y < count):
        raise ValueError(f"there is no tile {z}/{x}/{y}")
    west, east = (x - buffer) / count * 360 - 180, (x + 1 + buffer) / count * 360 - 180
    return west, _latitude((y + 1 + buffer) / count), east, _latitude((y - buffer) / count)
