"""One more job: nothing promised is upset, nothing done changes, and no place is cheaper, beside trying every place."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.pickups import Job, Plan, Problem, Unloading, Unserved, Vehicle, check, insert, offers, serve
from cityhall.engines.pickups.schedule import Visit, cost, timed, visit
from tests.engines.pickups.made import DAY, jobs, problems, windows


def filled(problem: Problem) -> Plan:
    """A plan made of insertions alone."""
    plan = Plan(problem, (), tuple(Unserved(row, "room") for row in range(len(problem.jobs))), 0)
    plan = dataclasses.replace(plan, cost=sum(job.prize or 0 for job in problem.jobs))
    for row in range(len(problem.jobs)):
        plan = serve(plan, row) or plan
    return plan


@st.composite
def cases(draw: st.DrawFn, *, releases: bool = True) -> tuple[Plan, Job]:
    """A plan at some moment of its day, and one more job."""
    problem = draw(problems(releases=releases))
    plan = filled(problem)
    moment = draw(st.one_of(st.none(), st.integers(0, DAY)))
    if moment is not None:
        plan = plan.begun(moment)
    return plan, draw(jobs(len(problem.seconds), releases=releases))


def within(problem: Problem, vehicle: Vehicle, visits: list[Visit]) -> bool:
    """Whether loads, trips and skills are as they must be."""
    load, trips = np.array(vehicle.load or (0,) * len(vehicle.capacity)), 1
    for one in visits:
        if one.job is None:
            load, trips = np.zeros_like(load), trips + 1
            continue
        load = load + problem.jobs[one.job].load
        if (load > vehicle.capacity).any() or not problem.jobs[one.job].skills <= vehicle.skills:
            return False
    return vehicle.trips is None or trips <= vehicle.trips


def cheapest(plan: Plan, job: Job) -> int | None:
    """What the job adds in the best of all places, walking through each whole route.

    Where its trip has no room for it, one more unloading goes just before or behind it.
    """
    problem = plan.problem.with_jobs(job)
    new, best = len(plan.problem.jobs), None
    for number, vehicle in enumerate(problem.vehicles):
        old = next((route for route in plan.routes if route.vehicle == number), None)
        visits = [visit(stop) for stop in old.stops] if old else []
        empties = [Visit(None, row, at.open) for row, at in enumerate(vehicle.unloading)]
        for window in job.choices():
            one = Visit(new, None, window)
            for at in range(old.done if old else 0, len(visits) + 1):
                full = not within(problem, vehicle, [*visits[:at], one, *visits[at:]])
                ways = [[one]]
                if full:
                    ways = [*([one, empty] for empty in empties), *([empty, one] for empty in empties)]
                for more in ways:
                    whole = [*visits[:at], *more, *visits[at:]]
                    route = timed(problem, number, whole, now=plan.now, old=old)
                    if route is not None and within(problem, vehicle, whole):
                        added = cost(problem, route) - (cost(plan.problem, old) if old else 0)
                        best = added if best is None else min(best, added)
    return best


@settings(max_examples=150)
@given(case=cases())
def test_what_is_inserted_holds_and_upsets_nothing(case: tuple[Plan, Job]) -> None:
    plan, job = case
    assert check(plan.problem, plan) == []
    better = insert(plan, job)
    if better is None:
        return
    assert check(better.problem, better, before=plan) == []
    placed = [stop for route in better.routes for stop in route.stops if stop.job == len(plan.problem.jobs)]
    assert len(placed) == 1 and placed[0].window in job.choices()
    route = next(route for route in better.routes if placed[0] in route.stops)
    # Nobody is sent to it, or to the unloading before it, in the past.
    at = route.stops.index(placed[0])
    leaves = [route.leaves, *(stop.leave for stop in route.stops)]
    assert leaves[at] >= plan.now


@settings(max_examples=150)
@given(case=cases(releases=False))
def test_no_place_is_cheaper(case: tuple[Plan, Job]) -> None:
    plan, job = case
    better = insert(plan, job)
    assert (None if better is None else better.cost - plan.cost) == cheapest(plan, job)


@settings(max_examples=150)
@given(case=cases(), asked=st.lists(windows(), max_size=6))
def test_what_is_offered_can_be_kept(case: tuple[Plan, Job], asked: list[tuple[int, int]]) -> None:
    plan, job = case
    told = {offer.window: offer.cost for offer in offers(plan, job, asked)}
    assert set(told) <= set(asked)
    for window in asked:
        better = insert(plan, dataclasses.replace(job, windows=(window,)))
        assert (better is not None) == (window in told)
        if better is not None:
            added = better.cost - plan.cost
            assert added <= told[window] if any(one.release for one in better.problem.jobs) else added == told[window]


def test_a_trip_that_waits_for_nobody_sets_out_later_for_a_job_released_later() -> None:
    line = np.abs(np.arange(4)[:, None] - np.arange(4)[None]).astype(np.int64) * 10
    problem = Problem((Job(1, 5, (1,), ((0, 100),)),), (Vehicle((0, 500), (2,), 0, 0),), line, line)
    plan = filled(problem)
    assert plan.routes[0].leaves == 0
    later = insert(plan, Job(2, 5, (1,), (), release=90))
    assert later is not None and later.routes[0].leaves == 90 and check(later.problem, later, plan) == []
    assert insert(plan, Job(2, 5, (1,), (), release=91)) is None, "the other's window would be missed"


def test_a_full_vehicle_empties_itself_on_the_way() -> None:
    line = np.abs(np.arange(4)[:, None] - np.arange(4)[None]).astype(np.int64) * 10
    vehicle = Vehicle((0, 500), (2,), 0, 0, (Unloading(3, 7),))
    plan = filled(Problem((Job(1, 5, (2,), ((0, 100),)),), (vehicle,), line, line))
    better = insert(plan, Job(2, 5, (1,)))
    assert better is not None and check(better.problem, better, plan) == []
    assert [stop.job for stop in better.routes[0].stops] == [0, None, 1] or [
        stop.job for stop in better.routes[0].stops
    ] == [1, None, 0]
    assert len(better.routes[0].trips()) == 2


def test_a_hundred_windows_are_judged_at_once() -> None:
    random = np.random.default_rng(4)
    places = random.integers(0, 6000, (301, 2))
    metres = np.abs(places[:, None] - places[None]).sum(axis=2).astype(np.int64)
    each = [(8 * 3600 + hour * 3600, 10 * 3600 + hour * 3600) for hour in range(8)]
    todo = tuple(
        Job(row, 180, (int(random.integers(5, 40)),), (each[random.integers(0, 8)],), prize=1) for row in range(1, 301)
    )
    fleet = tuple(Vehicle((7 * 3600, 19 * 3600), (1200,), 0, 0) for _ in range(12))
    plan = filled(Problem(todo, fleet, metres // 6, metres))
    assert sum(len(list(route.jobs())) for route in plan.routes) >= 250
    asked = [(8 * 3600 + 300 * row, 9 * 3600 + 300 * row) for row in range(100)]
    best = 9.0
    for _ in range(5):
        begun = time.perf_counter()
        found = offers(plan, Job(17, 180, (10,)), asked)
        best = min(best, time.perf_counter() - begun)
    assert found
    assert best < 0.5, f"a target of 0.1 s, here {best:.3f}"
    print(f"\noffers: {best * 1000:.1f} ms")
