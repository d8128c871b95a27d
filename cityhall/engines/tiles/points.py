"""Tiles of points: what of many lies in a tile, thinned where marks would hide one another, and written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityhall.engines.compiled import compiled
from cityhall.engines.tiles.columns import Column, Int32, layer_bytes, tags
from cityhall.engines.tiles.index import Index, Rows
from cityhall.engines.tiles.mercator import BUFFER, EXTENT, Float
from cityhall.engines.tiles.values import Bytes, Int64, varint_size, write_varint

NONE = np.empty(0, np.int32)
GRID = 128
"""Cells across a tile of which each keeps one point: 4 px on a screen, less than a mark is wide."""
FULL = 2_000
"""Points a tile may have before they are thinned."""
SQUARES = 2_000
"""Squares across that are counted by place; where points are farther apart, they are sorted."""
POINTS = "points"
"""The property that tells how many points a mark stands for, where it is more than one."""


@compiled()
def _inside(
    u: Float, v: Float, near: Rows, every: bool, place: tuple[float, float, float], rows: Int64, px: Int64, py: Int64
) -> int:
    scale, x, y = place
    count = 0
    for at in range(u.size if every else near.size):
        row = at if every else np.int64(near[at])
        across = (u[row] * scale - x) * EXTENT
        down = (v[row] * scale - y) * EXTENT
        if -BUFFER <= across < EXTENT + BUFFER and -BUFFER <= down < EXTENT + BUFFER:
            rows[count] = row
            px[count] = np.int64(np.floor(across))
            py[count] = np.int64(np.floor(down))
            count += 1
    return count


@compiled()
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
    u: Float,
    v: Float,
    z: int,
    x: int,
    y: int,
    *,
    index: Index | None = None,
    keep: Callable[[Int64], npt.NDArray[np.bool_]] | None = None,
    thin: bool = True,
) -> tuple[Int64, Int64, Int64, Int64]:
    """What a tile shows of points at world shares (u, v): (rows, px, py, counts), tile units.

    Where more than FULL lie in it, one of each GRID cell stays and `counts` says how many it stands for; without
    `thin` all of them stay. `keep` says which of some rows are not filtered away. With an `index` of (u, v) the same
    is found sooner.
    """
    near = index.near(z, x, y) if index else None
    size = u.size if near is None else near.size
    rows, px, py = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    place = (float(1 << z), float(x), float(y))
    found = _inside(u, v, NONE if near is None else near, near is None, place, rows, px, py)
    rows, px, py = rows[:found], px[:found], py[:found]
    if keep is not None:
        kept = keep(rows)
        rows, px, py = rows[kept], px[kept], py[kept]
    if not thin or rows.size <= FULL:
        return rows, px, py, np.ones(rows.size, np.int64)
    step = EXTENT // GRID
    low = -(-BUFFER // step) * step
    side = (EXTENT + 2 * low) // step
    first, counts = np.empty(rows.size, np.int64), np.empty(rows.size, np.int64)
    marks = _thin(px, py, step, -low, side, first, counts)
    first = first[:marks]
    return rows[first], px[first], py[first], counts[:marks]


@compiled()
def _write(ids: Int64, px: Int64, py: Int64, table: Int32, out: Bytes) -> int:
    """Features one after another: id (field 1), tags (2), type (3), geometry (4); gives how many bytes."""
    at = 0
    for row in range(px.size):
        zx, zy = (px[row] << 1) ^ (px[row] >> 63), (py[row] << 1) ^ (py[row] >> 63)
        shape = 1 + varint_size(zx) + varint_size(zy)
        tagged = 0
        for key in range(table.shape[0]):
            if table[key, row] >= 0:
                tagged += varint_size(key) + varint_size(table[key, row])
        size = 2 + 2 + shape
        if ids[row] >= 0:
            size += 1 + varint_size(ids[row])
        if tagged:
            size += 1 + varint_size(tagged) + tagged
        out[at] = 0x12
        at = write_varint(out, at + 1, size)
        if ids[row] >= 0:
            out[at] = 0x08
            at = write_varint(out, at + 1, ids[row])
        if tagged:
            out[at] = 0x12
            at = write_varint(out, at + 1, tagged)
            for key in range(table.shape[0]):
                if table[key, row] >= 0:
                    at = write_varint(out, at, key)
                    at = write_varint(out, at, table[key, row])
        out[at], out[at + 1], out[at + 2], out[at + 3] = 0x18, 1, 0x22, shape
        # MoveTo, once: command 1, count 1.
        out[at + 4] = 9
        at = write_varint(out, at + 5, zx)
        at = write_varint(out, at, zy)
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
    if counts is not None and counts.max() > 1:
        columns = [*columns, Column.of_arrow(POINTS, pa.array(counts))]
    table, values = tags(columns, px.size)
    out = np.empty(px.size * (40 + 10 * len(columns)), np.uint8)
    size = _write(np.full(px.size, -1, np.int64) if ids is None else ids, px, py, table, out)
    return layer_bytes(name, EXTENT, [column.name for column in columns], values, out[:size].tobytes())


def count_squares(lon: Float, lat: Float, step: float) -> tuple[Float, Float, Float]:
    """Points in squares of `step` degrees: (lon, lat) of the first in each square, and how many there are."""
    across, down = (np.floor(axis / step).astype(np.int64) for axis in (lon, lat))
    if lon.size == 0:
        return lon, lat, lon
    across, down = across - across.min(), down - down.min()
    side = int(max(across.max(), down.max())) + 1
    if side > SQUARES:
        _, first, counts = np.unique(across * side + down, return_index=True, return_counts=True)
        return lon[first], lat[first], counts.astype(np.float64)
    first, counts = np.empty(lon.size, np.int64), np.empty(lon.size, np.int64)
    found = _thin(across, down, 1, 0, side, first, counts)
    return lon[first[:found]], lat[first[:found]], counts[:found].astype(np.float64)
