"""What the tracker says of vehicles that do one thing at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cityhall.engines.gtfs import Schedule
from cityhall.engines.gtfs.clock import service_start
from cityhall.engines.positioning import Fixes, Runs, Settings, Status, Tracker, Verdict, Ways
from tests.engines.positioning.small import DAY, EIGHT, Line, Town, back, calls_of, follow, joined, seen

STREET = [(0.0, 0.0), (2000.0, 0.0), (2000.0, 2000.0)]
OUT = Line("A>", STREET, (0, 600, 1400, 2600, 4000), leaves=tuple(range(EIGHT, EIGHT + 4 * 900, 900)))
IN = Line("A<", back(STREET), (0, 1400, 2600, 4000), direction=1, leaves=(EIGHT + 100, EIGHT + 1000))
TOWN = Town([OUT, IN])
START = service_start(DAY, TOWN.zone) + EIGHT


def ride(
    seconds: int = 400, every: float = 1.0, speed: float = 8.0, late: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Moments, and metres along at a steady speed after a minute's wait at the first stop."""
    at = START + late + np.arange(-60.0, seconds, every)
    return at, np.clip((at - START - late) * speed, 0.0, 4000.0)


def errors(town: Town, line: Line, said: dict[str, np.ndarray], along: np.ndarray) -> np.ndarray:
    x, y = town.metres(said["lon"], said["lat"])
    true_x, true_y = line.at(along)
    return np.hypot(x - true_x, y - true_y)


def test_on_its_route_it_has_trip_place_delay_and_next_stop() -> None:
    at, along = ride(late=90.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=0.5))
    driving = at > START + 120
    assert (said["status"][driving] == Status.ON_ROUTE).all()
    assert (said["trip"][driving] == TOWN.trip("A>0")).all()
    assert (said["service_day"][driving] == DAY.toordinal()).all()
    assert np.abs(said["along_m"] - along)[driving].max() < 4.0
    assert np.abs(said["delay_s"][driving] - 90.0).max() < 5.0
    assert said["next_stop"][np.searchsorted(along, 1000.0)] == 2
    assert np.abs(said["speed"][driving] - 8.0).max() < 1.5
    assert (said["confidence"][driving] > 0.5).all()


def test_waiting_for_its_departure_it_is_at_its_first_stop_and_on_time() -> None:
    at = START + np.arange(-120.0, -5.0, 1.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, np.zeros(at.size), noise=0.5))
    assert said["trip"][-1] == TOWN.trip("A>0")
    assert said["at_stop"][-1] and said["next_stop"][-1] == 0 and said["delay_s"][-1] == 0.0


def test_the_direction_on_a_shared_street_is_told_by_movement() -> None:
    at, along = ride(late=0.0)
    here = along > 300
    out = follow(TOWN.tracker(), seen(TOWN, OUT, at[here], along[here], noise=1.0, moving=False))
    assert out["trip"][-1] == TOWN.trip("A>0")
    into = follow(TOWN.tracker(), seen(TOWN, IN, at[here] + 100, along[here], noise=1.0, moving=False))
    assert into["trip"][-1] == TOWN.trip("A<0")


def test_of_two_trips_of_a_line_the_one_that_is_due_is_taken() -> None:
    at, along = ride(late=900.0 + 60.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0))
    assert said["trip"][-1] == TOWN.trip("A>1")


def test_a_bus_that_gets_ever_later_stays_the_same_trip() -> None:
    at = START + np.arange(-60.0, 1500.0, 2.0)
    along = np.clip((at - START) * 2.6, 0.0, 3900.0)  # a quarter of an hour late at the end: the next trip's time
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0))
    assert (said["trip"][60:] == TOWN.trip("A>0")).all()
    assert said["delay_s"][-1] > 900.0


def test_two_buses_are_never_the_same_trip() -> None:
    at, along = ride(400)
    first = seen(TOWN, OUT, at, along, noise=1.0)
    second = seen(TOWN, OUT, at + 600.0, along, noise=1.0, vehicle=1, seed=2)
    tracker = TOWN.tracker()
    follow(tracker, joined(first, second), every=2)
    trips = tracker.predict(float(second.at[-1])).trip[:2]
    assert len(set(trips.tolist())) == 2


def test_a_log_on_is_believed() -> None:
    at, along = ride(late=600.0)
    alone = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0))
    assert alone["trip"][-1] == TOWN.trip("A>0"), "ten minutes late is likelier than five early"
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0, trip="A>1"))
    assert (said["trip"][30:] == TOWN.trip("A>1")).all()


def test_a_log_on_that_cannot_be_is_not() -> None:
    at, along = ride()
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0, trip="A<1"))
    assert said["trip"][-1] == TOWN.trip("A>0")


