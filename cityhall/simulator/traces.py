"""Fixes of vehicles whose true place is known: what positioning is measured with.

Vehicles drive the runs of a feed, late as buses are, stop at stops and lights, change lanes, and some leave their way
or turn back on it. Receivers of four kinds see them with errors that last, outages, reflections and plain glitches,
and some drivers do not log on, or log on to the wrong trip. The same seed gives the same fixes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cityhall.engines.gtfs.schedule import Bool, Float64, Int8, Int32
from cityhall.engines.positioning import Fixes, Plane, Runs, Status, Ways
from cityhall.simulator.driving import Drive, Path, Street, drive, on_street, wander

KINDS = ("gps", "phone", "dgnss", "rtk")
"""Receivers: single-frequency GPS, a phone (no speed, larger errors), with corrections of a region, with RTK."""


RELIEVED_S = 240.0
"""A bus that comes to its next departure later than this does not drive it: another one is sent."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the vehicles are driven and seen. Shares are of vehicles or runs, rates are per hour."""

    vehicles: int = 60
    every_s: float = 1.0
    logged: float = 0.5
    wrong_log: float = 0.04
    detours: float = 0.1
    wrong_ways: float = 0.05
    outages: float = 2.0
    reflections: float = 4.0
    glitches: float = 3.0
    kinds: tuple[str, ...] = KINDS
    runs: int = 2
    street: Street = field(default_factory=Street)


@dataclass(frozen=True, slots=True)
class Traces:
    """Fixes in the order they come in, and for each of them the truth."""

    fixes: Fixes
    lon: Float64  # where the vehicle truly was
    lat: Float64
    run: Int32  # row of the runs, -1 between them
    along: Float64  # metres along its way, NaN off it
    lane: Int8  # from the kerb, -1 where it stands for none
    status: Int8  # ON_ROUTE, OFF_ROUTE or WRONG_WAY
    glitch: Bool  # the fix is elsewhere, or comes twice, or too late
    kind: Int8  # (vehicles,) in KINDS
    logged: Bool  # (vehicles,) whether its driver logged on, rightly
    calls: list[tuple[int, int, int, float, float]] = field(default_factory=list)
    """(vehicle, run, place in the trip, arrived, departed)"""


# Slow error, fast error (metres an axis), how long the slow one lasts (seconds), GGA quality.
ERRORS = {
    "gps": (3.2, 1.2, 50.0, 1),
    "phone": (5.5, 2.0, 40.0, 1),
    "dgnss": (0.9, 0.4, 40.0, 2),
    "rtk": (0.02, 0.012, 30.0, 4),
    "float": (0.35, 0.1, 60.0, 5),
}


def simulate(ways: Ways, runs: Runs, begin: float, end: float, conditions: Conditions, seed: int = 1) -> Traces:
    """Vehicles that drive runs leaving from `begin` to `end` (Unix seconds). Raises ValueError where there is none."""
    rng = np.random.default_rng(seed)
    starts = runs.departure[runs.first[:-1]] if len(runs) else np.zeros(0)
    free = np.flatnonzero((starts >= begin) & (starts < end))
    if free.size == 0:
        raise ValueError("no run leaves between these times")
    taken: set[int] = set()
    parts, calls, kinds, logs = [], [], [], []
    for vehicle in range(conditions.vehicles):
        left = [run for run in free.tolist() if run not in taken]
        if not left:
            break
        driven = _duty(ways, runs, int(rng.choice(left)), conditions.runs, taken)
        kind = vehicle % len(conditions.kinds)
        logged = rng.random() < conditions.logged
        kinds.append(KINDS.index(conditions.kinds[kind]))
        logs.append(logged)
        drives = _drives(ways, runs, driven, conditions, rng)
        driven = driven[: len(drives)]
        for run, one in zip(driven, drives, strict=True):
            calls += [(vehicle, run, *call) for call in one.calls]
        hint = _hint(runs, driven, logged, conditions, rng)
        parts.append(_see(ways, vehicle, conditions.kinds[kind], driven, drives, hint, conditions, rng))
    return _merged(parts, np.array(kinds, np.int8), np.array(logs), calls, ways.plane, rng)


