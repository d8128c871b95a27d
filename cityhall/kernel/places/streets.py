"""The city's street graph: made from its OSM file, opened by every process that routes or snaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from cityhall.engines.streets import StreetGraph
from cityhall.kernel import derived

KIND = "streets"
VERSION = "2"


def osm_file() -> Path | None:
    """The city's OSM file, None where it has none."""
    return Path(settings.CITY_FOLDER) / settings.CITY.osm if settings.CITY.osm else None


def build_streets(progress: Callable[[str, float], None]) -> StreetGraph | None:
    """Makes the street graph anew where the OSM file has changed. Raises OsmError for a file that is no OSM."""
    source = osm_file()
    if source is None:
        return None

    def make(folder: Path) -> None:
        StreetGraph.from_osm(source, progress=progress).save(folder)

    derived.build(KIND, derived.digest([source], VERSION), make)
    return streets()


def streets() -> StreetGraph | None:
    """The street graph now in use; memory-mapped, so that many processes share one copy."""
    folder = derived.current(KIND)
    return _open(str(folder)) if folder else None


@lru_cache(maxsize=2)
def _open(folder: str) -> StreetGraph:
    return StreetGraph.load(Path(folder))