def test_a_block_goes_on_to_its_next_trip() -> None:
    lines = [
        Line("A>", STREET, (0, 2000, 4000), block="b"),
        Line("A<", back(STREET), (0, 2000, 4000), direction=1, leaves=(EIGHT + 700,), block="b"),
    ]
    town = Town(lines)
    at, along = ride(560)
    home = START + np.arange(561.0, 1000.0)
    turned = np.clip((home - START - 700.0) * 8.0, 0.0, 4000.0)
    said = follow(town.tracker(), joined(seen(town, lines[0], at, along), seen(town, lines[1], home, turned)))
    assert said["trip"][at.size - 30] == town.trip("A>0")
    assert said["trip"][-1] == town.trip("A<0")
    assert not (said["status"] == Status.WRONG_WAY).any()


def test_off_its_route_and_back() -> None:
    at, along = ride(450)
    aside = np.where((along > 800) & (along < 1600), 150.0, 0.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, aside=aside, noise=1.0, trip="A>0"))
    off = said["status"] == Status.OFF_ROUTE
    left, returned = np.argmax(along > 800), np.argmax(along > 1600)
    assert not off[:left].any()
    assert off[left + 20 : returned].all()
    assert not off[returned + 20 :].any()
    assert said["trip"][-1] == TOWN.trip("A>0")
    _, y = TOWN.metres(said["lon"][returned - 5], said["lat"][returned - 5])
    assert abs(y - 150.0) < 5.0, "off the route it is shown where it is"
    assert 2 not in [call for call, _, _ in calls_of(said)], "a stop that was driven round was not called at"


def test_a_reflection_of_a_few_seconds_is_no_alarm() -> None:
    at, along = ride(300)
    aside = np.where((at > START + 100) & (at < START + 105), 70.0, 0.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, aside=aside, noise=1.0, fix_class=1))
    assert not (said["status"] == Status.OFF_ROUTE).any()


def test_the_wrong_way_and_right_again() -> None:
    at = START + np.arange(0.0, 300.0)
    t = at - START
    along = np.where(t < 120, 8 * t, np.where(t < 170, 960 - 8 * (t - 120), 560 + 8 * (t - 170)))
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0, trip="A>0"))
    wrong = said["status"] == Status.WRONG_WAY
    assert not wrong[:121].any()
    assert wrong[135:165].all()
    assert not wrong[190:].any()
    assert abs(said["bearing"][150] - 270.0) < 5.0, "its bearing is the way it goes"


def test_on_no_way_it_is_unmatched_and_shown_where_it_is() -> None:
    line = Line("X", [(-3000.0, -3000.0), (-1000.0, -3000.0)], (0, 2000))
    at = START + np.arange(0.0, 100.0)
    said = follow(TOWN.tracker(), seen(TOWN, line, at, (at - START) * 8.0, noise=0.5))
    assert (said["status"] == Status.UNMATCHED).all()
    assert (said["trip"] == -1).all() and np.isnan(said["delay_s"]).all()
    assert errors(TOWN, line, said, (at - START) * 8.0)[20:].max() < 4.0


def test_a_bus_parked_beside_a_route_drives_no_trip() -> None:
    at = START + np.arange(0.0, 300.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, np.full(at.size, 1000.0), aside=12.0, noise=1.0))
    assert (said["trip"] == -1).all()


def test_unheard_it_is_reckoned_with_growing_doubt_and_then_lost() -> None:
    at, along = ride(200)
    tracker = TOWN.tracker()
    follow(tracker, seen(TOWN, OUT, at, along, noise=0.5))
    now = float(at[-1])
    soon, later, late = (tracker.predict(now + gap) for gap in (3.0, 40.0, 600.0))
    assert soon.status[0] == Status.ON_ROUTE
    assert later.status[0] == Status.RECKONED
    assert late.status[0] == Status.LOST
    assert soon.accuracy_m[0] < later.accuracy_m[0]
    assert abs(later.along_m[0] - (along[-1] + 40 * 8)) < later.accuracy_m[0]
    assert later.at[0] == now + 40.0 and later.heard[0] == now
    again = tracker.predict(now + 3.0)
    assert again.along_m[0] == soon.along_m[0], "predicting changes nothing"


def test_dead_reckoning_waits_for_the_departure() -> None:
    at = START + np.arange(-200.0, -120.0, 1.0)
    tracker = TOWN.tracker()
    follow(tracker, seen(TOWN, OUT, at, np.zeros(at.size), trip="A>0"))
    assert tracker.predict(float(at[-1]) + 100.0).along_m[0] < 20.0


