"""Holding evens the gaps, is bounded, and makes nothing worse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall.bench.headway import LINES, rules
from cityhall.engines.headway import gaps, scheduled, self_equalising, two_way
from cityhall.engines.headway.gaps import mean_wait, variation
from cityhall.engines.headway.holding import LONGEST_S, WORTH_S
from cityhall.engines.headway.simulation import simulate

seconds = st.floats(0, 3600)


@given(ahead=seconds, behind=seconds, aboard=st.floats(0, 100), arrivals=st.floats(0, 1))
def test_a_hold_is_bounded_and_never_past_even(ahead: float, behind: float, aboard: float, arrivals: float) -> None:
    hold = two_way(ahead, behind, aboard=aboard, arrivals=arrivals).hold_s
    assert hold == 0 or WORTH_S <= hold <= LONGEST_S
    # The gap ahead does not become wider than the one behind by holding.
    assert hold == 0 or ahead + hold <= behind - hold + 1e-6


@given(ahead=seconds, behind=seconds)
def test_holding_lessens_the_wait_of_those_who_stand_at_stops(ahead: float, behind: float) -> None:
    hold = two_way(ahead, behind).hold_s
    before, after = np.array([ahead, behind]), np.array([ahead + hold, behind - hold])
    if ahead + behind > 0:
        assert mean_wait(after) <= mean_wait(before) + 1e-9


@given(ahead=seconds, behind=seconds, fewer=st.floats(0, 60), more=st.floats(0, 60))
def test_the_fuller_the_bus_the_shorter_the_hold(ahead: float, behind: float, fewer: float, more: float) -> None:
    low, high = sorted((fewer, more))
    empty = two_way(ahead, behind, aboard=low, arrivals=0.05).hold_s
    assert two_way(ahead, behind, aboard=high, arrivals=0.05).hold_s <= empty


def test_why_a_bus_goes_or_waits() -> None:
    assert two_way(math.nan, 300).reason == "alone"
    assert two_way(300, 100).reason == "go"
    assert two_way(200, 240).hold_s == pytest.approx(18)
    assert two_way(0, 2000).reason == "longest"
    assert two_way(100, 140, aboard=40, arrivals=0.1).reason == "riders"
    assert self_equalising(200).hold_s == pytest.approx(50)
    assert self_equalising(4000).reason == "longest"
    assert scheduled(100, 130).hold_s == 30 and scheduled(130, 100).hold_s == 0


@given(
    phase=st.lists(st.floats(0, 1e5), min_size=2, max_size=30),
    length=st.floats(60, 1e4),
)
def test_the_gaps_of_a_loop_make_a_whole_round(phase: list[float], length: float) -> None:
    found = gaps(np.array(phase), length)
    assert found.ahead.sum() == pytest.approx(length) and found.behind.sum() == pytest.approx(length)
    # Who is before me has me behind it, by the same time.
    assert np.array_equal(found.after[found.before], np.arange(len(phase)))
    assert np.allclose(found.behind[found.before], found.ahead)


def test_the_ends_of_a_line_that_is_no_loop() -> None:
    found = gaps(np.array([100.0, 700.0, 300.0]), None)
    assert found.before.tolist() == [2, -1, 1] and found.after.tolist() == [-1, 2, 0]
    assert np.isnan(found.ahead[1]) and found.ahead[0] == 200 and found.behind[1] == 400
    alone = gaps(np.array([5.0]), 600)
    assert np.isnan(alone.ahead[0]) and alone.before[0] == -1
    with pytest.raises(ValueError, match="seconds"):
        gaps(np.array([1.0, 2.0]), 0)


def test_what_riders_wait() -> None:
    assert mean_wait(np.full(10, 600.0)) == 300 and variation(np.full(10, 600.0)) == 0
    # Two buses together every twenty minutes are as good as one.
    assert mean_wait(np.array([0.0, 1200.0] * 5)) == 600
    assert math.isnan(mean_wait(np.array([]))) and math.isnan(variation(np.array([])))


@pytest.mark.parametrize("name", LINES)
def test_in_simulation_it_beats_no_control_on_every_day(name: str) -> None:
    line = LINES[name]
    with_rule = rules(line)["two-way (ours)"]
    free = [simulate(line, None, seed=seed, hours=6) for seed in range(6)]
    held = [simulate(line, with_rule, seed=seed, hours=6) for seed in range(6)]
    assert all(h.wait_s < f.wait_s for h, f in zip(held, free, strict=True))
    assert np.mean([h.headway_cv for h in held]) < 0.5 * np.mean([f.headway_cv for f in free])
    # What it costs: a round is hardly longer.
    assert np.mean([h.round_s for h in held]) < 1.05 * np.mean([f.round_s for f in free])


def test_a_day_can_be_driven_again() -> None:
    line = LINES["shuttle"]
    assert simulate(line, None, seed=3, hours=2) == simulate(line, None, seed=3, hours=2)
    assert simulate(line, None, seed=3, hours=2) != simulate(line, None, seed=4, hours=2)
