"""Tiles of lines and areas: simplified to what a tile can show, clipped to it, and written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from cityhall.engines.tiles.columns import Column, layer_bytes, tags
from cityhall.engines.tiles.mercator import BUFFER, EXTENT, to_world
from cityhall.engines.tiles.values import chunk, varint

TOLERANCE = 4.0
"""Units a simplified outline may be off: half a pixel on a screen."""
LAST_SIMPLE = 16
"""The zoom from which on outlines stay as they are."""
LINE, AREA = 2, 3


def encode_shapes(name: str, shapes: npt.NDArray[Any], z: int, x: int, y: int, columns: list[Column]) -> bytes:
    """A tile with one layer of lines or areas (shapely geometries in degrees); b"" where none lies in it.

    `columns` have a row a shape. An area smaller than a unit of the tile is left out.
    """
    scale = float(1 << z)

    def place(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        u, v = to_world(degrees[:, 0], degrees[:, 1])
        return np.column_stack([(u * scale - x) * EXTENT, (v * scale - y) * EXTENT])

    placed = shapely.transform(shapes, place)
    if z < LAST_SIMPLE:
        placed = shapely.simplify(placed, TOLERANCE, preserve_topology=False)
    cut = shapely.clip_by_rect(placed, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    drawn = [(row, _geometry(shape)) for row, shape in enumerate(cut) if shape is not None and not shape.is_empty]
    drawn = [(row, made) for row, made in drawn if made[1]]
    if not drawn:
        return b""
    rows = np.array([row for row, _ in drawn], np.int64)
    table, values = tags([column.take(rows) for column in columns], rows.size)
    features = b"".join(
        chunk(2, _feature(kind, packed, table[:, place])) for place, (_row, (kind, packed)) in enumerate(drawn)
    )
    return layer_bytes(name, EXTENT, [column.name for column in columns], values, features)


def _feature(kind: int, packed: bytes, entries: npt.NDArray[Any]) -> bytes:
    tagged = b"".join(varint(key) + varint(int(entry)) for key, entry in enumerate(entries) if entry >= 0)
    return (chunk(2, tagged) if tagged else b"") + b"\x18" + varint(kind) + chunk(4, packed)


def _geometry(shape: Any) -> tuple[int, bytes]:
    """A shape's kind and its commands (MVT 2.1, section 4.3), b"" where nothing of it is left at this scale."""
    area = shape.geom_type in ("Polygon", "MultiPolygon")
    if not area and "Line" not in shape.geom_type and shape.geom_type != "GeometryCollection":
        return LINE, b""
    # A tile's y grows downwards, so what is anticlockwise to shapely is the clockwise outer ring that is wanted.
    if area:
        shape = shapely.orient_polygons(shape, exterior_cw=False)
    at = np.zeros(2, np.int64)
    made = bytearray()
    for path in _paths(shape, area):
        points = np.floor(path).astype(np.int64)
        moved = np.concatenate([[True], (points[1:] != points[:-1]).any(axis=1)])
        points = points[moved]
        if area:
            points = points[:-1] if points.shape[0] > 1 and (points[0] == points[-1]).all() else points
        if points.shape[0] < (3 if area else 2):
            continue
        steps = np.diff(np.vstack([at, points]), axis=0)
        zigzag = ((steps << 1) ^ (steps >> 63)).ravel().tolist()
        made += varint(1 << 3 | 1) + b"".join(varint(number) for number in zigzag[:2])
        made += varint((points.shape[0] - 1) << 3 | 2) + b"".join(varint(number) for number in zigzag[2:])
        if area:
            made += varint(1 << 3 | 7)
        at = points[-1]
    return (AREA if area else LINE), bytes(made)


def _paths(shape: Any, area: bool) -> Iterator[npt.NDArray[np.float64]]:
    for part in shapely.get_parts(shape):
        if area and part.geom_type == "Polygon":
            yield np.asarray(part.exterior.coords)
            yield from (np.asarray(ring.coords) for ring in part.interiors)
        elif not area and part.geom_type in ("LineString", "LinearRing"):
            yield np.asarray(part.coords)
