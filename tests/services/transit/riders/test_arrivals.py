"""What comes to a stop, live: the page, its part, the board, the line and the API say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from cityhall.services.transit.models import TripPrediction
from cityhall.services.transit.riders import words
from cityhall.services.transit.riders.trips import Call
from tests.services.transit.riders.conftest import OUT_8, Put, shown

Clock = Callable[..., datetime]
ARRIVALS = "/api/transit/stops/square/arrivals"


def test_by_the_timetable_where_nothing_is_heard(clock: Clock, client: Client) -> None:
    clock(8, 2)
    first, second = client.get(ARRIVALS).json()[:2]
    assert (first["line"], first["headsign"], first["expected"][11:16], first["live"]) == ("1", "Hill", "08:06", False)
    assert first["wait"] == "4 min" and first["low"] is None and first["delay_s"] is None
    assert second["headsign"] == "Harbour"
    page = client.get("/transit/stops/square/").content.decode()
    assert "by the timetable" in page and "4 min" in page


def test_a_prediction_takes_the_timetables_place(clock: Clock, client: Client, bus: Put, predict: Any) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=240, occupancy=3)
    predict(OUT_8, now, "7", 1, [(8, 10), (8, 16)])
    found = client.get(ARRIVALS).json()
    one = next(arrival for arrival in found if arrival["trip"] == OUT_8)
    assert one["expected"][11:16] == "08:10" and one["scheduled"][11:16] == "08:06" and one["delay_s"] == 240
    assert one["live"] and one["wait"] == "7–9 min" and one["stops_away"] == 0 and one["vehicle"] == "7"
    # The bus the other way is on time and is there sooner now.
    assert [arrival["headsign"] for arrival in found[:2]] == ["Harbour", "Hill"]
    part = shown(client.get("/transit/stops/square/?part=1"))
    assert "<html" not in part
    for said in ("4 min late", "planned 08:06", "comes here next", "standing room only", "7–9 min"):
        assert said in part


def test_a_bus_with_a_delay_but_no_prediction_is_late_everywhere_and_less_sure_far_off(
    clock: Clock, client: Client, bus: Put
) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=180)
    one = next(arrival for arrival in client.get(ARRIVALS).json() if arrival["trip"] == OUT_8)
    assert one["expected"][11:16] == "08:09" and one["live"]
    assert one["low"] < one["expected"] < one["high"]


def test_what_was_expected_of_the_bus_that_drove_a_trip_before_is_not_told_of_the_one_that_does(
    clock: Clock, client: Client, bus: Put, predict: Any
) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=180)
    predict(OUT_8, now, "8", 1, [(8, 30), (8, 36)])
    one = next(arrival for arrival in client.get(ARRIVALS).json() if arrival["trip"] == OUT_8)
    assert (one["expected"][11:16], one["vehicle"]) == ("08:09", "7")


def test_a_bus_that_has_passed_or_is_silent_is_not_waited_for(
    clock: Clock, client: Client, bus: Put, predict: Any
) -> None:
    now = clock(8, 5)
    bus("7", now, trip=OUT_8, next_sequence=2, delay_s=-60)
    predict(OUT_8, now, "7", 2, [(8, 12)])
    assert OUT_8 not in [arrival["trip"] for arrival in client.get(ARRIVALS).json()]
    TripPrediction.objects.update(made_at=now - timedelta(minutes=20))
    bus("7", now, trip=OUT_8, next_sequence=2, at=now - timedelta(minutes=20))
    one = next(arrival for arrival in client.get(ARRIVALS).json() if arrival["trip"] == OUT_8)
    assert one["live"] is False


def test_the_timetable_of_another_day_is_a_page_of_its_own(clock: Clock, client: Client) -> None:
    clock(8, 2)
    page = client.get("/transit/stops/square/", {"date": "2019-05-16", "time": "21:00"}).content.decode()
    assert "Leaving from 21:00" in page and "21:06" in page


def test_a_bus_has_a_page_and_a_panel(clock: Clock, client: Client, bus: Put, predict: Any) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=240, lane=1)
    predict(OUT_8, now, "7", 1, [(8, 10), (8, 16)])
    panel = client.get("/transit/buses/7/?part=1").content.decode()
    for said in (
        "Market Square",
        "Hill",
        "4 min late",
        "RTK fixed",
        "within 0.4 m",
        "in lane 2 from the kerb",
        "last heard 3 s ago",
    ):
        assert said in panel
    assert "<html" in client.get("/transit/buses/7/").content.decode()
    listed = client.get("/transit/buses/").content.decode()
    assert "Market Square" in listed and "4 min late" in listed
    told = client.get("/api/transit/vehicles/7").json()
    assert told["next_stops"][0]["id"] == "square" and told["fix"] == 4 and told["lane"] == 1
    assert client.get("/transit/buses/none/").status_code == 404
    # An open panel is told that the bus is gone, not that the network is.
    gone = client.get("/transit/buses/none/?part=1")
    assert gone.status_code == 200 and "not on the road" in gone.content.decode()


@pytest.mark.attack
@pytest.mark.parametrize("path", ["/transit/buses/", "/api/transit/vehicles", "/transit/lines/R1/"])
def test_a_page_of_many_buses_asks_the_database_no_more_often(
    clock: Clock, client: Client, bus: Put, predict: Any, path: str
) -> None:
    """A city has hundreds of them, and anybody may ask for the page as often as they like."""
    now = clock(8, 2)

    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(path).status_code == 200
        return len(caught)

    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=240)
    predict(OUT_8, now, "7", 1, [(8, 10), (8, 16)])
    asked()
    few = asked()
    for number in range(20):
        bus(f"8{number}", now, trip=f"out{5 + number % 3}", next_sequence=1, delay_s=0)
    assert asked() == few


def test_a_line_with_its_buses_between_the_stops(clock: Clock, client: Client, bus: Put, predict: Any) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=240)
    predict(OUT_8, now, "7", 1, [(8, 10), (8, 16)])
    directions = client.get("/api/transit/lines/R1/now").json()
    towards_hill = next(one for one in directions if one["headsign"] == "Hill")
    square = towards_hill["stops"][1]
    assert square["vehicles"] == ["7"] and square["next"][11:16] == "08:10" and square["live"]
    assert towards_hill["headway_min"] is None
    assert [one["id"] for one in client.get("/api/transit/lines/R1/vehicles").json()] == ["7"]
    part = client.get("/transit/lines/R1/?part=1").content.decode()
    assert part.index("on its way to") < part.index("Market Square")


def test_the_board_of_several_stops(clock: Clock, client: Client) -> None:
    clock(8, 2)
    page = client.get("/transit/stops/square/board/?stop=harbour")
    text = page.content.decode()
    assert 'data-theme="dark"' in text and "Market Square" in text and "from Harbour" in text
    assert "http://testserver/transit/stops/square/" in text and 'd="M' in text
    part = client.get("/transit/stops/square/board/?stop=harbour&part=1").content.decode()
    assert "last updated 08:02:00" in part and "<html" not in part
    assert client.get("/transit/stops/square/board/?stop=none").status_code == 404


@given(st.integers(-600, 7200), st.integers(0, 600), st.integers(0, 600))
def test_the_minutes_said_hold_the_interval(ahead: int, before: int, after: int) -> None:
    """Whatever the interval, the words are never narrower than it, and never of the past."""
    now = datetime.fromisoformat("2026-11-24T08:00:00+00:00")
    expected = now + timedelta(seconds=ahead)
    low, high = expected - timedelta(seconds=before), expected + timedelta(seconds=after)
    call = Call(0, 0, expected, expected, expected, expected, low, high)
    said = words.wait(call, now)
    numbers = [int(part) for part in said.removesuffix(" min").split("–") if part.isdigit()]
    if said == "":
        assert (low - now).total_seconds() >= 3600
    elif said == "now":
        assert (high - now).total_seconds() <= 60
    else:
        assert numbers[0] * 60 <= max(60.0, (low - now).total_seconds()) or len(numbers) == 1
        assert numbers[-1] * 60 >= (high - now).total_seconds()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (20, "on time"), (-59, "on time"), (150, "2 min late"), (200, "3 min late"), (-130, "2 min early")],
)
def test_delays_in_words(seconds: int | None, said: str) -> None:
    assert words.delay(seconds) == said
