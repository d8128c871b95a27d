"""Rows of the fleet room: what is too old to count, and what can be done about what is late."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import Cancellation, Episode, ServiceAlert, VehicleState
from tests.services.transit.control.conftest import DAY, OUT_8

Drive = Callable[..., VehicleState]
PRESS = "/transit/control/press/"


def row(page: str, vehicle: str) -> str:
    found = re.search(rf'<tr[^>]*data-vehicle="{vehicle}".*?</tr>', page, re.S)
    assert found, vehicle
    return found[0]


def test_what_was_not_heard_for_ten_minutes_is_marked_and_not_on_the_road(
    room: Client, drive: Drive, eight_o_clock: datetime
) -> None:
    drive("B07", delay_s=20)
    drive("B08", trip="back4", ago=900)
    Episode.objects.create(
        vehicle="B08",
        rule="silent",
        began_at=eight_o_clock,
        seen_at=eight_o_clock,
        service_day=DAY,
        value=900,
        worst=900,
    )
    page = room.get("/transit/control/").content.decode()
    assert re.search(r'On the road <b class="num" data-count="">1</b>', page)
    assert "not heard for 10 min" in row(page, "B08") and "not heard for 10 min" not in row(page, "B07")


@pytest.fixture
def late(room: Client, drive: Drive, eight_o_clock: datetime) -> VehicleState:
    """B07 is late on its trip; B08 is not."""
    drive("B08", trip="back4", delay_s=0)
    Episode.objects.create(
        vehicle="B07", rule="late", began_at=eight_o_clock, seen_at=eight_o_clock, service_day=DAY, value=900, worst=900
    )
    return drive("B07", delay_s=900)


def press(room: Client, do: str, vehicle: str = "B07", trip: str = OUT_8) -> str:
    """The fleet room after a press in a row."""
    return room.post(PRESS, {"do": do, "vehicle": vehicle, "trip": trip}, follow=True).content.decode()


def taken_back(room: Client, page: str) -> str:
    undo = re.search(r'<form class="banner" role="status" action="([^"]+)"', page)
    assert undo, page
    return room.post(undo[1], follow=True).content.decode()


def test_one_press_in_a_late_row_tells_the_riders_of_its_line_and_one_takes_it_back(
    room: Client, late: VehicleState
) -> None:
    page = room.get("/transit/control/").content.decode()
    assert re.search(r"data-acts hidden", row(page, "B08")) and re.search(r"data-acts>", row(page, "B07"))
    assert f'name="trip" value="{OUT_8}"' in row(page, "B07") and f'action="{PRESS}"' in row(page, "B07")
    page = press(room, "tell")
    assert "Riders of the line are told for an hour." in page
    alert = ServiceAlert.objects.get()
    assert alert.informed == [{"route": "R1"}] and alert.header["en"] == "Line 1: delays"
    assert alert.ends_at is not None and alert.starts_at is not None
    assert alert.ends_at - alert.starts_at == timedelta(hours=1)
    assert "Line 1: delays" in Client().get("/transit/alerts/").content.decode()
    assert "have been told already" in press(room, "tell") and ServiceAlert.objects.count() == 1
    assert "Taken back" in taken_back(room, page)
    assert "Line 1: delays" not in Client().get("/transit/alerts/").content.decode()


def test_a_trip_is_cancelled_by_a_second_press_in_its_row_and_runs_again_by_undo(
    room: Client, late: VehicleState
) -> None:
    shown = row(room.get("/transit/control/").content.decode(), "B07")
    assert re.search(r'<details><summary[^>]*>Cancel the trip</summary><button[^>]*value="cancel"', shown)
    page = press(room, "cancel")
    assert "The trip is cancelled" in page
    made = Cancellation.objects.get()
    assert (made.trip, made.service_day, made.in_force) == (OUT_8, DAY, True)
    assert "cancelled already" in press(room, "cancel") and Cancellation.objects.count() == 1
    taken_back(room, page)
    made.refresh_from_db()
    assert not made.in_force


def test_a_press_about_another_trip_or_by_who_may_not_does_nothing(room: Client, late: VehicleState) -> None:
    for do in ("tell", "cancel"):
        assert "on another trip now" in press(room, do, trip="out3")
        assert "on another trip now" in press(room, do, vehicle="B99")
        assert "on another trip now" in press(room, do, trip="")
        assert Client().post(PRESS, {"do": do, "vehicle": "B07", "trip": OUT_8}).status_code == 403
        other = Client()
        other.force_login(Person.objects.get_or_create(email="ana@example.org")[0])
        assert other.post(PRESS, {"do": do, "vehicle": "B07", "trip": OUT_8}).status_code == 403
    assert not ServiceAlert.objects.exists() and not Cancellation.objects.exists()
