"""Reading the layers that services declare: whoever reads them, only public fields leave, and only to who may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models.expressions import Func
from django.utils.translation import gettext as _

from cityhall.kernel.errors import Missing
from cityhall.kernel.people.actors import Actor
from cityhall.kernel.people.permissions import may
from cityhall.kernel.places.declares import Layer, PublishedLayers
from cityhall.kernel.places.plainly import plain as plain
from cityhall.kernel.service import Service, declared, resolve

Bounds = tuple[float, float, float, float]
NOTHING = models.Value(None, output_field=models.TextField())
MOST = 20_000
"""Features of a `query` in one GeoJSON answer; who wants more asks for tiles or pages."""


class Part(Func):
    """A point's longitude (0) or latitude (1) as a column."""

    template = "(%(expressions)s)[%(part)s]"
    output_field = models.FloatField()

    def __init__(self, column: str, part: int) -> None:
        super().__init__(models.F(column), part=part)


class Seconds(Func):
    """A moment as seconds since 1970."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::float8"
    output_field = models.FloatField()


def all_layers() -> list[tuple[Service, Layer]]:
    """Every layer of the city: those its services declare, then those that people have published."""
    made = [(service, layer) for service, item in declared(PublishedLayers) for layer in resolve(item.source)()]
    return [*declared(Layer), *made]


def seen_by(actor: Actor) -> list[tuple[Service, Layer]]:
    """The layers that somebody may see: the public ones, and those their permissions open."""
    return [(service, layer) for service, layer in all_layers() if _open(actor, layer)]


def find_layer(service: str, slug: str, actor: Actor) -> tuple[Service, Layer]:
    """A layer by its service's slug and its own. Raises Missing where there is none, or not for this actor."""
    for owner, layer in all_layers():
        if owner.slug == service and layer.slug == slug and _open(actor, layer):
            return owner, layer
    raise Missing(_("There is no such layer."), code="no_such_layer", mend=_("Look for it in the list of layers."))


def _open(actor: Actor, layer: Layer) -> bool:
    return not layer.permission or may(actor, layer.permission)


def public(layer: Layer, properties: dict[str, Any] | None) -> dict[str, Any]:
    """What of a feature's properties may leave: those the layer names."""
    known = properties or {}
    return {name: known[name] for name in layer.public_fields if name in known}


def rows_of(layer: Layer, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Rows of a layer's `query` as tuples: pk, lon, lat, seconds since 1970, then its public fields.

    The moment is None where the layer has none.
    """
    time = Seconds(layer.time) if layer.time else models.Value(None, output_field=models.FloatField())
    clear: models.QuerySet[Any] = rows.annotate(map_lon=Part("point", 0), map_lat=Part("point", 1), map_time=time)
    fields = [column(layer, name) or NOTHING for name in layer.public_fields]
    found: models.QuerySet[Any] = clear.values_list("pk", "map_lon", "map_lat", "map_time", *fields)
    return found


def column(layer: Layer, field: str) -> str:
    """What the layer's query calls a public field, "" where it has none."""
    return layer.columns.get(field, field)


def _from_query(layer: Layer, bounds: Bounds | None) -> Iterator[dict[str, Any]]:
    rows = resolve(layer.query)()
    if bounds:
        rows = rows.filter(point__inside=bounds)
    for pk, lon, lat, _time, *values in rows_of(layer, rows)[:MOST]:
        yield feature(layer, pk, lon, lat, values)


def feature(layer: Layer, pk: Any, lon: float, lat: float, values: list[Any]) -> dict[str, Any]:
    """A row of `rows_of` as a GeoJSON feature; coordinates to the decimetre."""
    return {
        "type": "Feature",
        "id": pk,
        "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
        "properties": {name: plain(value) for name, value in zip(layer.public_fields, values, strict=True)},
    }


def geojson(layer: Layer, bounds: Bounds | None = None) -> dict[str, Any]:
    """A layer as a GeoJSON FeatureCollection with only its public fields; of a `query` alone MOST features at most."""
    if not layer.source:
        return {"type": "FeatureCollection", "features": list(_from_query(layer, bounds))}
    collection: dict[str, Any] = resolve(layer.source)(bounds)
    for one in collection["features"]:
        one["properties"] = public(layer, one.get("properties"))
    return collection
