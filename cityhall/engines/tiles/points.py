"""Tiles of points: what of many lies in a tile, thinned where marks would hide one another, and written."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from cityhall.engines.tiles.columns import Column, layer_bytes, tags
from cityhall.engines.tiles.mercator import BUFFER, EXTENT, Float

Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
GRID = 128
"""Cells across a tile of which each keeps one point: 4 px on a screen, less than a mark is wide."""
FULL = 2_000
"""Points a tile may have before they are thinned."""
POINTS = "points"
"""The property that tells how many points a mark stands for, where it is more than one."""


@nb.njit(cache=True, nogil=True)
def _inside(
    u: Float,
    v: Float,
    keep: Bool,
    scale: float,
    x: float,
    y: float,
    low: float,
    high: float,
    rows: Int64,
    px: Int64,
    py: Int64,
) -> int:
    count = 0
    for row in range(u.size):
        across = (u[row] * scale - x) * 4096.0
        down = (v[row] * scale - y) * 4096.0
        if across >= low and across < high and down >= low and down < high and (keep.size == 0 or keep[row]):
            rows[count] = row
            px[count] = np.int64(np.floor(across))
            py[count] = np.int64(np.floor(down))
            count += 1
    return count


@nb.njit(cache=True, nogil=True)
def _thin(px: Int64, py: Int64, step: int, low: int, side: int, first: Int64, counts: Int64) -> int:
    kept = 0
    owner = np.full(side * side, -1, np.int64)
    for place in range(px.size):
        cell = (py[place] - low) // step * side + (px[place] - low) // step
        if owner[cell] < 0:
            owner[cell] = kept
            first[kept] = place
            counts[kept] = 1
            kept += 1
        else:
            counts[owner[cell]] += 1
    return kept


def cut_points(
    u: Float, v: Float, z: int, x: int, y: int, *, keep: npt.NDArray[np.bool_] | None = None, thin: bool = True
) -> tuple[Int64, Int64, Int64, Int64]:
    """What a tile shows of points at world shares (u, v): (rows, px, py, counts), tile units.

    Where more than FULL lie in it, one of each GRID cell stays and `counts` says how many it stands for; without
    `thin` all of them stay. `keep` leaves out rows that are filtered away.
    """
    rows, px, py = np.empty(u.size, np.int64), np.empty(u.size, np.int64), np.empty(u.size, np.int64)
    keep = np.empty(0, np.bool_) if keep is None else keep
    found = _inside(u, v, keep, float(1 << z), float(x), float(y), -BUFFER, EXTENT + BUFFER, rows, px, py)
    rows, px, py = rows[:found], px[:found], py[:found]
    if not thin or found <= FULL:
        return rows, px, py, np.ones(found, np.int64)
    step = EXTENT // GRID
    low = -(-BUFFER // step) * step
    side = (EXTENT + 2 * low) // step
    first, counts = np.empty(found, np.int64), np.empty(found, np.int64)
    kept = _thin(px, py, step, -low, side, first, counts)
    first = first[:kept]
    return rows[first], px[first], py[first], counts[:kept]


@nb.njit(cache=True, nogil=True)
def _varint(out: Bytes, at: int, number: int) -> int:
    while number > 127:
        out[at] = np.uint8(number & 127 | 128)
        number >>= 7
        at += 1
    out[at] = np.uint8(number)
    return at + 1


@nb.njit(cache=True, nogil=True)
def _length(number: int) -> int:
    size = 1
    while number > 127:
        number >>= 7
        size += 1
    return size


@nb.njit(cache=True, nogil=True)
def _write(ids: Int64, px: Int64, py: Int64, table: Int64, out: Bytes) -> int:
    """Features one after another: id (field 1), tags (2), type (3), geometry (4); gives how many bytes."""
    at = 0
    for row in range(px.size):
        zx, zy = (px[row] << 1) ^ (px[row] >> 63), (py[row] << 1) ^ (py[row] >> 63)
        shape = 1 + _length(zx) + _length(zy)
        tagged = 0
        for key in range(table.shape[1]):
            if table[row, key] >= 0:
                tagged += _length(key) + _length(table[row, key])
        size = 2 + 2 + shape
        if ids[row] >= 0:
            size += 1 + _length(ids[row])
        if tagged:
            size += 1 + _length(tagged) + tagged
        out[at] = 0x12
        at = _varint(out, at + 1, size)
        if ids[row] >= 0:
            out[at] = 0x08
            at = _varint(out, at + 1, ids[row])
        if tagged:
            out[at] = 0x12
            at = _varint(out, at + 1, tagged)
            for key in range(table.shape[1]):
                if table[row, key] >= 0:
                    at = _varint(out, at, key)
                    at = _varint(out, at, table[row, key])
        out[at], out[at + 1], out[at + 2], out[at + 3] = 0x18, 1, 0x22, shape
        # MoveTo, once: command 1, count 1.
        out[at + 4] = 9
        at = _varint(out, at + 5, zx)
        at = _varint(out, at, zy)
    return at


def encode_points(
    name: str, px: Int64, py: Int64, columns: list[Column], *, ids: Int64 | None = None, counts: Int64 | None = None
) -> bytes:
    """A tile with one layer of points at tile units (px, py); b"" where there are none.

    `columns` have a row a point. `ids` below 0 are left out. Where `counts` has more than 1, the property POINTS
    tells it.
    """
    if px.size == 0:
        return b""
    if counts is not None and bool((counts > 1).any()):
        known, codes = np.unique(counts, return_inverse=True)
        columns = [*columns, Column(POINTS, known.tolist(), codes.astype(np.int32))]
    table, values = tags(columns) if columns else (np.empty((px.size, 0), np.int64), [])
    out = np.empty(px.size * (40 + 10 * len(columns)), np.uint8)
    size = _write(np.full(px.size, -1, np.int64) if ids is None else ids, px, py, table, out)
    return layer_bytes(name, EXTENT, [column.name for column in columns], values, out[:size].tobytes())
