"""Where a unit should wait: at the station where it adds the most expected coverage.

MEXCLP (Daskin, A maximum expected covering location model, Transportation Science 17(1), 1983): with a chance `busy`
that a unit is not there when it is called, the k-th unit that covers a place adds (1 - busy)·busy^(k-1) of its demand.
DMEXCLP (Jagtenberg, Bhulai, van der Mei, An efficient heuristic for real-time ambulance redeployment, Operations
Research for Health Care 4, 2015): a unit that becomes free goes where it adds the most, given where the others wait or
are going.

Two things are added. A gain far away counts less: by exp(-seconds / patience), because what happens before the unit is
there is answered without it. And when the picture has changed, one unit that waits or is on its way may be sent
elsewhere, if that adds enough, and as often as the cap on moves lets it (van Barneveld, Bhulai, van der Mei, The effect
of ambulance relocations on the performance of ambulance service providers, European Journal of Operational Research
252(1), 2016: a few moves bring most of the gain).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cityhall.engines.compiled import compiled
from cityhall.engines.coverage.covering import Bool, Float64, Int64

BUSY = 0.15
"""Only free units are counted, so that this is the chance that one is gone when the next call near it comes, not the
share of its time that it is busy. 0.1 to 0.3 do about equally well on the cities of README.md, 0.5 does worse."""
PATIENCE_S = 2400.0
GAIN = 0.005
"""The least share of all demand that a move of a unit that waits has to add, expected."""

Reason = Literal["alone", "thin", "stay", "full", "cap"]


@dataclass(frozen=True, slots=True)
class Advice:
    """Where to send a unit, and why: so that a person can judge it.

    `unit` and `station` are rows (-1 for none), `gain` the expected demand that it adds there (for a move: more than
    where it is now), `alone` the demand there that no other unit covers. `reason`:
    alone: it covers places that nobody else covers; thin: it strengthens places that few cover; stay: no move adds
    enough; full: no station has room; cap: there were as many moves as are allowed within the hour.
    """

    unit: int
    station: int
    gain: float
    alone: float
    reason: Reason


@dataclass(slots=True)
class Cap:
    """So many moves an hour, of the fleet. Times are seconds of any clock that only goes on."""

    an_hour: int
    moves: deque[float] = field(default_factory=deque)

    def free(self, now: float) -> bool:
        """Whether one more move may begin now."""
        while self.moves and now - self.moves[0] >= 3600.0:
            self.moves.popleft()
        return len(self.moves) < self.an_hour

    def count(self, now: float) -> None:
        """One has begun."""
        self.moves.append(now)


@dataclass(frozen=True, slots=True)
class Ground:
    """S stations, Q points: who reaches whom in time (Q, S), the demand of each point, room for units (S,)."""

    cover: Bool
    demand: Float64
    capacity: Int64

    def __post_init__(self) -> None:
        points, stations = self.cover.shape
        if len(self.demand) != points or len(self.capacity) != stations:
            raise ValueError("cover is (points, stations), demand has a value a point, capacity one a station")


def expected(ground: Ground, waiting: Int64, busy: float = BUSY) -> float:
    """The demand that units waiting (S,) at the stations cover, expected: sum of demand·(1 - busy^k)."""
    return float(ground.demand @ (1.0 - busy ** (ground.cover @ waiting)))


def freed(
    ground: Ground, waiting: Int64, seconds: Float64, *, busy: float = BUSY, patience: float = PATIENCE_S
) -> Advice:
    """Where a unit that has just become free should wait. It is not among those `waiting` (S,), or going, already.

    seconds: (S,) its way to each station. Of stations that add as much the nearest is taken.
    """
    powers = _powers(busy, int(waiting.sum()))
    station = int(best_station(ground.cover, ground.demand, ground.capacity, waiting, powers, seconds, patience, -1))
    if station < 0:
        return Advice(-1, -1, 0.0, 0.0, "full")
    after = waiting.copy()
    after[station] += 1
    gain = expected(ground, after, busy) - expected(ground, waiting, busy)
    return _advice(ground, waiting, -1, station, gain)


def move(
    ground: Ground,
    stations: Int64,
    rest: Float64,
    seconds: Float64,
    *,
    now: float,
    cap: Cap,
    busy: float = BUSY,
    patience: float = PATIENCE_S,
    gain: float = GAIN,
) -> Advice:
    """The one free unit that is worth sending elsewhere now.

    stations: (U,) where each free unit waits or is going; rest: (U,) seconds until it is there, 0 where it waits;
    seconds: (U, S) its way to each station. A move that is made is to be told to `cap`.
    """
    if not cap.free(now):
        return Advice(-1, -1, 0.0, 0.0, "cap")
    waiting = np.bincount(stations, minlength=len(ground.capacity)).astype(np.int64)
    powers = _powers(busy, len(stations))
    least = gain * float(ground.demand.sum())
    unit, station = best_move(
        ground.cover, ground.demand, ground.capacity, waiting, powers, stations, rest, seconds, patience, least
    )
    if unit < 0:
        return Advice(-1, -1, 0.0, 0.0, "stay")
    before = waiting.copy()
    before[stations[unit]] -= 1
    after = before.copy()
    after[station] += 1
    return _advice(
        ground, before, int(unit), int(station), expected(ground, after, busy) - expected(ground, waiting, busy)
    )


def order(ground: Ground, units: int, *, busy: float = BUSY) -> Iterable[int]:
    """Stations for so many units one after another, each where it adds the most: a start for a day without history."""
    waiting = np.zeros(len(ground.capacity), np.int64)
    for _ in range(units):
        advice = freed(ground, waiting, np.zeros(len(waiting)), busy=busy)
        if advice.station < 0:
            return
        waiting[advice.station] += 1
        yield advice.station


def _advice(ground: Ground, others: Int64, unit: int, station: int, gain: float) -> Advice:
    alone = float(ground.demand[ground.cover[:, station] & (ground.cover @ others == 0)].sum())
    return Advice(unit, station, gain, alone, "alone" if alone > 0 else "thin")


def _powers(busy: float, units: int) -> Float64:
    if not 0 <= busy < 1:
        raise ValueError("the chance to be busy is from 0 to less than 1")
    powers: Float64 = (1.0 - busy) * np.power(busy, np.arange(units + 1))
    return powers


@compiled(error_model="numpy")
def best_station(cover, demand, capacity, waiting, powers, seconds, patience, last):  # type: ignore[no-untyped-def]
    """The station where one more unit adds the most, discounted by its way there; `last` where none has room."""
    points, stations = cover.shape
    gain = np.zeros(stations)
    for point in range(points):
        covered = 0
        for station in range(stations):
            if cover[point, station]:
                covered += waiting[station]
        worth = demand[point] * powers[covered]
        for station in range(stations):
            if cover[point, station]:
                gain[station] += worth
    best, chosen = -1.0, -1
    for station in range(stations):
        if waiting[station] < capacity[station]:
            value = gain[station] * np.exp(-seconds[station] / patience)
            if value > best + 1e-9 or (value > best - 1e-9 and seconds[station] < seconds[chosen]):
                best, chosen = value, station
    return chosen if chosen >= 0 else last


@compiled(error_model="numpy")
def best_move(cover, demand, capacity, waiting, powers, at, rest, seconds, patience, least):  # type: ignore[no-untyped-def]
    """(unit, station) of the move that adds the most, more than `least`; (-1, -1) for none."""
    points, stations = cover.shape
    loss, add = np.zeros(stations), np.zeros((stations, stations))
    for point in range(points):
        covered = 0
        for station in range(stations):
            if cover[point, station]:
                covered += waiting[station]
        for old in range(stations):
            if waiting[old] > 0:
                # Without the unit that would leave `old`.
                worth = demand[point] * powers[covered - (1 if cover[point, old] else 0)]
                if cover[point, old]:
                    loss[old] += worth
                for station in range(stations):
                    if cover[point, station]:
                        add[old, station] += worth
    best, chosen, to = least, -1, -1
    for unit in range(len(at)):
        old = at[unit]
        if old < 0:
            continue
        keeps = loss[old] * np.exp(-rest[unit] / patience)
        for station in range(stations):
            if station != old and waiting[station] < capacity[station]:
                net = add[old, station] * np.exp(-seconds[unit, station] / patience) - keeps
                if net > best:
                    best, chosen, to = net, unit, station
    return chosen, to
