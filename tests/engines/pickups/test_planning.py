"""The evening's plan: the check accepts whatever comes out, and who is left out is left out for a reason."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.pickups import NO_WAY, Job, Problem, Unloading, Vehicle, check, insert, plan, planning, searching
from cityhall.engines.pickups.searching import Search, search
from tests.engines.pickups.made import problems

LINE = np.abs(np.arange(6)[:, None] - np.arange(6)[None]).astype(np.int64) * 10


@settings(max_examples=40, deadline=None)
@given(problem=problems(), again=st.booleans())
def test_every_plan_is_accepted_by_the_check(problem: Problem, again: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # The same search, in this process: forty processes would take a minute.
        patch.setattr(planning, "_search", lambda tasks: [search(task) for task in tasks])
        found = plan(problem, 0.05, processes=1)
        assert check(problem, found) == []
        if again:
            warm = plan(problem, 0.0, start=found, processes=1)
            assert check(problem, warm) == []
            assert (len(warm.unserved), warm.cost) <= (len(found.unserved), found.cost) or warm.cost <= found.cost


def test_two_processes_search_and_the_time_is_kept() -> None:
    jobs = tuple(Job(1 + row % 5, 5, (1,), ((20 * row, 20 * row + 200),)) for row in range(12))
    problem = Problem(jobs, (Vehicle((0, 2000), (4,), 0, 0, (Unloading(3, 7),)),) * 3, LINE, LINE)
    begun = time.monotonic()
    found = plan(problem, 6.0)
    assert 6 <= time.monotonic() - begun < 26
    assert check(problem, found) == [] and not found.unserved and found.iterations > 0
    assert any(len(route.trips()) > 1 for route in found.routes)


def test_a_plan_is_begun_from_another_with_one_more_job() -> None:
    problem = Problem(tuple(Job(place, 5, (1,)) for place in (1, 2, 4)), (Vehicle((0, 500), (9,), 0, 0),), LINE, LINE)
    evening = plan(problem, 0.3, processes=1)
    assert evening.cost == 80
    more = problem.with_jobs(Job(5, 5, (1,)))
    found = plan(more, 0.0, start=evening, processes=1)
    assert check(more, found) == [] and not found.unserved and found.cost == 100


def test_what_a_plan_began_from_need_not_hold_any_more() -> None:
    truck = (Vehicle((0, 500), (9,), 0, 0),)
    before = plan(Problem((Job(1, 5, (1,)), Job(4, 5, (1,)), Job(3, 5, (1,))), truck, LINE, LINE), 0.2, processes=1)
    less = Problem((Job(1, 5, (1,), ((100, 120),)), Job(4, 5, (1,))), truck, LINE, LINE)
    found = plan(less, 0.0, start=before, processes=1)
    assert check(less, found) == [] and not found.unserved


def reasons(problem: Problem) -> dict[int, str]:
    found = plan(problem, 0.3, processes=1)
    assert check(problem, found) == []
    return {one.job: one.why for one in found.unserved}


def test_who_is_left_out_is_told_why() -> None:
    far = LINE.copy()
    far[5, :5] = far[:5, 5] = NO_WAY
    jobs = (
        Job(1, 5, (1,)),
        Job(1, 5, (1,), skills=frozenset({"crane"})),
        Job(1, 5, (7,)),
        Job(4, 5, (1,), ((0, 39),)),
        Job(5, 5, (1,)),
        Job(4, 5, (1,), prize=30),
        Job(3, 900, (1,)),
    )
    assert reasons(Problem(jobs, (Vehicle((0, 500), (6,), 0, 0),), far, far)) == {
        1: "skill", 2: "load", 3: "window", 4: "window", 5: "prize", 6: "window"
    }  # fmt: skip


def test_a_day_that_cannot_hold_everybody_leaves_out_as_few_as_it_must() -> None:
    jobs = tuple(Job(1, 100, (1,)) for _ in range(5))
    assert list(reasons(Problem(jobs, (Vehicle((0, 350), (9,), 0, 0),), LINE, LINE)).values()) == ["room", "room"]


def test_two_at_one_door_with_different_skills() -> None:
    jobs = (Job(2, 5, (1,)), Job(2, 5, (1,), skills=frozenset({"crane"})))
    plain = Vehicle((0, 500), (1,), 0, 0)
    crane = Vehicle((0, 500), (1,), 0, 0, skills=frozenset({"crane"}))
    assert reasons(Problem(jobs, (plain, crane), LINE, LINE)) == {}


def test_of_several_windows_one_is_kept() -> None:
    jobs = tuple(Job(1, 50, (1,), ((0, 20), (100, 120))) for _ in range(2))
    found = plan(Problem(jobs, (Vehicle((0, 500), (9,), 0, 0),), LINE, LINE), 0.3, processes=1)
    assert not found.unserved and {stop.window for stop in found.routes[0].stops} == {(0, 20), (100, 120)}


def test_nothing_to_do_and_nobody_to_do_it() -> None:
    assert plan(Problem((), (Vehicle((0, 1), (), 0, 0),), LINE, LINE), 1.0).routes == ()
    assert [one.why for one in plan(Problem((Job(1),), (), LINE, LINE), 1.0).unserved] == ["skill"]
    assert insert(plan(Problem((), (), LINE, LINE), 1.0), Job(1)) is None


def test_a_search_that_dies_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem((Job(1),), (Vehicle((0, 500), (), 0, 0),), LINE, LINE)
    monkeypatch.setattr(planning, "MODULE", "cityhall.engines.pickups.nowhere")
    with pytest.raises(planning.SearchError, match="nowhere"):
        plan(problem, 1.0)


def test_a_search_that_never_ends_is_ended_and_a_plan_is_made_without_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "stuck.py").write_text("import sys, time\nsys.stdin.buffer.read()\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(planning, "MODULE", "stuck")
    monkeypatch.setattr(planning, "ENDS_S", 0.5)
    problem = Problem((Job(1), Job(3)), (Vehicle((0, 500), (), 0, 0),), LINE, LINE)
    begun = time.monotonic()
    found = plan(problem, 0.1)
    assert time.monotonic() - begun < 60
    assert check(problem, found) == [] and not found.unserved and found.cost == 60


@pytest.mark.parametrize(
    ("jobs", "vehicles", "ways", "said"),
    [
        ((Job(9),), (), LINE, "place 9"),
        ((Job(1, 1, (2,)),), (Vehicle((0, 9), (), 0, 0),), LINE, "compartments"),
        ((Job(1, -1),), (), LINE, "never below 0"),
        ((Job(1, windows=((9, 3),)),), (), LINE, "no window"),
        ((), (Vehicle((0, 9), (3,), 0, 17),), LINE, "not there"),
        ((), (Vehicle((0, 9), (3,), 0, 0, load=(4,)),), LINE, "more on board"),
        ((), (Vehicle((0, 9), (3,), 0, 0, load=(1, 1)),), LINE, "compartments"),
        ((), (Vehicle((0, 9), (3,), 0, 0, trips=0),), LINE, "trips never 0"),
        ((), (), LINE.astype(float), "whole numbers"),
        ((), (), -LINE, "from 0"),
        ((), (), LINE + 1, "to itself"),
        ((), (), LINE[:3], "whole numbers"),
    ],
)
def test_what_cannot_be_is_refused(
    jobs: tuple[Job, ...], vehicles: tuple[Vehicle, ...], ways: np.ndarray, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Problem(jobs, vehicles, ways, ways)


def test_a_place_more() -> None:
    problem = Problem((), (Vehicle((0, 500), (), 0, 0),), LINE, LINE)
    more = problem.with_place((np.arange(6), np.arange(6) * 2), (np.arange(6) * 3, np.arange(6) * 4))
    assert more.seconds[2, 6] == 2 and more.metres[2, 6] == 4 and more.seconds[6, 2] == 6 and more.metres[6, 2] == 8
    made = insert(plan(more, 0.0), Job(6, 5))
    assert made is not None and check(made.problem, made) == []


def test_a_stopped_search_ends_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = tuple(Job(1, 100, (1,)) for _ in range(5))
    problem = Problem(jobs, (Vehicle((0, 350), (9,), 0, 0),), LINE, LINE)
    begun = time.monotonic()
    found = search(Search(problem, begun + 0.5, 1, None, frozenset(), 0))
    assert 0.4 < time.monotonic() - begun < 5
    assert sum(one.job is not None for _, visits in found.days for one in visits) == 3, "the rest is left out"
    assert searching.MUST_BY < 1
