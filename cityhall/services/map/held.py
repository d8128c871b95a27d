"""Answers about a layer that is small enough to be held in memory."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cityhall.engines.tiles import count_squares, cut_points, encode_points, encode_shapes
from cityhall.kernel.places.declares import Layer
from cityhall.services.map.facets import SHOWN, Facet, count_values, is_facet, spread
from cityhall.services.map.selection import Selection
from cityhall.services.map.table import Float, Table

FEW = 20_000
"""Places that are given as they are."""


class Held:
    """A layer as a Table. `digest` changes with its content."""

    def __init__(self, layer: Layer, table: Table) -> None:
        self.layer, self.table = layer, table
        self.digest = table.digest

    def tile(self, z: int, x: int, y: int, selection: Selection) -> bytes:
        """A vector tile (MVT 2.1) with one layer called "layer", b"" where it is empty."""
        table = self.table
        everything = not selection.values and selection.since is None and selection.until is None
        if table.shapes is None:
            keep = None if everything else partial(table.chosen, selection)
            rows, px, py, counts = cut_points(table.u, table.v, z, x, y, index=table.index, keep=keep)
            columns = [column.take(rows) for column in table.columns.values()]
            return encode_points("layer", px, py, columns, ids=table.numbers[rows], counts=counts)
        rows = np.arange(len(table))
        rows = rows if everything else rows[table.chosen(selection, rows)]
        columns = [column.take(rows) for column in table.columns.values()]
        return encode_shapes("layer", table.shapes[rows], z, x, y, columns)

    def count(self, selection: Selection) -> int:
        """How many features a selection has."""
        return int(self.table.chosen(selection).sum())

    def facets(self, selection: Selection) -> list[Facet]:
        """The layer's facets: for each value how many features have it, its own choice left aside."""
        found = []
        for name, column in self.table.columns.items():
            values = column.values
            if not is_facet(name, len(values), len(self.table), numbers=values.are_numbers):
                continue
            others = {key: value for key, value in selection.values.items() if key != name}
            keep = self.table.chosen(Selection(selection.bounds, selection.since, selection.until, others))
            codes = column.codes[keep]
            codes = codes[codes >= 0]
            if values.are_numbers and len(values) > SHOWN:
                found.append(spread(name, values.numbers[codes]))
                continue
            counts = np.bincount(codes, minlength=len(values))
            found.append(count_values(name, zip(values.listed, counts.tolist(), strict=True)))
        return found

    def timeline(self, selection: Selection, bars: int) -> list[int]:
        """How many of the selected there are in each of `bars` equal parts of its time, which has both ends."""
        moments = self.table.time[self.table.chosen(selection)]
        assert selection.since is not None and selection.until is not None
        counts, _edges = np.histogram(moments[np.isfinite(moments)], bars, (selection.since, selection.until))
        return [int(count) for count in counts]

    def places(self, selection: Selection, step: float) -> tuple[Float, Float, Float]:
        """(lon, lat, how many) of what is selected; what lies within `step` degrees may be taken together."""
        keep = self.table.chosen(selection)
        lon, lat = self.table.lon[keep], self.table.lat[keep]
        return (lon, lat, np.ones(lon.size)) if lon.size < FEW else count_squares(lon, lat, step)

    def features(self, selection: Selection, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """A page of features in a steady order, and where the next one begins (None after the last).

        Rows with keys are in their order, and the next page begins after the last one's: as in `Asked`.
        """
        table = self.table
        rows = np.flatnonzero(table.chosen(selection))
        begin = int(np.searchsorted(table.numbers[rows], after, "right")) if table.is_keyed else after
        page = rows[begin : begin + limit]
        following = None
        if begin + limit < rows.size:
            following = int(table.numbers[page[-1]]) if table.is_keyed else begin + limit
        return [table.feature(int(row)) for row in page], following

    def feature(self, identity: str) -> dict[str, Any] | None:
        """The feature with an id, None where there is none."""
        row = self.table.row_of(identity)
        return None if row is None else self.table.feature(row)

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
