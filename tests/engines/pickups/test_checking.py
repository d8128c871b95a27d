"""The check catches what is wrong: each good plan is broken in each way that a plan can be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cityhall.engines.pickups import Job, Plan, Problem, Route, Unloading, Unserved, Vehicle, check, followed, insert
from tests.engines.pickups.made import problems
from tests.engines.pickups.test_insertion import filled

LINE = np.abs(np.arange(5)[:, None] - np.arange(5)[None]).astype(np.int64) * 10


def example() -> Plan:
    """Two vehicles; the first collects three and unloads on the way, one job is left."""
    jobs = (
        Job(1, 5, (2,), ((0, 100),)),
        Job(2, 5, (2,), ((50, 200),)),
        Job(4, 5, (2,), ((0, 300),)),
        Job(3, 5, (1,), skills=frozenset({"glass"})),
        Job(4, 400, (1,), prize=7),
    )
    plain = Vehicle((0, 400), (4,), 0, 0, (Unloading(3, 7, (0, 300)),), 10, 1, 1, trips=2)
    able = Vehicle((0, 400), (4,), 0, 0, (), 10, 1, 1, frozenset({"glass"}))
    plan = filled(Problem(jobs, (plain, able), LINE, LINE))
    assert check(plan.problem, plan) == []
    return plan


def with_route(plan: Plan, row: int, **more: object) -> Plan:
    routes = list(plan.routes)
    routes[row] = dataclasses.replace(routes[row], **more)  # type: ignore[arg-type]
    return dataclasses.replace(plan, routes=tuple(routes))


def with_stop(plan: Plan, row: int, stop: int, **more: object) -> Plan:
    stops = list(plan.routes[row].stops)
    stops[stop] = dataclasses.replace(stops[stop], **more)  # type: ignore[arg-type]
    return with_route(plan, row, stops=tuple(stops))


MUTANTS: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "cheaper": (lambda plan: dataclasses.replace(plan, cost=plan.cost - 1), "costs"),
    "a job less": (lambda plan: with_route(plan, 0, stops=plan.routes[0].stops[:-1]), "exactly once"),
    "a job twice": (lambda plan: with_route(plan, 0, stops=(*plan.routes[0].stops, plan.routes[0].stops[0])), "once"),
    "leaves early": (lambda plan: with_route(plan, 0, leaves=-5), "before its shift"),
    "a faster way": (lambda plan: with_stop(plan, 0, 0, arrive=plan.routes[0].stops[0].arrive - 1), "arrives"),
    "home sooner": (lambda plan: with_route(plan, 0, returns=plan.routes[0].returns - 1), "is back"),
    "no time at the door": (lambda plan: with_stop(plan, 0, 0, leave=plan.routes[0].stops[0].begin), "the time"),
    "begins before it is there": (lambda plan: with_stop(plan, 0, 0, begin=0), "the time"),
    "another window": (lambda plan: with_stop(plan, 0, 0, window=(0, 399)), "never allowed"),
    "too late": (lambda plan: with_stop(plan, 0, 0, begin=301, leave=306), "out of its window"),
    "the wrong vehicle": (lambda plan: with_route(plan, 1, vehicle=0), "skill"),
    "a vehicle twice": (lambda plan: with_route(plan, 1, vehicle=0), "two routes"),
    "no such vehicle": (lambda plan: with_route(plan, 1, vehicle=9), "no vehicle"),
    "no such place": (lambda plan: with_stop(plan, 0, 0, job=None, unloading=4), "no unloading place"),
    "no such job": (lambda plan: with_stop(plan, 0, 0, job=44), "no job"),
    "never unloads": (
        lambda plan: with_route(plan, 0, stops=tuple(s for s in plan.routes[0].stops if s.job is not None)),
        "overloaded"),
    "left out for nothing": (
        lambda plan: dataclasses.replace(plan, unserved=(Unserved(plan.unserved[0].job, "whim"),)), "whim"),
    "nothing in it": (lambda plan: with_route(plan, 0, stops=()), "without stops"),
    "more done than there is": (lambda plan: with_route(plan, 0, done=9), "more is done"),
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_plan_is_caught(mutant: str) -> None:
    plan = example()
    assert any(stop.job is None for stop in plan.routes[0].stops) and plan.unserved
    change, said = MUTANTS[mutant]
    assert any(said in text for text in check(plan.problem, change(plan))), check(plan.problem, change(plan))


def changed(plan: Plan, row: int, **more: object) -> Plan:
    """The plan of a problem with another vehicle or job."""
    fleet = list(plan.problem.vehicles)
    fleet[row] = dataclasses.replace(fleet[row], **more)  # type: ignore[arg-type]
    return dataclasses.replace(plan, problem=dataclasses.replace(plan.problem, vehicles=tuple(fleet)))


def test_what_the_vehicles_cannot_is_caught() -> None:
    plan = example()
    for more, said in (({"trips": 1}, "trips"), ({"shift": (0, 100)}, "after its shift"), ({"load": (3,)}, "overload")):
        other = changed(plan, 0, **more)
        assert any(said in text for text in check(other.problem, other))
    jobs = tuple(dataclasses.replace(job, release=390) for job in plan.problem.jobs)
    assert any("released" in text for text in check(dataclasses.replace(plan.problem, jobs=jobs), plan))
    jobs = tuple(dataclasses.replace(job, prize=None) for job in plan.problem.jobs)
    wrong = dataclasses.replace(plan, unserved=(Unserved(4, "prize"),))
    assert any("must be served" in text for text in check(dataclasses.replace(plan.problem, jobs=jobs), wrong))


def test_what_is_upset_is_caught() -> None:
    plan = example().begun(20)
    assert plan.routes[0].done
    more = insert(plan, Job(1, 1, (0,)))
    assert more is not None and check(more.problem, more, plan) == []
    late = with_stop(plan, 0, 0, leave=plan.routes[0].stops[0].leave + 1)
    assert any("was done" in text for text in check(plan.problem, late, plan))
    other = with_stop(plan, 0, 0, window=(1, 100))
    assert any("was promised" in text for text in check(plan.problem, other, plan))
    gone = dataclasses.replace(plan, routes=plan.routes[1:])
    assert any("is gone" in text for text in check(plan.problem, gone, plan))
    home = plan.begun(10_000)
    assert insert(home, Job(1, 1, (0,))) is None
    back = with_route(home, 0, returns=1)
    assert any("way home" in text for text in check(plan.problem, back, home))


@settings(max_examples=80)
@given(problem=problems(), data=st.data())
def test_a_stop_at_another_time_or_place_is_caught(problem: Problem, data: st.DataObject) -> None:
    plan = filled(problem)
    assume(plan.routes)
    row = data.draw(st.integers(0, len(plan.routes) - 1))
    stop = data.draw(st.integers(0, len(plan.routes[row].stops) - 1))
    old = plan.routes[row].stops[stop]
    by = data.draw(st.integers(-20, 20).filter(bool))
    field = data.draw(st.sampled_from(["arrive", "leave"]))
    assert check(problem, with_stop(plan, row, stop, **{field: getattr(old, field) + by}))


def test_the_day_is_followed_as_it_goes() -> None:
    plan = example()
    route: Route = plan.routes[0]
    first = route.stops[0]
    slow = followed(plan, 0, 40, route.leaves, [(first.arrive + 6, first.begin + 6, first.leave + 9)])
    assert slow.now == 40 and slow.routes[0].stops[0].leave == first.leave + 9
    assert check(slow.problem, slow) == [] and slow.routes[0].done >= 1
    more = insert(slow, Job(4, 1, (0,)))
    assert more is not None and check(more.problem, more, slow) == []
    assert any("before it left" in text for text in check(plan.problem, with_stop(slow, 0, 0, arrive=-1)))
    lost = followed(plan, 0, 290, route.leaves, [(first.arrive, first.begin, 290)])
    assert any("out of its window" in text or "after its shift" in text for text in check(lost.problem, lost))
    more = insert(lost, Job(4, 1, (0,)))
    assert more is None or more.routes[0] == lost.routes[0], "nothing more for who is late already"
    with pytest.raises(ValueError, match="no route"):
        followed(plan, 7, 0, 0, [])
