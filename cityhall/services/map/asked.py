"""Answers about a layer too large to be held in memory: each is asked of the database, by its index on the point."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.core.exceptions import FieldError, ValidationError
from django.db import connection, models
from django.db.models import Count, F, Max, Min, Q
from django.db.models.functions import Floor
from django.utils.translation import gettext as _

from cityhall.engines.tiles import bounds_of, encode_points
from cityhall.engines.tiles.mercator import EXTENT
from cityhall.engines.tiles.points import FULL, GRID
from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.declares import Layer
from cityhall.kernel.places.layers import Part, Seconds, column, feature, plain, rows_of
from cityhall.kernel.places.rows import many
from cityhall.kernel.service import resolve
from cityhall.kernel.values import whole
from cityhall.services.map.facets import MOST_VALUES, NEVER, Facet, count_values
from cityhall.services.map.selection import Selection
from cityhall.services.map.table import Float, from_arrow

TEXT = (models.CharField, models.TextField, models.SmallIntegerField, models.BooleanField)


class Asked:
    """A layer's rows, never all of them at once. `digest` is what stands for their content in caches."""

    def __init__(self, layer: Layer, digest: str) -> None:
        self.layer, self.digest = layer, digest
        self.rows: models.QuerySet[Any] = resolve(layer.query)()

    def _chosen(self, selection: Selection) -> models.QuerySet[Any]:
        rows = self.rows
        if selection.bounds:
            boxes = [Q(point__inside=box) for box in selection.boxes]
            rows = rows.filter(boxes[0] if len(boxes) == 1 else boxes[0] | boxes[1])
        for end, bound in (("gte", selection.since), ("lte", selection.until)):
            if self.layer.time and bound is not None:
                within = Q(**{f"{self.layer.time}__{end}": _moment(bound)})
                rows = rows.filter(within | Q(**{f"{self.layer.time}__isnull": True}))
        try:
            return rows.filter(**{f"{column(self.layer, name)}__in": some for name, some in selection.values.items()})
        except (ValueError, ValidationError, FieldError) as problem:
            raise Invalid(
                _("A value cannot be one of its field."), mend=_("Choose one of the values shown.")
            ) from problem

    def tile(self, z: int, x: int, y: int, selection: Selection) -> bytes:
        """A vector tile; where it holds more than FULL points, one of each GRID cell with how many it stands for."""
        rows = self._chosen(Selection(bounds_of(z, x, y), selection.since, selection.until, selection.values))
        counts = None
        if rows[FULL : FULL + 1].values_list("pk").exists():
            stands = dict(self._thinned(rows, bounds_of(z, x, y, 0.0)))
            table = from_arrow(self.layer, many(self.layer, self.rows.filter(pk__in=list(stands))))
            counts = np.array([stands[pk] for pk in table.numbers.tolist()], np.int64)
        else:
            table = from_arrow(self.layer, many(self.layer, rows))
        scale = float(1 << z)
        px = np.floor((table.u * scale - x) * EXTENT).astype(np.int64)
        py = np.floor((table.v * scale - y) * EXTENT).astype(np.int64)
        return encode_points("layer", px, py, list(table.columns.values()), ids=table.numbers, counts=counts)

    def _thinned(self, rows: models.QuerySet[Any], box: tuple[float, float, float, float]) -> Any:
        west, south, east, north = box
        cells = rows.order_by().annotate(
            map_across=Floor((Part("point", 0) - west) / ((east - west) / GRID)),
            map_down=Floor((Part("point", 1) - south) / ((north - south) / GRID)),
        )
        return cells.values("map_across", "map_down").annotate(one=Min("pk"), n=Count("pk")).values_list("one", "n")

    def count(self, selection: Selection) -> int:
        """How many rows a selection has."""
        return self._chosen(selection).count()

    def facets(self, selection: Selection) -> list[Facet]:
        """Counts by the fields of text that have few values."""
        found = []
        for name in self.layer.public_fields:
            source = column(self.layer, name)
            if name in NEVER or not source or not self._is_text(source):
                continue
            others = {key: value for key, value in selection.values.items() if key != name}
            rows = self._chosen(Selection(selection.bounds, selection.since, selection.until, others))
            counts = rows.order_by().values_list(source).annotate(n=Count("pk")).order_by("-n")[: MOST_VALUES + 1]
            pairs = [(plain(value), n) for value, n in counts if value is not None]
            if 1 < len(pairs) <= MOST_VALUES:
                found.append(count_values(name, pairs))
        return found

    def _is_text(self, name: str) -> bool:
        annotation = self.rows.query.annotations.get(name)
        if annotation is not None:
            return isinstance(annotation.output_field, TEXT)
        field = self.rows.model._meta.get_field(name.split("__")[0])
        return isinstance(field, (*TEXT, models.ForeignKey))

    def timeline(self, selection: Selection, bars: int) -> list[int]:
        """How many of the selected there are in each of `bars` equal parts of its time, which has both ends."""
        if not self.layer.time:
            return [0] * bars
        since, until = selection.since or 0.0, selection.until or 0.0
        rows = self._chosen(selection).order_by()
        part = Floor((Seconds(self.layer.time) - since) / ((until - since) / bars))
        counts = dict(rows.annotate(map_bar=part).values_list("map_bar").annotate(n=Count("pk")))
        return [counts.get(at, 0) + (counts.get(bars, 0) if at == bars - 1 else 0) for at in range(bars)]

    def places(self, selection: Selection, step: float) -> tuple[Float, Float, Float]:
        """(lon, lat, how many) of squares of `step` degrees."""
        across, down = Floor(Part("point", 0) / step), Floor(Part("point", 1) / step)
        rows = self._chosen(selection).order_by().annotate(map_across=across, map_down=down)
        counted = rows.values("map_across", "map_down").annotate(n=Count("pk"))
        cells = np.array(list(counted.values_list("map_across", "map_down", "n")), np.float64).reshape(-1, 3)
        return (cells[:, 0] + 0.5) * step, (cells[:, 1] + 0.5) * step, cells[:, 2]

    def features(self, selection: Selection, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """A page of features by primary key: the next begins after the last one's, however many there are."""
        rows = self._chosen(selection).filter(pk__gt=after).order_by("pk")
        page = list(rows_of(self.layer, rows)[: limit + 1])
        made = [feature(self.layer, pk, lon, lat, values) for pk, lon, lat, _time, *values in page[:limit]]
        return made, page[limit - 1][0] if len(page) > limit else None

    def feature(self, identity: str) -> dict[str, Any] | None:
        """The feature with an id, None where there is none."""
        for pk, lon, lat, _time, *values in rows_of(self.layer, self.rows.filter(pk=whole(identity))):
            return feature(self.layer, pk, lon, lat, values)
        return None

    def extent(self) -> tuple[float, float, float, float] | None:
        """(west, south, east, north) of everything; None where there is nothing."""
        ends = self.rows.order_by().annotate(map_lon=Part("point", 0), map_lat=Part("point", 1))
        found = ends.aggregate(Min("map_lon"), Min("map_lat"), Max("map_lon"), Max("map_lat"))
        if None in found.values():
            return None
        return found["map_lon__min"], found["map_lat__min"], found["map_lon__max"], found["map_lat__max"]

    def times(self) -> tuple[float, float] | None:
        """The first and last moment, None where the layer has none."""
        if not self.layer.time:
            return None
        found = self.rows.order_by().aggregate(first=Min(F(self.layer.time)), last=Max(F(self.layer.time)))
        return (found["first"].timestamp(), found["last"].timestamp()) if found["first"] else None


def _moment(seconds: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)


def estimate(rows: models.QuerySet[Any], most: int) -> int:
    """How many rows there are, counted up to `most` only."""
    sql, parameters = rows.order_by().values("pk")[:most].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS counted", parameters)
        return int(cursor.fetchone()[0])
