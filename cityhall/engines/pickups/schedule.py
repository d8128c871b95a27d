"""From the order of stops to their times, costs and what they leave room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cityhall.engines.pickups.model import Plan, Problem, Route, Stop, Unserved, Vehicle, Window


class Visit(NamedTuple):
    """A stop before it has times: `job`, or the vehicle's unloading place, with the window it is held to."""

    job: int | None
    unloading: int | None
    window: Window


def visit(stop: Stop) -> Visit:
    """The stop without its times."""
    return Visit(stop.job, stop.unloading, stop.window)


def place(problem: Problem, vehicle: Vehicle, stop: Stop | Visit) -> int:
    """Where it is, a row of the matrix."""
    if stop.job is not None:
        return problem.jobs[stop.job].place
    assert stop.unloading is not None
    return vehicle.unloading[stop.unloading].place


def service(problem: Problem, vehicle: Vehicle, stop: Stop | Visit) -> int:
    """Seconds that it takes."""
    if stop.job is not None:
        return problem.jobs[stop.job].duration
    assert stop.unloading is not None
    return vehicle.unloading[stop.unloading].seconds


def releases(problem: Problem, visits: Sequence[Visit | Stop]) -> list[int]:
    """For the start, and then for each stop: the soonest that the trip which sets out there may (0 at other stops)."""
    found, latest = [0] * (len(visits) + 1), 0
    for row in range(len(visits), 0, -1):
        job = visits[row - 1].job
        if job is None:
            found[row], latest = latest, 0
        else:
            latest = max(latest, problem.jobs[job].release)
    found[0] = latest
    return found


def timed(
    problem: Problem, vehicle: int, visits: Sequence[Visit], *, now: int = 0, old: Route | None = None
) -> Route | None:
    """The vehicle's route with these visits in this order, or None where one of them would be late.

    It is begun as soon as may be; where a second costs something, it leaves as late as its end allows, which is what it
    then costs. With `old` the visits begin with those that are done there; their times stay.
    """
    done = old.done if old is not None else 0
    # Who is on the way to the first stop has left; the visits that are done keep their times.
    if old is not None and done > 0:
        route = forward(problem, vehicle, visits, old.leaves, old.stops[: min(done, len(old.stops))])
        return None if route is None else replace(route, done=done)
    its = problem.vehicles[vehicle]
    soonest = max(its.shift[0], now, releases(problem, visits)[0])
    route = forward(problem, vehicle, visits, soonest, ())
    if route is None or not its.second_cost or not visits:
        return route
    return forward(problem, vehicle, visits, max(soonest, _latest(problem, its, visits, route.returns)), ())


def forward(
    problem: Problem, vehicle: int, visits: Sequence[Visit], leaves: int, past: Sequence[Stop], *, late: bool = False
) -> Route | None:
    """The route that leaves then, each visit behind the `past` begun as soon as may be.

    None where one is late, or the end; with `late` that is no matter.
    """
    its, wait = problem.vehicles[vehicle], releases(problem, visits)
    stops, at, clock = list(past), its.start, leaves
    if past:
        at, clock = place(problem, its, past[-1]), past[-1].leave
    if any(moment < soonest for moment, soonest in zip([leaves, *(stop.leave for stop in past)], wait, strict=False)):
        return None
    for row in range(len(past), len(visits)):
        one = visits[row]
        to = place(problem, its, one)
        arrive = clock + int(problem.seconds[at, to])
        begin = max(arrive, one.window[0])
        if begin > one.window[1] and not late:
            return None
        at, clock = to, max(begin + service(problem, its, one), wait[row + 1])
        stops.append(Stop(one.job, one.unloading, one.window, arrive, begin, clock))
    returns = clock + int(problem.seconds[at, its.end])
    return Route(vehicle, leaves, tuple(stops), returns) if late or returns <= its.shift[1] else None


def _latest(problem: Problem, its: Vehicle, visits: Sequence[Visit], returns: int) -> int:
    """The latest to leave for being back by `returns`."""
    at, limit = its.end, returns
    for one in reversed(visits):
        here = place(problem, its, one)
        limit = min(one.window[1], limit - int(problem.seconds[here, at]) - service(problem, its, one))
        at = here
    return limit - int(problem.seconds[its.start, at])


def followed(plan: Plan, vehicle: int, now: int, leaves: int, past: Sequence[tuple[int, int, int]]) -> Plan:
    """The plan as the day really goes: the vehicle left at `leaves`, and its first stops were as `past` says.

    `past` has, of each stop that is over or under way, when the vehicle arrived, began and left; of the last of them
    what is expected. What is behind them is expected as soon as it may be, and may be late: nothing more is then put
    into this route, and `check` says so. Raises ValueError for a vehicle that has no route, or not so many stops.
    """
    old = next((route for route in plan.routes if route.vehicle == vehicle), None)
    if old is None or len(past) > len(old.stops):
        raise ValueError(f"vehicle {vehicle} has no route with {len(past)} stops")
    stops = [
        replace(stop, arrive=arrive, begin=begin, leave=leave)
        for stop, (arrive, begin, leave) in zip(old.stops, past, strict=False)
    ]
    route = forward(plan.problem, vehicle, [visit(stop) for stop in old.stops], leaves, stops, late=True)
    if route is None:
        raise ValueError(f"vehicle {vehicle} set out before a job was released")
    left = [leaves, *(stop.leave for stop in route.stops)]
    route = replace(route, done=sum(moment <= now for moment in left))
    routes = [route if one.vehicle == vehicle else one for one in plan.routes]
    return planned(plan.problem, routes, plan.unserved, now=max(now, plan.now), iterations=plan.iterations)


def punctual(problem: Problem, route: Route) -> bool:
    """Whether what is not done of it is begun in time, and the vehicle back."""
    on_time = all(stop.begin <= stop.window[1] for stop in route.stops[route.done :])
    return on_time and route.returns <= problem.vehicles[route.vehicle].shift[1]


def metres(problem: Problem, route: Route) -> int:
    """How far it goes."""
    its = problem.vehicles[route.vehicle]
    ways = [its.start, *(place(problem, its, stop) for stop in route.stops), its.end]
    return int(problem.metres[ways[:-1], ways[1:]].sum())


def cost(problem: Problem, route: Route) -> int:
    """What the route costs."""
    its = problem.vehicles[route.vehicle]
    day = its.second_cost * (route.returns - route.leaves)
    return its.fixed_cost + its.metre_cost * metres(problem, route) + day


def planned(
    problem: Problem, routes: Sequence[Route], unserved: Sequence[Unserved], *, now: int = 0, iterations: int = 0
) -> Plan:
    """A plan of these routes, those without stops left out, with its cost."""
    kept = tuple(sorted((route for route in routes if route.stops), key=lambda route: route.vehicle))
    left = sum(problem.jobs[one.job].prize or 0 for one in unserved)
    total = left + sum(cost(problem, route) for route in kept)
    return Plan(problem, kept, tuple(unserved), total, now, iterations)
