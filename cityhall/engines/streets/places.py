"""Names out of an OpenStreetMap file: schools, squares, cafés, districts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cityhall.engines.streets.osm import OsmError

if TYPE_CHECKING:
    import osmium

KEYS = (
    "place",
    "amenity",
    "tourism",
    "leisure",
    "shop",
    "office",
    "historic",
    "railway",
    "aeroway",
    "healthcare",
    "natural",
    "public_transport",
)
DULL = frozenset(
    {"bench", "waste_basket", "tree", "parking_space", "stop_position", "platform", "stop", "level_crossing"}
)


FURTHER = {
    ("industrial", "port"): "port",
    ("landuse", "port"): "port",
    ("landuse", "harbour"): "port",
    ("harbour", "yes"): "port",
    ("man_made", "pier"): "pier",
    ("landuse", "cemetery"): "cemetery",
    ("emergency", "assembly_point"): "assembly_point",
}
"""What is looked for of keys that mostly hold what nobody does: the kind it is of."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something with a name. `kind` is the value of its main tag; `names` are its names by language."""

    name: str
    kind: str
    lon: float
    lat: float
    names: dict[str, str]


def read_places(path: Path) -> Iterator[Place]:
    """Every named node or way of a kind that people look for. Raises OsmError for a file that is broken."""
    import osmium
    from osmium.filter import KeyFilter

    if not Path(path).is_file():
        raise OsmError(f"{path}: there is no such file.")
    try:
        for thing in osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("name")):
            if thing.is_relation():
                continue
            tags = dict(thing.tags)
            kind = next((tags[key] for key in KEYS if key in tags), "") or _further(tags)
            where = _where(thing) if kind and kind not in DULL else None
            if where:
                names = {key[5:]: value for key, value in tags.items() if key.startswith("name:")}
                yield Place(tags["name"], kind, *where, names)
    except (RuntimeError, OSError, UnicodeDecodeError, osmium.InvalidLocationError) as problem:
        raise OsmError(
            f"{Path(path).name} cannot be read as OpenStreetMap data ({problem}). "
            "Download the extract again (.osm.pbf)."
        ) from problem


def _further(tags: dict[str, str]) -> str:
    return next((kind for (key, value), kind in FURTHER.items() if tags.get(key) == value), "")


def _where(thing: osmium.osm.Node | osmium.osm.Way) -> tuple[float, float] | None:
    """A node's place, or the middle of a way's corners; None where the file does not tell (a deleted node)."""
    if thing.is_node():
        return (thing.location.lon, thing.location.lat) if thing.location.valid() else None
    corners = [(node.lon, node.lat) for node in thing.nodes if node.location.valid()]
    if not corners:
        return None
    return sum(lon for lon, _ in corners) / len(corners), sum(lat for _, lat in corners) / len(corners)
