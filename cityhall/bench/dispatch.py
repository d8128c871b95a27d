"""Where freed units should wait, tried on an ambulance city: the same calls under each policy, many times.

"late" is the share of calls answered after their priority's target; "mean_s" from the call to the arrival. Policies are
those of `engines/coverage/simulation.py`: the nearest free unit by road time is sent under all of them.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from scipy.stats import t as student

from cityhall.bench.dispatch_model import DAY_S, Model, ModelError, read
from cityhall.engines.coverage import roads
from cityhall.engines.coverage.covering import Float64, Int64, merged
from cityhall.engines.coverage.simulation import CLOSEST, DMEXCLP, STATIC, Calls, City, Outcome, Rule, simulate

WARM_UP_DAYS = 1.0
TAIL_DAYS = 0.1
"""Calls go on for so long after the measured days: the last of these meet a city as busy as the first."""
SHIFT_H = 12.0
CAP = 8
"""Moves of units that wait, of the whole fleet, in any hour."""


@dataclass(frozen=True, slots=True)
class World:
    """A model made ready: the city, and what calls are made from."""

    model: Model
    city: City
    tree: cKDTree
    open: Int64  # nodes that the tree holds
    hospital_node: Int64
    hospital_off: Float64  # (M, H) seconds
    to_hospital: Float64  # (H, N) seconds, calm


def world(model: Model) -> World:
    """Roads with their table of times, ways to stations and hospitals, and who is covered from where."""
    streets = model.streets
    nodes = len(streets.place)
    arcs = (streets.tail, streets.head, streets.seconds, nodes)
    calm = int(model.mode[-1])
    open_ = np.flatnonzero(streets.open)
    tree = cKDTree(streets.place[open_])
    pace = 3600.0 / model.off_road

    def near(places: Float64) -> tuple[Int64, Float64]:
        away, row = tree.query(places)
        return open_[row], pace[:, None] * away[None]

    station, station_off = near(model.station)
    hospital, hospital_off = near(model.hospital)
    ways = [roads.way_to(int(node), *arcs, calm) for node in station]
    cover, weight = _covered(model, station, station_off, near)
    city = City(
        roads.make(*arcs),
        station,
        station_off,
        model.capacity,
        np.array([way.after for way in ways]),
        np.array([way.left for way in ways]),
        np.stack([way.other for way in ways], axis=1),
        calm,
        model.home,
        model.mode,
        cover,
        weight,
    )
    to_hospital = np.array([roads.way_to(int(node), *arcs, calm).left for node in hospital])
    return World(model, city, tree, open_, hospital, hospital_off, to_hospital)


def _covered(model: Model, station: Int64, station_off: Float64, near: Any) -> tuple[Any, Float64]:
    """Demand by the stations that cover it: (points, stations) and calls a day. All priorities count alike."""
    node, off = near(model.raster.place)
    share = model.raster.weight / model.raster.weight.sum()
    streets = model.streets
    size = len(streets.place)
    covers, weights = [], []
    for priority in np.flatnonzero(model.rate > 0):
        mode = model.mode[priority]
        graph = csr_array((streets.seconds[mode], (streets.tail, streets.head)), shape=(size, size))
        drive = dijkstra(graph, indices=station)[:, node] + station_off[mode][:, None] + off[mode]
        cover, weight = merged(drive <= model.reach[priority], share * model.rate[priority])
        covers.append(cover.T)
        weights.append(weight)
    return np.concatenate(covers), np.concatenate(weights)


def calls(world: World, seed: int, days: float) -> Calls:
    """The calls of one replication: `days` after the warm-up, and a tail."""
    model, rng = world.model, np.random.default_rng(seed)
    end = (WARM_UP_DAYS + days + TAIL_DAYS) * DAY_S
    draws = model.draws
    expected = int(1.2 * end / DAY_S * model.rate.sum()) + 100
    came = np.cumsum(draws.interval(rng, expected))
    while came[-1] < end:
        came = np.append(came, came[-1] + np.cumsum(draws.interval(rng, expected)))
    came = came[came < end]
    count = len(came)
    delay = np.maximum(0.0, draws.delay(rng, count))
    order = np.argsort(came + delay, kind="stable")
    came, known = came[order], (came + delay)[order]
    raster = model.raster
    edges = np.cumsum(raster.weight)
    cell = np.minimum(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"), len(edges) - 1)
    place = raster.place[cell] + (rng.random((count, 2)) - 0.5) * raster.size
    away, row = world.tree.query(place)
    node, off = world.open[row], (3600.0 / model.off_road)[:, None] * away[None]
    calm = world.city.calm
    carried = draws.transport(rng, count) > 0
    handover = draws.handover(rng, count)
    drive = world.to_hospital[:, node] + world.hospital_off[calm][:, None]
    hospital = np.argmin(drive, axis=0)
    carry = off[calm] + drive[hospital, np.arange(count)] + handover
    return Calls(
        came,
        known,
        np.minimum(draws.priority(rng, count).astype(np.int64), len(model.limit) - 1),
        node,
        off,
        draws.scene(rng, count),
        np.where(carried, world.hospital_node[hospital], node),
        np.where(carried, world.hospital_off[:, hospital], off),
        np.where(carried, np.maximum(carry, 1e-9), 0.0),
    )


@dataclass(frozen=True, slots=True)
class Day:
    """What came of one replication under one policy. Counts are a unit and shift."""

    late: float
    mean_s: float
    elsewhere: float
    moves: float
    busy: float  # share of the units' time


def measure(world: World, made: Calls, rule: Rule) -> Day:
    """One replication under one rule."""
    begin = WARM_UP_DAYS * DAY_S
    outcome: Outcome = simulate(world.city, made, rule, begin)
    counted = (made.came >= begin) & (made.came < made.came[-1] - TAIL_DAYS * DAY_S)
    response = outcome.response[counted]
    late = response > world.model.limit[made.priority[counted]]
    span = (outcome.until - begin) * len(world.city.home)
    shifts = span / (SHIFT_H * 3600)
    return Day(
        float(late.mean()),
        float(response.mean()),
        outcome.elsewhere / shifts,
        outcome.moves / shifts,
        outcome.busy / span,
    )


def run(folder: Path, *, replications: int = 40, days: float = 28.0, seed: int = 1, cap: int = CAP) -> dict[str, Any]:
    """The policies side by side. Raises ModelError for what is no model, ValueError for fewer than two replications."""
    if replications < 2 or days <= 0 or cap < 0:
        raise ValueError("give two replications or more, of some days each, and a cap that is not negative")
    began = time.perf_counter()
    made = world(read(folder))
    ready_s = time.perf_counter() - began
    rules = policies(cap)
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        found = list(
            pool.map(lambda row: _replication(made, seed, row, days, list(rules.values())), range(replications))
        )
    by_name = {name: [days_[row] for days_ in found] for row, name in enumerate(rules)}
    ours, base = (np.array([day.late for day in by_name[name]]) for name in ("dmexclp", "static"))
    return {
        "model": folder.name,
        "replications": replications,
        "days": days,
        "seed": seed,
        "policies": {name: _row(of) for name, of in by_name.items()},
        "late_to_static": _ratio(ours, base),
        "moves_per_shift": float(np.mean([day.moves for day in by_name["dmexclp"]])),
        "shift_h": SHIFT_H,
        "cap_moves_per_hour": cap,
        "busy_share": float(np.mean([day.busy for day in by_name["static"]])),
        "ready_s": ready_s,
        "seconds": time.perf_counter() - began,
    }


def policies(cap: int) -> dict[str, Rule]:
    """By name. "freed_only" is DMEXCLP without moves of units that wait: what these bring is seen beside it."""
    return {
        "closest": Rule(CLOSEST),
        "static": Rule(STATIC),
        "freed_only": Rule(DMEXCLP, 0),
        "dmexclp": Rule(DMEXCLP, cap),
    }


def _row(of: list[Day]) -> dict[str, Any]:
    late = np.array([day.late for day in of])
    return {
        "late": float(late.mean()),
        "mean_s": float(np.mean([day.mean_s for day in of])),
        "late_ci": _interval(late),
        "elsewhere_per_shift": float(np.mean([day.elsewhere for day in of])),
        "moves_per_shift": float(np.mean([day.moves for day in of])),
    }


def _replication(made: World, seed: int, row: int, days: float, rules: list[Rule]) -> list[Day]:
    drawn = calls(made, int(np.random.SeedSequence([seed, row]).generate_state(1)[0]), days)
    return [measure(made, drawn, rule) for rule in rules]


def _interval(values: Float64) -> list[float]:
    """The 95 % interval of a mean (Student)."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return [float(values.mean() - half), float(values.mean() + half)]


def _ratio(ours: Float64, base: Float64) -> dict[str, Any]:
    """The ratio of two means of the same replications, with its 95 % interval by the jackknife."""
    count = len(ours)
    ratio = ours.mean() / base.mean()
    without = (ours.sum() - ours) / (base.sum() - base)
    half = student.ppf(0.975, count - 1) * np.sqrt((count - 1) / count * np.square(without - without.mean()).sum())
    return {"ratio": float(ratio), "ci": [float(ratio - half), float(ratio + half)]}


__all__ = ["ModelError", "World", "calls", "measure", "run", "world"]
