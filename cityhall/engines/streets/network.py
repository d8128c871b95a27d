"""The street graph as one means of moving sees it: snapping a place to a street, times, routes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely

from cityhall.engines.gtfs.interpolation import METRES_A_DEGREE
from cityhall.engines.gtfs.schedule import Bool, Float32, Float64, Int32, Int64
from cityhall.engines.streets.search import FAR, within

SNAP_M = 400.0
TURN, SLIGHT = 50.0, 20.0


@dataclass(frozen=True, slots=True)
class Snap:
    """A place on a street: `share` of segment `segment` from its tail, `away` metres from where it was asked for."""

    segment: int
    share: float
    away: float


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch along one street. `turn` tells how one comes to it: depart, straight, left, slight right ..."""

    name: str
    turn: str
    distance: float  # metres
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Path:
    """A way through the streets. `lon` and `lat` are (points,) degrees, two or more, both ends included."""

    duration: float  # seconds
    distance: float  # metres
    lon: Float64
    lat: Float64
    steps: tuple[Step, ...]


class _End(NamedTuple):
    """An end of a snap's segment: its crossing, deciseconds between it and the snap, its share (0 tail, 1 head)."""

    crossing: int
    time: int
    share: float


@dataclass(slots=True)
class _Space:
    """What a search writes in, kept from one to the next of the same thread."""

    time: Int32
    came: Int32
    reached: Int32
    heap: Int64


