"""A case lived through: the unit drives, positions come, it is told anew where to go, and it meets the bus or not.

It meets the bus where it waits at a point when the bus comes there, or where the two are within sight of one another on
their ways. Both baselines are told as much as ours, at the same moments.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cityhall.bench.intercept_world import METRES, Case, Known
from cityhall.engines.coverage.covering import Float64
from cityhall.engines.intercept import Plan, Times, plan
from cityhall.engines.streets import Snap
from cityhall.engines.streets.network import Network, Path

SIGHT_M = 50.0
STEP_S = 2.0
LONGEST_S = 1200.0
MARGIN_S = 20.0
"""The unit is to be there so long before the bus: to stop it, it has to stand."""
FAR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where a strategy sends the unit: a place, and the row of the point that it is, -1 for none."""

    snap: Snap
    row: int


Strategy = Callable[[Case, float, float, Snap], Target | None]


class Ours:
    """The first point that is sure enough, planned anew at each position. Keeps what each plan took, and the first."""

    def __init__(self, network: Network, known: Known) -> None:
        self.network, self.known = network, known
        self.took_ms: list[float] = []
        self.first: tuple[Times, Float64, Plan] | None = None

    def __call__(self, case: Case, now: float, seen_at: float, unit: Snap) -> Target | None:
        began = time.perf_counter()
        place = float(case.place(seen_at))
        low = int(np.ceil(place))
        bus = self.known.bus(case.line, place, seen_at).from_point(low)
        targets: list[Snap | None] = list(case.line.snaps[low:])
        # A way so long that it would have to be far quicker than usual, and the bus far later, is none.
        latest = float(bus.high[-1] + 4 * (bus.high[-1] - bus.middle[-1])) - now
        seconds = self.network.one_to_many(unit, targets, latest / (self.known.drive * self.known.quick))
        found = plan(bus, self.known.unit(now, seconds), margin=MARGIN_S)
        self.took_ms.append((time.perf_counter() - began) * 1000)
        if self.first is None:
            self.first = (bus, seconds, found)
        if found.row < 0:
            return None
        return Target(case.line.snaps[low + found.row], low + found.row)


def chase(case: Case, now: float, seen_at: float, unit: Snap) -> Target:
    """To where the bus was seen last."""
    place = float(case.place(seen_at))
    return Target(case.line.snaps[round(place)], -1)


def next_stop(case: Case, now: float, seen_at: float, unit: Snap) -> Target | None:
    """To the stop after the place where the bus was seen last."""
    row = int(np.floor(float(case.place(seen_at)))) + 1
    while row < len(case.line.halt) and case.line.halt[row]:
        row += 1
    return Target(case.line.snaps[row], row) if row < len(case.line.snaps) else None


def live(case: Case, network: Network, strategy: Strategy) -> float:
    """Seconds from the press until the unit meets the bus; inf where it does not before the line ends, or in
    LONGEST_S."""
    end = min(float(case.true[-1]), LONGEST_S)
    unit, now, target = case.unit, 0.0, None
    path: Path | None = None
    gone = 0.0
    moments = [0.0, *(float(at) for at in case.heard[1:] if 0 < at < end), end]
    for now, until in itertools.pairwise(moments):
        seen_at = float(case.heard[np.searchsorted(case.heard, now, side="right") - 1])
        told = strategy(case, now, seen_at, unit)
        if told is not None and (target is None or told.snap != target.snap):
            path, gone = network.route(unit, told.snap, FAR_S), 0.0
        target = told if told is not None else target
        met, gone = _drive(case, path, target, unit, now, until, gone, network)
        if np.isfinite(met):
            return met
        if path is not None:
            unit = _where(path, gone, network) or unit
    return float("inf")


def _drive(
    case: Case,
    path: Path | None,
    target: Target | None,
    unit: Snap,
    now: float,
    until: float,
    gone: float,
    network: Network,
) -> tuple[float, float]:
    """When the two meet before `until`, inf if not; and the seconds of the path that the unit has done by then."""
    at = np.arange(now, until, STEP_S)
    if path is None:
        return float("inf"), gone
    done = np.minimum(gone + (at - now) / case.slow, path.duration)
    lon, lat = _along(path, done)
    place = case.place(at)
    points = np.arange(len(case.line.lon))
    bus_lon, bus_lat = np.interp(place, points, case.line.lon), np.interp(place, points, case.line.lat)
    east = (lon - bus_lon) * METRES * np.cos(np.radians(case.line.lat[0]))
    near = np.hypot(east, (lat - bus_lat) * METRES) <= SIGHT_M
    met = float(at[np.argmax(near)]) if near.any() else float("inf")
    if target is not None and target.row >= 0:
        arrives = now + (path.duration - gone) * case.slow
        comes = float(case.true[target.row])
        if arrives <= comes and now <= comes < until:
            met = min(met, comes)
    return met, min(gone + (until - now) / case.slow, path.duration)


def _along(path: Path, done: Float64) -> tuple[Float64, Float64]:
    """Where one is on a path after so many of its seconds, taken as even."""
    scale = np.cos(np.radians(path.lat[0]))
    way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(path.lon) * scale, np.diff(path.lat)))])
    share = done / path.duration if path.duration > 0 else np.ones_like(done)
    return np.interp(share * way[-1], way, path.lon), np.interp(share * way[-1], way, path.lat)


def _where(path: Path, gone: float, network: Network) -> Snap | None:
    lon, lat = _along(path, np.array([gone]))
    return network.snap(float(lon[0]), float(lat[0]))