@pytest.mark.parametrize("drives_left", [False, True])
def test_the_lane_is_told_by_a_good_fix_only(drives_left: bool) -> None:
    town = Town([OUT, IN], settings=Settings(drives_left=drives_left, lanes=2))
    at, along = ride(200)
    kerb, middle = (4.8, 1.6) if drives_left else (-4.8, -1.6)
    for aside, lane in ((kerb, 0), (middle, 1)):
        fine = follow(town.tracker(), seen(town, OUT, at, along, aside=aside, noise=0.02, fix_class=4, sigma_m=0.02))
        assert (fine["lane"][100:] == lane).all()
        assert np.abs(fine["lateral_m"][100:] - aside).max() < 0.3
        poor = follow(town.tracker(), seen(town, OUT, at, along, aside=aside, noise=3.0, fix_class=1))
        assert (poor["lane"] == -1).all()


def test_the_radius_is_honest() -> None:
    at, along = ride(480)
    for fix_class, sigma in ((1, 4.0), (2, 1.0), (5, 0.3), (4, 0.02)):
        rng = np.random.default_rng(fix_class)
        slow = np.zeros(at.size)
        for i in range(1, at.size):
            slow[i] = slow[i - 1] * np.exp(-1 / 40) + rng.normal(0, sigma * np.sqrt(1 - np.exp(-2 / 40)))
        fixes = seen(TOWN, OUT, at, along, aside=slow, noise=0.3 * sigma, fix_class=fix_class, sigma_m=sigma)
        said = follow(TOWN.tracker(), fixes)
        late = slice(90, None)
        held = (errors(TOWN, OUT, said, along) <= said["accuracy_m"])[late].mean()
        assert held > 0.9
        assert np.median(said["accuracy_m"][late]) < 6.0 * sigma + 1.0


def test_calls_are_given_once_and_when_they_were() -> None:
    at = START + np.arange(-60.0, 600.0)
    t = at - START
    # Stands at 600 m from second 75 to 95, then rides on without another stop.
    along = np.where(t < 0, 0.0, np.where(t < 75, 8 * t, np.where(t < 95, 600.0, 600 + 8 * (t - 95)))).clip(0, 4000)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=0.3))
    calls = calls_of(said)
    assert [call for call, _, _ in calls] == [0, 1, 2, 3, 4]
    assert abs(calls[0][2] - START) < 8.0
    assert abs(calls[1][1] - (START + 75)) < 5.0 and abs(calls[1][2] - (START + 95)) < 5.0
    assert abs(calls[2][1] - (START + 195)) < 5.0
    assert abs(calls[4][1] - (START + 520)) < 8.0 and np.isnan(calls[4][2])


def test_calls_between_fixes_a_minute_apart_are_worked_out() -> None:
    at, along = ride(600, every=60.0)
    said = follow(TOWN.tracker(), seen(TOWN, OUT, at, along, noise=1.0, moving=False, trip="A>0"))
    calls = {call: arrived for call, arrived, _ in calls_of(said)}
    for call, stop in ((1, 600), (2, 1400), (3, 2600)):
        assert abs(calls[call] - (START + stop / 8.0)) < 12.0


def test_a_trip_after_midnight_is_the_service_day_before_s() -> None:
    line = Line("N", STREET, (0, 2000, 4000), leaves=(24 * 3600 + 1800,))
    town = Town([line])
    at, along = ride(300)
    at = at - START + service_start(DAY, town.zone) + 1800  # half past midnight of DAY
    said = follow(town.tracker(), seen(town, line, at, along, noise=0.5))
    assert said["service_day"][-1] == DAY.toordinal() - 1
    assert abs(said["delay_s"][-1]) < 5.0


FOLD = [(0.0, 0.0), (1500.0, 0.0), (1500.0, 800.0), (1500.0, 0.0), (3000.0, 0.0)]
LOOP = [(0.0, 0.0), (800.0, 0.0), (800.0, 800.0), (0.0, 800.0), (0.0, 0.0)]
LOLLIPOP = [(0.0, 0.0), (1000.0, 0.0), (1600.0, 600.0), (2200.0, 0.0), (1600.0, -600.0), (1000.0, 0.0), (0.0, 0.0)]


@pytest.mark.parametrize("points", [FOLD, LOOP, LOLLIPOP], ids=["there and back", "loop", "lollipop"])
@pytest.mark.parametrize("moving", [True, False])
def test_ways_that_come_by_twice(points: list[tuple[float, float]], moving: bool) -> None:
    length = float(sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)))
    line = Line("L", points, tuple(np.linspace(0, length, 8)), leaves=(EIGHT, EIGHT + 1800))
    town = Town([line])
    at = START + np.arange(-30.0, length / 8.0 + 20.0)
    along = np.clip((at - START) * 8.0, 0.0, length)
    said = follow(town.tracker(), seen(town, line, at, along, noise=1.0, moving=moving))
    on = (along > 150) & (along < length - 50)
    assert np.abs(said["along_m"] - along)[on].max() < 30.0
    assert (said["status"][on] == Status.ON_ROUTE).all()
    assert [call for call, _, _ in calls_of(said)] == list(range(8))