@dataclass(frozen=True)
class Network:
    """Segments with the speeds of one profile. Threads may share it."""

    tail: Int32
    head: Int32
    length: Float32
    first: Int64
    point_lon: Float64
    point_lat: Float64
    name: Int32
    names: list[str]
    speed: Float32  # (E, 2) m/s forward, backward
    main: Bool  # (E,)
    crossings: int
    _own: threading.local = field(default_factory=threading.local, init=False, repr=False, compare=False)

    @cached_property
    def _times(self) -> Int32:
        """(E, 2) deciseconds along and against each segment, FAR where not allowed."""
        with np.errstate(divide="ignore"):
            seconds = self.length[:, None] / self.speed
        allowed = (self.speed > 0) & self.main[:, None]
        return np.where(allowed, np.maximum(1, np.rint(seconds * 10)), FAR).astype(np.int32)

    @cached_property
    def _arcs(self) -> tuple[Int64, Int32, Int32, Int32]:
        """CSR by crossing: offsets, far end, deciseconds, and 2 * segment (+ 1 against it)."""
        segment = np.arange(self.tail.size, dtype=np.int32)
        origin = np.concatenate([self.tail, self.head])
        target = np.concatenate([self.head, self.tail])
        time = self._times.T.ravel()
        label = np.concatenate([2 * segment, 2 * segment + 1])
        keep = np.flatnonzero(time < FAR)
        order = keep[np.argsort(origin[keep], kind="stable")]
        first = np.concatenate([[0], np.cumsum(np.bincount(origin[order], minlength=self.crossings))])
        return first.astype(np.int64), target[order], time[order], label[order]

    @cached_property
    def reversed(self) -> Network:
        """The same streets driven the other way: `one_to_many` of it gives the times from each target to the origin."""
        return replace(self, speed=np.ascontiguousarray(self.speed[:, ::-1]))

    @cached_property
    def _plane(self) -> tuple[float, float, shapely.STRtree, Int64]:
        """Metres a degree of longitude and of latitude, and the index of the segments one may snap to."""
        middle = float(np.median(self.point_lat)) if self.point_lat.size else 0.0
        x_scale = METRES_A_DEGREE * float(np.cos(np.radians(middle)))
        usable = np.flatnonzero(self.main)
        owner = np.repeat(np.arange(self.tail.size), np.diff(self.first))
        points = np.column_stack([self.point_lon * x_scale, self.point_lat * METRES_A_DEGREE])
        lines = shapely.linestrings(points, indices=owner)[usable] if usable.size else []
        return x_scale, METRES_A_DEGREE, shapely.STRtree(lines), usable

    def _space(self) -> _Space:
        if not hasattr(self._own, "space"):
            self._own.space = _Space(
                np.full(self.crossings, FAR, np.int32),
                np.full(self.crossings, -1, np.int32),
                np.zeros(self.crossings, np.int32),
                np.empty(4096, np.int64),
            )
        space: _Space = self._own.space
        return space

    def snap_all(self, lon: Float64, lat: Float64, limit_m: float = SNAP_M) -> list[Snap | None]:
        """Each place's nearest street; None where there is none within `limit_m` metres, or no such place (NaN)."""
        x_scale, y_scale, tree, usable = self._plane
        found: list[Snap | None] = [None] * len(lon)
        if not usable.size or not len(lon):
            return found
        places = np.column_stack([np.asarray(lon) * x_scale, np.asarray(lat) * y_scale])
        points = shapely.points(places)
        points[~np.isfinite(places).all(axis=1)] = None
        rows, away = tree.query_nearest(points, max_distance=limit_m, return_distance=True, all_matches=False)
        lines = tree.geometries.take(rows[1])
        # Rounded so that a place on a crossing is on it, and no way there begins with a stub of a street.
        shares = np.round(shapely.line_locate_point(lines, points[rows[0]], normalized=True), 9)
        for place, line, share, metres in zip(rows[0], rows[1], shares, away, strict=True):
            found[int(place)] = Snap(int(usable[line]), float(share), float(metres))
        return found

    def snap(self, lon: float, lat: float, limit_m: float = SNAP_M) -> Snap | None:
        """The nearest street to a place; None where there is none within `limit_m` metres."""
        return self.snap_all(np.array([lon]), np.array([lat]), limit_m)[0]

    def _ends(self, snap: Snap, *, leaving: bool) -> list[_End]:
        """The ends of the snap's segment that one can get to from it (`leaving`), or from which one gets to it.

        Who stands at an end is there, whichever way the segment may be gone: all streets of the crossing are open.
        """
        along, against = (int(time) for time in self._times[snap.segment])
        tail, head = int(self.tail[snap.segment]), int(self.head[snap.segment])
        to_head, to_tail = 1.0 - snap.share, snap.share
        if leaving:
            ends = [(head, along, to_head, 1.0), (tail, against, to_tail, 0.0)]
        else:
            ends = [(tail, along, to_tail, 0.0), (head, against, to_head, 1.0)]
        return [
            _End(crossing, round(time * part), share) for crossing, time, part, share in ends if time < FAR or part == 0
        ]

    def _direct(self, origin: Snap, target: Snap) -> int:
        """Deciseconds along the one segment both are on; FAR where they are not, or it is the wrong way."""
        if origin.segment != target.segment:
            return FAR
        if origin.share == target.share:
            return 0
        time = int(self._times[origin.segment][0 if target.share >= origin.share else 1])
        return round(time * abs(target.share - origin.share)) if time < FAR else FAR

    def one_to_many(self, origin: Snap, targets: list[Snap | None], limit_s: float) -> Float64:
        """(targets,) seconds from `origin`; inf where it takes longer than `limit_s` or there is no way."""
        limit = _deciseconds(limit_s)
        result = np.full(len(targets), np.inf)
        with self._search(self._ends(origin, leaving=True), limit) as (space, _):
            for row, target in enumerate(targets):
                if target is None:
                    continue
                best = self._direct(origin, target)
                for end in self._ends(target, leaving=False):
                    best = min(best, int(space.time[end.crossing]) + end.time)
                if best <= limit:
                    result[row] = best / 10
        return result

    @contextmanager
    def _search(
        self, seeds: list[_End], limit: int, goals: tuple[int, int] = (-1, -1)
    ) -> Iterator[tuple[_Space, Int32]]:
        """The times from `seeds` within `limit`, and the crossings reached. They are gone after the `with`."""
        space = self._space()
        first, head, time, _ = self._arcs
        count, space.heap = within(
            first,
            head,
            time,
            np.array([end.crossing for end in seeds], np.int32),
            np.array([end.time for end in seeds], np.int32),
            limit,
            goals[0],
            goals[1],
            space.time,
            space.came,
            space.reached,
            space.heap,
        )
        reached = space.reached[:count]
        try:
            yield space, reached
        finally:
            space.time[reached] = FAR

    def footpaths(self, lon: Float64, lat: Float64, limit_s: float) -> tuple[Int32, Int32, Int32]:
        """Every pair of places within `limit_s` seconds: row of one, row of the other, seconds (rounded up).

        Places that lie on no street are in no pair. (pairs,) int32 each.
        """
        snaps = self.snap_all(lon, lat)
        limit = _deciseconds(limit_s)
        placed = [(row, snap) for row, snap in enumerate(snaps) if snap is not None]
        ends = sorted((end.crossing, end.time, row) for row, snap in placed for end in self._ends(snap, leaving=False))
        at = np.array([crossing for crossing, _, _ in ends], np.int64)
        rest = np.array([seconds for _, seconds, _ in ends], np.int64)
        owner = np.array([row for _, _, row in ends], np.int64)
        same = _by_segment(snaps)
        pieces: list[tuple[Int32, Int32, Int64]] = []
        for row, origin in placed:
            best = np.full(len(snaps), FAR, np.int64)
            with self._search(self._ends(origin, leaving=True), limit) as (space, reached):
                near = np.sort(reached).astype(np.int64)
                low, high = np.searchsorted(at, near), np.searchsorted(at, near, side="right")
                rows = np.repeat(low - np.concatenate([[0], np.cumsum(high - low)[:-1]]), high - low) + np.arange(
                    int((high - low).sum())
                )
                np.minimum.at(best, owner[rows], space.time[at[rows]] + rest[rows])
            for other in same[origin.segment]:
                target = snaps[other]
                if target is not None:
                    best[other] = min(best[other], self._direct(origin, target))
            best[row] = FAR
            hit = np.flatnonzero(best <= limit)
            pieces.append((np.full(hit.size, row, np.int32), hit.astype(np.int32), best[hit]))
        empty = np.zeros(0, np.int32)
        if not pieces:
            return empty, empty, empty
        seconds = np.ceil(np.concatenate([piece[2] for piece in pieces]) / 10).astype(np.int32)
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces]), seconds

    def route(self, origin: Snap, target: Snap, limit_s: float = 4 * 3600) -> Path | None:
        """The quickest way; None where there is none within `limit_s`."""
        starts, ends = self._ends(origin, leaving=True), self._ends(target, leaving=False)
        direct = self._direct(origin, target)
        # What is slower than along the one street that both are on need not be looked at.
        limit = min(_deciseconds(limit_s), direct)
        goals = (ends[0].crossing, ends[-1].crossing) if ends else (-1, -1)
        with self._search(starts, limit, goals) as (space, _):
            best, last = min(((int(space.time[end.crossing]) + end.time, end) for end in ends), default=(FAR, None))
            if last is not None and best < direct and best <= limit:
                return self._path(self._pieces(origin, target, starts, last, space), best / 10)
        return self._path([(origin.segment, origin.share, target.share)], direct / 10) if direct <= limit else None

    def _pieces(
        self, origin: Snap, target: Snap, starts: list[_End], last: _End, space: _Space
    ) -> list[tuple[int, float, float]]:
        """(segment, share at the start, share at the end) of every piece of the way that enters by `last`."""
        label = self._arcs[3]
        pieces = [(target.segment, last.share, target.share)]
        at = last.crossing
        while (arc := int(space.came[at])) >= 0:
            segment, back = int(label[arc]) >> 1, int(label[arc]) & 1
            pieces.append((segment, 1.0, 0.0) if back else (segment, 0.0, 1.0))
            at = int(self.head[segment] if back else self.tail[segment])
        # A street may begin and end at the same crossing: one leaves it by the nearer end.
        start = min((end for end in starts if end.crossing == at), key=lambda end: end.time)
        pieces.append((origin.segment, origin.share, start.share))
        return pieces[::-1]

    def _path(self, pieces: list[tuple[int, float, float]], duration: float) -> Path:
        lines, distances, names = [], [], []
        for segment, start, end in pieces:
            line = self._line(segment, start, end)
            # Nothing is gone along a piece from a crossing to itself, so there is nothing to tell of it.
            if len(line) > 1 or len(pieces) == 1:
                lines.append(line)
                distances.append(abs(end - start) * float(self.length[segment]))
                names.append(self.names[int(self.name[segment])])
        if not lines:
            return self._path(pieces[:1], duration)
        points = _without_repeats(np.concatenate(lines))
        if len(points) == 1:
            points = np.vstack([points, points])
        return Path(duration, sum(distances), points[:, 0], points[:, 1], _steps(names, lines, distances))

    def _line(self, segment: int, start: float, end: float) -> Float64:
        """(points, 2) lon, lat of part of a segment, in the direction gone, each point once."""
        rows = slice(int(self.first[segment]), int(self.first[segment + 1]))
        points = np.column_stack([self.point_lon[rows], self.point_lat[rows]])
        if {start, end} == {0.0, 1.0}:
            # Most of a long way: nothing is to be cut.
            return _without_repeats(points if end > start else points[::-1])
        scale = np.cos(np.radians(points[0, 1]))
        way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(points[:, 0]) * scale, np.diff(points[:, 1])))])
        way /= way[-1] or 1.0
        low, high = min(start, end), max(start, end)
        inner = (way > low) & (way < high)
        ends = [[np.interp(share, way, points[:, 0]), np.interp(share, way, points[:, 1])] for share in (low, high)]
        line = _without_repeats(np.vstack([ends[0], points[inner], ends[1]]))
        return line if end >= start else line[::-1]


