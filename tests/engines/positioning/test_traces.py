"""The simulator's fixes: their truth is true, and the tracker comes near it."""

from __future__ import annotations

import numpy as np
import pytest

from cityhall.bench.positioning import alarms, follow, places, stop_calls, trips
from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Runs, Status, Tracker
from cityhall.simulator.traces import Conditions, Traces, simulate
from tests.engines.positioning.small import DAY, EIGHT, Line, Town, back

STREET = [(0.0, 0.0), (1500.0, 0.0), (1500.0, 1500.0), (3000.0, 1500.0)]
CROSS = [(0.0, 1500.0), (1500.0, 1500.0), (1500.0, 0.0), (2500.0, -800.0)]
STOPS = tuple(np.linspace(0, 4500, 12))
LEAVES = tuple(range(EIGHT, EIGHT + 3600, 600))
TOWN = Town(
    [
        Line("A>", STREET, STOPS, LEAVES, dwell=15, speed=9),
        Line("A<", back(STREET), STOPS, tuple(x + 120 for x in LEAVES), direction=1, dwell=15, speed=9),
        Line("B>", CROSS, tuple(np.linspace(0, 4280, 10)), LEAVES, dwell=15, speed=9),
        Line("B<", back(CROSS), tuple(np.linspace(0, 4280, 10)), LEAVES, direction=1, dwell=15, speed=9),
    ]
)
CONDITIONS = Conditions(vehicles=12, every_s=2.0, detours=0.2, wrong_ways=0.2, runs=1)


@pytest.fixture(scope="module")
def runs() -> Runs:
    return TOWN.runs()


def made(runs: Runs, seed: int = 3) -> Traces:
    begin = service_start(DAY, TOWN.zone) + EIGHT
    return simulate(TOWN.ways, runs, begin, begin + 3600, CONDITIONS, seed)


def test_the_same_seed_gives_the_same_fixes(runs: Runs) -> None:
    one, two = made(runs), made(runs)
    np.testing.assert_array_equal(one.fixes.lon, two.fixes.lon)
    assert one.calls == two.calls
    assert not np.array_equal(one.fixes.lon[:100], made(runs, 4).fixes.lon[:100])


def test_the_truth_is_on_the_way_unless_it_says_otherwise(runs: Runs) -> None:
    traces = made(runs)
    x, y = TOWN.ways.plane.metres(traces.lon, traces.lat)
    on = (traces.status == Status.ON_ROUTE) & np.isfinite(traces.along)
    for row in np.flatnonzero(on)[::97]:
        px, py = TOWN.ways.place(int(runs.way[traces.run[row]]), float(traces.along[row]))
        assert np.hypot(px - x[row], py - y[row]) < 15.0
    assert {int(Status.OFF_ROUTE), int(Status.WRONG_WAY)} <= set(traces.status.tolist())
    for _, run, call, arrived, left in traces.calls:
        assert arrived <= left and 0 <= call < STOPS.__len__() and 0 <= run < len(runs)


def test_the_tracker_comes_near_the_truth(runs: Runs) -> None:
    traces = made(runs)
    followed = follow(Tracker(TOWN.ways, runs), traces.fixes)
    for row in places(traces, followed, TOWN.ways):
        assert row["in_radius"] > 0.85, row
        assert row["median_m"] <= row["fix_median_m"] + 0.15, row
    for row in trips(traces, followed, runs):
        assert row["right"] > 0.85, row
    off, wrong = alarms(traces, followed, TOWN.ways)
    assert off["seen"] >= 0.8 * off["spells"] and off["false_an_hour"] < 2.0
    assert wrong["seen"] >= 0.8 * wrong["spells"] and wrong["false_an_hour"] < 2.0
    (calls,) = stop_calls(traces, followed)
    assert calls["twice"] == 0 and calls["right"] > 0.8 * calls["true"]


def test_no_run_no_traces(runs: Runs) -> None:
    with pytest.raises(ValueError, match="no run"):
        simulate(TOWN.ways, runs, 0.0, 1.0, CONDITIONS)