def _duty(ways: Ways, runs: Runs, run: int, most: int, taken: set[int]) -> list[int]:
    """Runs that one vehicle drives: each begins near where the one before ended, within the hour."""
    duty = [run]
    taken.add(run)
    starts = runs.departure[runs.first[:-1]]
    heads = np.column_stack([ways.x[ways.first[:-1]], ways.y[ways.first[:-1]]])
    tails = np.column_stack([ways.x[ways.first[1:] - 1], ways.y[ways.first[1:] - 1]])
    while len(duty) < most:
        at = runs.arrival[runs.first[duty[-1] + 1] - 1]
        near = np.hypot(*(heads[runs.way] - tails[runs.way[duty[-1]]]).T) < 150.0
        for following in np.flatnonzero(near & (starts > at + 180) & (starts < at + 1800)).tolist():
            if following not in taken:
                duty.append(following)
                taken.add(following)
                break
        else:
            break
    return duty


def _drives(ways: Ways, runs: Runs, driven: list[int], conditions: Conditions, rng: np.random.Generator) -> list[Drive]:
    drives: list[Drive] = []
    ready = -np.inf
    for run in driven:
        if ready > runs.departure[runs.first[run]] + RELIEVED_S:
            break
        draw = rng.random()
        if draw < conditions.detours:
            path = Path.with_detour(ways, int(runs.way[run]), rng)
        elif draw < conditions.detours + conditions.wrong_ways:
            path = Path.turning_back(ways, int(runs.way[run]), rng)
        else:
            path = Path.of_way(ways, int(runs.way[run]))
        drives.append(drive(ways, runs, run, path, ready, rng))
        ready = float(drives[-1].at[-1])
    return drives


def _hint(runs: Runs, driven: list[int], logged: bool, conditions: Conditions, rng: np.random.Generator) -> list[int]:
    """The trip that is logged on to for each run: the right one, a wrong one of the same way, or none."""
    if not logged:
        return [-1] * len(driven)
    hints = []
    for run in driven:
        hints.append(int(runs.trip[run]))
        if rng.random() < conditions.wrong_log:
            way = int(runs.way[run])
            others = runs.way_run[runs.way_first[way] : runs.way_first[way + 1]]
            hints[-1] = int(runs.trip[rng.choice(others)])
    return hints


@dataclass(slots=True)
class _Seen:
    """A vehicle's fixes and their truth, as columns."""

    columns: dict[str, Float64]


def _see(
    ways: Ways,
    vehicle: int,
    kind: str,
    driven: list[int],
    drives: list[Drive],
    hints: list[int],
    conditions: Conditions,
    rng: np.random.Generator,
) -> _Seen:
    """What the receiver makes of the drives."""
    moments = np.arange(drives[0].at[0], drives[-1].at[-1], conditions.every_s) + rng.random() * 0.5
    truth = {name: np.full(moments.size, np.nan) for name in ("x", "y", "along", "speed", "bearing")}
    truth |= {name: np.full(moments.size, -1.0) for name in ("run", "lane", "status", "trip")}
    for number, one in enumerate(drives):
        here = (moments >= one.at[0]) & (moments <= one.at[-1])
        if number + 1 < len(drives):
            here &= moments < drives[number + 1].at[0]
        seen = on_street(one, moments[here], conditions.street, rng)
        for name, values in seen.items():
            truth[name][here] = values
        truth["run"][here], truth["trip"][here] = driven[number], hints[number]
    known = np.isfinite(truth["x"])
    for name in ("x", "y"):
        truth[name] = np.interp(moments, moments[known], truth[name][known])
    truth["speed"][~known] = 0.0
    return _measure(vehicle, kind, moments, truth, conditions, rng)