def _deciseconds(limit_s: float) -> int:
    """A limit as the search has it: less than FAR, so that what is not reached is beyond every limit."""
    return int(min(limit_s * 10, FAR - 1))


def _without_repeats(points: Float64) -> Float64:
    """(points, 2) without those that are where the one before is."""
    moved = (points[1:] != points[:-1]).any(axis=1)
    return points if moved.all() else points[np.append(True, moved)]


def _by_segment(snaps: list[Snap | None]) -> dict[int, list[int]]:
    result: dict[int, list[int]] = {}
    for row, snap in enumerate(snaps):
        if snap is not None:
            result.setdefault(snap.segment, []).append(row)
    return result


def _bearing(a: Float64, b: Float64) -> float:
    return float(np.degrees(np.arctan2((b[0] - a[0]) * np.cos(np.radians(a[1])), b[1] - a[1])))


def _turn(before: Float64, after: Float64) -> str:
    """How one turns from the end of one line into the beginning of the next."""
    angle = (_bearing(after[0], after[1]) - _bearing(before[-2], before[-1]) + 180) % 360 - 180
    side = "right" if angle > 0 else "left"
    if abs(angle) < SLIGHT:
        return "straight"
    if abs(angle) < TURN:
        return f"slight {side}"
    return side if abs(angle) < 150 else "back"


def _steps(names: list[str], lines: list[Float64], distances: list[float]) -> tuple[Step, ...]:
    """Pieces along the same street as one step."""
    steps: list[Step] = []
    for place, (name, line, distance) in enumerate(zip(names, lines, distances, strict=True)):
        turn = _turn(lines[place - 1], line) if place else "depart"
        last = steps[-1] if steps else None
        if last and last.name == name and (name or turn == "straight"):
            steps[-1] = Step(name, last.turn, last.distance + distance, last.lon, last.lat)
        else:
            steps.append(Step(name, turn, distance, float(line[0][0]), float(line[0][1])))
    return tuple(steps)
