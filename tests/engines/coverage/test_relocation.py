"""Where a unit should wait, beside trying every station with the formula written out; and the cap on moves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall.engines.coverage import Cap, Ground, expected, freed, move, order


@st.composite
def grounds(draw: st.DrawFn) -> Ground:
    stations, points = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    cover = draw(
        st.lists(st.lists(st.booleans(), min_size=stations, max_size=stations), min_size=points, max_size=points)
    )
    demand = draw(st.lists(st.integers(1, 97), min_size=points, max_size=points))
    capacity = draw(st.lists(st.integers(1, 4), min_size=stations, max_size=stations))
    return Ground(np.array(cover), np.array(demand, float), np.array(capacity))


def covered(ground: Ground, waiting: list[int], busy: float) -> float:
    """Daskin's sum: the k-th unit that covers a point adds its demand times (1 - busy) busy^(k - 1)."""
    total = 0.0
    for point, demand in enumerate(ground.demand):
        units = sum(count for station, count in enumerate(waiting) if ground.cover[point, station])
        total += sum(demand * (1 - busy) * busy ** (k - 1) for k in range(1, units + 1))
    return total


@settings(max_examples=100)
@given(ground=grounds(), data=st.data(), busy=st.sampled_from([0.0, 0.15, 0.5, 0.9]))
def test_a_freed_unit_goes_where_it_adds_the_most(ground: Ground, data: st.DataObject, busy: float) -> None:
    waiting = [data.draw(st.integers(0, int(room))) for room in ground.capacity]
    seconds = np.array(data.draw(st.lists(st.integers(0, 3000), min_size=len(waiting), max_size=len(waiting))), float)
    assert expected(ground, np.array(waiting), busy) == pytest.approx(covered(ground, waiting, busy))
    advice = freed(ground, np.array(waiting), seconds, busy=busy, patience=1500.0)
    worth = {}
    for station, room in enumerate(ground.capacity):
        if waiting[station] < room:
            more = [count + (place == station) for place, count in enumerate(waiting)]
            worth[station] = covered(ground, more, busy) - covered(ground, waiting, busy)
    if not worth:
        assert advice.reason == "full" and advice.station == -1
        return
    value = {station: gain * math.exp(-seconds[station] / 1500) for station, gain in worth.items()}
    assert value[advice.station] == pytest.approx(max(value.values()), abs=1e-6)
    assert advice.gain == pytest.approx(worth[advice.station], abs=1e-9)
    nobody = sum(
        demand
        for point, demand in enumerate(ground.demand)
        if ground.cover[point, advice.station]
        and not any(count and ground.cover[point, station] for station, count in enumerate(waiting))
    )
    assert advice.alone == nobody and advice.reason == ("alone" if nobody else "thin")


@settings(max_examples=100)
@given(ground=grounds(), data=st.data(), busy=st.sampled_from([0.0, 0.2, 0.6]), least=st.sampled_from([0.0, 0.05]))
def test_the_move_that_adds_the_most_is_found(ground: Ground, data: st.DataObject, busy: float, least: float) -> None:
    stations = len(ground.capacity)
    places = [
        station for station, room in enumerate(ground.capacity) for _ in range(data.draw(st.integers(0, int(room))))
    ]
    at = np.array(places, np.int64)
    rest = np.array([data.draw(st.sampled_from([0.0, 200.0, 900.0])) for _ in places])
    seconds = np.array([[data.draw(st.integers(0, 2000)) for _ in range(stations)] for _ in places], float)
    seconds = seconds.reshape(len(places), stations)
    advice = move(
        ground, at, rest, seconds, now=0.0, cap=Cap(1), busy=busy, patience=1500.0, gain=least
    )  # fmt: skip
    count = [places.count(station) for station in range(stations)]
    nets = {}
    for unit, old in enumerate(places):
        without = [number - (station == old) for station, number in enumerate(count)]
        keeps = covered(ground, count, busy) - covered(ground, without, busy)
        for to in range(stations):
            if to != old and count[to] < ground.capacity[to]:
                there = [number + (station == to) for station, number in enumerate(without)]
                adds = covered(ground, there, busy) - covered(ground, without, busy)
                nets[unit, to] = adds * math.exp(-seconds[unit, to] / 1500) - keeps * math.exp(-rest[unit] / 1500)
    best = max(nets.values(), default=-math.inf)
    floor = least * ground.demand.sum()
    if best > floor + 1e-6:
        assert nets[advice.unit, advice.station] == pytest.approx(best, abs=1e-6)
    elif best < floor - 1e-6:
        assert (advice.unit, advice.station, advice.reason) == (-1, -1, "stay")


def test_far_gains_count_less_and_equal_ones_are_near() -> None:
    ground = Ground(np.array([[True, False, False], [False, True, True]]), np.array([10.0, 12.0]), np.array([1, 1, 1]))
    nobody = np.zeros(3, np.int64)
    assert freed(ground, nobody, np.array([0.0, 0.0, 0.0])).station == 1
    assert freed(ground, nobody, np.array([0.0, 900.0, 1200.0])).station == 0
    assert freed(ground, nobody, np.array([900.0, 60.0, 30.0])).station == 2


def test_the_cap_counts_an_hour() -> None:
    ground = Ground(np.array([[True, False], [False, True]]), np.array([1.0, 9.0]), np.array([2, 2]))
    cap, here = Cap(2), np.array([0, 0])
    way = np.zeros((2, 2))
    for now in (0.0, 100.0):
        assert move(ground, here, np.zeros(2), way, now=now, cap=cap).reason == "alone"
        cap.count(now)
    assert move(ground, here, np.zeros(2), way, now=3599.0, cap=cap).reason == "cap"
    assert move(ground, here, np.zeros(2), way, now=3600.0, cap=cap).station == 1
    cap.count(3600.0)
    assert move(ground, here, np.zeros(2), way, now=3650.0, cap=cap).reason == "cap"


def test_a_start_spreads_and_ends_with_the_room() -> None:
    ground = Ground(np.eye(3, dtype=np.bool_), np.array([5.0, 3.0, 4.0]), np.array([1, 1, 1]))
    assert list(order(ground, 5)) == [0, 2, 1]


def test_shapes_and_chances_are_checked() -> None:
    with pytest.raises(ValueError, match="value a point"):
        Ground(np.ones((2, 3), np.bool_), np.ones(3), np.ones(3, np.int64))
    ground = Ground(np.ones((1, 1), np.bool_), np.ones(1), np.ones(1, np.int64))
    with pytest.raises(ValueError, match="less than 1"):
        freed(ground, np.zeros(1, np.int64), np.zeros(1), busy=1.0)
