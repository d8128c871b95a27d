"""What the watch finds in the states of the fleet."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cityhall.services.transit.control.rules import RULES
from cityhall.services.transit.control.watch import Finding, Memory, Seen, look

NOW = 1_800_000_000.0
BUS = Seen(
    vehicle="B07", at=NOW, lon=-51.2, lat=-30.0, speed=8.0, status="on_route", delay=30.0, route="10", direction=0,
    trip="10-1", along=2000.0, length=5000.0, phase=400.0, planned_gap=600.0, due_end=NOW + 900,
)  # fmt: skip


def value(found: list[Finding], rule: str, vehicle: str = "B07") -> float | None:
    return next((one.value for one in found if (one.rule, one.vehicle) == (rule, vehicle)), None)


def test_late_and_early_by_the_timetable_only_where_there_is_one() -> None:
    found = look([replace(BUS, delay=420.0)], NOW, Memory())
    assert value(found, "late") == 420 and value(found, "early") == -420
    by_headway = look([replace(BUS, delay=420.0, headway_line=True)], NOW, Memory())
    assert value(by_headway, "late") is None and value(by_headway, "early") is None


def test_a_vehicle_that_falls_silent_in_the_middle_of_its_trip() -> None:
    later = NOW + 90
    assert value(look([BUS], later, Memory()), "silent") == 90
    # Nothing else is said of one that is not heard: it may be anywhere.
    assert {one.rule for one in look([BUS], later, Memory())} == {"silent"}
    # At the end of its work it may be switched off.
    assert look([replace(BUS, due_end=NOW + 100)], later, Memory()) == []
    assert look([BUS], NOW + 4000, Memory()) == []


def test_where_we_are_deaf_nobody_is_silent() -> None:
    fleet = [replace(BUS, vehicle=f"B{number}", phase=900.0 * number) for number in range(6)]
    assert value(look([*fleet[1:], replace(BUS, at=NOW - 90)], NOW + 2, Memory()), "silent") == 92
    assert not any(one.rule == "silent" for one in look(fleet, NOW + 90, Memory()))


def test_hard_braking_is_told_from_speeds_close_together() -> None:
    memory = Memory()
    look([replace(BUS, speed=14.0)], NOW, memory)
    found = look([replace(BUS, at=NOW + 2, speed=5.0)], NOW + 2, memory)
    assert value(found, "braking") == 4.5
    # Ten seconds later nobody knows how hard it was.
    assert value(look([replace(BUS, at=NOW + 12, speed=0.0)], NOW + 12, memory), "braking") is None


def test_standing_between_stops_counts_and_at_a_stop_does_not() -> None:
    memory, at_stop = Memory(), Memory()
    for second in range(0, 302, 2):
        now = NOW + second
        found = look([replace(BUS, at=now, speed=0.0)], now, memory)
        waits = look([replace(BUS, at=now, speed=0.0, at_stop=True)], now, at_stop)
    assert value(found, "standing") == 300 and value(waits, "standing") == 0
    moved = look([replace(BUS, at=NOW + 304, lon=-51.199)], NOW + 304, memory)
    assert value(moved, "standing") == 0


def test_two_buses_close_together_are_bunched_and_the_one_behind_is_told() -> None:
    ahead = replace(BUS, vehicle="B08", phase=460.0, trip="10-0")
    far = replace(BUS, vehicle="B09", phase=1200.0, trip="10-9")
    found = look([BUS, ahead, far], NOW, Memory())
    assert value(found, "bunched") == 0.1
    assert next(one.other for one in found if one.rule == "bunched" and one.vehicle == "B07") == "B08"
    assert (value(found, "bunched", "B08") or 0) > 1 and value(found, "bunched", "B09") == 9
    # In the other direction nobody is in its way, nor at the end of the line, where they wait together.
    assert value(look([BUS, replace(ahead, direction=1)], NOW, Memory()), "bunched") == 9
    assert value(look([replace(BUS, along=20.0), ahead], NOW, Memory()), "bunched") == 9


def test_a_loop_goes_on_behind_its_start() -> None:
    loop = replace(BUS, round_s=1200.0, planned_gap=300.0, headway_line=True, phase=1180.0)
    found = look([loop, replace(loop, vehicle="C2", phase=20.0)], NOW, Memory())
    assert value(found, "bunched") == round(40 / 300, 3)


numbers = st.one_of(st.just(math.nan), st.floats(-1e6, 1e6))


@given(
    st.lists(
        st.builds(
            Seen,
            vehicle=st.sampled_from([f"B{number}" for number in range(6)]),
            at=st.floats(NOW - 5000, NOW + 10),
            lon=st.floats(-180, 180),
            lat=st.floats(-89, 89),
            speed=numbers,
            status=st.sampled_from(["on_route", "off_route", "wrong_way", "unmatched", "reckoned"]),
            delay=numbers,
            route=st.sampled_from(["", "10"]),
            trip=st.sampled_from(["", "x"]),
            at_stop=st.booleans(),
            along=numbers,
            length=numbers,
            phase=numbers,
            planned_gap=numbers,
            due_end=numbers,
            round_s=st.one_of(st.just(math.nan), st.floats(60, 5000)),
            headway_line=st.booleans(),
        ),
        max_size=6,
        unique_by=lambda seen: seen.vehicle,
    )
)
def test_whatever_the_states_say_each_rule_has_one_value_a_vehicle(states: list[Seen]) -> None:
    memory = Memory()
    known = {rule.slug for rule in RULES}
    for now in (NOW, NOW + 2):
        found = look(states, now, memory)
        keys = [(one.rule, one.vehicle) for one in found]
        assert len(keys) == len(set(keys)) and {rule for rule, _vehicle in keys} <= known
        assert not any(math.isnan(one.value) for one in found)
