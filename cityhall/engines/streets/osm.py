"""Reading ways out of an OpenStreetMap file."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cityhall.engines.gtfs.schedule import Float32, Float64, Int32, Int64
from cityhall.engines.streets.profiles import PROFILES, RULES

Progress = Callable[[str, float], None]
MAX_NODES = 50_000_000


class OsmError(ValueError):
    """The file is no OpenStreetMap file that streets can be had from; the message says why and what to do."""


@dataclass(slots=True)
class Ways:
    """Every usable way. Way w runs over `nodes[first[w]:first[w + 1]]` (OSM ids)."""

    nodes: Int64
    lon: Float64  # one a node of a way
    lat: Float64
    first: Int64
    name: Int32  # row in `names`
    names: list[str]
    speed: Float32  # (ways, profiles, 2) m/s forward and backward, 0 not allowed


def read_ways(path: Path, progress: Progress) -> Ways:
    """The ways that somebody may use. Raises OsmError for a file that is broken, empty or something else."""
    import osmium
    from osmium.filter import KeyFilter

    if not path.is_file():
        raise OsmError(f"{path}: there is no such file.")
    # Machine numbers: a list of Python's would take four times the memory.
    nodes, lon, lat = array("q"), array("d"), array("d")
    first, name, names = array("q", [0]), array("i"), {"": 0}
    speeds = array("f")
    lost = 0
    try:
        for way in osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("highway")):
            if not way.is_way():
                continue
            tags = dict(way.tags)
            uses = [RULES[profile](tags) for profile in PROFILES]
            if tags.get("area") == "yes" or not any(a or b for a, b in uses):
                continue
            # An extract cuts ways off at its edge: what is left of them is still a way.
            points = [node for node in way.nodes if node.location.valid()]
            if len(points) < 2:
                lost += 1
                continue
            nodes.extend(node.ref for node in points)
            lon.extend(node.lon for node in points)
            lat.extend(node.lat for node in points)
            if len(nodes) > MAX_NODES:
                raise OsmError(f"{path.name}: more than {MAX_NODES:,} points. Cut out the city first.")
            first.append(len(nodes))
            name.append(names.setdefault(tags.get("name", ""), len(names)))
            speeds.extend(speed for use in uses for speed in use)
            if len(first) % 5000 == 0:
                progress(f"{len(first):,} ways", 0.3)
    except OsmError:
        raise
    except (RuntimeError, OSError, ValueError, osmium.InvalidLocationError) as problem:
        raise OsmError(
            f"{path.name} cannot be read as OpenStreetMap data ({problem}). Download the extract again (.osm.pbf)."
        ) from problem
    if not speeds and lost:
        raise OsmError(
            f"{path.name} holds {lost:,} streets, but none with the places of its nodes: they are missing, come after "
            "the ways or have negative numbers. Sort the file, or download the extract again (.osm.pbf)."
        )
    if not speeds:
        raise OsmError(f"{path.name} holds no streets. Choose an extract that covers the city.")
    return Ways(
        nodes=np.array(nodes, np.int64),
        lon=np.array(lon),
        lat=np.array(lat),
        first=np.array(first, np.int64),
        name=np.array(name, np.int32),
        names=list(names),
        speed=np.array(speeds, np.float32).reshape(-1, len(PROFILES), 2),
    )
