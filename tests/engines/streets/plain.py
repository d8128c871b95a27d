"""A plain search over the map as it is written: every node a place, every pair of neighbours a piece of street."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from tests.streetmap import Map, Point

Profile = Literal["walk", "wheelchair", "bike", "drive"]
EARTH_M = 6_371_008.8


def metres(a: Point, b: Point) -> float:
    """The great circle (haversine)."""
    lat_a, lat_b = math.radians(a[1]), math.radians(b[1])
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b[0] - a[0]) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


@dataclass(frozen=True)
class Piece:
    """A straight piece of a street, seconds along it and against it (inf where not allowed)."""

    a: int
    b: int
    name: str
    length: float
    along: float
    against: float


@dataclass(frozen=True)
class On:
    """A place on a piece: `share` of it from its first end, `away` metres from where it was asked for."""

    piece: Piece
    share: float
    away: float


class Plain:
    """The map for one means of moving."""

    def __init__(self, town: Map, profile: Profile) -> None:
        self.nodes = town.nodes
        self.pieces: list[Piece] = []
        for way in town.ways:
            if way.kind is None:
                continue
            forward, backward = getattr(way.kind, profile)
            for a, b in zip(way.nodes, way.nodes[1:], strict=False):
                length = metres(self.nodes[a], self.nodes[b])
                times = [length / speed if speed else math.inf for speed in (forward, backward)]
                if min(times) < math.inf:
                    self.pieces.append(Piece(a, b, way.name, length, *times))
        self.ways_out: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self.ways_in: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for piece in self.pieces:
            for start, end, seconds in ((piece.a, piece.b, piece.along), (piece.b, piece.a, piece.against)):
                if seconds < math.inf:
                    self.ways_out[start].append((end, seconds))
                    self.ways_in[end].append((start, seconds))

    def times(self, seeds: dict[int, float], *, into: bool = False) -> dict[int, float]:
        """Seconds from the seeds to every node that can be reached (or, `into`, from every node to them)."""
        edges = self.ways_in if into else self.ways_out
        found: dict[int, float] = {}
        heap = [(seconds, node) for node, seconds in seeds.items()]
        heapq.heapify(heap)
        while heap:
            now, node = heapq.heappop(heap)
            if node in found:
                continue
            found[node] = now
            for other, seconds in edges[node]:
                if other not in found:
                    heapq.heappush(heap, (now + seconds, other))
        return found

    def part_of(self, node: int) -> set[int]:
        """The nodes that one gets to from a node, and back from."""
        return set(self.times({node: 0.0})) & set(self.times({node: 0.0}, into=True))

    def largest(self) -> set[int]:
        """The largest such part."""
        left, best = {end for piece in self.pieces for end in (piece.a, piece.b)}, set[int]()
        while left:
            part = self.part_of(min(left))
            left -= part
            best = max(best, part, key=len)
        return best

    def nearest(self, place: Point, part: set[int]) -> On:
        """The piece nearest to a place, of those within a part of the network; every one is looked at."""
        return min(
            (self._on(piece, place) for piece in self.pieces if piece.a in part and piece.b in part),
            key=lambda on: on.away,
        )

    def _on(self, piece: Piece, place: Point) -> On:
        (ax, ay), (bx, by) = self.nodes[piece.a], self.nodes[piece.b]
        wide = math.cos(math.radians(place[1]))
        dx, dy = (bx - ax) * wide, by - ay
        along = ((place[0] - ax) * wide * dx + (place[1] - ay) * dy) / ((dx * dx + dy * dy) or 1.0)
        share = min(1.0, max(0.0, along))
        return On(piece, share, metres(place, (ax + share * (bx - ax), ay + share * (by - ay))))

    def between(self, origin: On, target: On) -> float:
        """Seconds from one place to the other; inf where there is no way."""
        found = self.times(_ends(origin, leaving=True))
        ways = [found.get(node, math.inf) + seconds for node, seconds in _ends(target, leaving=False).items()]
        if origin.piece is target.piece:
            gone = target.share - origin.share
            pace = target.piece.along if gone >= 0 else target.piece.against
            ways.append(abs(gone) * pace if gone else 0.0)
        return min(ways, default=math.inf)


def _ends(on: On, *, leaving: bool) -> dict[int, float]:
    """Seconds to (or from) the ends of the piece that a place is on; at an end itself one is there."""
    piece, share = on.piece, on.share
    to_b, to_a = (piece.along, piece.against) if leaving else (piece.against, piece.along)
    ends: dict[int, float] = {}
    for node, seconds, part in ((piece.b, to_b, 1 - share), (piece.a, to_a, share)):
        if part < 1e-9 or seconds < math.inf:
            ends[node] = min(ends.get(node, math.inf), 0.0 if part < 1e-9 else seconds * part)
    return ends
