"""Reads that more than one door needs."""

from collections.abc import Iterator
from typing import Any

from cityhall.kernel.places.geocoder import Named
from fountains.models import Fountain


def geojson(bounds: tuple[float, float, float, float] | None) -> dict[str, Any]:
    """Every fountain. The manifest's `public_fields` say which properties leave the service."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": list(fountain.point)},
                "properties": {"id": fountain.pk, "name": fountain.name, "works": fountain.works},
            }
            for fountain in Fountain.objects.all()
        ],
    }


def names() -> Iterator[Named]:
    """For the search field."""
    for fountain in Fountain.objects.all():
        yield Named(fountain.name, "fountain", fountain.point.lon, fountain.point.lat)


def working_share() -> float:
    """Per cent of the fountains that work; 0 where there are none."""
    every = Fountain.objects.count()
    return 100 * Fountain.objects.filter(works=True).count() / every if every else 0.0
