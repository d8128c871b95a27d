"""A tracker that starts anew goes on as if nothing had been, also with another feed."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Status, Tracker
from tests.engines.positioning.small import DAY, EIGHT, Line, Town, calls_of, follow, seen

STREET = [(0.0, 0.0), (2000.0, 0.0), (2000.0, 2000.0)]
OUT = Line("A", STREET, (0, 600, 1400, 2600, 4000), leaves=(EIGHT, EIGHT + 900))
TOWN = Town([OUT])
START = service_start(DAY, TOWN.zone) + EIGHT
AT = START + np.arange(-60.0, 520.0, 2.0)
ALONG = np.clip((AT - START) * 8.0, 0.0, 4000.0)
FIXES = seen(TOWN, OUT, AT, ALONG, noise=1.5, fix_class=1)


def remembered(tracker: Tracker) -> dict[str, object]:
    """Through JSON, as it is kept."""
    return json.loads(json.dumps(tracker.remember(0), allow_nan=False))


@pytest.mark.parametrize("cut", [5, 40, 111, 200, 265])
def test_resumed_is_the_same_as_uninterrupted(cut: int) -> None:
    whole = TOWN.tracker()
    before, after = FIXES.rows(slice(0, cut)), FIXES.rows(slice(cut, None))
    follow(whole, before)
    expected = follow(whole, after)
    killed, resumed = TOWN.tracker(), TOWN.tracker()
    follow(killed, before)
    assert resumed.recall(0, remembered(killed), float(AT[cut]))
    said = follow(resumed, after)
    for name in ("status", "trip", "service_day", "next_stop", "lane", "at_stop"):
        np.testing.assert_array_equal(said[name], expected[name])
    for name in ("lon", "lat", "along_m", "lateral_m", "accuracy_m", "speed", "delay_s"):
        np.testing.assert_allclose(said[name], expected[name], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(calls_of(said), calls_of(expected), rtol=1e-9)


def test_calls_that_were_given_are_not_given_again() -> None:
    killed, resumed = TOWN.tracker(), TOWN.tracker()
    given_before = calls_of(follow(killed, FIXES.rows(slice(0, 150))))
    resumed.recall(0, remembered(killed), float(AT[150]))
    given_after = calls_of(follow(resumed, FIXES.rows(slice(150, None))))
    assert [call for call, _, _ in given_before + given_after] == [0, 1, 2, 3, 4]


def test_nor_after_the_day_was_changed_by_another_vehicle() -> None:
    tracker = TOWN.tracker()
    follow(tracker, FIXES)
    successor = tracker.successor(TOWN.ways, TOWN.runs(), float(AT[-1]))
    successor.forget(0)
    again = seen(TOWN, OUT, AT + 1.0, ALONG, vehicle=1, trip="A0")
    assert calls_of(follow(successor, again)) == []


def test_a_memory_survives_a_new_feed_with_other_rows() -> None:
    tracker = TOWN.tracker()
    follow(tracker, FIXES.rows(slice(0, 150)))
    other = Line("0first", [(0.0, 900.0), (900.0, 900.0)], (0, 900))
    town = Town([other, OUT])
    assert town.trip("A0") != TOWN.trip("A0")
    successor = tracker.successor(town.ways, town.runs(), float(AT[149]))
    told = successor.predict(float(AT[149]))
    assert told.trip[0] == town.trip("A0")
    x, y = town.metres(told.lon, told.lat)
    true_x, true_y = OUT.at(ALONG[149])
    assert np.hypot(x - true_x, y - true_y)[0] < 8.0


def test_a_trip_that_is_no_more_or_runs_elsewhere_is_dropped() -> None:
    tracker = TOWN.tracker()
    follow(tracker, FIXES.rows(slice(0, 150)))
    for line in (
        Line("B", STREET, (0, 4000)),
        Line("A", [(x, y + 900.0) for x, y in STREET], (0, 600, 1400, 2600, 4000), leaves=(EIGHT, EIGHT + 900)),
    ):
        town = Town([line])
        fresh = town.tracker()
        assert fresh.recall(0, remembered(tracker), float(AT[150]))
        assert fresh.predict(float(AT[150])).trip[0] == -1
        assert fresh.predict(float(AT[150])).status[0] == Status.UNMATCHED


def test_a_stale_memory_is_dropped() -> None:
    tracker = TOWN.tracker()
    follow(tracker, FIXES.rows(slice(0, 150)))
    fresh = TOWN.tracker()
    assert not fresh.recall(0, remembered(tracker), float(AT[150]) + 3600.0)
    assert fresh.predict(float(AT[150])).status[0] == Status.LOST
    assert fresh.remember(0) == {}


def test_a_vehicle_that_is_forgotten_leaves_its_trip_to_others() -> None:
    tracker = TOWN.tracker()
    follow(tracker, FIXES.rows(slice(0, 150)))
    tracker.forget(0)
    assert tracker.predict(float(AT[150])).status[0] == Status.LOST
    said = follow(tracker, seen(TOWN, OUT, AT, ALONG, vehicle=3))
    assert said["trip"][-1] == TOWN.trip("A0")


@cache
def memory_of_a_trip() -> str:
    tracker = TOWN.tracker()
    follow(tracker, FIXES.rows(slice(0, 150)))
    return json.dumps(remembered(tracker))


ODD = st.one_of(st.none(), st.text(max_size=3), st.floats(), st.integers(), st.lists(st.integers(), max_size=2))


@settings(deadline=None)
@given(st.data())
def test_a_damaged_memory_does_no_harm(data: st.DataObject) -> None:
    memory = json.loads(memory_of_a_trip())
    where = data.draw(st.sampled_from(["", "vehicle", "guesses"]))
    part = memory["guesses"][0] if where == "guesses" else memory[where] if where else memory
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(ODD)
    tracker = TOWN.tracker()
    tracker.recall(0, memory, float(AT[150]))
    said = follow(tracker, FIXES.rows(slice(150, 170)))
    assert set(said["status"].tolist()) <= set(range(6))
