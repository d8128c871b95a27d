"""The streets buses can take, as far as a client can know them: those that some line's shape runs along."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import defaultdict

from cityhall.engines.gtfs import Schedule
from cityhall.simulator.course import METRES_A_DEGREE

Node = tuple[float, float]


def _metres(one: Node, other: Node) -> float:
    east = (other[0] - one[0]) * math.cos(math.radians(one[1]))
    return math.hypot(east, other[1] - one[1]) * METRES_A_DEGREE


class Streets:
    """A graph of (lon, lat) nodes; every street may be driven both ways."""

    def __init__(self, schedule: Schedule) -> None:
        self.near: dict[Node, dict[Node, float]] = defaultdict(dict)
        shapes = schedule.shapes
        for shape in range(len(shapes)):
            rows = slice(int(shapes.first[shape]), int(shapes.first[shape + 1]))
            nodes = [
                (round(lon, 6), round(lat, 6))
                for lon, lat in zip(shapes.lon[rows].tolist(), shapes.lat[rows].tolist(), strict=True)
            ]
            for one, other in itertools.pairwise(nodes):
                if one != other:
                    self.near[one][other] = self.near[other][one] = _metres(one, other)

    def way(self, start: Node, goal: Node, *, barred: set[Node] | None = None, longest: float = 1e9) -> list[Node]:
        """The shortest way that touches none of the `barred` nodes; empty where there is none within `longest` m.

        Dijkstra, A note on two problems in connexion with graphs, 1959.
        """
        barred = barred or set()
        best: dict[Node, float] = {start: 0.0}
        before: dict[Node, Node] = {}
        queue = [(0.0, start)]
        while queue:
            far, node = heapq.heappop(queue)
            if node == goal:
                way = [node]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if far > best[node] or far > longest:
                continue
            for after, metres in self.near[node].items():
                if after not in barred and far + metres < best.get(after, math.inf):
                    best[after], before[after] = far + metres, node
                    heapq.heappush(queue, (far + metres, after))
        return []
