"""Reading the city's own files into places: zones, the street graph, and the names that can be searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from cityhall.engines.streets import StreetGraph
from cityhall.engines.streets.places import read_places
from cityhall.kernel.places import geocoder, zones
from cityhall.kernel.places.declares import Place
from cityhall.kernel.places.streets import build_streets, osm_file
from cityhall.kernel.service import declared, resolve

WEIGHTS = {
    "city": 90,
    "suburb": 60,
    "station": 50,
    "university": 45,
    "hospital": 45,
    "townhall": 45,
    "museum": 40,
}


def load(progress: Callable[[str, float], None]) -> None:
    """Zones, streets and names from the files that `city.toml` names. What it replaces stays until it is whole."""
    if settings.CITY.zones:
        progress("zones", 0.0)
        zones.replace_zones(zones.read_zones(Path(settings.CITY_FOLDER) / settings.CITY.zones))
    graph = build_streets(progress)
    source = osm_file()
    if graph is not None and source is not None:
        progress("names of streets", 0.0)
        geocoder.replace_names("streets", _street_names(graph))
        progress("names of places", 0.5)
        geocoder.replace_names("osm", _osm_places(source))
    progress("places", 1.0)


def load_service_names(progress: Callable[[str, float], None]) -> None:
    """The names that services declare (stops, labs ...), after each has loaded its own data."""
    for service, item in declared(Place):
        progress(f"names from {service.slug}", 0.0)
        geocoder.replace_names(f"{service.slug}.{item.kind}"[:50], resolve(item.source)())


def _street_names(graph: StreetGraph) -> Iterator[geocoder.Named]:
    for name, lon, lat in graph.street_names():
        yield geocoder.Named(name=name, kind="street", lon=lon, lat=lat, weight=10)


def _osm_places(source: Path) -> Iterator[geocoder.Named]:
    for place in read_places(source):
        yield geocoder.Named(
            name=place.name,
            kind=place.kind,
            lon=place.lon,
            lat=place.lat,
            names=dict(getattr(place, "names", {}) or {}),
            weight=WEIGHTS.get(place.kind, 20),
        )
