"""One trip has one vehicle in every feed of an edition, whatever claims it and whenever the feeds are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.test import Client
from google.transit import gtfs_realtime_pb2 as rt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhall.engines.gtfs_realtime import Reference, validate
from cityhall.kernel import clock
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.services.transit import actions, days, timetables
from cityhall.services.transit.arrivals.predict import Rounds
from cityhall.services.transit.models import StopCall, TripPrediction, VehicleState
from cityhall.services.transit.realtime import feeds, history
from tests.feeds import tables, write_feed

NAMES = ("vehicle-positions", "trip-updates", "alerts")
DAY = date(2027, 6, 16)
STOPS = {0: -51.23, 360: -51.215, 720: -51.15}
"""Trip out4: harbour at 08:00, square at 08:06, hill at 08:12; out5 half an hour later."""
EVERY_S = 15


@pytest.fixture
def town(folder: Path) -> Path:
    """A Wednesday morning in a city with the small feed."""
    texts = tables()
    texts["calendar.txt"] = texts["calendar.txt"].replace("20190401,20190630", "20270601,20270731")
    write_feed(folder / "gtfs.zip", texts)
    with clock.running_from(eight()):
        actions.load(lambda what, share: None)
    return folder


def eight(seconds: float = 0.0) -> datetime:
    return days.clock(DAY, 8 * 3600) + timedelta(seconds=seconds)


class Bus(NamedTuple):
    """A bus on its way from the harbour to the hill: how late, what its driver logged, when it says something."""

    name: str
    late: int = 0
    trip: str = ""
    first: int = -60
    last: int = 900

    def fix(self, second: int) -> Fix | None:
        if not self.first <= second <= self.last:
            return None
        lon = float(np.interp(second - self.late, list(STOPS), list(STOPS.values())))
        at = eight(second).timestamp()
        return Fix(self.name, "depot", at, lon, -30.03, fix_class=4, sigma_m=0.02, trip=self.trip)


def editions(second: float) -> dict[str, rt.FeedMessage]:
    """The feeds as one asks for them, all in one second."""
    feeds.forget()
    with clock.running_from(eight(second)):
        return {name: rt.FeedMessage.FromString(Client().get(f"/transit/gtfs-rt/{name}.pb").content) for name in NAMES}


def drivers(feed: rt.FeedMessage, kind: str) -> list[tuple[tuple[str, str, str], str]]:
    """(trip, date, start time where it is one of several) and vehicle of every entity that names both."""
    told = [getattr(entity, kind) for entity in feed.entity if entity.HasField(kind)]
    named = [((one.trip.trip_id, one.trip.start_date, one.trip.start_time), one.vehicle.id) for one in told]
    return [(trip, vehicle) for trip, vehicle in named if trip[0] and vehicle]


def judge(made: dict[str, rt.FeedMessage], now: float) -> None:
    """By the rules, and by a count of our own."""
    reference = Reference.of(timetables.service().schedule)
    for feed in made.values():
        assert validate(feed, reference, now, beside=tuple(made.values())) == []
    seen, expected = drivers(made["vehicle-positions"], "vehicle"), drivers(made["trip-updates"], "trip_update")
    for pairs in (seen, expected):
        assert max(Counter(trip for trip, _vehicle in pairs).values(), default=0) <= 1, pairs
    told = dict(expected)
    for trip, vehicle in seen:
        assert told.get(trip, vehicle) == vehicle


def one_vehicle_a_trip() -> None:
    on = Counter(VehicleState.objects.exclude(trip="").values_list("trip", "service_day"))
    assert max(on.values(), default=0) <= 1, on


def go(*buses: Bus, until: int = 900, since: int = -60) -> Iterator[tuple[int, Tracking]]:
    """The city lives on, EVERY_S at a time; what is kept is looked at after every tick."""
    with clock.running_from(eight(since)):
        tracking = Tracking()
    for second in range(since, until, EVERY_S):
        fixes = [fix for bus in buses if (fix := bus.fix(second))]
        with clock.running_from(eight(second + 0.2)):
            tracking.tick(fixes, waiting=False)
        one_vehicle_a_trip()
        yield second, tracking


def on(name: str) -> str:
    return VehicleState.objects.get(vehicle__public_id=name).trip


def clear() -> None:
    for kind in (VehicleState, TripPrediction, StopCall, Vehicle):
        kind.objects.all().delete()
    history._kept.clear()


def test_who_has_logged_on_has_the_trip_and_the_other_is_on_its_line_without_one(town: Path) -> None:
    for _second, _tracking in go(Bus("B75"), Bus("B03", trip="out4", first=200), until=400):
        pass
    assert (on("B75"), on("B03")) == ("", "out4")
    other = VehicleState.objects.get(vehicle__public_id="B75")
    assert (other.route, other.status, other.delay_s, other.next_sequence) == ("R1", "unmatched", None, None)
    made = editions(386)
    judge(made, eight(386).timestamp())
    shown = {entity.id: entity.vehicle.trip for entity in made["vehicle-positions"].entity}
    assert (shown["B75"].trip_id, shown["B75"].route_id, shown["B03"].trip_id) == ("", "R1", "out4")


def test_of_two_that_logged_on_who_drove_it_goes_on_until_it_is_silent(town: Path) -> None:
    first, second = Bus("B75", trip="out4", last=400), Bus("B03", trip="out4", first=200)
    had = {}
    for now, _tracking in go(first, second, until=600):
        had[now] = next((name for name in ("B75", "B03") if now >= 200 and on(name)), "")
    assert {had[now] for now in had if 200 <= now <= 400} == {"B75"}, "who comes later does not take it away"
    assert had[max(had)] == "B03", "nor does who is not heard any more keep it"


def test_a_tracker_that_starts_anew_gives_the_trip_to_nobody_else(town: Path) -> None:
    buses = Bus("B75", trip="out4"), Bus("B03", trip="out4", first=100)
    for _second, _tracking in go(*buses, until=300):
        pass
    for _second, _tracking in go(*buses, since=300, until=400):
        assert (on("B75"), on("B03")) == ("out4", "")


def test_what_was_expected_of_the_vehicle_before_is_not_told_of_the_one_that_took_over(town: Path) -> None:
    """As it was found: predictions are some seconds old, positions are not."""
    rounds = Rounds()
    for second, _tracking in go(Bus("B75"), Bus("B03", trip="out4", first=300), until=390):
        if second == 285:
            rounds.step(eight(second + 1).astimezone(UTC))
            assert dict(drivers(editions(second + 1)["trip-updates"], "trip_update")).popitem()[1] == "B75"
    assert (on("B75"), on("B03")) == ("", "out4")
    assert TripPrediction.objects.get(trip="out4").vehicle == "B75", "it has not been reckoned anew"
    made = editions(376)
    judge(made, eight(376).timestamp())
    assert [vehicle for _trip, vehicle in drivers(made["vehicle-positions"], "vehicle")] == ["B03"]
    rounds.step(eight(377).astimezone(UTC))
    assert ("out4", "B03") in [(trip[0], car) for trip, car in drivers(editions(378)["trip-updates"], "trip_update")]


def test_calls_of_one_that_has_not_the_trip_are_not_the_trips(town: Path) -> None:
    for _second, _tracking in go(Bus("B75", trip="out4"), Bus("B03", trip="out4", late=-100, first=60)):
        pass
    assert set(StopCall.objects.filter(trip="out4").values_list("vehicle", flat=True)) == {"B75"}


def test_the_feeds_of_one_second_are_made_of_one_moment(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes between two requests within a second is in both feeds of it, or in neither."""
    rounds = Rounds()
    for second, _tracking in go(Bus("B75", trip="out4"), until=300):
        rounds.step(eight(second + 1).astimezone(UTC))
    feeds.forget()
    moment = eight(290).timestamp()
    with clock.running_from(eight(290)):
        monkeypatch.setattr(clock, "time", lambda: moment)
        before = Client().get("/transit/gtfs-rt/vehicle-positions.pb").content
        VehicleState.objects.update(trip="out5")
        TripPrediction.objects.update(vehicle="B03")
        after = Client().get("/transit/gtfs-rt/trip-updates.pb").content
        made = {
            "vehicle-positions": rt.FeedMessage.FromString(before),
            "trip-updates": rt.FeedMessage.FromString(after),
        }
        judge(made, moment)
        assert [vehicle for _trip, vehicle in drivers(made["trip-updates"], "trip_update")] == ["B75"]
        moment += 1
        later = rt.FeedMessage.FromString(Client().get("/transit/gtfs-rt/vehicle-positions.pb").content)
        assert [trip[0] for trip, _vehicle in drivers(later, "vehicle")] == ["out5"]


logged = st.sampled_from(["out4", "out4", "out5", "down4", ""])
buses = st.tuples(st.integers(-60, 400), logged, st.integers(-60, 300), st.integers(60, 900))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.lists(buses, min_size=2, max_size=3),
    st.sets(st.integers(0, 50), min_size=2, max_size=5),
    st.sets(st.integers(2, 50), min_size=3, max_size=6),
)
def test_whatever_claims_a_trip_the_feeds_agree(town: Path, many: Any, reckoned: Any, asked: Any) -> None:
    clear()
    rounds = Rounds()
    road = [Bus(f"B{number}", *one) for number, one in enumerate(many)]
    for step, (second, _tracking) in enumerate(go(*road, until=800)):
        if step in reckoned:
            rounds.step(eight(second + 1).astimezone(UTC))
        if step in asked:
            judge(editions(second + 2), eight(second + 3).timestamp())
