"""Buses on a city's streets for the interception bench: lines out of a feed, days that go wrong, what is known of them.

A bus takes what its timetable says times a pace of its own, times the luck of each segment, and in one case of three it
runs into a jam that nobody knows of. Its position is heard every 60 s. What a predictor would say (three quantiles a
point, as `engines/arrivals` gives them) is learned from other runs: by how far ahead a point is, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cityhall.engines.coverage.covering import Float64
from cityhall.engines.gtfs import Schedule, read_feeds
from cityhall.engines.intercept import Shape, Times
from cityhall.engines.streets import Snap, StreetGraph
from cityhall.engines.streets.network import Network

NEAR_M = 80.0
HALT_M, LEAST_S = 350.0, 5.0
STOPS, POINTS_AHEAD = 12, 8
GAP_S = 60.0
PACE, LUCK = 0.12, 0.25
JAM, JAM_SEGMENTS, JAM_TIMES = 0.35, (3, 9), (1.8, 4.0)
DRIVE, DRIVE_JAM, DRIVE_TIMES = 0.15, 0.15, 1.5
EDGES = np.array([0.0, 30, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1440, 2400])
METRES = 111_320.0


@dataclass(frozen=True, slots=True)
class Line:
    """The points of a line's way that a unit can get to, in order: stops, and a halt halfway between distant ones.

    `planned` is seconds from the first, never less than LEAST_S from one to the next.
    """

    lon: Float64
    lat: Float64
    planned: Float64
    halt: list[bool]
    snaps: list[Snap]


def lines(schedule: Schedule, network: Network) -> list[Line]:
    """One line of each sequence of stops, the longest part of it that lies on the network.

    Raises ValueError where none has twelve stops on it.
    """
    lon, lat = np.asarray(schedule.stops.lon), np.asarray(schedule.stops.lat)
    snaps = network.snap_all(lon, lat, NEAR_M)
    trips, times = schedule.trips, schedule.stop_times
    seen: dict[tuple[int, ...], int] = {}
    for trip in range(len(trips)):
        seen.setdefault(tuple(int(stop) for stop in times.stop[trips.first[trip] : trips.first[trip + 1]]), trip)
    found = []
    for stops, trip in seen.items():
        low, high = _longest([snaps[stop] is not None for stop in stops])
        if high - low >= STOPS:
            rows = np.array(stops[low:high])
            first = int(trips.first[trip])
            at = np.asarray(times.arrival[first + low : first + high], np.float64)
            found.append(_line(lon[rows], lat[rows], at, network))
    if not found:
        raise ValueError(f"no line of the feed has {STOPS} stops in a row on the streets: do both cover the same city?")
    return found


def _longest(there: Sequence[bool]) -> tuple[int, int]:
    best, low = (0, 0), 0
    for row, on in enumerate([*there, False]):
        if not on:
            best, low = max(best, (low, row), key=lambda part: part[1] - part[0]), row + 1
    return best


def _line(lon: Float64, lat: Float64, at: Float64, network: Network) -> Line:
    east = np.diff(lon) * METRES * np.cos(np.radians(lat[0]))
    gaps = np.hypot(east, np.diff(lat) * METRES)
    # Halfway between distant stops a bus can be stopped as well.
    halts = np.flatnonzero(gaps > HALT_M)
    order = np.argsort(np.concatenate([np.arange(len(lon)) * 2, halts * 2 + 1]), kind="stable")
    at = np.maximum.accumulate(at + LEAST_S * 2 * np.arange(len(at)) * (np.append(1, np.diff(at)) <= 0))
    every = [np.concatenate([column, (column[halts] + column[halts + 1]) / 2])[order] for column in (lon, lat, at)]
    halt = np.concatenate([np.zeros(len(lon), bool), np.ones(len(halts), bool)])[order]
    snaps = network.snap_all(every[0], every[1], NEAR_M)
    kept = [row for row, snap in enumerate(snaps) if snap is not None]
    planned = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(every[2][kept]), LEAST_S))])
    return Line(
        every[0][kept], every[1][kept], planned, halt[kept].tolist(), [snap for snap in snaps if snap is not None]
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What was learned from other runs. By planned seconds ahead (`at`): the quantiles of actual over planned.

    `drive` is the middle of actual over computed driving time, `quick` and `slow` its other quantiles over that.
    """

    at: Float64
    low: Float64
    middle: Float64
    high: Float64
    drive: float
    quick: float
    slow: float
    bus_shape: Shape | None = None
    unit_shape: Shape | None = None

    def bus(self, line: Line, place: float, at: float) -> Times:
        """When the bus comes to each point, seen at `place` (points passed, with a share) at a time."""
        base = np.maximum(line.planned - np.interp(place, np.arange(len(line.planned)), line.planned), 0.0)
        low, middle, high = (base * np.interp(base, self.at, of) for of in (self.low, self.middle, self.high))
        low, middle, high = (np.maximum.accumulate(column) for column in (low, middle, high))
        return Times(at + middle, at + np.minimum(low, middle), at + np.maximum(high, middle), self.bus_shape)

    def unit(self, now: float, seconds: Float64) -> Times:
        """When a unit that leaves now comes to points that are so many computed seconds away."""
        return Times.driven(now, seconds * self.drive, self.quick, self.slow, self.unit_shape)


