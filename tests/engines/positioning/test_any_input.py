"""Whatever comes in, sense comes out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Fixes, Status, Verdict
from tests.engines.positioning.small import DAY, EIGHT, Line, Town, back, follow, seen

STREET = [(0.0, 0.0), (2000.0, 0.0), (2000.0, 1000.0)]
OUT = Line("A>", STREET, (0, 600, 1400, 3000), leaves=(EIGHT, EIGHT + 600))
IN = Line("A<", back(STREET), (0, 1400, 3000), direction=1, leaves=(EIGHT + 100,))
TOWN = Town([OUT, IN])
START = service_start(DAY, TOWN.zone) + EIGHT

odd = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.just(float("nan")))
near_lon, near_lat = st.floats(-51.22, -51.17), st.floats(-30.02, -29.98)
fix = st.tuples(
    st.integers(0, 3),
    st.one_of(st.floats(START - 100, START + 700), odd),
    st.one_of(near_lon, odd),
    st.one_of(near_lat, odd),
    st.integers(-128, 127),
    st.one_of(st.floats(0, 50), odd),
    st.one_of(st.floats(0, 30), odd),
    st.one_of(st.floats(0, 360), odd),
    st.integers(-2, 5),
    st.integers(-2, 3),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(fix, min_size=1, max_size=40), st.booleans())
def test_any_fixes_give_sane_estimates(rows: list[tuple[float, ...]], by_time: bool) -> None:
    if by_time:
        rows = sorted(rows, key=lambda row: (np.isnan(row[1]), row[1]))
    vehicle, at, lon, lat, fix_class, sigma, speed, bearing, trip, route = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    fixes = Fixes.of(
        vehicle, at, lon, lat, fix_class=fix_class, sigma_m=sigma, speed=speed, bearing=bearing, trip=trip, route=route
    )
    tracker = TOWN.tracker()
    update = tracker.update(fixes, START + 700.0)
    told = tracker.predict(START + 710.0)
    assert set(update.verdict.tolist()) <= {int(verdict) for verdict in Verdict}
    taken = update.verdict == Verdict.TAKEN
    assert np.isfinite(at[taken] + lon[taken] + lat[taken]).all()
    for estimates in (update.estimates, told):
        known = np.isfinite(estimates.heard)
        assert set(estimates.status.tolist()) <= {int(status) for status in Status}
        assert (estimates.status[~known] == Status.LOST).all()
        for name in ("lon", "lat", "accuracy_m", "speed"):
            assert np.isfinite(getattr(estimates, name)[known]).all(), name
        assert (estimates.accuracy_m[known] > 0).all() and (estimates.speed[known] >= 0).all()
        matched = estimates.run >= 0
        assert np.isfinite(estimates.along_m[matched]).all()
        assert ((estimates.confidence >= 0) & (estimates.confidence <= 1)).all()
    calls = update.calls
    assert (calls.arrived <= np.where(np.isnan(calls.departed), np.inf, calls.departed)).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.2, 90.0), min_size=5, max_size=60), st.integers(0, 9))
def test_time_and_calls_only_go_forward(gaps: list[float], seed: int) -> None:
    at = START - 20.0 + np.cumsum(gaps)
    along = np.clip((at - START) * 7.0, 0.0, 3000.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=3.0, fix_class=1, trip="A>0", seed=seed))
    assert (np.diff(said["heard"]) > 0).all()
    given_calls = [(c.sequence, c.arrived, c.departed) for c in said["calls"] if len(c)]
    if given_calls:
        sequence, arrived, left = (np.concatenate(column) for column in zip(*given_calls, strict=True))
        assert (np.diff(sequence) > 0).all(), "each once, in order"
        assert (np.diff(arrived) >= 0).all()
        assert (arrived[1:] >= left[:-1] - 1e-6).all()


@settings(deadline=None, max_examples=8)
@given(st.floats(0, 360), st.floats(-170, 170), st.floats(-60, 60))
def test_where_a_town_lies_and_how_it_is_turned_makes_no_difference(turned: float, lon: float, lat: float) -> None:
    at = START + np.arange(-30.0, 300.0, 3.0)
    along = np.clip((at - START) * 8.0, 0.0, 3000.0)
    moved = Town([OUT, IN], origin=(lon, lat), turned=turned)
    told = [follow(town.tracker(), seen(town, OUT, at, along, noise=0.0, fix_class=1)) for town in (TOWN, moved)]
    np.testing.assert_array_equal(told[0]["status"], told[1]["status"])
    np.testing.assert_allclose(told[0]["along_m"], told[1]["along_m"], atol=1.5, equal_nan=True)
    np.testing.assert_allclose(told[0]["accuracy_m"], told[1]["accuracy_m"], rtol=0.05)


def test_batches_make_no_difference() -> None:
    at = START + np.arange(-30.0, 300.0)
    fixes = seen(TOWN, OUT, at, np.clip((at - START) * 8.0, 0.0, 3000.0), noise=2.0, fix_class=1)
    one, many = TOWN.tracker(), TOWN.tracker()
    whole = one.update(fixes, float(at[-1])).estimates
    follow(many, fixes)
    np.testing.assert_array_equal(whole.along_m, many.predict(float(at[-1])).along_m[:1])
