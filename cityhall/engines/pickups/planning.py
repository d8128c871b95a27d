"""The evening's plan: searches in processes of their own, the best of them made whole."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace

from cityhall.engines.pickups.insertion import serve
from cityhall.engines.pickups.model import Plan, Problem, Route, Unserved
from cityhall.engines.pickups.schedule import Visit, planned, timed, visit
from cityhall.engines.pickups.searching import Days, Found, Search

MODULE = "cityhall.engines.pickups.searching"
ENDS_S = 30.0
"""How long after its time a search may take to end: one step of it over the largest day, on a busy machine."""


class SearchError(RuntimeError):
    """A search ended without a plan; the message is its own."""


def plan(
    problem: Problem,
    seconds: float,
    seed: int = 1,
    start: Plan | None = None,
    *,
    processes: int | None = None,
    tries: int | None = None,
) -> Plan:
    """A plan for the whole day, after so many seconds of search; of the same seed it need not be the same twice.

    With `tries` each process tries so often instead, within `seconds` that are only a bound: as many processes then
    find the same of the same seed.

    `start` is a plan to begin from, and to be no worse than: of this problem, or of one whose jobs are the first of
    this one's, with the same vehicles and places. Each of the `processes` (two where the machine has two cores)
    searches with a seed of its own.
    Who cannot be served is left out and says why (`Plan.unserved`). Raises SearchError where PyVRP fails.
    """
    begun = time.monotonic()
    kinds = replace(problem, vehicles=tuple(dict.fromkeys(problem.vehicles)))
    never = {row: why for row in range(len(problem.jobs)) if (why := _never(Plan(kinds, (), (), 0), row)) is not None}
    everybody = frozenset(never)
    if len(everybody) == len(problem.jobs):
        return _whole(problem, [], 0, never)
    first = None if start is None else _whole(problem, _known(problem, _days(start)), 0, never)
    days = None if first is None else _days(first)
    count = processes or min(2, os.cpu_count() or 1)
    tasks = [
        Search(problem, begun + seconds, seed * 1000 + number, days, everybody, os.getpid(), tries)
        for number in range(count)
    ]
    found = _search(tasks)
    tried = sum(one.iterations for one in found)
    plans = [_whole(problem, one.days, tried, never) for one in found]
    if first is not None:
        plans.append(replace(first, iterations=tried))
    return min(plans or [_whole(problem, [], 0, never)], key=_worth)


def _worth(plan: Plan) -> tuple[int, int]:
    return sum(plan.problem.jobs[one.job].prize is None for one in plan.unserved), plan.cost


def _search(tasks: list[Search]) -> list[Found]:
    command = [sys.executable, "-m", MODULE]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in tasks
    ]
    try:
        for process, task in zip(running, tasks, strict=True):
            assert process.stdin is not None
            process.stdin.write(pickle.dumps(task))
            process.stdin.close()
            process.stdin = None
        found = []
        for process, task in zip(running, tasks, strict=True):
            try:
                out, said = process.communicate(timeout=max(task.until - time.monotonic(), 0.0) + ENDS_S)
            except subprocess.TimeoutExpired:
                continue  # on a machine that has no time for it; the others, or a plan by insertion, must do
            if process.returncode:
                last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
                raise SearchError(f"the search for a plan ended with {process.returncode}: {last}")
            found.append(pickle.loads(out))
        return found
    except BrokenPipeError as problem:
        raise SearchError(f"the search for a plan did not end well: {problem}") from problem
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _never(base: Plan, row: int) -> str | None:
    """Why nobody can serve this job, were it the only one."""
    job, vehicles = base.problem.jobs[row], base.problem.vehicles
    able = [vehicle for vehicle in vehicles if job.skills <= vehicle.skills]
    if not able:
        return "skill"
    if not any(all(part <= room for part, room in zip(job.load, one.capacity, strict=True)) for one in able):
        return "load"
    return None if serve(base, row) is not None else "window"


def _known(problem: Problem, days: Days) -> Days:
    """The days without jobs that are not there any more, or may not be served in that window any more."""

    def stands(one: Visit) -> bool:
        return one.job is None or (one.job < len(problem.jobs) and one.window in problem.jobs[one.job].choices())

    return [(vehicle, [one for one in visits if stands(one)]) for vehicle, visits in days]


def _days(plan: Plan) -> Days:
    return [(route.vehicle, [visit(stop) for stop in route.stops]) for route in plan.routes]


def _whole(problem: Problem, days: Days, iterations: int, never: dict[int, str]) -> Plan:
    """A plan of these days with times and costs: what breaks a rule is taken out, and put where there is a place."""
    routes = [_kept(problem, vehicle, visits, never) for vehicle, visits in days]
    there = {job for route in routes for job in route.jobs()}
    absent = [row for row in range(len(problem.jobs)) if row not in there]
    made = planned(problem, routes, [Unserved(row, never.get(row) or _why(problem, row)) for row in absent])
    # Of those with a prize the search has weighed each; here are only those that it should have served.
    for row in absent:
        if row not in never and problem.jobs[row].prize is None:
            made = serve(made, row) or made
    return replace(made, iterations=iterations)


def _why(problem: Problem, row: int) -> str:
    return "room" if problem.jobs[row].prize is None else "prize"


def _kept(problem: Problem, vehicle: int, visits: Iterable[Visit], never: dict[int, str]) -> Route:
    """The vehicle's route with the visits in their order, without those that cannot be."""
    wanted = [one for one in visits if one.job not in never]
    if _fits(problem, vehicle, wanted) and (route := timed(problem, vehicle, wanted)) is not None:
        return route
    kept: list[Visit] = []
    leaves = problem.vehicles[vehicle].shift[0]
    route = Route(vehicle, leaves, (), leaves)
    for one in wanted:
        longer = timed(problem, vehicle, [*kept, one]) if _fits(problem, vehicle, [*kept, one]) else None
        if longer is not None:
            kept, route = [*kept, one], longer
    return route


def _fits(problem: Problem, vehicle: int, visits: Iterable[Visit]) -> bool:
    its, trips = problem.vehicles[vehicle], 1
    load = list(its.load) or [0] * len(its.capacity)
    for one in visits:
        if one.job is None:
            load, trips = [0] * len(load), trips + 1
            continue
        job = problem.jobs[one.job]
        load = [part + more for part, more in zip(load, job.load, strict=True)]
        if not job.skills <= its.skills or any(part > room for part, room in zip(load, its.capacity, strict=True)):
            return False
    return its.trips is None or trips <= its.trips