def _measure(
    vehicle: int, kind: str, at: Float64, truth: dict[str, Float64], conditions: Conditions, rng: np.random.Generator
) -> _Seen:
    size = at.size
    quality = np.full(size, float(ERRORS[kind][3]))
    x, y, sigma = truth["x"].copy(), truth["y"].copy(), np.zeros(size)
    masks = [(kind, np.ones(size, np.bool_))]
    if kind == "rtk":
        # Under trees and between houses the fixed solution goes, for a float one or for none.
        floating, single = _spells(at, 12.0, (15.0, 90.0), rng), _spells(at, 4.0, (10.0, 60.0), rng)
        masks = [("rtk", ~floating & ~single), ("float", floating & ~single), ("gps", single)]
    for name, mask in masks:
        slow, fast, lasts, grade = ERRORS[name]
        x += (wander(size, slow, conditions.every_s / lasts, rng) + rng.normal(0.0, fast, size)) * mask
        y += (wander(size, slow, conditions.every_s / lasts, rng) + rng.normal(0.0, fast, size)) * mask
        quality[mask], sigma[mask] = grade, np.hypot(slow, fast)
    sigma *= np.exp(rng.normal(0.0, 0.2)) if kind == "phone" or rng.random() < 0.7 else np.nan
    bounced = _spells(at, conditions.reflections, (2.0, 10.0), rng) & (quality != 4)
    angle = 2 * np.pi * rng.random()
    x += bounced * rng.uniform(15.0, 60.0) * np.cos(angle)
    y += bounced * rng.uniform(15.0, 60.0) * np.sin(angle)
    glitch = rng.random(size) < conditions.glitches / 3600.0 * conditions.every_s
    x += glitch * 5000.0
    told = kind != "phone"
    speed = np.abs(truth["speed"] + rng.normal(0.0, 0.12, size)) if told else np.full(size, np.nan)
    bearing = (truth["bearing"] + rng.normal(0.0, 1.0, size) * (1.0 + 20.0 / (0.5 + truth["speed"]))) % 360.0
    columns = {
        "vehicle": np.full(size, float(vehicle)),
        "at": at,
        "fx": x,
        "fy": y,
        "fix_class": quality,
        "sigma_m": sigma,
        "speed_m": speed,
        "bearing_m": bearing if told else np.full(size, np.nan),
        "glitch": glitch.astype(np.float64),
        **truth,
    }
    heard = ~_spells(at, conditions.outages, (20.0, 80.0), rng)
    return _Seen({name: column[heard] for name, column in columns.items()})


def _spells(at: Float64, rate: float, lengths: tuple[float, float], rng: np.random.Generator) -> Bool:
    """Moments within spells that begin `rate` times an hour."""
    inside = np.zeros(at.size, np.bool_)
    if at.size == 0:
        return inside
    for _ in range(rng.poisson(rate * (at[-1] - at[0]) / 3600.0)):
        begin = rng.uniform(at[0], at[-1])
        inside |= (at >= begin) & (at < begin + rng.uniform(*lengths))
    return inside


def _merged(
    parts: list[_Seen],
    kinds: Int8,
    logged: Bool,
    calls: list[tuple[int, int, int, float, float]],
    plane: Plane,
    rng: np.random.Generator,
) -> Traces:
    """All vehicles' fixes by time, a few of them twice or late."""
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    order = columns["at"] + np.where(rng.random(columns["at"].size) < 0.001, 3.0, 0.0)
    rows = np.argsort(order, kind="stable")
    late = order[rows] > columns["at"][rows]
    columns = {name: column[rows] for name, column in columns.items()}
    lon, lat = plane.degrees(columns["fx"], columns["fy"])
    true_lon, true_lat = plane.degrees(columns["x"], columns["y"])
    fixes = Fixes.of(
        columns["vehicle"],
        columns["at"],
        lon,
        lat,
        fix_class=columns["fix_class"],
        sigma_m=columns["sigma_m"],
        speed=columns["speed_m"],
        bearing=columns["bearing_m"],
        trip=columns["trip"],
    )
    status = np.where(columns["status"] < 0, float(Status.ON_ROUTE), columns["status"])
    return Traces(
        fixes=fixes,
        lon=true_lon,
        lat=true_lat,
        run=columns["run"].astype(np.int32),
        along=columns["along"],
        lane=columns["lane"].astype(np.int8),
        status=status.astype(np.int8),
        glitch=(columns["glitch"] > 0) | late,
        kind=kinds,
        logged=logged,
        calls=calls,
    )
