"""Whole traces on the ways they were driven."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.positioning import match
from tests.engines.positioning.small import Line, Town, back, seen

STREET = [(0.0, 0.0), (2000.0, 0.0), (2000.0, 1000.0)]
OUT = Line("A>", STREET, (0, 1500, 3000))
IN = Line("A<", back(STREET), (0, 1500, 3000), direction=1)
FOLD = Line("F", [(0.0, 500.0), (1000.0, 500.0), (1000.0, 1500.0), (1000.0, 500.0), (1900.0, 500.0)], (0, 1000, 3900))
TOWN = Town([OUT, IN, FOLD])


def _way(trip: str) -> int:
    return int(TOWN.ways.trip_way[TOWN.trip(trip)])


@pytest.mark.parametrize(("line", "trip"), [(OUT, "A>0"), (IN, "A<0"), (FOLD, "F0")])
@pytest.mark.parametrize("every", [1.0, 15.0])
def test_the_way_the_direction_and_the_place_are_found(line: Line, trip: str, every: float) -> None:
    at = np.arange(0.0, 370.0, every)
    fixes = seen(TOWN, line, at, at * 8.0, noise=4.0)
    found = match(TOWN.ways, fixes.at, fixes.lon, fixes.lat, 4.0)
    assert (found.way == _way(trip)).mean() > 0.95
    right = found.way == _way(trip)
    assert np.median(np.abs(found.along_m - at * 8.0)[right]) < 6.0
    x, y = TOWN.metres(found.lon, found.lat)
    true_x, true_y = line.at(at * 8.0)
    raw_x, raw_y = TOWN.metres(fixes.lon, fixes.lat)
    assert np.hypot(x - true_x, y - true_y).mean() < np.hypot(raw_x - true_x, raw_y - true_y).mean()


def test_points_on_no_way_stay_where_they_are() -> None:
    at = np.arange(0.0, 100.0)
    fixes = seen(TOWN, OUT, at, at * 8.0, aside=np.where((at > 40) & (at < 60), 300.0, 0.0))
    found = match(TOWN.ways, fixes.at, fixes.lon, fixes.lat, 3.0)
    off = (at > 40) & (at < 60)
    assert (found.way[off] == -1).all() and (found.way[~off] == _way("A>0")).all()
    np.testing.assert_array_equal(found.lon[off], fixes.lon[off])


def test_an_empty_trace_is_matched_to_nothing_and_a_crooked_one_refused() -> None:
    assert match(TOWN.ways, np.zeros(0), np.zeros(0), np.zeros(0)).way.size == 0
    with pytest.raises(ValueError, match="as many"):
        match(TOWN.ways, np.zeros(2), np.zeros(3), np.zeros(3))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=30))
def test_any_trace(rows: list[tuple[float, float, float]]) -> None:
    at, lon, lat = np.array(rows, float).reshape(-1, 3).T
    found = match(TOWN.ways, at, lon, lat)
    assert ((found.way >= -1) & (found.way < len(TOWN.ways))).all()
