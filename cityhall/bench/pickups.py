"""Collection routes on published instances: our plan, checked apart, beside the best known and two planners."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cityhall.bench import pickups_peers
from cityhall.engines.pickups import Plan, Problem, Unserved, check, plan, vrplib
from cityhall.engines.pickups.schedule import Visit, planned, timed

SAME = 1e-5
"""Relative difference up to which two costs are the same: some files give theirs with few digits."""


def run(instances: Sequence[Path], seconds: float, *, seed: int = 1, peers: bool = True) -> dict[str, Any]:
    """What came out: for one instance its row; for several their sums, the mean gap, and all rows.

    A row: cost (in the unit of the published one), vehicles, trips, late (stops and returns after their time), unserved
    (who must be), left (with a prize, and left out), seconds, iterations, cpu_s (of processors, start and all), checked
    (by the engine's own check, which shares no code with what plans), best_known and gap (a share of it) where a .sol
    lies beside, peers. Raises vrplib.InstanceError and OSError for a file that cannot be read.
    """
    if not 0 < seconds <= 3600:
        raise ValueError("give from 1 to 3,600 seconds")
    read = [(path, vrplib.read(path), _published(path)) for path in instances]
    rows = [_row(path, it, best, seconds, seed, peers) for path, it, best in read]
    if len(rows) == 1:
        return rows[0]
    gaps = [row["gap"] for row in rows if "gap" in row]
    return {
        **{key: round(sum(row[key] for row in rows), 3) for key in ("cost", "vehicles", "late", "unserved", "seconds")},
        "checked": all(row["checked"] for row in rows),
        "mean_gap": sum(gaps) / len(gaps) if gaps else None,
        "worst_gap": max(gaps) if gaps else None,
        "peers": {name: _beside(rows, name) for name in pickups_peers.NAMES},
        "instances": rows,
    }


def _worked() -> float:
    """Seconds of a processor that this process's ended children have had: on a loaded machine, fewer than passed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _published(path: Path) -> vrplib.Solution | None:
    beside = vrplib.beside(path)
    return None if beside is None else vrplib.read_solution(beside)


def _row(
    path: Path, it: vrplib.Instance, best: vrplib.Solution | None, seconds: float, seed: int, peers: bool
) -> dict[str, Any]:
    known = None if best is None else replayed(it, best)
    unit = it.scale if best is None or known is None else _unit(known.cost, best.cost, it.scale)
    begun, worked = time.perf_counter(), _worked()
    made = plan(it.problem, seconds, seed)
    row: dict[str, Any] = {
        "instance": path.name,
        **_figures(it.problem, made, unit),
        "seconds": round(time.perf_counter() - begun, 2),
        "iterations": made.iterations,
        "cpu_s": round(_worked() - worked, 1),
        "checked": check(it.problem, made) == [],
    }
    if best is not None:
        row |= {"best_known": best.cost, "gap": row["cost"] / best.cost - 1}
        row["best_known_checked"] = known is not None and not check(it.problem, known) and unit > 0
    row["peers"] = {name: _peer(it, name, path, seconds, unit, best) if peers else None for name in pickups_peers.NAMES}
    return row


def _figures(problem: Problem, made: Plan, unit: float) -> dict[str, Any]:
    required = [one for one in made.unserved if problem.jobs[one.job].prize is None]
    stops = [stop for route in made.routes for stop in route.stops]
    over = sum(route.returns > problem.vehicles[route.vehicle].shift[1] for route in made.routes)
    return {
        "cost": round(made.cost / (unit or 1), 3),
        "vehicles": len(made.routes),
        "trips": sum(len(route.trips()) for route in made.routes),
        "late": sum(stop.begin > stop.window[1] for stop in stops) + over,
        "unserved": len(required),
        "left": len(made.unserved) - len(required),
    }


def _unit(ours: int, published: float, scale: int) -> float:
    """How many of the problem's units the published cost counts as one; 0 where it is none of the usual."""
    for unit in (1, scale, 100 * scale):
        if abs(ours / unit / published - 1) < SAME:
            return unit
    return 0


def replayed(it: vrplib.Instance, solution: vrplib.Solution) -> Plan | None:
    """The published routes as a plan, or None where they break a rule of the instance."""
    routes = []
    for vehicle, nodes in enumerate(solution.routes):
        if vehicle >= len(it.problem.vehicles) or max(nodes, default=0) >= len(it.problem.jobs) + it.depots:
            return None
        route = timed(it.problem, vehicle, [_visit(it, vehicle, node) for node in nodes])
        if route is None:
            return None
        routes.append(route)
    return whole(it.problem, routes)


def whole(problem: Problem, routes: Sequence[Any]) -> Plan:
    """The plan of these routes; whoever is in none is left out."""
    served = {job for route in routes for job in route.jobs()}
    absent = [row for row in range(len(problem.jobs)) if row not in served]
    return planned(
        problem, routes, [Unserved(row, "room" if problem.jobs[row].prize is None else "prize") for row in absent]
    )


def _visit(it: vrplib.Instance, vehicle: int, node: int) -> Visit:
    if node >= it.depots:
        job = node - it.depots
        return Visit(job, None, it.problem.jobs[job].choices()[0])
    places = [at.place for at in it.problem.vehicles[vehicle].unloading]
    if node not in places:
        raise vrplib.InstanceError(f"the published routes unload at node {node + 1}, where the instance allows none")
    return Visit(None, places.index(node), it.problem.vehicles[vehicle].unloading[places.index(node)].open)


def _peer(
    it: vrplib.Instance, name: str, path: Path, seconds: float, unit: float, best: vrplib.Solution | None
) -> dict[str, Any] | None:
    worked = _worked()
    found = pickups_peers.run(name, it.problem, path, seconds)
    if found is None:
        return None
    days, took = found
    spent = round(_worked() - worked, 1)
    routes = [timed(it.problem, vehicle, [Visit(job, None, it.problem.jobs[job].choices()[0]) for job in jobs])
              for vehicle, jobs in days]  # fmt: skip
    made = whole(it.problem, [route for route in routes if route is not None])
    row = _figures(it.problem, made, unit) | {
        "seconds": round(took, 2),
        "cpu_s": spent,
        "checked": check(it.problem, made) == [],
    }
    if row["unserved"]:
        row["cost"] = None  # no plan of this day: who must be served is not
    elif best is not None:
        row["gap"] = row["cost"] / best.cost - 1
    return row


def _beside(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """A peer over all instances that it can plan: its mean gap and ours on the same, and on how many it was better."""
    both = [(row["gap"], row["peers"][name]) for row in rows if "gap" in row and row["peers"][name] is not None]
    done = [(ours, peer["gap"]) for ours, peer in both if "gap" in peer]
    if not both:
        return None
    return {
        "instances": len(both),
        "without_a_plan": len(both) - len(done),
        "mean_gap": sum(gap for _, gap in done) / len(done) if done else None,
        "ours_on_the_same": sum(ours for ours, _ in done) / len(done) if done else None,
        "better_than_ours": sum(gap < ours for ours, gap in done),
    }
