"""HTTP API of places: search by name, name of a position, zones."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from cityhall.kernel import values
from cityhall.kernel.places import geocoder, kinds
from cityhall.kernel.places.models import PlaceName, Zone
from cityhall.kernel.places.zones import area_of

router = Router()


class PlaceOut(Schema):
    """A place: `lon` and `lat` in degrees, WGS 84; `kind_name` in the reader's language; `area` is its district."""

    name: str
    kind: str
    kind_name: str
    area: str
    detail: str
    lon: float
    lat: float


def _out(place: PlaceName) -> dict[str, Any]:
    return {
        "name": geocoder.label(place),
        "kind": place.kind,
        "kind_name": kinds.kind_name(place.kind),
        "area": area_of(place),
        "detail": place.detail,
        "lon": place.point.lon,
        "lat": place.point.lat,
    }


@router.get("/search", response=list[PlaceOut], summary="Find places by name")
def search(
    request: HttpRequest,
    q: str = Query(..., max_length=200, description="What the resident typed"),
    near: str = Query("", description="longitude,latitude: nearer places come first"),
    limit: int = Query(8, ge=1, le=20),
) -> list[dict[str, Any]]:
    """Streets, stops, squares, schools ... whose names begin like the words of `q`, or that are of a kind it names."""
    return [
        _out(place) for place in geocoder.search(q, near=values.position(near, "near") if near else None, limit=limit)
    ]


@router.get("/here", response=PlaceOut, summary="Name a position")
def here(
    request: HttpRequest,
    lon: float = Query(..., ge=-180, le=180),
    lat: float = Query(..., ge=-90, le=90),
) -> dict[str, Any]:
    """The nearest name within 150 m, else the coordinates themselves."""
    return _out(geocoder.here(lon, lat))


class ZoneOut(Schema):
    """A zone and its outline (GeoJSON geometry)."""

    slug: str
    kind: str
    name: str
    population: int | None = None
    geometry: dict[str, Any] = Field(..., description="GeoJSON Polygon or MultiPolygon")


@router.get("/zones", response=list[ZoneOut], summary="Zones of the city")
def zones(request: HttpRequest, kind: str = Query("district", max_length=50)) -> list[Zone]:
    """Every zone of a kind, by name."""
    return list(Zone.objects.filter(kind=kind))
