"""Answers about a layer that is small enough to be held in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from cityhall.engines.tiles import cut_points, encode_points, encode_shapes
from cityhall.kernel.service import Layer
from cityhall.services.map.facets import SHOWN, Facet, count_values, is_facet, spread
from cityhall.services.map.selection import Selection
from cityhall.services.map.table import Float, Table


class Held:
    """A layer as a Table. `digest` changes with its content."""

    def __init__(self, layer: Layer, table: Table) -> None:
        self.layer, self.table = layer, table
        self.digest = table.digest

    def tile(self, z: int, x: int, y: int, selection: Selection) -> bytes:
        """A vector tile (MVT 2.1) with one layer called "layer", b"" where it is empty."""
        table = self.table
        everything = not selection.values and selection.since is None and selection.until is None
        keep = None if everything else table.chosen(selection, at=False)
        if table.shapes is None:
            rows, px, py, counts = cut_points(table.u, table.v, z, x, y, keep=keep)
            columns = [column.take(rows) for column in table.columns.values()]
            return encode_points("layer", px, py, columns, ids=table.numbers[rows], counts=counts)
        rows = np.flatnonzero(keep) if keep is not None else np.arange(len(table))
        columns = [column.take(rows) for column in table.columns.values()]
        return encode_shapes("layer", table.shapes[rows], z, x, y, columns)

    def count(self, selection: Selection) -> int:
        """How many features a selection has."""
        return int(self.table.chosen(selection).sum())

    def facets(self, selection: Selection) -> list[Facet]:
        """The layer's facets: for each value how many features have it, its own choice left aside."""
        found = []
        for name, column in self.table.columns.items():
            if not is_facet(name, column.values, len(self.table)):
                continue
            others = {key: value for key, value in selection.values.items() if key != name}
            keep = self.table.chosen(Selection(selection.bounds, selection.since, selection.until, others))
            codes = column.codes[keep]
            if all(isinstance(value, int | float) and not isinstance(value, bool) for value in column.values):
                if len(column.values) > SHOWN:
                    numbers = np.array(column.values, np.float64)
                    found.append(spread(name, numbers[codes[codes >= 0]]))
                    continue
            counts = np.bincount(codes[codes >= 0], minlength=len(column.values))
            found.append(count_values(name, zip(column.values, counts.tolist(), strict=True)))
        return found

    def timeline(self, selection: Selection, bars: int) -> list[int]:
        """How many of the selected there are in each of `bars` equal parts of its time, which has both ends."""
        moments = self.table.time[self.table.chosen(selection)]
        return np.histogram(moments, bars, (selection.since, selection.until))[0].tolist()

    def places(self, selection: Selection, step: float) -> tuple[Float, Float, Float]:
        """(lon, lat, how many) of what is selected; what lies within `step` degrees may be taken together."""
        keep = self.table.chosen(selection)
        lon, lat = self.table.lon[keep], self.table.lat[keep]
        if lon.size < 20_000:
            return lon, lat, np.ones(lon.size)
        cells = np.floor(lon / step).astype(np.int64) << 32 | (np.floor(lat / step).astype(np.int64) & 0xFFFFFFFF)
        _, first, counts = np.unique(cells, return_index=True, return_counts=True)
        return lon[first], lat[first], counts.astype(np.float64)

    def features(self, selection: Selection, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """A page of features in a steady order, and where the next one begins (None after the last)."""
        rows = np.flatnonzero(self.table.chosen(selection))
        page = rows[after : after + limit]
        return [self.table.feature(int(row)) for row in page], after + limit if after + limit < rows.size else None

    def feature(self, identity: str) -> dict[str, Any] | None:
        """The feature with an id, None where there is none."""
        for row, one in enumerate(self.table.ids):
            if str(one) == identity:
                return self.table.feature(row)
        return None

    def extent(self) -> tuple[float, float, float, float] | None:
        """(west, south, east, north) of everything, None where there is nothing."""
        table = self.table
        if not len(table):
            return None
        if table.boxes is not None:
            west, south = table.boxes[:, :2].min(axis=0)
            east, north = table.boxes[:, 2:].max(axis=0)
            return float(west), float(south), float(east), float(north)
        return float(table.lon.min()), float(table.lat.min()), float(table.lon.max()), float(table.lat.max())

    def times(self) -> tuple[float, float] | None:
        """The first and last moment, None where no feature has one."""
        known = self.table.time[np.isfinite(self.table.time)]
        return (float(known.min()), float(known.max())) if known.size else None
