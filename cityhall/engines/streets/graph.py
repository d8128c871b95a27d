"""The street graph as flat arrays: crossings, and the segments of street between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cityhall.engines import arrays
from cityhall.engines.gtfs.interpolation import METRES_A_DEGREE
from cityhall.engines.gtfs.schedule import Bool, Float32, Float64, Int32, Int64
from cityhall.engines.streets.network import Network
from cityhall.engines.streets.osm import OsmError, Progress, Ways, read_ways
from cityhall.engines.streets.profiles import PROFILES, Profile

__all__ = ["PROFILES", "OsmError", "Profile", "StreetGraph"]

VERSION = "streets 1"


def _quiet(what: str, share: float) -> None:
    pass


@dataclass(frozen=True)
class StreetGraph:
    """N crossings and E segments. Segment e runs from `tail[e]` to `head[e]` along points first[e]:first[e+1]."""

    lon: Float64  # (N,) degrees
    lat: Float64
    tail: Int32  # (E,)
    head: Int32
    length: Float32  # (E,) metres
    first: Int64  # (E + 1,)
    point_lon: Float64
    point_lat: Float64
    name: Int32  # (E,) row in `names`, 0 for none
    names: list[str]
    speed: Float32  # (E, profiles, 2) m/s forward, backward; 0 not allowed
    main: Bool  # (E, profiles): in the part of the network from which one gets everywhere and back

    @classmethod
    def from_osm(cls, path: Path, *, progress: Progress = _quiet) -> StreetGraph:
        """The graph of an .osm.pbf or .osm file. Raises OsmError for one that is broken or holds no streets."""
        ways = read_ways(Path(path), progress)
        progress("crossings", 0.7)
        return _build(cls, ways)

    def save(self, folder: Path) -> None:
        """Writes it to `folder`, for `load`."""
        arrays.save(folder, self, VERSION)

    @classmethod
    def load(cls, folder: Path) -> StreetGraph:
        """What `save` wrote, mapped into memory. Raises ValueError for another version or damage."""
        return arrays.load(folder, cls, VERSION)

    def network(self, profile: Profile) -> Network:
        """The graph as one means of moving sees it."""
        return self._networks[PROFILES.index(profile)]

    @cached_property
    def _networks(self) -> list[Network]:
        return [self._network(column) for column in range(len(PROFILES))]

    def _network(self, column: int) -> Network:
        return Network(
            tail=self.tail,
            head=self.head,
            length=self.length,
            first=self.first,
            point_lon=self.point_lon,
            point_lat=self.point_lat,
            name=self.name,
            names=self.names,
            speed=self.speed[:, column],
            main=self.main[:, column],
            crossings=int(self.lon.size),
        )

    def street_names(self) -> Iterator[tuple[str, float, float]]:
        """(name, lon, lat) of every named street: the middle point (or two) of its longest segment."""
        order = np.lexsort((-self.length, self.name))
        named = order[self.name[order] > 0]
        for segment in named[np.flatnonzero(np.diff(self.name[named], prepend=-1))]:
            ends = int(self.first[segment] + self.first[segment + 1]) - 1
            middle = slice(ends // 2, (ends + 1) // 2 + 1)
            yield (
                self.names[int(self.name[segment])],
                float(self.point_lon[middle].mean()),
                float(self.point_lat[middle].mean()),
            )


def _build(cls: type[StreetGraph], ways: Ways) -> StreetGraph:
    """Cuts ways at the nodes they share."""
    ids, place = np.unique(ways.nodes, return_inverse=True)
    way = np.repeat(np.arange(ways.first.size - 1), np.diff(ways.first))
    ends = np.zeros(ways.nodes.size, np.bool_)
    ends[ways.first[:-1]] = True
    ends[ways.first[1:] - 1] = True
    uses = np.bincount(place, minlength=ids.size)
    crossing = np.zeros(ids.size, np.bool_)
    crossing[place[ends]] = True
    crossing |= uses > 1
    cut = np.flatnonzero(crossing[place])
    same = way[cut[:-1]] == way[cut[1:]]
    start, stop = cut[:-1][same], cut[1:][same]
    number = np.cumsum(crossing) - 1
    points = stop - start + 1
    first = np.concatenate([[0], np.cumsum(points)]).astype(np.int64)
    rows = np.repeat(start - first[:-1], points) + np.arange(first[-1])
    lon, lat = ways.lon[rows], ways.lat[rows]
    once = np.flatnonzero(np.diff(place[np.argsort(place, kind="stable")], prepend=-1))
    sample = np.argsort(place, kind="stable")[once]
    speed = ways.speed[way[start]]
    tail, head = number[place[start]].astype(np.int32), number[place[stop]].astype(np.int32)
    return cls(
        lon=ways.lon[sample][crossing],
        lat=ways.lat[sample][crossing],
        tail=tail,
        head=head,
        length=_lengths(lon, lat, first),
        first=first,
        point_lon=lon,
        point_lat=lat,
        name=ways.name[way[start]],
        names=ways.names,
        speed=speed,
        main=_main(tail, head, speed, int(crossing.sum())),
    )


def _lengths(lon: Float64, lat: Float64, first: Int64) -> Float32:
    steps = np.hypot(np.diff(lon) * np.cos(np.radians(lat[:-1])), np.diff(lat)) * METRES_A_DEGREE
    total = np.concatenate([[0.0], np.cumsum(steps)])
    lengths: Float32 = np.maximum(total[first[1:] - 1] - total[first[:-1]], 0.1).astype(np.float32)
    return lengths


def _main(tail: Int32, head: Int32, speed: Float32, crossings: int) -> Bool:
    """(E, profiles): a place on an island of the network would have no way out, so one never starts there."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    main = np.zeros((tail.size, len(PROFILES)), np.bool_)
    for column in range(len(PROFILES)):
        forward, backward = speed[:, column, 0] > 0, speed[:, column, 1] > 0
        origin = np.concatenate([tail[forward], head[backward]])
        target = np.concatenate([head[forward], tail[backward]])
        if origin.size == 0:
            continue
        graph = coo_matrix((np.ones(origin.size, np.int32), (origin, target)), shape=(crossings, crossings))
        _, part = connected_components(graph.tocsr(), directed=True, connection="strong")
        largest = np.argmax(np.bincount(part[origin]))
        main[:, column] = (part[tail] == largest) & (part[head] == largest) & (forward | backward)
    return main
