"""A layer's features held as columns, so that tiles, counts and charts are cut from memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from django.utils.dateparse import parse_datetime

from cityhall.engines.tiles import Column, to_world
from cityhall.kernel.places.layers import plain
from cityhall.kernel.service import Layer
from cityhall.services.map.selection import Selection

Float = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Columns of one length. `shapes` is None where every feature is a point, else its lines and areas (degrees).

    `lon`, `lat` of a line or area are a point on it; `u`, `v` the same as shares of the world (engines/tiles).
    `time` is seconds since 1970, NaN where a feature has none; `numbers` are the ids as tiles take them, -1 where an id
    is no whole number. `digest` changes with anything in it.
    """

    ids: list[Any]
    lon: Float
    lat: Float
    u: Float
    v: Float
    time: Float
    columns: dict[str, Column]
    shapes: npt.NDArray[Any] | None
    boxes: npt.NDArray[np.float64] | None
    numbers: Rows
    digest: str

    def __len__(self) -> int:
        return len(self.ids)

    def chosen(self, selection: Selection, *, at: bool = True) -> npt.NDArray[np.bool_]:
        """Which features a selection leaves; without `at` wherever they are."""
        keep = np.ones(len(self), np.bool_)
        if at and selection.bounds:
            keep &= np.logical_or.reduce([self._in(box) for box in selection.boxes])
        for name, wanted in selection.values.items():
            column = self.columns.get(name)
            good = [] if column is None else [n for n, value in enumerate(column.values) if str(value) in wanted]
            keep &= np.isin(column.codes, good) if column is not None else False
        if selection.since is not None:
            keep &= self.time >= selection.since
        if selection.until is not None:
            keep &= self.time <= selection.until
        return keep

    def _in(self, box: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
        west, south, east, north = box
        if self.boxes is None:
            return (self.lon >= west) & (self.lon <= east) & (self.lat >= south) & (self.lat <= north)
        across = (self.boxes[:, 0] <= east) & (self.boxes[:, 2] >= west)
        return across & (self.boxes[:, 1] <= north) & (self.boxes[:, 3] >= south)

    def feature(self, row: int) -> dict[str, Any]:
        """A row as a GeoJSON feature."""
        if self.shapes is None:
            place: Any = {
                "type": "Point",
                "coordinates": [round(float(self.lon[row]), 6), round(float(self.lat[row]), 6)],
            }
        else:
            place = shapely.geometry.mapping(self.shapes[row])
        return {
            "type": "Feature",
            "id": self.ids[row],
            "geometry": place,
            "properties": {name: column.at(row) for name, column in self.columns.items()},
        }


def seconds(value: Any) -> float:
    """A moment (datetime, RFC 3339 text or seconds since 1970) as seconds since 1970, NaN for anything else."""
    if isinstance(value, int | float):
        return float(value)
    try:
        moment = value if isinstance(value, datetime) else parse_datetime(str(value or ""))
    except ValueError:
        moment = None
    return moment.timestamp() if moment is not None and moment.tzinfo else float("nan")


def from_arrow(layer: Layer, rows: pa.Table, digest: str) -> Table:
    """A table of rows as `kernel.places.layers.many` gives them."""
    lon, lat = (np.asarray(rows[name], np.float64) for name in ("lon", "lat"))
    time = rows["time"].cast(pa.float64()).to_numpy()
    columns = {
        name: Column.of_arrow(name, rows[f"f{place}"])
        for place, name in enumerate(layer.public_fields)
        if rows[f"f{place}"].null_count < len(rows)
    }
    numbers = np.asarray(rows["pk"]) if pa.types.is_integer(rows["pk"].type) else None
    return _made(rows["pk"].to_pylist(), lon, lat, time, columns, digest, numbers=numbers)


def from_features(layer: Layer, features: list[dict[str, Any]]) -> Table:
    """A table of GeoJSON features that have only public fields; those without a geometry are left out."""
    features = [one for one in features if one.get("geometry")]
    ids = [one.get("id", (one["properties"] or {}).get("id", row)) for row, one in enumerate(features)]
    columns = {
        name: Column.of(name, [plain(one["properties"].get(name)) for one in features]) for name in layer.public_fields
    }
    moments = [seconds(one["properties"].get(layer.time)) if layer.time else np.nan for one in features]
    time = np.array(moments, np.float64)
    if all(one["geometry"]["type"] == "Point" for one in features):
        places = np.array([one["geometry"]["coordinates"][:2] for one in features], np.float64).reshape(-1, 2)
        return _made(ids, places[:, 0], places[:, 1], time, columns)
    shapes = np.array([shapely.geometry.shape(one["geometry"]) for one in features], object)
    middle = shapely.point_on_surface(shapes)
    return _made(ids, shapely.get_x(middle), shapely.get_y(middle), time, columns, shapes=shapes)


def _made(
    ids: list[Any],
    lon: Float,
    lat: Float,
    time: Float,
    columns: dict[str, Column],
    digest: str = "",
    *,
    shapes: npt.NDArray[Any] | None = None,
    numbers: Rows | None = None,
) -> Table:
    u, v = to_world(lon, lat)
    if numbers is None:
        whole = [one if isinstance(one, int) and 0 <= one < 2**63 else -1 for one in ids]
        numbers = np.array(whole, np.int64)
    boxes = None if shapes is None else shapely.bounds(shapes)
    return Table(
        ids, lon, lat, u, v, time, columns, shapes, boxes, numbers, digest or _digest(ids, lon, lat, columns, shapes)
    )


def _digest(ids: list[Any], lon: Float, lat: Float, columns: dict[str, Column], shapes: npt.NDArray[Any] | None) -> str:
    total = blake2b(digest_size=10)
    for array in (lon, lat, *(column.codes for column in columns.values())):
        total.update(np.ascontiguousarray(array).tobytes())
    total.update(repr(([column.values for column in columns.values()], ids)).encode())
    if shapes is not None:
        total.update(b"".join(shapely.to_wkb(shapes)))
    return total.hexdigest()
