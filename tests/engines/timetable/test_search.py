"""Every kind of query agrees with trying everything, on made-up timetables of every shape."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.engines.timetable import (
    Delay,
    Footpaths,
    Journey,
    Places,
    Progress,
    Ride,
    Router,
    Skip,
    Timetable,
    Walk,
    Wishes,
)
from tests.engines.timetable.small import (
    DAY,
    NEVER,
    Ask,
    Call,
    SmallCity,
    SmallTrip,
    arrivals,
    at_goal,
    departures,
    pareto,
    runs,
    schedule,
)

STOPS = 6
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def trips(draw: st.DrawFn) -> SmallTrip:
    # Few lines and few minutes, so that trips meet, share stops, overtake and tie.
    line = draw(st.sampled_from([(0, 1, 2, 3), (3, 2, 1, 0), (1, 4, 5), (5, 4, 1, 4), (2, 5), (0, 4)]))
    clock = draw(st.sampled_from([0, 100, 200, 300, 86_200, 86_300, 86_500]))
    clock += draw(st.integers(0, 5)) * 20
    calls = []
    for stop in line:
        arrival = clock
        clock += draw(st.sampled_from([0, 0, 10]))
        board, alight = (
            draw(st.sampled_from([True, True, True, False])),
            draw(st.sampled_from([True, True, True, False])),
        )
        calls.append(Call(stop, arrival, clock, board, alight))
        clock += draw(st.sampled_from([0, 20, 40, 70]))
    days = draw(st.sampled_from([(False, True, False), (True, True, True), (True, False, False), (False, False, True)]))
    return SmallTrip(tuple(calls), days, draw(st.sampled_from([0, 1, 2])), draw(st.integers(0, 2)))


stop_rows = st.integers(0, STOPS - 1)
ends = st.lists(st.tuples(stop_rows, st.sampled_from([0, 10, 30])), min_size=1, max_size=2)


@st.composite
def cities(draw: st.DrawFn) -> SmallCity:
    pairs = draw(
        st.lists(st.tuples(stop_rows, stop_rows).filter(lambda pair: pair[0] != pair[1]), max_size=5, unique=True)
    )
    return SmallCity(
        STOPS,
        tuple(draw(st.lists(trips(), min_size=1, max_size=9))),
        tuple((a, b, draw(st.sampled_from([5, 30, 60]))) for a, b in pairs),
        tuple((stop, 25) for stop in draw(st.sets(stop_rows, max_size=2))),
        frozenset(draw(st.sets(stop_rows, max_size=1))),
    )


asks = st.builds(
    Ask,
    max_rides=st.sampled_from([1, 2, 3, 7]),
    slack=st.sampled_from([0, 0, 15]),
    walk_limit=st.sampled_from([NEVER, 40]),
    wheelchair=st.booleans(),
)


def timetable(city: SmallCity) -> Timetable:
    walks = np.array(city.walks, np.int32).reshape(-1, 3)
    return Timetable.from_schedule(
        schedule(city), DAY, Footpaths(*(np.ascontiguousarray(column) for column in walks.T))
    )


def wishes(ask: Ask) -> Wishes:
    return Wishes(ask.max_rides, ask.slack, min(ask.walk_limit, 2**30), ask.wheelchair)


def places(ends: list[tuple[int, int]]) -> Places:
    rows = np.array(ends, np.int32)
    return Places(rows[:, 0].copy(), rows[:, 1].copy())


def check_legs(journey: Journey, city: SmallCity, table: Timetable, ask: Ask) -> None:
    """The journey can be made as it says: every leg begins where and when the one before lets it."""
    walks = {(a, b): seconds for a, b, seconds in city.walks}
    changes = dict(city.changes)
    times = {
        (trip, shift): row
        for row, (trip, shift) in enumerate(zip(table.patterns.trip, table.patterns.shift, strict=True))
    }
    assert journey.legs[0].departure == journey.departure
    assert journey.legs[-1].arrival == journey.arrival
    ready, stop = journey.departure, -1
    for number, leg in enumerate(journey.legs):
        assert leg.departure <= leg.arrival
        assert number == 0 or leg.from_stop == stop
        if isinstance(leg, Ride):
            earliest = ready
            if number and isinstance(journey.legs[number - 1], Ride):
                earliest += changes.get(leg.from_stop, 0)
            if any(isinstance(before, Ride) for before in journey.legs[:number]):
                earliest += ask.slack
            assert leg.departure >= earliest
            calls = city.trips[leg.trip].calls
            first = int(table.trip_first[leg.trip])
            assert calls[leg.first_row - first].stop == leg.from_stop
            assert calls[leg.first_row - first].board
            assert calls[leg.last_row - first].stop == leg.to_stop
            assert calls[leg.last_row - first].alight
            assert leg.first_row < leg.last_row
            assert (leg.trip, leg.shift) in times
            assert city.trips[leg.trip].route == leg.route
        else:
            assert isinstance(leg, Walk)
            assert leg.departure == ready
            if leg.from_stop >= 0 and leg.to_stop >= 0:
                assert walks[leg.from_stop, leg.to_stop] == leg.arrival - leg.departure
                assert leg.arrival - leg.departure <= ask.walk_limit
        ready, stop = leg.arrival, leg.to_stop


@SETTINGS
@given(cities(), ends, ends, st.sampled_from([0, 90, 260, 86_210]), asks)
def test_earliest_arrival(city: SmallCity, sources, targets, departure: int, ask: Ask) -> None:
    table = timetable(city)
    found = Router(table).earliest_arrival(places(sources), places(targets), departure, wishes(ask))
    expected = pareto(at_goal(arrivals(city, runs(city), sources, departure, ask), targets))
    assert [(journey.arrival, len(journey.rides)) for journey in found] == expected
    for journey in found:
        assert journey.departure >= departure
        check_legs(journey, city, table, ask)


@SETTINGS
@given(cities(), ends, ends, st.sampled_from([150, 400, 86_600]), asks)
def test_arrive_by(city: SmallCity, sources, targets, deadline: int, ask: Ask) -> None:
    table, moving = timetable(city), runs(city)
    found = Router(table).arrive_by(places(sources), places(targets), deadline, wishes(ask))
    latest = [NEVER] * (ask.max_rides + 1)
    for leave in departures(moving, sources):
        reached = at_goal(arrivals(city, moving, sources, leave, ask), targets)
        for rides, end in enumerate(reached):
            if end <= deadline and latest[rides] == NEVER:
                latest[rides] = -leave
    assert [(-journey.departure, len(journey.rides)) for journey in found] == pareto(latest)
    for journey in found:
        assert journey.arrival <= deadline
        check_legs(journey, city, table, ask)


@SETTINGS
@given(cities(), ends, ends, st.sampled_from([0, 120, 86_200]), st.sampled_from([0, 150, 600]), asks)
def test_range(city: SmallCity, sources, targets, start: int, window: int, ask: Ask) -> None:
    table, moving = timetable(city), runs(city)
    found = Router(table).range(places(sources), places(targets), start, window, wishes(ask))
    best = [NEVER] * (ask.max_rides + 1)
    expected = []
    for leave in departures(moving, sources):
        if start <= leave <= start + window:
            reached = at_goal(arrivals(city, moving, sources, leave, ask, start + window), targets)
            expected += [(leave, end, rides) for end, rides in pareto(reached) if end < best[rides]]
            best = [min(pair) for pair in zip(best, reached, strict=True)]
    assert sorted((j.departure, j.arrival, len(j.rides)) for j in found) == sorted(expected)
    assert [journey.departure for journey in found] == sorted(journey.departure for journey in found)
    for journey in found:
        check_legs(journey, city, table, ask)


@SETTINGS
@given(cities(), ends, st.sampled_from([0, 90, 86_210]), asks)
def test_one_to_all(city: SmallCity, sources, departure: int, ask: Ask) -> None:
    found = Router(timetable(city)).one_to_all(places(sources), departure, wishes(ask))
    ridden = arrivals(city, runs(city), sources, departure, ask)[-1]
    expected = list(ridden)
    for stop, seconds in sources:
        if not (ask.wheelchair and stop in city.barred):
            expected[stop] = min(expected[stop], departure + seconds)
    for origin, target, seconds in city.walks:
        if seconds <= ask.walk_limit and not (ask.wheelchair and target in city.barred):
            expected[target] = min(expected[target], ridden[origin] + seconds)
    assert [min(time, NEVER) for time in np.where(found >= 2**30, NEVER, found).tolist()] == [
        min(time, NEVER) for time in expected
    ]


@SETTINGS
@given(
    cities(),
    ends,
    ends,
    st.sampled_from([0, 90]),
    asks,
    st.frozensets(st.integers(0, 8), max_size=2),
    st.dictionaries(
        st.integers(0, 8), st.tuples(st.integers(0, 3), st.sampled_from([-60, -20, 30, 90, 400])), max_size=4
    ),
)
def test_live(city: SmallCity, sources, targets, departure: int, ask: Ask, cancelled, delays) -> None:
    cancelled = frozenset(trip for trip in cancelled if trip < len(city.trips))
    delays = {trip: late for trip, late in delays.items() if trip < len(city.trips)}
    router = Router(timetable(city))
    planned = router.earliest_arrival(places(sources), places(targets), departure, wishes(ask))
    router.update(cancelled, [Delay(trip, seconds, start) for trip, (start, seconds) in delays.items()])
    moving = runs(city, cancelled, delays)
    found = router.earliest_arrival(places(sources), places(targets), departure, wishes(ask))
    expected = pareto(at_goal(arrivals(city, moving, sources, departure, ask), targets))
    assert [(journey.arrival, len(journey.rides)) for journey in found] == expected
    for journey in found:
        check_legs(journey, city, router.timetable, ask)
    deadline = departure + 400
    back = router.arrive_by(places(sources), places(targets), deadline, wishes(ask))
    for journey in back:
        reached = at_goal(arrivals(city, moving, sources, journey.departure, ask), targets)
        assert reached[len(journey.rides)] <= deadline
    router.update()
    assert router.earliest_arrival(places(sources), places(targets), departure, wishes(ask)) == planned


@st.composite
def expectations(draw: st.DrawFn) -> tuple[int, int, list[int]]:
    """From which call on a trip is still to come, by when it had passed the ones before, and its times from there."""
    start = draw(st.integers(0, 3))
    clock = draw(st.integers(0, 800))
    passed_by = clock - draw(st.integers(0, 60))
    times = []
    for _ in range(8):
        times.append(clock)
        clock += draw(st.sampled_from([0, 5, 30, 60]))
    return start, passed_by, times


@SETTINGS
@given(
    cities(),
    ends,
    ends,
    st.sampled_from([0, 90]),
    asks,
    st.dictionaries(st.integers(0, 8), expectations(), max_size=4),
    st.frozensets(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=5),
)
def test_trips_that_are_watched_and_stops_that_are_closed(
    city: SmallCity, sources, targets, departure: int, ask: Ask, expected_times, skipped
) -> None:
    calls = {number: len(trip.calls) for number, trip in enumerate(city.trips)}
    skipped = frozenset((trip, call) for trip, call in skipped if call < calls.get(trip, 0))
    changes: list[Progress | Skip] = [Skip(trip, (call,)) for trip, call in sorted(skipped)]
    seen = {}
    for trip, (start, passed_by, times) in expected_times.items():
        if start >= calls.get(trip, 0):
            continue
        left = calls[trip] - start
        arrival, leaving = np.array(times[: 2 * left : 2]), np.array(times[1 : 2 * left : 2])
        changes.append(Progress(trip, start, arrival, leaving, passed_by))
        before = city.trips[trip].calls[:start]
        moved = min(0, passed_by - before[-1].departure) if before else 0
        seen[trip] = [(call.arrival + moved, call.departure + moved) for call in before]
        seen[trip] += list(zip(arrival.tolist(), leaving.tolist(), strict=True))
    router = Router(timetable(city))
    router.update((), changes)
    moving = runs(city, seen=seen, skipped=skipped)
    found = router.earliest_arrival(places(sources), places(targets), departure, wishes(ask))
    expected = pareto(at_goal(arrivals(city, moving, sources, departure, ask), targets))
    assert [(journey.arrival, len(journey.rides)) for journey in found] == expected
    for journey in found:
        check_legs(journey, city, router.timetable, ask)


def test_a_trip_of_yesterday_can_be_cancelled() -> None:
    late = SmallTrip((Call(0, 90_000, 90_000), Call(1, 90_600, 90_600)), days=(True, True, False))
    router = Router(timetable(SmallCity(2, (late,))))
    ask = Places.at(0), Places.at(1)
    assert [journey.arrival for journey in router.earliest_arrival(*ask, 0)] == [4_200]
    router.update([(0, -86_400)])
    assert [journey.arrival for journey in router.earliest_arrival(*ask, 0)] == [90_600]


def line(*times: int, stops: tuple[int, ...] = (0, 1), **more) -> SmallTrip:
    return SmallTrip(tuple(Call(stop, time, time) for stop, time in zip(stops, times, strict=True)), **more)


def test_no_room_is_too_small_for_a_long_range() -> None:
    """More journeys than a search has room for at first are all found."""
    city = SmallCity(2, tuple(line(60 * n, 60 * n + 30) for n in range(700)))
    found = Router(timetable(city)).range(Places.at(0), Places.at(1), 0, 86_400)
    assert [journey.departure for journey in found] == [60 * n for n in range(700)]


def test_walking_all_the_way_beats_what_is_slower() -> None:
    city = SmallCity(2, (line(100, 200), line(300, 900)))
    router = Router(timetable(city))
    assert router.earliest_arrival(Places.at(0), Places.at(1), 90, walk=500)[0].rides
    on_foot = router.earliest_arrival(Places.at(0), Places.at(1), 250, walk=500)
    assert [(journey.arrival, len(journey.rides)) for journey in on_foot] == [(750, 0)]
    assert [len(j.rides) for j in router.range(Places.at(0), Places.at(1), 0, 1000, walk=500)] == [1]
    assert router.arrive_by(Places.at(0), Places.at(1), 910, walk=500)[0].departure == 410


def test_routes_that_are_not_wanted_are_not_ridden() -> None:
    city = SmallCity(2, (line(100, 200, route=0), line(110, 300, route=1)))
    router = Router(timetable(city))
    found = router.earliest_arrival(Places.at(0), Places.at(1), 0, Wishes(without=(0,)))
    assert [ride.route for journey in found for ride in journey.rides] == [1]
    back = router.arrive_by(Places.at(0), Places.at(1), 250, Wishes(without=(0,)))
    assert back == []


def test_rides_that_cannot_be_counted_are_refused() -> None:
    with pytest.raises(ValueError, match="max_rides"):
        Wishes(max_rides=8).rules()


def test_saved_and_loaded_it_answers_the_same(tmp_path) -> None:
    city = SmallCity(3, (line(100, 200), line(210, 300, stops=(1, 2))), walks=((0, 1, 60),))
    table = timetable(city)
    table.save(tmp_path / "table")
    loaded = Timetable.load(tmp_path / "table")
    ask = Places.at(0), Places.at(2), 0
    assert Router(loaded).earliest_arrival(*ask) == Router(table).earliest_arrival(*ask) != []
    assert loaded.day == date(2024, 3, 6)
    updated = loaded.with_updates(cancelled=[0])
    assert Router(updated).earliest_arrival(*ask) == []
    values = tmp_path / "table" / "values.json"
    values.write_text(values.read_text().replace("timetable", "timetaple"))
    with pytest.raises(ValueError, match="version"):
        Timetable.load(tmp_path / "table")


def test_a_day_on_which_nothing_runs_has_no_journeys() -> None:
    city = SmallCity(2, (line(100, 200),))
    table = Timetable.from_schedule(schedule(city), DAY + timedelta(days=40))
    assert len(table.patterns) == 0
    assert Router(table).earliest_arrival(Places.at(0), Places.at(1), 0) == []
    assert Router(table).range(Places.at(0), Places.at(1), 0, 100) == []
