"""The basemap: vector tiles made from the city's OSM file and served by us, so nothing is asked of other servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from cityhall.engines.basemap import build
from cityhall.kernel import derived
from cityhall.kernel.places.streets import osm_file

KIND = "basemap"
VERSION = "2"
FILE = "basemap.pmtiles"


def load(progress: Callable[[str, float], None]) -> None:
    """Makes the tiles anew where the OSM file has changed. Raises BasemapError for a file that is no OSM."""
    source = osm_file()
    if source is None:
        return

    def make(folder: Path) -> None:
        build(source, folder / FILE, bounds=settings.CITY.bounds, progress=progress)

    derived.build(KIND, derived.digest([source], VERSION, repr(settings.CITY.bounds)), make)


def basemap_file() -> Path | None:
    """The PMTiles file now in use, None where the city has none."""
    folder = derived.current(KIND)
    return folder / FILE if folder else None