def test_bad_fixes_are_dropped_for_a_reason() -> None:
    at, along = ride(100)
    tracker = TOWN.tracker()
    follow(tracker, seen(TOWN, OUT, at, along))
    last, (lon, lat) = float(at[-1]), TOWN.degrees(800.0, 0.0)
    for given, verdict in (
        ((last, lon, lat), Verdict.DUPLICATE),
        ((last - 5.0, lon, lat), Verdict.OUT_OF_ORDER),
        ((last + 100.0, lon, lat), Verdict.FUTURE),
        ((np.nan, lon, lat), Verdict.MALFORMED),
        ((last + 1.0, np.inf, lat), Verdict.MALFORMED),
        ((last + 1.0, lon, 91.0), Verdict.MALFORMED),
        ((last + 1.0, lon + 0.2, lat), Verdict.TELEPORT),
    ):
        before = tracker.predict(last + 2.0).along_m[0]
        update = tracker.update(Fixes.of(0, *given), last + 2.0)
        assert update.verdict.tolist() == [verdict]
        assert tracker.predict(last + 2.0).along_m[0] == before
    with pytest.raises(ValueError, match="rows"):
        tracker.update(Fixes.of(-1, last, lon, lat), last)


def test_a_new_place_that_holds_is_taken() -> None:
    at, along = ride(100)
    tracker = TOWN.tracker()
    follow(tracker, seen(TOWN, OUT, at, along))
    far = Line("F", [(30_000.0, 0.0), (31_000.0, 0.0)], (0, 1000))
    later = at[-1] + 1.0 + np.arange(6.0)
    said = follow(tracker, seen(TOWN, far, later, 8.0 * np.arange(6.0)))
    assert said["verdict"].tolist() == [Verdict.TELEPORT, Verdict.TELEPORT, *[Verdict.TAKEN] * 4]
    assert said["status"][-1] == Status.UNMATCHED


def test_a_clock_that_was_set_back_is_followed_after_a_while() -> None:
    at, along = ride(100)
    tracker = TOWN.tracker()
    follow(tracker, seen(TOWN, OUT, at, along))
    set_back = at[-1] - 50.0 + np.arange(20.0)
    verdict = tracker.update(seen(TOWN, OUT, set_back, along[-1] + 8.0 * np.arange(20.0)), float(at[-1])).verdict
    assert (verdict[:5] == Verdict.OUT_OF_ORDER).all() and verdict[-1] == Verdict.TAKEN


def test_where_there_is_no_shape_the_trip_is_still_found() -> None:
    line = Line("S", [(0.0, 0.0), (900.0, 0.0), (1800.0, 300.0)], (0, 900, 1848.0), drawn=False)
    town = Town([line])
    at, along = ride(220)
    said = follow(town.tracker(), seen(town, line, at, np.minimum(along, 1840), aside=40.0, noise=3.0))
    assert said["trip"][-1] == town.trip("S0")
    assert said["status"][-1] == Status.ON_ROUTE


def test_before_the_first_feed_vehicles_are_shown_where_they_are() -> None:
    ways = Ways.from_schedule(Schedule.empty("UTC"))
    tracker = Tracker(ways, Runs.from_schedule(Schedule.empty("UTC"), ways, DAY))
    at, along = ride(50)
    fixes = seen(TOWN, OUT, at, along, noise=0.5)
    said = follow(tracker, fixes)
    assert (said["status"] == Status.UNMATCHED).all()
    assert np.abs(said["lat"] - fixes.lat).max() < 1e-4
    successor = tracker.successor(TOWN.ways, TOWN.runs(), float(at[-1]))
    later = at[-1] + 1 + np.arange(60.0)
    onward = follow(successor, seen(TOWN, OUT, later, along[-1] + 8.0 * np.arange(1.0, 61.0)))
    assert onward["trip"][-1] == TOWN.trip("A>0")


def test_a_town_without_runs_still_says_where_vehicles_are() -> None:
    from datetime import date

    tracker = TOWN.tracker(date(2031, 1, 1))
    at, along = ride(50)
    said = follow(tracker, seen(TOWN, OUT, at, along, noise=0.5))
    assert (said["status"] == Status.UNMATCHED).all()
    assert np.isfinite(said["lon"]).all()
