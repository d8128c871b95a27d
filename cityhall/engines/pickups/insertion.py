"""One more job into a plan whose promises stand: the cheapest place, and which windows may still be offered.

A fixed order of stops takes a day apart into "no sooner than" and "so much later": whoever leaves at d is at a stop's
door at max(d + D, A), and whoever is there at x ends at max(x + S, B) (Vidal et al., Timing problems and algorithms:
time decisions for sequences of activities, Networks 65, 2015). With D, A, S, B and the limits kept for each gap between
stops, a job in any gap and any window is judged without walking through a route, for all gaps and windows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cityhall.engines.pickups.gaps import Bool, Gaps, gaps, unload_after, unload_before
from cityhall.engines.pickups.model import Int64, Job, Plan, Problem, Route, Unserved, Window, check_job
from cityhall.engines.pickups.schedule import Visit, planned, timed, visit

DEAR = np.int64(1) << 60
"""A cost that says: cannot be."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A window that can be kept, and what keeping it adds to the plan's cost."""

    window: Window
    cost: int


def insert(plan: Plan, job: Job) -> Plan | None:
    """The plan with the job in its cheapest place, or None where there is none.

    No job leaves the plan, each is begun within the window that it was promised, by the same vehicle and in the same
    order; what is done or under way stays to the second; nobody sets out anew before the plan's `now`. Where a trip has
    no room left, one more unloading just before or after the job is tried. The job is the last of the new plan's
    problem.
    Raises ValueError where the job does not fit the problem.
    """
    check_job("the job", job, len(plan.problem.seconds), _compartments(plan.problem))
    problem = plan.problem.with_jobs(job)
    return _placed(replace(plan, problem=problem), len(plan.problem.jobs), plan.unserved)


def serve(plan: Plan, job: int) -> Plan | None:
    """The same for a job that the plan leaves out."""
    return _placed(plan, job, tuple(one for one in plan.unserved if one.job != job))


def offers(plan: Plan, job: Job, windows: Sequence[Window]) -> list[Offer]:
    """Which of the windows the plan can still keep for a job, in the order given, each with what that adds to its cost.

    The job's own windows do not count; what `insert` would do with the job in just that window is what is offered.
    Raises ValueError where the job does not fit the problem.
    """
    check_job("the job", replace(job, windows=tuple(windows)), len(plan.problem.seconds), _compartments(plan.problem))
    if not windows:
        return []
    best = np.full(len(windows), DEAR)
    for rows in _tables(plan, job):
        best = np.minimum(best, _added(plan.problem, rows, job, windows).min(axis=0, initial=DEAR))
    return [Offer(window, int(cost)) for window, cost in zip(windows, best, strict=True) if cost < DEAR]


def _compartments(problem: Problem) -> int:
    return len(problem.vehicles[0].capacity) if problem.vehicles else 0


def _placed(plan: Plan, row: int, unserved: tuple[Unserved, ...]) -> Plan | None:
    job = plan.problem.jobs[row]
    least, best = int(DEAR), None
    for rows in _tables(plan, job):
        added = _added(plan.problem, rows, job, job.choices())
        if added.size and added.min() < least:
            least, best = int(added.min()), (rows, *divmod(int(added.argmin()), added.shape[1]))
    if best is None:
        return None
    rows, gap, window = best
    new = Visit(row, None, job.choices()[window])
    route = _with(plan, rows, gap, new)
    routes = {route.vehicle: route for route in plan.routes} | {route.vehicle: route}
    return planned(plan.problem, tuple(routes.values()), unserved, now=plan.now, iterations=plan.iterations)


def _with(plan: Plan, rows: Gaps, gap: int, new: Visit) -> Route:
    vehicle, at, unloading = int(rows.vehicle[gap]), int(rows.at[gap]), int(rows.unloading[gap])
    old = next((route for route in plan.routes if route.vehicle == vehicle), None)
    visits = [visit(stop) for stop in old.stops] if old else []
    more = [new]
    if unloading >= 0:
        empty = Visit(None, unloading, plan.problem.vehicles[vehicle].unloading[unloading].open)
        more = [empty, new] if rows.first else [new, empty]
    made = timed(plan.problem, vehicle, [*visits[:at], *more, *visits[at:]], now=plan.now, old=old)
    assert made is not None, "what was judged possible is"
    return made


def _tables(plan: Plan, job: Job) -> list[Gaps]:
    """The gaps where there is room for the job, and, where there is none, those with an unloading beside it."""
    rows = gaps(plan)
    able = [job.skills <= vehicle.skills for vehicle in plan.problem.vehicles]
    rows = rows.only(np.array(able, np.bool_)[rows.vehicle])
    load = np.array(job.load, np.int64)
    fits = _all(rows.load + load <= rows.room)
    found = [rows.only(fits)]
    full = rows.only(~fits & rows.more)
    full = full.only(_all(load <= full.room))
    for number in range(max((len(vehicle.unloading) for vehicle in plan.problem.vehicles), default=0)):
        has = np.array([len(vehicle.unloading) > number for vehicle in plan.problem.vehicles], np.bool_)
        some = full.only(has[full.vehicle])
        if len(some.vehicle):
            found.append(unload_after(plan.problem, some.only(_all(some.before + load <= some.room)), number))
            behind = some.only(_all(some.load - some.before + load <= some.room))
            found.append(unload_before(plan.problem, behind, number, job.release))
    return found


def _all(fits: Bool) -> Bool:
    """(gaps,) whether it fits in every compartment of (gaps, compartments)."""
    return np.asarray(fits.all(axis=1), np.bool_)


def _added(problem: Problem, rows: Gaps, job: Job, windows: Sequence[Window]) -> Int64:
    """(gaps, windows) what the job adds to the cost there, DEAR where it cannot be."""
    there, on = problem.seconds[rows.prev, job.place], problem.seconds[job.place, rows.next]
    far = problem.metres[rows.prev, job.place] + problem.metres[job.place, rows.next] - rows.base
    # A trip that sets out later for the job's sake is later at all that it does before.
    waits = np.maximum(rows.released, job.release) > rows.released
    fine = ~waits | (~rows.gone & (job.release <= rows.release_limit))
    ready = np.where(waits, np.maximum(rows.ready, job.release + rows.run - rows.run_trip), rows.ready)
    soonest = np.where(waits & rows.first_trip, np.maximum(rows.soonest, job.release), rows.soonest)
    first, last = (np.array(column, np.int64)[None, :] for column in zip(*windows, strict=True))
    latest = np.minimum(last, (rows.until - on - job.duration)[:, None])
    begin = np.maximum((ready + there)[:, None], first)
    possible = fine[:, None] & (begin <= latest)
    end = np.maximum(begin + (job.duration + on + rows.rest)[:, None], rows.back[:, None])
    # The whole as "so much later": what leaving at d would end at is max(d + run, end).
    run = (rows.run + there + job.duration + on + rows.rest)[:, None]
    leave_by = np.minimum(rows.leave_by[:, None], latest - (rows.run + there)[:, None])
    leaves = np.maximum(soonest[:, None], np.minimum(leave_by, end - run))
    spent = np.where(rows.left[:, None], end - rows.leaves[:, None], end - leaves) - rows.day[:, None]
    cost = rows.fixed[:, None] + rows.metre_cost[:, None] * far[:, None] + rows.second_cost[:, None] * spent
    return np.where(possible, cost, DEAR)
