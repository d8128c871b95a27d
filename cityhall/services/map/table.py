"""A layer's features held as columns, so that tiles, counts and charts are cut from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely
from django.conf import settings

from cityhall.engines.tiles import Column, Index, to_world
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import plain
from cityhall.kernel.values import moment, whole
from cityhall.services.map.selection import Selection

Float = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
UNSORTED = 4_000
"""Points that are looked through for a tile as quickly as by an index."""


@dataclass(frozen=True)
class Table:
    """Columns of one length. `shapes` is None where every feature is a point, else its lines and areas (degrees).

    `lon`, `lat` of a line or area are a point on it; `u`, `v` the same as shares of the world (engines/tiles).
    `time` is seconds since 1970, NaN where a feature has none; `numbers` are the ids as tiles take them, -1 where an id
    is no whole number. `digest` changes with anything in it. `index` is of many points only.
    """

    ids: Sequence[Any] | Rows
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
    index: Index | None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_keyed(self) -> bool:
        """Whether `ids` are keys from 1 up, ascending."""
        return isinstance(self.ids, np.ndarray) and (len(self.ids) == 0 or bool(self.ids[0] > 0))

    @property
    def nbytes(self) -> int:
        """About how many bytes of memory the points take."""
        own = (self.lon, self.lat, self.u, self.v, self.time, self.numbers)
        return sum(array.nbytes for array in own) + sum(one.nbytes for one in self.columns.values()) + 12 * len(self)

    def chosen(self, selection: Selection, rows: Rows | None = None) -> npt.NDArray[np.bool_]:
        """Which features a selection leaves; of `rows` alone, where these are given, wherever they lie.

        A feature that has no moment is left at any time (OGC 17-069r3, requirement 25 C).
        """
        some = slice(None) if rows is None else rows
        keep = np.ones(len(self) if rows is None else rows.size, np.bool_)
        if rows is None and selection.bounds:
            keep &= np.logical_or.reduce([self._in(box) for box in selection.boxes])
        for name, wanted in selection.values.items():
            column = self.columns.get(name)
            if column is None:
                keep[:] = False
                continue
            good = np.zeros(len(column.values) + 1, np.bool_)
            good[column.values.among(wanted)] = True
            # The code of none is -1, the last of `good`.
            keep &= good[column.codes[some]]
        if selection.since is not None:
            keep &= ~(self.time[some] < selection.since)
        if selection.until is not None:
            keep &= ~(self.time[some] > selection.until)
        return keep

    def _in(self, box: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
        west, south, east, north = box
        if self.boxes is None:
            return (self.lon >= west) & (self.lon <= east) & (self.lat >= south) & (self.lat <= north)
        across = (self.boxes[:, 0] <= east) & (self.boxes[:, 2] >= west)
        return across & (self.boxes[:, 1] <= north) & (self.boxes[:, 3] >= south)

    def identity(self, row: int) -> Any:
        """A row's id as JSON takes it."""
        found = self.ids[row]
        return int(found) if isinstance(found, np.integer) else found

    def row_of(self, identity: str) -> int | None:
        """The row of the feature whose id is written so, None where there is none."""
        if isinstance(self.ids, np.ndarray):
            number = whole(identity)
            if number is None or str(number) != identity:
                return None
            found = np.flatnonzero(self.ids == number)
            return int(found[0]) if found.size else None
        return next((row for row, one in enumerate(self.ids) if str(one) == identity), None)

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
            "id": self.identity(row),
            "geometry": place,
            "properties": {name: column.at(row) for name, column in self.columns.items()},
        }


def seconds(value: Any) -> float:
    """A moment (datetime, ISO 8601 text or seconds since 1970) as seconds since 1970, NaN for anything else.

    Without an offset it is on the city's clock.
    """
    if isinstance(value, int | float):
        return float(value)
    found = value if isinstance(value, datetime) else moment(str(value or ""), settings.CITY.zone)
    return found.timestamp() if found is not None and found.tzinfo else float("nan")


def from_arrow(layer: Layer, rows: pa.Table) -> Table:
    """A table of rows as `kernel.places.layers.many` gives them."""
    lon, lat = (np.asarray(rows[name], np.float64) for name in ("lon", "lat"))
    time = rows["time"].cast(pa.float64()).to_numpy()
    columns = {
        name: Column.of_arrow(name, rows[f"f{place}"])
        for place, name in enumerate(layer.public_fields)
        if rows[f"f{place}"].null_count < len(rows)
    }
    numbers = np.asarray(rows["pk"], np.int64) if pa.types.is_integer(rows["pk"].type) else None
    return _made(rows["pk"].to_pylist() if numbers is None else numbers, lon, lat, time, columns, numbers=numbers)


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
    ids: Sequence[Any] | Rows,
    lon: Float,
    lat: Float,
    time: Float,
    columns: dict[str, Column],
    *,
    shapes: npt.NDArray[Any] | None = None,
    numbers: Rows | None = None,
) -> Table:
    u, v = to_world(lon, lat)
    if numbers is None:
        whole = [one if isinstance(one, int) and 0 <= one < 2**63 else -1 for one in ids]
        numbers = np.array(whole, np.int64)
    boxes = None if shapes is None else shapely.bounds(shapes)
    digest = _digest(ids, (lon, lat, time), columns, shapes)
    index = Index.of(u, v) if shapes is None and lon.size > UNSORTED else None
    return Table(ids, lon, lat, u, v, time, columns, shapes, boxes, numbers, digest, index)


def _digest(
    ids: Sequence[Any] | Rows, places: Sequence[Float], columns: dict[str, Column], shapes: npt.NDArray[Any] | None
) -> str:
    total = blake2b(repr(list(columns)).encode(), digest_size=10)
    encoded = ((column.codes, *column.values.encoded) for column in columns.values())
    for array in (*places, *(part for parts in encoded for part in parts)):
        total.update(np.ascontiguousarray(array).data)
    total.update(np.ascontiguousarray(ids).data if isinstance(ids, np.ndarray) else repr(ids).encode())
    if shapes is not None:
        total.update(b"".join(shapely.to_wkb(shapes)))
    return total.hexdigest()
