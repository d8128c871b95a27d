"""How long a truck drives from one place to another, by the city's streets or, without them, as the crow flies."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cityhall.kernel.places.point import Point, metres_between

if TYPE_CHECKING:
    from cityhall.engines.pickups.model import Int64
    from cityhall.engines.streets import Snap
    from cityhall.engines.streets.network import Network

METRES_A_SECOND = 7.0
"""How fast a truck gets on in a straight line, and from a street to a place that lies off it."""
SNAP_M = 5000.0
"""What is farther from any street is driven to in a straight line."""
NEAR_S, LONGEST_S = 600.0, 6 * 3600.0
"""A stop's neighbours are near, and a search for them ends soon; only for what it does not reach is the whole city."""
MOST_KNOWN = 400_000
"""Ways that a process remembers: those of some thousand stops in their order, with all that was tried between them."""

Pair = tuple[Point, Point]


class Way(NamedTuple):
    """How far, and the line that is driven: (lon, lat) pairs."""

    metres: float
    line: list[tuple[float, float]]


class Ways:
    """The ways of one street graph, each reckoned once; `network` None: there are no streets."""

    def __init__(self, network: Network | None) -> None:
        self.network = network
        self._snaps: dict[Point, Snap | None] = {}
        self._known: dict[Pair, int] = {}
        self._lines: dict[Pair, Way] = {}

    def learn(self, pairs: Iterable[Pair]) -> None:
        """Has the seconds of all these reckoned, by one search from each place that something begins at."""
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        wanted: defaultdict[Point, set[Point]] = defaultdict(set)
        for one, two in pairs:
            if one != two and (one, two) not in self._known:
                wanted[one].add(two)
        self._find({point for one, more in wanted.items() for point in (one, *more)})
        for one, more in wanted.items():
            self._from(one, sorted(more), NEAR_S)

    def learn_around(self, middle: Point, others: Iterable[Point]) -> None:
        """The same from a place to all others and from all of them to it, by two searches."""
        there = sorted({one for one in others if one != middle and (middle, one) not in self._known})
        back = sorted({one for one in others if one != middle and (one, middle) not in self._known})
        self._find({middle, *there, *back})
        if there:
            self._from(middle, there, LONGEST_S)
        if back:
            self._from(middle, back, LONGEST_S, turned=True)

    def seconds(self, one: Point, two: Point) -> int:
        """Whole seconds, rounded up; what was not learnt, or is forgotten, is reckoned by itself."""
        if one == two:
            return 0
        if (known := self._known.get((one, two))) is None:
            self.learn([(one, two)])
            known = self._known[one, two]
        return known

    def way(self, one: Point, two: Point) -> Way:
        """How far it is and where it goes."""
        if (one, two) not in self._lines:
            if len(self._lines) > MOST_KNOWN // 100:
                self._lines.clear()
            self._lines[one, two] = self._way(one, two)
        return self._lines[one, two]

    def _way(self, one: Point, two: Point) -> Way:
        self._find({one, two})
        begin, end = self._snaps.get(one), self._snaps.get(two)
        path = self.network.route(begin, end) if self.network is not None and begin and end else None
        if path is None or one == two:
            return Way(metres_between(one, two), [(one.lon, one.lat), (two.lon, two.lat)])
        line = [(float(lon), float(lat)) for lon, lat in zip(path.lon, path.lat, strict=True)]
        return Way(path.distance, line)

    def _find(self, points: set[Point]) -> None:
        if len(self._snaps) > MOST_KNOWN // 10:
            # Anybody may ask for any place.
            self._snaps.clear()
        missing = sorted(one for one in points if one not in self._snaps)
        if self.network is None or not missing:
            return
        import numpy as np

        lon, lat = (np.array([one[part] for one in missing]) for part in (0, 1))
        self._snaps.update(zip(missing, self.network.snap_all(lon, lat, SNAP_M), strict=True))

    def _from(self, one: Point, others: Sequence[Point], limit: float, *, turned: bool = False) -> None:
        """Seconds from a place to others; `turned`, from them to it."""
        begin = self._snaps.get(one)
        left = list(others)
        if self.network is not None and begin is not None:
            network = self.network.reversed if turned else self.network
            for within in sorted({limit, LONGEST_S}):
                ends = [self._snaps.get(two) for two in left]
                found = network.one_to_many(begin, ends, within).tolist() if left else []
                for two, end, seconds in zip(list(left), ends, found, strict=True):
                    if end is not None and math.isfinite(seconds):
                        off = (begin.away + end.away) / METRES_A_SECOND
                        self._known[(two, one) if turned else (one, two)] = math.ceil(seconds + off)
                        left.remove(two)
        for two in left:
            self._known[(two, one) if turned else (one, two)] = math.ceil(metres_between(one, two) / METRES_A_SECOND)

    def table(self, points: Sequence[Point], pairs: Iterable[tuple[int, int]]) -> tuple[Int64, Int64]:
        """Seconds and metres, each (points, points); where no pair of rows asks for them, NO_WAY.

        Metres are what is driven in that time, so that a plan with the least of them is the quickest.
        """
        import numpy as np

        from cityhall.engines.pickups import NO_WAY

        seconds = np.full((len(points), len(points)), NO_WAY, np.int64)
        np.fill_diagonal(seconds, 0)
        for one, two in pairs:
            if one != two:
                seconds[one, two] = self.seconds(points[one], points[two])
        metres = np.where(seconds < NO_WAY, seconds * int(METRES_A_SECOND), NO_WAY)
        return seconds, metres.astype(np.int64)


def ways() -> Ways:
    """The ways of the city's streets as they are now."""
    from cityhall.kernel.places.streets import streets

    global _last
    graph = streets()
    network = graph.network("drive") if graph is not None else None
    if _last is None or _last.network is not network:
        _last = Ways(network)
    return _last


_last: Ways | None = None
"""Of the street graph that was asked for last: after a new one is loaded, the old one's ways are let go."""
