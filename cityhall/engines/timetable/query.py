"""Asking a timetable: from places to places, in whichever direction of time."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from cityhall.engines.gtfs.schedule import Int32
from cityhall.engines.timetable import kernels
from cityhall.engines.timetable.journey import Journey, Ride, Walk
from cityhall.engines.timetable.kernels import (
    ACCESSIBLE,
    INF,
    LEG,
    LEVELS,
    MAX_RIDES,
    RUNNING,
    Net,
    Rules,
    Scratch,
)
from cityhall.engines.timetable.timetable import Change, Timetable

RANGE_RESULTS = 256
NOWHERE = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Places:
    """Stops one can start from, or end at, and how many seconds away from the door each is."""

    stops: Int32
    seconds: Int32

    @classmethod
    def at(cls, stop: int) -> Places:
        """Just one stop, with no walk."""
        return cls(np.array([stop], np.int32), np.zeros(1, np.int32))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the resident asks for.

    `max_rides`: 1 to 7. `slack`: seconds kept in hand at every change. `walk_limit`: the longest walk
    between two rides, seconds. `wheelchair`: nothing that is known to be impossible with one (what is not
    known stays in). `without`: rows of routes not to ride.
    """

    max_rides: int = 6
    slack: int = 0
    walk_limit: int = INF
    wheelchair: bool = False
    without: Collection[int] = field(default=())

    def rules(self) -> Rules:
        """As the compiled search takes it. Raises ValueError for a number of rides that cannot be searched."""
        if not 1 <= self.max_rides <= MAX_RIDES:
            raise ValueError(f"max_rides is 1 to {MAX_RIDES}, not {self.max_rides}")
        needs = RUNNING | ACCESSIBLE if self.wheelchair else RUNNING
        return Rules(self.max_rides, self.slack, self.walk_limit, needs)


PLAIN = Wishes()


class _Space:
    """What one thread's searches write to: labels, and as many results as ever were found at once."""

    def __init__(self, stops: int, patterns: int) -> None:
        self.patterns = patterns
        self.scratch: Scratch = kernels.new_scratch(stops, patterns)
        self.make_room(RANGE_RESULTS)

    def make_room(self, results: int) -> None:
        self.results = results
        self.departures = np.empty(results, np.int32)
        self.arrivals = np.empty(results, np.int32)
        self.counts = np.empty(results, np.int32)
        self.legs = np.empty((results, LEVELS, LEG), np.int32)


