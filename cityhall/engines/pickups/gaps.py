"""The gaps between a plan's stops, as columns: what one more visit needs to know of what is around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cityhall.engines.pickups import schedule
from cityhall.engines.pickups.model import FOREVER, Int64, Plan, Problem, Route, Stop, Vehicle

Bool = npt.NDArray[np.bool_]
LONG_AGO = -(1 << 50)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Columns of (gaps,); loads are (gaps, compartments). `first` tells where an unloading beside the job comes first.

    Before the gap: at place `prev`, ready to leave at `ready` or `run` after leaving the start, whichever is later;
    `leave_by` is the latest to leave the start, `soonest` the first. Behind it: at place `next` no later than `until`;
    the route ends `rest` after that, or at `back`, whichever is later.
    Of the trip: it sets out at `released`, `run_trip` after the start; `release_limit` is the latest that it may, for
    what is before the gap; `gone` if it has. `load` is what it collects, `before` the gap and in all.
    `base` metres are saved where something comes between; `day` seconds is the route long, and costs `fixed` to begin.
    """

    vehicle: Int64
    at: Int64
    unloading: Int64
    prev: Int64
    next: Int64
    ready: Int64
    run: Int64
    leave_by: Int64
    soonest: Int64
    until: Int64
    rest: Int64
    back: Int64
    base: Int64
    released: Int64
    run_trip: Int64
    release_limit: Int64
    behind: Int64
    day: Int64
    leaves: Int64
    fixed: Int64
    metre_cost: Int64
    second_cost: Int64
    first_trip: Bool
    gone: Bool
    left: Bool
    more: Bool
    load: Int64
    before: Int64
    room: Int64
    first: bool = False

    def only(self, rows: Bool) -> Gaps:
        """Those rows."""
        chosen = {one.name: getattr(self, one.name)[rows] for one in fields(self) if one.name != "first"}
        return replace(self, **chosen)


BOOLEANS = {"first_trip", "gone", "left", "more"}
LOADS = {"load", "before", "room"}


def gaps(plan: Plan) -> Gaps:
    """Every gap of the plan that is not past, with one of each kind of vehicle that stays where it is."""
    problem = plan.problem
    routes = {route.vehicle: route for route in plan.routes}
    idle: set[Vehicle] = set()
    rows: list[dict[str, Any]] = []
    for number, vehicle in enumerate(problem.vehicles):
        route = routes.get(number)
        if route is None and vehicle in idle:
            continue
        if route is None:
            idle.add(vehicle)
        rows += _rows(problem, number, route, plan.now)
    compartments = len(problem.vehicles[0].capacity) if problem.vehicles else 0
    made: dict[str, Any] = {}
    for one in fields(Gaps):
        if one.name != "first":
            column = np.array([row[one.name] for row in rows], np.bool_ if one.name in BOOLEANS else np.int64)
            made[one.name] = column.reshape(len(rows), compartments) if one.name in LOADS else column
    return Gaps(**made)


def _rows(problem: Problem, number: int, route: Route | None, now: int) -> list[dict[str, Any]]:
    """The gaps of one vehicle, each by the columns' names."""
    its = problem.vehicles[number]
    stops, done = (route.stops, route.done) if route else ((), 0)
    soonest = max(its.shift[0], now, schedule.releases(problem, stops)[0])
    early = route
    if route is not None and not done:
        # What leaves later than it could, for a shorter day, may move.
        early = schedule.forward(problem, number, [schedule.visit(stop) for stop in stops], soonest, ())
    if route is not None and (early is None or not schedule.punctual(problem, early)):
        return []  # somebody in it is late already
    places = [its.start, *(schedule.place(problem, its, stop) for stop in stops), its.end]
    ways, metres = problem.seconds[places[:-1], places[1:]].tolist(), problem.metres[places[:-1], places[1:]].tolist()
    services = [schedule.service(problem, its, stop) for stop in stops]
    same = {
        "vehicle": number, "unloading": -1, "soonest": soonest, "left": done > 0, "room": its.capacity,
        "leaves": early.leaves if early else soonest, "day": route.returns - route.leaves if route else 0,
        "fixed": 0 if route else its.fixed_cost, "metre_cost": its.metre_cost, "second_cost": its.second_cost,
        "more": its.trips is None or its.trips > 1 + sum(stop.job is None for stop in stops),
    }  # fmt: skip
    ahead = _ahead(early, ways, services, soonest)
    behind = _behind(problem, its, stops, ways, services)
    loads = _loads(problem, its, stops)
    return [
        same | ahead[at] | behind[at] | loads[at]
        | {"at": at, "prev": places[at], "next": places[at + 1], "base": metres[at] if route else 0,
           "gone": done >= max(ahead[at]["trip"], 1)}
        for at in range(done, len(stops) + 1)
    ]  # fmt: skip


