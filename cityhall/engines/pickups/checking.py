"""Whether a plan is what it says: everything recomputed, plainly, with nothing of what made it.

Of the engine this file uses only the words of model.py. It is what tests and benchmarks trust.
"""

from __future__ import annotations

from cityhall.engines.pickups.model import ALWAYS, Plan, Problem, Route, Vehicle

REASONS = ("skill", "load", "window", "prize", "room")


def check(problem: Problem, plan: Plan, before: Plan | None = None) -> list[str]:
    """What is wrong with the plan, in words; nothing where all holds.

    What is done took the time that it took: only its order is looked at, and whether promises were kept.
    With `before`, the plan that this one came from by insertions: also what was upset of it: a promised window, a job
    that is gone, a part of a route that was done or under way.
    """
    wrong: list[str] = []
    total, seen = 0, []
    used = [route.vehicle for route in plan.routes]
    if len(set(used)) != len(used):
        wrong.append("a vehicle has two routes")
    for route in plan.routes:
        if not 0 <= route.vehicle < len(problem.vehicles):
            wrong.append(f"there is no vehicle {route.vehicle}")
            continue
        found, cost, jobs = _route(problem, route)
        wrong += [f"vehicle {route.vehicle}: {text}" for text in found]
        total += cost
        seen += jobs
    for one in plan.unserved:
        seen.append(one.job)
        if one.why not in REASONS:
            wrong.append(f"job {one.job} is left out because of {one.why!r}")
        if 0 <= one.job < len(problem.jobs):
            total += problem.jobs[one.job].prize or 0
            if one.why == "prize" and problem.jobs[one.job].prize is None:
                wrong.append(f"job {one.job} must be served, and has no prize")
    if sorted(seen) != list(range(len(problem.jobs))):
        wrong.append("not every job is in the plan exactly once, served or left out")
    if total != plan.cost:
        wrong.append(f"the plan says that it costs {plan.cost}, and it costs {total}")
    return wrong + (_upset(plan, before) if before is not None else [])


def _route(problem: Problem, route: Route) -> tuple[list[str], int, list[int]]:
    vehicle = problem.vehicles[route.vehicle]
    wrong: list[str] = []
    clock, here, metres, jobs = route.leaves, vehicle.start, 0, []
    load = list(vehicle.load) or [0] * len(vehicle.capacity)
    trip_left, trips = route.leaves, 1
    if not route.stops:
        wrong.append("a route without stops")
    if route.leaves < vehicle.shift[0]:
        wrong.append(f"leaves at {route.leaves}, before its shift")
    if not 0 <= route.done <= len(route.stops) + 1:
        wrong.append("more is done than there is")
    for row, stop in enumerate(route.stops):
        if stop.job is None:
            if stop.unloading is None or not 0 <= stop.unloading < len(vehicle.unloading):
                wrong.append(f"stop {row} is no unloading place of it")
                continue
            at = vehicle.unloading[stop.unloading]
            there, duration, allowed = at.place, at.seconds, [at.open]
        else:
            if stop.unloading is not None or not 0 <= stop.job < len(problem.jobs):
                wrong.append(f"stop {row} is of no job")
                continue
            job = problem.jobs[stop.job]
            jobs.append(stop.job)
            there, duration, allowed = job.place, job.duration, list(job.windows or (ALWAYS,))
            load = [before + more for before, more in zip(load, job.load, strict=True)]
            if any(part > room for part, room in zip(load, vehicle.capacity, strict=True)):
                wrong.append(f"overloaded at job {stop.job}: {load}")
            if not job.skills <= vehicle.skills:
                wrong.append(f"lacks a skill for job {stop.job}")
            if trip_left < job.release:
                wrong.append(f"set out at {trip_left}, before job {stop.job} was released")
        if row >= route.done:
            wrong += _times(row, stop.arrive, clock + int(problem.seconds[here][there]), "arrives")
        elif stop.arrive < clock:
            wrong.append(f"stop {row}: arrives at {stop.arrive}, before it left for it")
        metres += int(problem.metres[here][there])
        if stop.window not in allowed:
            wrong.append(f"stop {row} is held to {stop.window}, which was never allowed")
        if not stop.window[0] <= stop.begin <= stop.window[1]:
            wrong.append(f"stop {row} begins at {stop.begin}, out of its window {stop.window}")
        if stop.begin < stop.arrive or stop.leave < stop.begin + (duration if row >= route.done else 0):
            wrong.append(f"stop {row} has not the time that it takes")
        if stop.job is None:
            load, trip_left, trips = [0] * len(load), stop.leave, trips + 1
        clock, here = stop.leave, there
    wrong += _times(len(route.stops), route.returns, clock + int(problem.seconds[here][vehicle.end]), "is back")
    metres += int(problem.metres[here][vehicle.end])
    if route.returns > vehicle.shift[1]:
        wrong.append(f"is back at {route.returns}, after its shift")
    if vehicle.trips is not None and trips > vehicle.trips:
        wrong.append(f"makes {trips} trips")
    return wrong, _cost(vehicle, metres, route.returns - route.leaves), jobs


def _times(row: int, says: int, takes: int, what: str) -> list[str]:
    return [] if says == takes else [f"stop {row}: {what} at {says}, and the way takes until {takes}"]


def _cost(vehicle: Vehicle, metres: int, seconds: int) -> int:
    return vehicle.fixed_cost + vehicle.metre_cost * metres + vehicle.second_cost * seconds


def _upset(plan: Plan, before: Plan) -> list[str]:
    wrong: list[str] = []
    held = {stop.job: stop for route in plan.routes for stop in route.stops if stop.job is not None}
    by_vehicle = {route.vehicle: route for route in plan.routes}
    for old in before.routes:
        new = by_vehicle.get(old.vehicle)
        for stop in old.stops:
            if stop.job is None:
                continue
            if stop.job not in held:
                wrong.append(f"job {stop.job} was promised, and is gone")
            elif held[stop.job].window != stop.window:
                wrong.append(f"job {stop.job} was promised {stop.window}, and is held to {held[stop.job].window}")
        if old.done and (new is None or new.leaves != old.leaves or new.stops[: old.done] != old.stops[: old.done]):
            wrong.append(f"vehicle {old.vehicle}: what was done is not as it was")
        if new is not None and old.done > len(old.stops) and new != old:
            wrong.append(f"vehicle {old.vehicle}: was on its way home")
    return wrong
