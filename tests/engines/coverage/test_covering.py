"""Exact covering beside trying everything, and the published cases where they are there."""

from __future__ import annotations

import gzip
import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cityhall import cli
from cityhall.engines.coverage import assign, maximal, nested, picture, within
from cityhall.engines.coverage.covering import merged

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "safety"


@st.composite
def coverings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    sites, points = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    cover = draw(st.lists(st.lists(st.booleans(), min_size=points, max_size=points), min_size=sites, max_size=sites))
    demand = draw(st.lists(st.integers(0, 20), min_size=points, max_size=points))
    return np.array(cover), np.array(demand, float)


def covered(cover: np.ndarray, demand: np.ndarray, chosen: tuple[int, ...]) -> float:
    return sum(demand[point] for point in range(len(demand)) if any(cover[site][point] for site in chosen))


@settings(max_examples=60)
@given(case=coverings(), share=st.floats(0, 1))
def test_nothing_covers_more_than_the_optimum(case: tuple[np.ndarray, np.ndarray], share: float) -> None:
    cover, demand = case
    count = round(share * len(cover))
    found = maximal(cover, demand, count)
    best = max(covered(cover, demand, chosen) for chosen in itertools.combinations(range(len(cover)), count))
    assert len(set(found.chosen.tolist())) == count
    assert found.covered == best == covered(cover, demand, tuple(found.chosen))


@settings(max_examples=30)
@given(case=coverings(), data=st.data())
def test_no_order_of_opening_is_better(case: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    cover, demand = case[0][:4], case[1]
    weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(cover), max_size=len(cover))), float)
    found = nested(cover, demand, weights)

    def worth(order: tuple[int, ...]) -> float:
        return sum(weights[k] * covered(cover, demand, order[: k + 1]) for k in range(len(order)))

    assert sorted(found.order.tolist()) == list(range(len(cover)))
    best = max(worth(order) for order in itertools.permutations(range(len(cover))))
    assert found.objective == pytest.approx(best) == worth(tuple(found.order))


@settings(max_examples=60)
@given(case=coverings())
def test_merged_points_are_covered_as_before(case: tuple[np.ndarray, np.ndarray]) -> None:
    cover, demand = case
    few, weight = merged(cover, demand)
    assert len({tuple(column) for column in few.T}) == few.shape[1]
    for chosen in itertools.product((False, True), repeat=len(cover)):
        open_ = np.array(chosen)
        assert weight[few[open_].any(axis=0)].sum() == demand[cover[open_].any(axis=0)].sum()


def test_the_radius_counts_to_its_end() -> None:
    places = np.array([[0.0, 0.0], [3.0, 4.0], [3.1, 4.0]])
    assert within(places, places, 5.0)[0].tolist() == [True, True, False]


def test_what_does_not_fit_is_refused() -> None:
    cover, demand = np.ones((2, 3), np.bool_), np.ones(3)
    with pytest.raises(ValueError, match="do not fit"):
        maximal(cover, demand, 3)
    with pytest.raises(ValueError, match="not negative"):
        maximal(cover, -demand, 1)
    with pytest.raises(ValueError, match="one weight"):
        nested(cover, demand, np.ones(3))
    with pytest.raises(ValueError, match="as many places"):
        assign(np.ones((3, 2)), np.array([0, 1]), np.array([2.0, 1.0]), 3)
    with pytest.raises(ValueError, match="order the benefits"):
        assign(np.ones((1, 2)), np.array([0, 0]), np.array([1.0, 1.0]), 1)


@settings(max_examples=60)
@given(data=st.data(), units=st.integers(0, 4))
def test_no_assignment_is_worth_more(data: st.DataObject, units: int) -> None:
    slots, benefits = np.array([0, 0, 1, 1, 2]), np.array([4.0, 1.0, 3.0, 2.0, 2.5])
    costs = np.array(
        data.draw(st.lists(st.lists(st.integers(-3, 6), min_size=3, max_size=3), min_size=units, max_size=units))
    )
    costs = costs.reshape(units, 3).astype(float)
    movable = data.draw(st.integers(0, units))

    def worth(chosen: tuple[int, ...]) -> float:
        total = 0.0
        for unit, station in enumerate(chosen):
            total -= costs[unit, station] if station >= 0 else 0.0
        for station in range(3):
            total += sum(benefits[slots == station][: chosen.count(station)])
        return total

    possible = [
        chosen
        for chosen in itertools.product(range(-1, 3), repeat=units)
        if all(station >= 0 for station in chosen[:movable])
        and all(chosen.count(station) <= (slots == station).sum() for station in range(3))
    ]
    found = assign(costs, slots, benefits, movable)
    assert tuple(found.station) in possible
    assert found.worth == pytest.approx(max(worth(chosen) for chosen in possible)) == worth(tuple(found.station))


