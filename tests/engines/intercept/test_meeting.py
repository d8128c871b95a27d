"""The chance to be there first beside counting seconds and beside drawing lots; the first point by scanning all."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from cityhall.engines.intercept import Shape, Times, Watch, chances, plan

NORMAL = NormalDist()
TEN = NORMAL.inv_cdf(0.9)
QUANTILES = st.tuples(st.floats(60, 900), st.floats(20, 120), st.floats(20, 300))


def by(at: np.ndarray, quantiles: tuple[float, float, float]) -> np.ndarray:
    """The chance of a skewed normal with these percentiles to be at most `at`: its normal score found by halving."""
    middle, before, after = quantiles
    ratio = after / before
    low, high = np.full(at.shape, -9.0), np.full(at.shape, 9.0)
    for _ in range(50):
        half = (low + high) / 2
        bent = half / TEN if abs(ratio - 1) < 1e-6 else (ratio ** (half / TEN) - 1) / (ratio - 1)
        short = middle + after * bent < at
        low, high = np.where(short, half, low), np.where(short, high, half)
    return ndtr(low)


def times(*quantiles: tuple[float, float, float]) -> Times:
    middle, before, after = np.array(quantiles).reshape(-1, 3).T
    return Times(middle, middle - before, middle + after)


@settings(max_examples=60)
@given(bus=QUANTILES, unit=QUANTILES, margin=st.sampled_from([0.0, 30.0]))
def test_the_chance_is_what_counting_seconds_gives(
    bus: tuple[float, float, float], unit: tuple[float, float, float], margin: float
) -> None:
    seconds = np.arange(int(bus[0] - 8 * bus[1]) - 60, int(bus[0] + 12 * bus[2]) + 60)
    comes = np.diff(np.append(by(seconds, bus), 1.0))
    told = float(comes @ by(seconds + 0.5 - margin, unit))
    assert chances(times(bus), times(unit), margin)[0] == pytest.approx(told, abs=2e-3)


def test_the_chance_is_what_drawing_lots_gives() -> None:
    rng = np.random.default_rng(3)
    bus, unit = times((300, 30, 100), (420, 60, 60)), times((280, 20, 90), (380, 70, 30))

    def drawn(of: Times) -> np.ndarray:
        ratio = (of.high - of.middle) / (of.middle - of.low)
        z = rng.standard_normal((300_000, 2)) / TEN
        with np.errstate(invalid="ignore", divide="ignore"):
            bent = (ratio**z - 1) / (ratio - 1)
        return of.middle + (of.high - of.middle) * np.where(ratio == 1, z, bent)

    share = (drawn(unit) + 15 <= drawn(bus)).mean(axis=0)
    assert chances(bus, unit, 15.0) == pytest.approx(share, abs=4e-3)


def test_a_shape_is_learned_from_what_came() -> None:
    """Times that are twice as uncertain as was said: the shape says so, and the chances come right."""
    rng = np.random.default_rng(5)
    said = times(*[(300.0, 40.0, 40.0)] * 20_000)
    came = 300 + 80 / TEN * rng.standard_normal(20_000)
    shape = Shape.of(said.scores(came))
    bus = Times(said.middle[:1], said.low[:1], said.high[:1], shape)
    for at in (180.0, 260.0, 300.0, 340.0, 420.0):
        certain = times((at, 0.0, 0.0))
        assert chances(bus, certain)[0] == pytest.approx((came >= at).mean(), abs=0.02)
    with pytest.raises(ValueError, match="100 arrivals"):
        Shape.of(np.zeros(99))


def test_what_is_certain_is_a_step() -> None:
    bus = times(*[(100.0, 0.0, 0.0)] * 3)
    assert chances(bus, times((99, 0, 0), (100, 0, 0), (101, 0, 0))).tolist() == [1.0, 1.0, 0.0]
    never = np.array([np.inf, 0.0, 100.0])
    found = chances(bus, Times.driven(0.0, never, 0.8, 1.25))
    assert found == pytest.approx([0.0, 1.0, 0.5])
    assert chances(bus, Times.driven(101.0, np.zeros(3), 0.8, 1.25)).tolist() == [0.0, 0.0, 0.0]


@st.composite
def ways(draw: st.DrawFn) -> tuple[Times, Times]:
    points = draw(st.integers(0, 8))
    arrival = np.cumsum(draw(st.lists(st.floats(0, 300), min_size=points, max_size=points)))
    before, after, away = (np.array(draw(st.lists(st.floats(0, 600), min_size=points, max_size=points))) for _ in "123")
    # Not in order: what is further on may be nearer to the unit.
    quick, slow = draw(st.sampled_from([(1.0, 1.0), (0.8, 1.2), (0.9, 1.9)]))
    return Times(arrival, arrival - before, arrival + after), Times.driven(0.0, 4 * away, quick, slow)


@example(
    # A chance of just a half: it must be that beside other points too.
    case=(Times(np.zeros(2), np.zeros(2), np.array([1.0, 0.0])), Times(np.zeros(2), np.zeros(2), np.zeros(2))),
    sure=0.5,
    margin=0.0,
)
@given(case=ways(), sure=st.sampled_from([0.5, 0.9]), margin=st.sampled_from([0.0, 60.0]))
def test_the_first_point_is_found_by_looking_at_all(case: tuple[Times, Times], sure: float, margin: float) -> None:
    bus, unit = case
    found = plan(bus, unit, margin=margin, sure=sure)

    def only(of: Times, row: int) -> Times:
        return Times(of.middle[[row]], of.low[[row]], of.high[[row]])

    each = [float(chances(only(bus, row), only(unit, row), margin)[0]) for row in range(len(bus))]
    first = next((row for row, chance in enumerate(each) if chance >= sure), None)
    if first is not None:
        assert (found.row, found.reason) == (first, "sure")
        assert found.waits == bus.middle[first] - unit.middle[first]
    elif found.row >= 0:
        assert found.reason == "best" and found.chance >= max(each) - 0.005
    else:
        assert found.reason == "none" and max(each, default=0.0) <= 0.005


@given(case=ways(), later=st.floats(0, 300))
def test_leaving_later_never_helps(case: tuple[Times, Times], later: float) -> None:
    bus, unit = case
    delayed = Times(unit.middle + later, unit.low + later, unit.high + later)
    assert (chances(bus, delayed) <= chances(bus, unit) + 1e-3).all()
    assert chances(bus, delayed) == pytest.approx(chances(bus, unit, later), abs=1e-9)


def test_a_loop_brings_the_bus_back() -> None:
    """The points between are out of reach; the unit stands where the bus passes a second time."""
    bus = times(*[(at, 10.0, 10.0) for at in (60.0, 120.0, 180.0, 240.0)])
    near = plan(bus, Times.driven(0.0, np.array([20.0, 300.0, 400.0, 10.0]), 0.9, 1.1))
    assert near.row == 0 and near.chances.round(2).tolist() == [1.0, 0.0, 0.0, 1.0]
    assert plan(bus, Times.driven(0.0, np.array([100.0, 300.0, 400.0, 10.0]), 0.9, 1.1)).row == 3


def test_nonsense_is_refused() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match="not before"):
        Times(one, one, 0 * one)
    with pytest.raises(ValueError, match="a point each"):
        Times(one, np.ones(2), one)
    with pytest.raises(ValueError, match="not negative"):
        Times.driven(0.0, -one, 0.9, 1.1)
    with pytest.raises(ValueError, match="quick"):
        Times.driven(0.0, one, 1.1, 1.2)
    with pytest.raises(ValueError, match="each point"):
        chances(Times(one, one, one), Times(np.ones(2), np.ones(2), np.ones(2)))


def test_two_positions_beside_the_way_are_a_detour() -> None:
    watch = Watch()
    assert [watch.seen(away) for away in (10, 120, 20, 120, 130, 140, 5)] == [
        "on", "doubtful", "on", "doubtful", "off", "off", "on",
    ]  # fmt: skip
    assert Watch().seen(120, radius_m=60) == "on"
