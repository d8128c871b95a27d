"""PostgreSQL's own `point` as a Django field: (longitude, latitude), degrees, WGS 84, GiST-indexed.

No PostGIS is needed: `<->` orders by nearness and `<@ box` cuts out a view. Both work on degrees, so nearness is
refined in metres afterwards (see `nearest`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.contrib.postgres.indexes import GistIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Func, Value

if TYPE_CHECKING:
    from django.db.models import QuerySet

EARTH_RADIUS_M = 6_371_008.8
Row = TypeVar("Row", bound=models.Model)
P = TypeVar("P")


class Point(NamedTuple):
    """A position: degrees, WGS 84. Longitude first, as in GeoJSON (RFC 7946, section 3.1.1)."""

    lon: float
    lat: float


def metres_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance in metres (haversine formula) between two (lon, lat) pairs."""
    lat_a, lat_b = math.radians(a[1]), math.radians(b[1])
    dlat, dlon = lat_b - lat_a, math.radians(b[0] - a[0])
    half = math.sin(dlat / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(dlon / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def box_round(here: tuple[float, float], metres: float) -> tuple[float, float, float, float]:
    """West, south, east, north of the box that holds all that is so near, for `point__inside`; some is farther."""
    lon, lat = here
    dlat = math.degrees(metres / EARTH_RADIUS_M)
    dlon = dlat / max(0.01, math.cos(math.radians(lat)))
    return lon - dlon, lat - dlat, lon + dlon, lat + dlat


class _Column(models.Field[P, P]):
    """A column of type `point`."""

    description = "longitude and latitude"

    def db_type(self, connection: Any) -> str:
        return "point"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Point | None:
        return None if value is None else _parse(value)

    def to_python(self, value: Any) -> Point | None:
        if value is None or isinstance(value, Point):
            return value
        try:
            point = _parse(value) if isinstance(value, str) else Point(*map(float, value))
            self.get_prep_value(point)
        except (TypeError, ValueError) as problem:
            raise ValidationError(str(problem), code="invalid") from problem
        return point

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        lon, lat = value
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
            raise ValueError(f"({lon}, {lat}) is no place: longitude comes first, -180 to 180, then latitude")
        return f"({lon!r},{lat!r})" if isinstance(lon, float) and isinstance(lat, float) else f"({lon},{lat})"

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "%s::point"

    def value_to_string(self, obj: models.Model) -> str:
        point: Any = self.value_from_object(obj)
        return "" if point is None else f"({point.lon},{point.lat})"


class PointField(_Column[Point]):
    """A column of type `point` that always holds one."""


class OptionalPointField(_Column["Point | None"]):
    """A column of type `point` that may hold none: give it `null=True`."""


def _parse(text: str) -> Point:
    lon, lat = text.strip("()").split(",")
    return Point(float(lon), float(lat))


@_Column.register_lookup
class Inside(models.Lookup[Any]):
    """`point__inside=(west, south, east, north)`: in the box, by the GiST index."""

    lookup_name = "inside"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        west, south, east, north = (float(edge) for edge in value)
        return "%s", [f"(({east!r},{north!r}),({west!r},{south!r}))"]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.get_db_prep_lookup(self.rhs, connection)
        return f"{left} <@ {right}::box", [*left_params, *right_params]


class DistanceTo(Func):
    """`point <-> here` in degrees: only good for ordering, which the index serves."""

    template = "%(expressions)s"
    arg_joiner = " <-> "
    output_field = models.FloatField()

    def __init__(self, column: str, lon: float, lat: float) -> None:
        super().__init__(models.F(column), Func(Value(f"({lon!r},{lat!r})"), template="%(expressions)s::point"))


def nearest(
    rows: QuerySet[Row],
    lon: float,
    lat: float,
    *,
    count: int = 10,
    within_m: float = 1000,
    column: str = "point",
) -> list[tuple[Row, float]]:
    """The `count` rows nearest to a place with their distance in metres, none farther than `within_m`.

    A degree of longitude is shorter than one of latitude, so the index's order is not the true one: it gives the
    box that holds every row within `within_m`, and metres decide in it.
    """
    box = box_round((lon, lat), within_m)
    limit = max(50, count * 5)
    found = rows.filter(**{f"{column}__inside": box}).order_by(DistanceTo(column, float(lon), float(lat)))[:limit]
    measured = [(row, metres_between((lon, lat), getattr(row, column))) for row in found]
    measured.sort(key=lambda pair: pair[1])
    return [pair for pair in measured if pair[1] <= within_m][:count]


__all__ = ["DistanceTo", "GistIndex", "Point", "PointField", "metres_between", "nearest"]