@given(data=st.data())
def test_the_picture_is_what_one_counts_by_hand(data: st.DataObject) -> None:
    units, points = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 5))
    seconds = np.array(
        data.draw(
            st.lists(st.lists(st.integers(0, 9), min_size=points, max_size=points), min_size=units, max_size=units)
        )
    )
    seconds = seconds.reshape(units, points).astype(float)
    residents = np.array(data.draw(st.lists(st.integers(0, 9), min_size=points, max_size=points)), float)
    now = picture(seconds, residents, 4.0)
    reached = 0.0
    for point in range(points):
        there = [unit for unit in range(units) if seconds[unit, point] <= 4]
        assert now.covering[point] == len(there)
        assert now.seconds[point] == min(seconds[:, point], default=np.inf)
        reached += residents[point] if there else 0
    assert now.share == pytest.approx(reached / residents.sum() if residents.sum() else 1)
    for unit in range(units):
        others = picture(np.delete(seconds, unit, axis=0), residents, 4.0)
        assert now.alone[unit] == pytest.approx((now.share - others.share) * residents.sum())


def test_the_command_reads_plain_and_packed(tmp_path: Path) -> None:
    text = "4 9999 p S\n0 0 5\n10 0 1\n20 0 4\n100 0 7\n"
    (tmp_path / "four.txt").write_text(text)
    (tmp_path / "four.txt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("four.txt", "four.txt.gz"):
        asked = ["bench", "coverage", "--instance", str(tmp_path / name), "--radius", "10", "--json"]
        answer = CliRunner().invoke(cli.app, [*asked, "--facilities", "1"])
        assert answer.exit_code == 0, answer.output
        found = json.loads(answer.stdout.splitlines()[-1])
        assert (found["covered"], found["chosen"]) == (10, [2])
        both = json.loads(CliRunner().invoke(cli.app, [*asked, "--facilities", "1", "--facilities", "2"]).stdout)
        assert both["covered"] == [10, 17]


@pytest.mark.parametrize(
    "text", ["", "two lines\n", "2 1\n1 2 3\n", "1 1\n1 2 -3\n", "1 1\n1 2 3\n4 5 6\n", "1\n1 2 nan\n"]
)
def test_what_is_no_instance_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.txt").write_text(text)
    answer = CliRunner().invoke(
        cli.app, ["bench", "coverage", "--instance", str(tmp_path / "bad.txt"), "--facilities", "1"]
    )
    assert answer.exit_code == 2 and "no covering instance" in answer.stderr


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published cases are not here")
def test_the_published_cases() -> None:
    told = json.loads((PUBLISHED / "jemss" / "expected.json").read_text())
    for problem in told["mclp"]:
        for case in problem["cases"]:
            found = maximal(np.array(problem["cover"], bool), np.array(problem["point_demands"], float), case["p"])
            assert found.covered == case["objective"]
            assert found.chosen.tolist() == np.flatnonzero(case["chosen"]).tolist()
    for problem in told["nested_mclp"]:
        weights = np.array([float(Fraction(str(weight))) for weight in problem["weights"]])
        order = nested(np.array(problem["cover"], bool), np.array(problem["point_demands"], float), weights)
        assert (order.order + 1).tolist() == problem["order"]
        assert order.objective == pytest.approx(problem["objective"])
    moves = told["move_up_assignment"]
    for case in moves["cases"]:
        costs = np.array(case["costs"], float).reshape(-1, moves["stations"])
        sent = assign(costs, np.array(moves["station_slots"]) - 1, np.array(moves["benefit_slots"]), case["movable"])
        assert sent.station.tolist() == [(to or 0) - 1 for to in case["movable_to"] + case["at_hospital_to"]]