@dataclass(frozen=True, slots=True)
class Case:
    """One incident at time 0: the bus's truth, and a unit somewhere. Times are seconds after the press.

    `true` is when the bus is at each point, -inf for those passed before its last position; `heard` when positions
    come, from the last one before the press on; `slow` is what the unit takes over what was computed.
    """

    line: Line
    true: Float64
    start: float  # place of the bus at its last position
    heard: Float64
    unit: Snap
    slow: float

    def place(self, at: Float64 | float) -> Float64:
        """Where the bus is: points passed, with a share of the way to the next."""
        ahead = int(np.ceil(self.start))
        times = np.concatenate([[self.heard[0]], self.true[ahead:]])
        places = np.concatenate([[self.start], np.arange(ahead, len(self.true))])
        found: Float64 = np.interp(at, times, places)
        return found


def truth(line: Line, start: float, rng: np.random.Generator) -> Float64:
    """Seconds from `start` to each point ahead of it; -inf for those behind."""
    step = np.diff(line.planned) * np.exp(rng.normal(0, PACE) + rng.normal(0, LUCK, len(line.planned) - 1))
    if rng.random() < JAM:
        first = int(rng.integers(int(start), len(step)))
        step[first : first + int(rng.integers(*JAM_SEGMENTS))] *= rng.uniform(*JAM_TIMES)
    gone = np.concatenate([[0.0], np.cumsum(step)])
    since = gone - np.interp(start, np.arange(len(gone)), gone)
    return np.where(np.arange(len(gone)) >= start, since, -np.inf)


def _slow(rng: np.random.Generator, count: int) -> Float64:
    return np.exp(rng.normal(0.03, DRIVE, count)) * np.where(rng.random(count) < DRIVE_JAM, DRIVE_TIMES, 1.0)


def _start(line: Line, rng: np.random.Generator) -> float:
    return float(rng.uniform(0, len(line.planned) - 1 - POINTS_AHEAD))


def learned(all_: list[Line], seed: int, runs: int = 6000) -> Known:
    """What other runs, of other seeds than any case, teach."""
    rng = np.random.default_rng([seed, 999])
    base, ratio = [], []
    for _ in range(runs):
        line = all_[int(rng.integers(len(all_)))]
        start = _start(line, rng)
        true = truth(line, start, rng)
        planned = line.planned - np.interp(start, np.arange(len(line.planned)), line.planned)
        ahead = planned > 0.5
        base.append(planned[ahead])
        ratio.append(true[ahead] / planned[ahead])
    far, share = np.concatenate(base), np.concatenate(ratio)
    column = np.digitize(far, EDGES)
    rows = []
    for bin_ in np.unique(column):
        inside = column == bin_
        if inside.sum() >= 200:
            rows.append([np.median(far[inside]), *np.quantile(share[inside], [0.1, 0.5, 0.9])])
    table = np.array(rows)
    slow = _slow(rng, 20_000)
    quick, usual, worst = np.quantile(slow, [0.1, 0.5, 0.9])
    known = Known(
        *(table[:, 0], table[:, 1], table[:, 2], table[:, 3]),
        *(float(usual), float(quick / usual), float(worst / usual)),
    )
    driven = known.unit(0.0, np.full(len(slow), 100.0))
    return replace(
        known,
        bus_shape=Shape.of(np.concatenate(list(_scores(all_, known, rng, runs)))),
        unit_shape=Shape.of(driven.scores(100.0 * slow)),
    )


def _scores(all_: list[Line], known: Known, rng: np.random.Generator, runs: int) -> Iterator[Float64]:
    """How other runs again came, beside what is known of them."""
    for _ in range(runs):
        line = all_[int(rng.integers(len(all_)))]
        start = _start(line, rng)
        low = int(np.ceil(start)) + 1
        yield known.bus(line, start, 0.0).from_point(low).scores(truth(line, start, rng)[low:])


def case(all_: list[Line], network: Network, seed: int, row: int) -> Case:
    """The case of that row, the same for the same seed. near: (crossings, 2) metres of those one may stand at."""
    rng = np.random.default_rng([seed, row])
    while True:
        line = all_[int(rng.integers(len(all_)))]
        start = _start(line, rng)
        age = float(rng.uniform(0, GAP_S))
        true = truth(line, start, rng) - age
        heard = np.arange(-age, max(float(true[-1]), 0.0) + GAP_S, GAP_S)
        k = int(start) + 3
        # Somewhere within about four kilometres of where the bus will soon be.
        angle, away = rng.uniform(0, 2 * np.pi), 4000 * np.sqrt(rng.uniform(0.005, 1))
        lon = line.lon[k] + away * np.cos(angle) / (METRES * np.cos(np.radians(line.lat[k])))
        unit = network.snap(float(lon), float(line.lat[k] + away * np.sin(angle) / METRES), 300.0)
        if unit is not None:
            return Case(line, true, start, heard, unit, float(_slow(rng, 1)[0]))


def city(gtfs: list[Path], osm: Path) -> tuple[StreetGraph, list[Line]]:
    """The streets and lines of files. Raises ValueError (OsmError, FeedError) for what cannot be read."""
    graph = StreetGraph.from_osm(osm)
    schedule, _ = read_feeds(gtfs)
    return graph, lines(schedule, graph.network("drive"))