def _ahead(early: Route | None, ways: list[int], services: list[int], soonest: int) -> list[dict[str, int]]:
    """For each gap what is before it; `trip` is the number of stops before its trip, the unloading with them."""
    ready = released = early.leaves if early else soonest
    run = trip = run_trip = 0
    leave_by = limit = FOREVER
    found = []
    for at in range(len(services) + 1):
        if early is not None and at:
            stop = early.stops[at - 1]
            run += ways[at - 1]
            leave_by, limit = min(leave_by, stop.window[1] - run), min(limit, stop.window[1] - run + run_trip)
            run += services[at - 1]
            ready = stop.leave
            if stop.job is None:
                released, trip, run_trip, limit = ready, at, run, FOREVER
        found.append({
            "ready": ready, "run": run, "leave_by": leave_by, "released": released, "run_trip": run_trip,
            "release_limit": limit, "trip": trip, "first_trip": trip == 0,
        })  # fmt: skip
    return found


def _behind(
    problem: Problem, its: Vehicle, stops: Sequence[Stop], ways: list[int], services: list[int]
) -> list[dict[str, int]]:
    """For each gap what is behind it; `behind` is when the jobs there of its trip are released."""
    wait = schedule.releases(problem, stops)
    until, rest, back, later = its.shift[1], 0, LONG_AGO, 0
    found = [{"until": until, "rest": rest, "back": back, "behind": later}]
    for at in range(len(stops) - 1, -1, -1):
        stop, way = stops[at], ways[at + 1]
        back = max(back, stop.window[0] + services[at] + way + rest, wait[at + 1] + way + rest)
        until = min(stop.window[1], until - way - services[at])
        rest += services[at] + way
        later = 0 if stop.job is None else max(later, problem.jobs[stop.job].release)
        found.append({"until": until, "rest": rest, "back": back, "behind": later})
    return found[::-1]


def _loads(problem: Problem, its: Vehicle, stops: Sequence[Stop]) -> list[dict[str, list[int]]]:
    """For each gap what its trip collects before it, and in all."""
    load = list(its.load) or [0] * len(its.capacity)
    before, found = [load], []
    for stop in [*stops, None]:
        if stop is not None and stop.job is not None:
            load = [one + more for one, more in zip(load, problem.jobs[stop.job].load, strict=True)]
            before.append(load)
            continue
        found += [{"before": part, "load": load} for part in before]
        load = [0] * len(its.capacity)
        before = [load]
    return found


def unload_before(problem: Problem, rows: Gaps, number: int, release: int) -> Gaps:
    """The gaps with an unloading, at each vehicle's place `number`, between what is before and a job released then."""
    place, takes, opens, closes = _unloading(problem, rows, number)
    there = problem.seconds[rows.prev, place]
    begin = np.maximum(rows.ready + there, opens)
    leave = np.maximum(begin + takes, np.maximum(rows.behind, release))
    made = replace(
        rows,
        unloading=np.full_like(place, number),
        prev=place,
        ready=leave,
        run=rows.run + there + takes,
        leave_by=np.minimum(rows.leave_by, closes - rows.run - there),
        released=leave,
        base=rows.base - problem.metres[rows.prev, place],
        first_trip=np.zeros_like(rows.first_trip),
        first=True,
    )
    return made.only(begin <= closes)


def unload_after(problem: Problem, rows: Gaps, number: int) -> Gaps:
    """The gaps with an unloading, at each vehicle's place `number`, between a job and what is behind."""
    place, takes, opens, closes = _unloading(problem, rows, number)
    on = problem.seconds[place, rows.next]
    until = np.minimum(closes, rows.until - on - takes)
    least = np.maximum(opens + takes, rows.behind) + on
    made = replace(
        rows,
        unloading=np.full_like(place, number),
        next=place,
        until=until,
        rest=takes + on + rows.rest,
        back=np.maximum(rows.back, least + rows.rest),
        base=rows.base - problem.metres[place, rows.next],
    )
    return made.only((opens <= until) & (least <= rows.until))


def _unloading(problem: Problem, rows: Gaps, number: int) -> tuple[Int64, Int64, Int64, Int64]:
    every = [
        (at.place, at.seconds, *at.open)
        for at in (problem.vehicles[vehicle].unloading[number] for vehicle in rows.vehicle.tolist())
    ]
    table = np.array(every, np.int64).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]
