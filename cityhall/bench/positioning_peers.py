"""Map-matching beside leuvenmapmatching: the same fixes, the same lines, one after the other on one thread."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from cityhall.bench.positioning import load
from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Match, Ways, match
from cityhall.simulator.traces import Conditions, Traces, simulate

SIGMA_M = 4.0
MAX_DISTANCE_M = 60.0
WIDTH = 10
Points = tuple[np.ndarray, np.ndarray, np.ndarray]


def run(
    gtfs: Sequence[Path], day: date, *, hour: float = 7.0, points: int = 1500, every_s: float = 10.0
) -> list[dict[str, Any]]:
    """Fixes of plain GPS receivers every `every_s` seconds; `points` of them for the peer, ten times as many for us."""
    ways, runs, zone = load(gtfs, day)
    begin = service_start(day, zone) + hour * 3600
    conditions = Conditions(vehicles=40, every_s=every_s, kinds=("gps",), glitches=0.0, outages=0.0)
    traces = simulate(ways, runs, begin, begin + 3600, conditions, seed=2)
    chosen = _whole_traces(traces, points)
    warm = np.arange(min(50, len(traces.fixes)))
    _ours(ways, traces, [warm])  # compiles
    ours, seconds = _ours(ways, traces, chosen)
    rows = [_row("cityhall", ways, traces, chosen, ours, seconds)]
    for non_emitting in (True, False):
        theirs, seconds = _leuven(ways, traces, chosen, non_emitting)
        name = "leuvenmapmatching" + ("" if non_emitting else ", no states between points")
        rows.append(_row(name, ways, traces, chosen, theirs, seconds))
    return rows


def _whole_traces(traces: Traces, points: int) -> list[np.ndarray]:
    """Rows of the fixes of one vehicle after the other, until there are so many; in order of time, each moment once."""
    found: list[np.ndarray] = []
    for vehicle in range(int(traces.fixes.vehicle.max()) + 1):
        rows = np.flatnonzero((traces.fixes.vehicle == vehicle) & ~traces.glitch)
        rows = rows[np.argsort(traces.fixes.at[rows], kind="stable")]
        if sum(part.size for part in found) >= points:
            break
        found.append(rows)
    return found


def _ours(ways: Ways, traces: Traces, chosen: list[np.ndarray]) -> tuple[list[tuple[np.ndarray, np.ndarray]], float]:
    fixes, found = traces.fixes, []
    began = process_time()
    for rows in chosen:
        made: Match = match(ways, fixes.at[rows], fixes.lon[rows], fixes.lat[rows], SIGMA_M)
        found.append(ways.plane.metres(made.lon, made.lat))
    return found, process_time() - began


def _leuven(
    ways: Ways, traces: Traces, chosen: list[np.ndarray], non_emitting: bool
) -> tuple[list[tuple[np.ndarray, np.ndarray]], float]:
    """Where a trace breaks the matcher is started anew at the point after; points it leaves out stay as they are."""
    from leuvenmapmatching.matcher.distance import DistanceMatcher

    logging.getLogger("be.kuleuven.cs.dtai.mapmatching").setLevel(logging.CRITICAL)
    street_map, found, seconds = _graph(ways), [], 0.0
    for rows in chosen:
        x, y = ways.plane.metres(traces.fixes.lon[rows], traces.fixes.lat[rows])
        path, start = list(zip(y.tolist(), x.tolist(), strict=True)), 0
        began = process_time()
        while start < len(path):
            matcher = DistanceMatcher(
                street_map,
                max_dist=MAX_DISTANCE_M,
                obs_noise=SIGMA_M + 3.5,
                non_emitting_states=non_emitting,
                max_lattice_width=WIDTH,
            )
            _, last = matcher.match(path[start:])
            for state in matcher.lattice_best or []:
                if state.obs_ne == 0:
                    y[start + state.obs], x[start + state.obs] = state.edge_m.pi[:2]
            start += max(1, last + 1)
        seconds += process_time() - began
        found.append((x, y))
    return found, seconds


def _graph(ways: Ways) -> Any:
    """The ways' lines as the peer's map: a node a point, shared where lines have the same one, an edge a segment."""
    from leuvenmapmatching.map.inmem import InMemMap

    made = InMemMap("ways", use_latlon=False, use_rtree=False, index_edges=True)
    key = np.round(np.column_stack([ways.y, ways.x]), 1)
    places, node = np.unique(key, axis=0, return_inverse=True)
    for number, (north, east) in enumerate(places.tolist()):
        made.add_node(number, (north, east))
    for way in range(len(ways)):
        points = node[ways.first[way] : ways.first[way + 1]].ravel().tolist()
        for a, b in pairwise(points):
            if a != b:
                made.add_edge(a, b)
    return made


def _row(
    name: str,
    ways: Ways,
    traces: Traces,
    chosen: list[np.ndarray],
    found: list[tuple[np.ndarray, np.ndarray]],
    seconds: float,
) -> dict[str, Any]:
    rows = np.concatenate(chosen)
    true_x, true_y = ways.plane.metres(traces.lon[rows], traces.lat[rows])
    x, y = (np.concatenate([part[place] for part in found]) for place in (0, 1))
    errors = np.hypot(x - true_x, y - true_y)[traces.status[rows] == 0]
    return {
        "what": f"matching, {name}",
        "fixes": int(rows.size),
        "fixes_s": round(rows.size / max(seconds, 1e-9)),
        "median_m": round(float(np.median(errors)), 2),
        "p95_m": round(float(np.quantile(errors, 0.95)), 2),
    }