class Router:
    """Searches a timetable. Threads may share it: each has scratch space of its own.

    A search keeps to the timetable it began with while `update` puts another in its place.
    """

    def __init__(self, timetable: Timetable) -> None:
        self.planned = timetable
        self.timetable = timetable
        self.stops = int(timetable.lon.size)
        self._own = threading.local()

    def update(self, cancelled: Iterable[int | tuple[int, int]] = (), changes: Iterable[Change] = ()) -> None:
        """From now on searches the planned timetable with just these updates (none: as planned)."""
        self.timetable = self.planned.with_updates(cancelled, changes)

    def around(self, stop: int, *, outwards: bool, limit: int = INF) -> Places:
        """A stop and those within a walk of it: `outwards` to start from, else to end at."""
        net = self.timetable.net if outwards else self.timetable.reversed_net
        walks = net.walk[net.walk_first[stop] : net.walk_first[stop + 1]]
        if limit < INF:
            walks = walks[walks[:, 1] <= limit]
        stops, seconds = np.empty(len(walks) + 1, np.int32), np.empty(len(walks) + 1, np.int32)
        stops[0], seconds[0] = stop, 0
        stops[1:], seconds[1:] = walks[:, 0], walks[:, 1]
        return Places(stops, seconds)

    def earliest_arrival(
        self, sources: Places, targets: Places, departure: int, wishes: Wishes = PLAIN, *, walk: int = INF
    ) -> list[Journey]:
        """Pareto-best (arrival, rides) leaving at `departure` or later; [] where there is none.

        `walk`: seconds it takes to go all the way on foot; nothing as slow is returned, and where it is the
        best the only journey is that walk.
        """
        timetable = self.timetable
        journeys = self._search(timetable, timetable.net, sources, targets, departure, wishes, walk)
        return journeys if journeys or walk >= INF else [_on_foot(departure, departure + walk)]

    def arrive_by(
        self, sources: Places, targets: Places, arrival: int, wishes: Wishes = PLAIN, *, walk: int = INF
    ) -> list[Journey]:
        """Pareto-best (departure, rides) that are there at `arrival` or earlier."""
        timetable = self.timetable
        journeys = self._search(timetable, timetable.reversed_net, targets, sources, -arrival, wishes, walk)
        return journeys if journeys or walk >= INF else [_on_foot(arrival - walk, arrival)]

    def range(
        self,
        sources: Places,
        targets: Places,
        start: int,
        window: int,
        wishes: Wishes = PLAIN,
        *,
        walk: int = INF,
    ) -> list[Journey]:
        """Pareto-best (departure, arrival, rides) of all that leave within `window` seconds from `start`, in
        order.
        """
        timetable = self.timetable
        net, space, rules = _allowed(timetable, timetable.net, wishes), self._space(timetable), wishes.rules()
        end = start + window
        times, rows = kernels.events(net, rules, sources.stops, sources.seconds, start, end)
        order = np.argsort(-times, kind="stable")
        while True:
            kernels.set_goal(net, space.scratch, targets.stops, targets.seconds)
            results = space.departures, space.arrivals, space.counts, space.legs
            found = kernels.search_range(net, space.scratch, rules, times, rows, order, walk, *results)
            kernels.clean(net, space.scratch, targets.stops, 1)
            if found >= 0:
                break
            space.make_room(space.results * 2)
        rows = space.legs[:found].tolist()
        bounds = zip(space.departures[:found].tolist(), space.arrivals[:found].tolist(), strict=True)
        journeys = [
            _journey(timetable, legs[:count], departure, arrival)
            for legs, count, (departure, arrival) in zip(rows, space.counts[:found].tolist(), bounds, strict=True)
        ]
        journeys.reverse()
        return journeys if journeys or walk >= INF else [_on_foot(start, start + walk)]

    def one_to_all(self, sources: Places, departure: int, wishes: Wishes = PLAIN) -> Int32:
        """(stops,) earliest arrival in seconds at every stop, a last walk included; INF where it cannot be
        reached.
        """
        timetable = self.timetable
        net, scratch = _allowed(timetable, timetable.net, wishes), self._space(timetable).scratch
        kernels.set_goal(net, scratch, NOWHERE, NOWHERE)
        kernels.search(net, scratch, wishes.rules(), sources.stops, sources.seconds, departure)
        result = scratch.ride[0].copy()
        kernels.clean(net, scratch, NOWHERE, 0)
        kernels.last_walk(net, wishes.rules(), result, sources.stops, sources.seconds, departure)
        return result

    def _space(self, timetable: Timetable) -> _Space:
        space: _Space | None = getattr(self._own, "space", None)
        if space is None or space.patterns < len(timetable.patterns):
            space = self._own.space = _Space(self.stops, len(timetable.patterns))
        return space

    def _search(
        self,
        timetable: Timetable,
        net: Net,
        sources: Places,
        targets: Places,
        departure: int,
        wishes: Wishes,
        walk: int,
    ) -> list[Journey]:
        space, rules, backwards = self._space(timetable), wishes.rules(), net is not timetable.net
        found = kernels.journeys(
            _allowed(timetable, net, wishes, backwards=backwards),
            space.scratch,
            rules,
            sources.stops,
            sources.seconds,
            targets.stops,
            targets.seconds,
            departure,
            walk,
            space.departures,
            space.arrivals,
            space.counts,
            space.legs,
        )
        result = []
        for row in range(found):
            legs = space.legs[row, : space.counts[row]].tolist()
            first, last = int(space.departures[row]), int(space.arrivals[row])
            if backwards:
                legs, first, last = _forwards(timetable, legs), -last, -first
            result.append(_journey(timetable, legs, first, last))
        return result


def _allowed(timetable: Timetable, net: Net, wishes: Wishes, *, backwards: bool = False) -> Net:
    """The net without the routes that are not wanted."""
    if not wishes.without:
        return net
    unwanted = np.isin(timetable.trip_route[timetable.patterns.trip], np.fromiter(wishes.without, np.int64))
    if backwards:
        unwanted = unwanted[timetable.reversed_runs]
    return net._replace(usable=np.where(unwanted, 0, net.usable).astype(np.int8))


def _forwards(timetable: Timetable, legs: list[list[int]]) -> list[list[int]]:
    """Legs of the reversed patterns as legs of the patterns, last first."""
    head, result, walk = timetable.net.head, [], 0
    for p, trip, on, off, departure, arrival, walk_after, _ in legs:
        calls, trips = int(head[p, kernels.CALLS]), int(head[p, kernels.TRIPS])
        result.append([p, trips - 1 - trip, calls - 1 - off, calls - 1 - on, -arrival, -departure, walk, 0])
        walk = walk_after
    result.reverse()
    return result


def _journey(timetable: Timetable, legs: list[list[int]], departure: int, arrival: int) -> Journey:
    """Rides, last first, as a journey with its walks."""
    net, patterns = timetable.net, timetable.patterns
    parts: list[Ride | Walk] = []
    at, time = -1, departure
    for p, place, on, off, leaves, arrives, walk, _ in reversed(legs):
        first, run = int(net.head[p, kernels.FIRST]), int(net.head[p, kernels.RUNS]) + place
        boarded, alighted = int(net.call[first + on]) >> 2, int(net.call[first + off]) >> 2
        if at < 0:
            walk = leaves - departure
        if walk or (at >= 0 and at != boarded):
            parts.append(Walk(at, boarded, time, time + walk))
        trip = int(patterns.trip[run])
        row = int(timetable.trip_first[trip])
        parts.append(
            Ride(
                trip,
                int(timetable.trip_route[trip]),
                boarded,
                alighted,
                leaves,
                arrives,
                row + on,
                row + off,
                int(patterns.shift[run]),
            )
        )
        at, time = alighted, arrives
    if arrival > time:
        parts.append(Walk(at, -1, time, arrival))
    return Journey(departure, arrival, tuple(parts))


def _on_foot(departure: int, arrival: int) -> Journey:
    return Journey(departure, arrival, (Walk(-1, -1, departure, arrival),))
