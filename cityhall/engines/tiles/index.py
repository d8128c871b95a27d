"""Where points lie, so that a small tile is found without looking at all of them: the Z curve.

Source: G. M. Morton, A computer oriented geodetic data base (IBM, 1966). A tile of the web's grid is one stretch of the
curve, whatever its zoom; so dense and empty places are alike to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cityhall.engines.compiled import compiled
from cityhall.engines.tiles.mercator import Float

Int64 = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
BITS = 25
"""The curve's last zoom: squares of 1.2 m at the equator."""
FINER = 3
"""Zooms by which a tile's margin is looked for in squares smaller than the tile."""

DENSE = 16
"""Where more than one of so many points is near, putting them in order takes longer than looking at all."""


@dataclass(frozen=True, slots=True)
class Index:
    """`order` are the points' rows along the curve, `codes` their places on it, ascending."""

    order: Rows
    codes: Int64

    @classmethod
    def of(cls, u: Float, v: Float) -> Index:
        """The index of points at world shares (u, v)."""
        codes = np.empty(u.size, np.int64)
        _codes(u, v, codes)
        order = np.argsort(codes, kind="stable").astype(np.int32)
        return cls(order, codes[order])

    def near(self, z: int, x: int, y: int) -> Rows | None:
        """The rows of a tile and a little round it, ascending; None where many are: looking at all is as quick."""
        spans = np.empty((4 * ((1 << FINER) + 1) + 1, 2), np.int64)
        found = _spans(self.codes, z, x, y, spans)
        if found > self.order.size // DENSE:
            return None
        rows = np.empty(found, np.int32)
        _gather(self.order, spans, rows)
        return rows


@compiled()
def _spread(number: int) -> int:
    """Puts a 0 between the bits of a number of up to 31 bits."""
    number = (number | number << 16) & 0x0000FFFF0000FFFF
    number = (number | number << 8) & 0x00FF00FF00FF00FF
    number = (number | number << 4) & 0x0F0F0F0F0F0F0F0F
    number = (number | number << 2) & 0x3333333333333333
    return (number | number << 1) & 0x5555555555555555


@compiled()
def _codes(u: Float, v: Float, codes: Int64) -> None:
    last = (1 << BITS) - 1
    for row in range(u.size):
        # What is no number is put at the edge: it lies in no tile, but has a place on the curve.
        across = u[row] * (1 << BITS) if 0 <= u[row] < 1 else (last if u[row] >= 1 else 0)
        down = v[row] * (1 << BITS) if 0 <= v[row] < 1 else (last if v[row] >= 1 else 0)
        codes[row] = _spread(int(down)) << 1 | _spread(int(across))


@compiled()
def _spans(codes: Int64, z: int, x: int, y: int, spans: Int64) -> int:
    """Fills `spans` with where the tile and the small squares round it lie on the curve; gives how many points."""
    finer = min(FINER, BITS - z)
    side = 1 << finer
    shift = 2 * (BITS - z - finer)
    spans[:] = 0
    found = count = 0
    for down in range(-1, side + 1):
        for across in range(-1, side + 1):
            inner = 0 <= down < side and 0 <= across < side
            column, line = (x << finer) + across, (y << finer) + down
            if (inner and (down or across)) or min(column, line) < 0 or max(column, line) >= 1 << z + finer:
                continue
            # The squares of the tile itself follow one another, so the first stands for all.
            first = (_spread(line) << 1 | _spread(column)) << shift
            spans[count, 0] = np.searchsorted(codes, first)
            spans[count, 1] = np.searchsorted(codes, first + ((side * side if inner else 1) << shift))
            found += spans[count, 1] - spans[count, 0]
            count += 1
    return found


@compiled()
def _gather(order: Rows, spans: Int64, rows: Rows) -> None:
    at = 0
    for place in range(spans.shape[0]):
        for along in range(spans[place, 0], spans[place, 1]):
            rows[at] = order[along]
            at += 1
    rows.sort()
