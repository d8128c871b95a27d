"""A grid over the plane: which segments of which ways lie near each of its squares.

Every segment stands in all squares it comes near to (within its way's reach), so one look into one square finds all
candidates for a fix in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.gtfs.schedule import Float64, Int32, Int64

SQUARE_M = 100.0
REACH_M = 60.0
"""How far off a line a fix may lie and still be looked at for it; three times the way's spread where that is more."""
SQUARES = 4_000_000
"""Most squares; a feed that spans more land gets larger ones."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Square (row, column) holds segments `segment[first[cell]:first[cell + 1]]`, cell = row * columns + column.

    A segment is the row of its first point in `Ways.x`; they stand in ascending order.
    """

    left: float
    bottom: float
    side: float
    columns: int
    rows: int
    first: Int64
    segment: Int32


@compiled()
def _spread(
    segments: Int64,
    reach: Float64,
    x: Float64,
    y: Float64,
    left: float,
    bottom: float,
    side: float,
    columns: int,
    rows: int,
    first: Int64,
    out: Int32,
    write: bool,
) -> None:
    """Counts (`write` False) or writes every segment into the squares within reach of it."""
    for place in range(segments.size):
        a = segments[place]
        far = reach[place]
        low_x, high_x = min(x[a], x[a + 1]) - far, max(x[a], x[a + 1]) + far
        low_y, high_y = min(y[a], y[a + 1]) - far, max(y[a], y[a + 1]) + far
        dx, dy = x[a + 1] - x[a], y[a + 1] - y[a]
        length = max(np.sqrt(dx * dx + dy * dy), 1e-9)
        half = side * 0.5
        for row in range(max(0, int((low_y - bottom) // side)), min(rows - 1, int((high_y - bottom) // side)) + 1):
            for column in range(
                max(0, int((low_x - left) // side)), min(columns - 1, int((high_x - left) // side)) + 1
            ):
                # A long slanting segment's box has squares that it never comes near.
                mx, my = left + (column + 0.5) * side - x[a], bottom + (row + 0.5) * side - y[a]
                if abs(mx * dy - my * dx) / length > far + half * 1.4143:
                    continue
                cell = row * columns + column
                if write:
                    out[first[cell]] = a
                first[cell] += 1


def build_grid(way_first: Int64, x: Float64, y: Float64, spread: Float64) -> Grid:
    """The grid of all segments of the ways."""
    if x.size == 0:
        return Grid(0.0, 0.0, SQUARE_M, 1, 1, np.zeros(2, np.int64), np.zeros(0, np.int32))
    reach = np.maximum(REACH_M, 3.0 * spread)
    last = np.zeros(x.size, np.bool_)
    last[way_first[1:] - 1] = True
    segments = np.flatnonzero(~last)
    far = np.repeat(reach, np.diff(way_first) - 1)
    margin = float(reach.max())
    left, bottom = float(x.min()) - margin, float(y.min()) - margin
    width, height = float(x.max()) + margin - left, float(y.max()) + margin - bottom
    side = max(SQUARE_M, float(np.sqrt(width * height / SQUARES)), max(width, height) / SQUARES * 2)
    columns, rows = int(width // side) + 1, int(height // side) + 1
    count = np.zeros(columns * rows, np.int64)
    _spread(segments, far, x, y, left, bottom, side, columns, rows, count, np.zeros(0, np.int32), False)
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    segment = np.zeros(int(first[-1]), np.int32)
    _spread(segments, far, x, y, left, bottom, side, columns, rows, first[:-1].copy(), segment, True)
    return Grid(left, bottom, side, columns, rows, first, segment)
