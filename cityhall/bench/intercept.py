"""Meeting a moving bus: the same incidents for our plan, a chase of its last position, and a drive to its next stop.

Each case is also planned by brute force (`intercept_brute.py`), and each chance that the plan gave is held against what
came: whether the unit would have been at that point in time.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cityhall.bench import intercept_world as world
from cityhall.bench.intercept_brute import Brute
from cityhall.bench.intercept_drive import LONGEST_S, MARGIN_S, Ours, chase, live, next_stop
from cityhall.engines.coverage.covering import Float64
from cityhall.engines.intercept import SURE
from cityhall.engines.streets import StreetGraph
from cityhall.engines.streets.network import Network

CHUNK = 50
DECILES = 10


@dataclass(frozen=True, slots=True)
class Ready:
    """What a process needs for a case."""

    lines: list[world.Line]
    known: world.Known
    network: Network
    brute: Brute
    seed: int


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of one case. `chances` and `came`: of each point of the first plan, told and true."""

    same: bool
    reason: str
    took_ms: list[float]
    chances: Float64
    came: Float64
    ours: float
    chase: float
    next_stop: float


_ready: Ready


def _prepare(folder: Path, lines: list[world.Line], known: world.Known, seed: int) -> None:
    global _ready
    graph = StreetGraph.load(folder)
    _ready = Ready(lines, known, graph.network("drive"), Brute(graph), seed)
    # What is compiled at the first call, and indices made at it, are no part of a plan.
    one(_ready, -1)


def _chunk(rows: range) -> list[Lived]:
    return [one(_ready, row) for row in rows]


def one(ready: Ready, row: int) -> Lived:
    """One case, planned, lived through three times, and judged."""
    case = world.case(ready.lines, ready.network, ready.seed, row if row >= 0 else 2**31)
    ours = Ours(ready.network, ready.known)
    met = live(case, ready.network, ours)
    assert ours.first is not None
    bus, computed, first = ours.first
    low = len(case.line.snaps) - len(bus)
    seconds = ready.brute.seconds(case.unit, case.line.snaps[low:])
    same = ready.brute.first(bus, ready.known.unit(0.0, seconds), MARGIN_S) == first.row
    came = computed * case.slow + MARGIN_S <= case.true[low:]
    return Lived(
        same,
        first.reason,
        ours.took_ms,
        first.chances,
        came.astype(np.float64),
        met,
        live(case, ready.network, chase),
        live(case, ready.network, next_stop),
    )


def run(gtfs: list[Path], osm: Path | None, *, cases: int = 5000, seed: int = 1) -> dict[str, Any]:
    """All cases. Without files a made-up city is taken. Raises ValueError for files that cannot be read."""
    if cases < 1:
        raise ValueError("give at least one case")
    if (osm is None) != (not gtfs):
        raise ValueError("--gtfs and --osm go together: buses need streets")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="cityhall-intercept-") as name:
        folder = Path(name)
        if osm is None:
            from cityhall.democity import make

            made = make(folder / "city")
            graph, lines = world.city([made.gtfs], made.osm)
        else:
            graph, lines = world.city(gtfs, osm)
        graph.save(folder / "streets")
        known = world.learned(lines, seed)
        ready_s = time.perf_counter() - began
        # Two processes use both cores: threads of the libraries of each would only wait for one another.
        os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
        chunks = [range(low, min(low + CHUNK, cases)) for low in range(0, cases, CHUNK)]
        with ProcessPoolExecutor(
            min(2, os.cpu_count() or 1),
            multiprocessing.get_context("spawn"),
            _prepare,
            (folder / "streets", lines, known, seed),
        ) as pool:
            found = [lived for chunk in pool.map(_chunk, chunks) for lived in chunk]
    return _told(found) | {
        "city": "made up" if osm is None else osm.name,
        "lines": len(lines),
        "seed": seed,
        "sure": SURE,
        "ready_s": ready_s,
        "seconds": time.perf_counter() - began,
    }


def _told(found: list[Lived]) -> dict[str, Any]:
    took = np.concatenate([lived.took_ms for lived in found])
    deciles = calibration(
        np.concatenate([lived.chances for lived in found]), np.concatenate([lived.came for lived in found])
    )
    told = {name: _met(np.array([getattr(lived, name) for lived in found])) for name in ("ours", "chase", "next_stop")}
    return {
        "cases": len(found),
        "same_point": float(np.mean([lived.same for lived in found])),
        "sure_share": float(np.mean([lived.reason == "sure" for lived in found])),
        "plans": len(took),
        "plan_p50_ms": float(np.quantile(took, 0.5)),
        "plan_p99_ms": float(np.quantile(took, 0.99)),
        "calibration": deciles,
        "worst_decile_gap": max(abs(row["told"] - row["came"]) for row in deciles),
        **told["ours"],
        "chase": told["chase"],
        "next_stop": told["next_stop"],
    }


def calibration(chances: Float64, came: Float64) -> list[dict[str, float]]:
    """By tenths of the chance told: how many, its mean, and the share that came true."""
    row = np.minimum((chances * DECILES).astype(np.int64), DECILES - 1)
    rows = []
    for decile in range(DECILES):
        inside = row == decile
        if inside.any():
            told, true = float(chances[inside].mean()), float(came[inside].mean())
            rows.append({"decile": decile, "count": int(inside.sum()), "told": told, "came": true})
    return rows


def _met(times: Float64) -> dict[str, float | None]:
    """The share that met the bus, the mean time of those, and of all, with LONGEST_S where they did not."""
    met = np.isfinite(times)
    return {
        "success": float(met.mean()),
        "mean_s": float(times[met].mean()) if met.any() else None,
        "mean_all_s": float(np.where(met, times, LONGEST_S).mean()),
    }
