"""From fixes to what the city knows of a bus: its trip, its calls, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from cityhall.kernel.devices import drops
from cityhall.kernel.journal.models import Entry
from cityhall.kernel.vehicles import inbox
from cityhall.kernel.vehicles.fixes import Fix
from cityhall.kernel.vehicles.models import Vehicle
from cityhall.kernel.vehicles.tracking.tracker import Tracking
from cityhall.services.transit import actions, days
from cityhall.services.transit.models import StopCall, VehicleState
from tests.feeds import tables, write_feed

EVERY_S = 5
START = 8 * 3600
"""Trip out4 leaves the harbour at 08:00, is at the square at 08:06 and on the hill at 08:12."""
STOPS = {0: -51.23, 360: -51.215, 720: -51.15}


@pytest.fixture
def today(folder: Path) -> date:
    """Today, with the small feed in service around it."""
    day = days.today()
    texts = tables()
    around = f"{day - timedelta(days=30):%Y%m%d},{day + timedelta(days=30):%Y%m%d}"
    texts["calendar.txt"] = texts["calendar.txt"].replace("20190401,20190630", around)
    write_feed(folder / "gtfs.zip", texts)
    actions.load(lambda what, share: None)
    return day


def drive(day: date, vehicle: str = "B7", late: float = 0.0, until: int = 760, **said: object) -> Iterator[Fix]:
    """The fixes of a bus that drives out4 as the timetable says, `late` seconds later; it waits where it ends."""
    begin = days.clock(day, START).timestamp()
    for second in range(-30, until, EVERY_S):
        gone = min(max(second, 0), 720)
        lon = float(np.interp(gone, list(STOPS), list(STOPS.values())))
        yield Fix(vehicle, "depot", begin + late + second, lon, -30.03, fix_class=4, sigma_m=0.02, **said)  # type: ignore[arg-type]


def follow(tracking: Tracking, fixes: Iterator[Fix]) -> float:
    """Ticks as the fixes come; gives the time of the last."""
    at = 0.0
    for fix in fixes:
        at = fix.at
        tracking.tick([fix], now=at + 0.2)
    return at


def test_a_bus_whose_driver_logged_nothing_is_found_on_its_trip(today: date) -> None:
    follow(Tracking(), drive(today, late=60, until=500))
    state = VehicleState.objects.get()
    assert (state.status, state.trip, state.service_day) == ("on_route", "out4", today)
    assert (state.line, state.route, state.next_sequence) == ("1", "R1", 2)
    assert state.delay_s is not None and 40 <= state.delay_s <= 80
    assert state.accuracy_m < 5


def test_its_calls_are_kept_and_told_once(today: date) -> None:
    fixes = list(drive(today))
    follow(Tracking(), iter(fixes))
    # Another tracker, that saw the same: as after a crash before anything was remembered.
    VehicleState.objects.all().delete()
    follow(Tracking(), iter(fixes))
    calls = StopCall.objects.order_by("sequence")
    assert list(calls.values_list("trip", "sequence", "stop")) == [
        ("out4", 0, "harbour"),
        ("out4", 1, "square"),
        ("out4", 2, "hill"),
    ]
    for call in calls:
        assert abs((call.arrived_at - call.scheduled_arrival).total_seconds()) < 40
    told = Entry.objects.filter(type__startswith="transit.trip.").order_by("time")
    assert [(event.type, event.subject) for event in told] == [
        ("transit.trip.begun", f"{today} out4"),
        ("transit.trip.ended", f"{today} out4"),
    ]


def test_a_tracker_that_starts_anew_goes_on_where_the_one_before_was_killed(today: date) -> None:
    fixes = list(drive(today, trip="out4"))
    follow(Tracking(), iter(fixes[:80]))
    before = VehicleState.objects.get()
    after = Tracking(now=fixes[80].at)
    assert len(after.fleet_of("bus")) == 1
    after.tick([fixes[80]], now=fixes[80].at + 0.2)
    state = VehicleState.objects.get()
    assert (state.trip, state.status) == (before.trip, before.status) == ("out4", "on_route")
    follow(after, iter(fixes[81:]))
    assert StopCall.objects.count() == 3


def test_one_that_falls_silent_is_reckoned_and_then_leaves_the_map(today: date) -> None:
    tracking = Tracking()
    last = follow(tracking, drive(today, until=200, trip="out4"))
    where = VehicleState.objects.get().point.lon
    tracking.tick(now=last + 20)
    reckoned = VehicleState.objects.get()
    assert reckoned.status == "reckoned"
    assert reckoned.point.lon > where, "it goes on along its way"
    assert reckoned.accuracy_m > 5, "and nobody can be as sure of it as before"
    tracking.tick(now=last + 200)
    assert VehicleState.objects.get().status == "lost"
    assert Client().get("/map/layers/transit/vehicles.geojson").json()["features"] == []


def test_a_vehicle_that_is_switched_off_or_hidden_is_not_shown(today: date) -> None:
    Vehicle.objects.create(public_id="S1", kind="school")
    Vehicle.objects.create(public_id="B8", enabled=False)
    tracking = Tracking()
    for vehicle in ("S1", "B8"):
        follow(tracking, drive(today, vehicle, until=400))
    state = VehicleState.objects.get()
    assert (state.vehicle.public_id, state.trip, state.route) == ("S1", "", ""), "it drives along a line, not on it"
    assert not StopCall.objects.exists()
    assert Client().get("/map/layers/transit/vehicles.geojson").json()["features"] == []


def test_a_new_timetable_does_not_lose_the_buses(today: date, folder: Path) -> None:
    tracking = Tracking()
    fixes = list(drive(today, trip="out4"))
    follow(tracking, iter(fixes[:40]))
    texts = tables()
    around = f"{today - timedelta(days=3):%Y%m%d},{today + timedelta(days=60):%Y%m%d}"
    texts["calendar.txt"] = texts["calendar.txt"].replace("20190401,20190630", around)
    write_feed(folder / "gtfs.zip", texts)
    actions.load(lambda what, share: None)
    follow(tracking, iter(fixes[40:]))
    assert list(StopCall.objects.order_by("sequence").values_list("trip", "sequence")) == [
        ("out4", 0),
        ("out4", 1),
        ("out4", 2),
    ]


def test_of_more_fixes_than_can_wait_the_oldest_go_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: dict[tuple[str, str], int] = {}

    def count(reason: str, messages: int = 1, *, device: str = "", at: object = None) -> None:
        counted[device, reason] = counted.get((device, reason), 0) + messages

    monkeypatch.setattr(inbox, "MOST_WAITING", 25)
    monkeypatch.setattr(drops, "count", count)
    here = inbox.open_here()
    try:
        for second in range(10):
            fixes = [Fix("B7", f"receiver-{second % 2}", second + tenth / 10, -51.2, -30.0) for tenth in range(10)]
            inbox.submit(fixes, timezone.now())
        left = [fix.at for fix in here.take()]
    finally:
        inbox.close_here()
    assert left == [second + tenth / 10 for second in (8, 9) for tenth in range(10)]
    assert counted == {("receiver-0", "overload"): 40, ("receiver-1", "overload"): 40}
