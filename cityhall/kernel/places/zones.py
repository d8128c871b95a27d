"""Zones from GeoJSON, and which zone a place is in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from shapely import Point as ShapelyPoint
from shapely import prepare
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from cityhall.kernel.errors import Invalid
from cityhall.kernel.places.models import PlaceName, Zone
from cityhall.kernel.reference import Reference

Outlines = list[tuple[Zone, BaseGeometry]]


def read_zones(path: Path, kind: str = "district") -> list[Zone]:
    """Zones (not saved) of a GeoJSON FeatureCollection of polygons; `name` is wanted of each feature.

    Raises Invalid, naming the feature, where a geometry is no sound polygon or a name is missing.
    """
    try:
        collection = json.loads(path.read_text(encoding="utf-8"))
        features = collection["features"]
    except (ValueError, KeyError, TypeError) as problem:
        raise Invalid(
            _("%(file)s is no GeoJSON FeatureCollection: %(why)s.") % {"file": path.name, "why": problem},
            mend=_("Export it as GeoJSON."),
        ) from problem
    return [_zone(path.name, number, feature, kind) for number, feature in enumerate(features, start=1)]


def _zone(file: str, number: int, feature: dict[str, Any], kind: str) -> Zone:
    where = _("%(file)s, feature %(number)s") % {"file": file, "number": number}
    properties = feature.get("properties") or {}
    name = properties.get("name")
    if not name:
        raise Invalid(
            _("%(where)s: it has no name.") % {"where": where}, mend=_('Give each feature a "name" property.')
        )
    try:
        area = shape(feature["geometry"])
    except Exception as problem:
        raise Invalid(
            _("%(where)s: its geometry cannot be read: %(why)s.") % {"where": where, "why": problem},
            mend=_("Draw it anew."),
        ) from problem
    if area.geom_type not in ("Polygon", "MultiPolygon") or area.is_empty or not area.is_valid:
        what = explain_validity(area) if area.geom_type.endswith("Polygon") else str(area.geom_type)
        raise Invalid(
            _("%(where)s: a sound polygon is wanted: %(why)s.") % {"where": where, "why": what},
            mend=_("Mend its outline."),
        )
    west, south, east, north = area.bounds
    population = properties.get("population")
    return Zone(
        slug=str(properties.get("id") or slugify(name, allow_unicode=True))[:100],
        kind=properties.get("kind") or kind,
        name=name,
        population=int(population) if population is not None else None,
        geometry=feature["geometry"],
        west=west,
        south=south,
        east=east,
        north=north,
    )


def replace_zones(zones: list[Zone], kind: str = "district") -> int:
    """Puts `zones` in the place of those of the same kind, in one transaction. Returns how many there are now."""
    with transaction.atomic():
        Zone.objects.filter(kind=kind).delete()
        Zone.objects.bulk_create(zones)
        outlines.changed()
    return len(zones)


def _outlines() -> Outlines:
    found = [(zone, shape(zone.geometry)) for zone in Zone.objects.order_by("pk")]
    prepare([outline for _zone, outline in found])
    return found


outlines = Reference(_outlines)
"""All zones with their outlines in degrees."""


def zone_at(lon: float, lat: float, kind: str = "district", among: Outlines | None = None) -> Zone | None:
    """The zone of a kind that a place lies in, None outside all of them. `among`: outlines() asked for before."""
    here = ShapelyPoint(lon, lat)
    for zone, outline in outlines() if among is None else among:
        near = zone.kind == kind and zone.west <= lon <= zone.east and zone.south <= lat <= zone.north
        if near and outline.covers(here):
            return zone
    return None


def area_of(place: PlaceName) -> str:
    """The name of the district that a place lies in, "" outside all of them or where it is its own name."""
    zone = zone_at(place.point.lon, place.point.lat)
    return zone.name if zone and zone.name != place.name else ""
