"""A page says what is known of delays, and no more; a line that runs by headway is neither late nor early."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.services.transit import actions
from cityhall.services.transit.models import ServiceAlert
from tests.feeds import tables, write_feed
from tests.services.transit.riders.conftest import OUT_8, Put

Clock = Callable[..., datetime]


def test_no_bus_heard_is_not_every_line_on_time(clock: Clock, client: Client) -> None:
    clock(8, 2)
    page = client.get("/transit/alerts/").content.decode()
    assert "No bus is heard as of 08:02" in page and "every line runs as planned" not in page


def test_measured_delays_are_said_with_how_many_buses_they_are_of(clock: Clock, client: Client, bus: Put) -> None:
    now = clock(8, 2)
    for name, late in (("7", 780), ("8", 720), ("9", 840)):
        bus(name, now, trip=OUT_8, delay_s=late)
    bus("school", now, kind="school", trip=OUT_8, delay_s=9000)
    page = client.get("/transit/alerts/").content.decode()
    assert "13 min late" in page and "3 buses heard" in page
    assert "every line runs as planned" not in page and not ServiceAlert.objects.exists()


@pytest.fixture
def headway(city: Path, clock: Clock) -> datetime:
    """The line to the hill comes every ten minutes, without times of its own."""
    texts = tables()
    texts["frequencies.txt"] = "trip_id,start_time,end_time,headway_secs,exact_times\n" + (
        f"{OUT_8},08:00:00,10:00:00,600,0\n"
    )
    write_feed(city / "gtfs.zip", texts)
    actions.load(lambda what, share: None)
    return clock(8, 2)


@pytest.mark.parametrize(
    "page", ["stops/square/?part=1", "stops/square/board/", "buses/", "buses/7/", "lines/R1/", "alerts/"]
)
def test_a_line_that_runs_by_headway_is_never_early_or_late(
    headway: datetime, client: Client, bus: Put, page: str, predict: Any
) -> None:
    bus("7", headway, trip=f"{OUT_8}@08:00:00", next_sequence=1, delay_s=-300)
    predict(f"{OUT_8}@08:00:00", headway, "7", 1, [(8, 3), (8, 9)])
    text = client.get(f"/transit/{page}").content.decode()
    assert "min early" not in text and "on time" not in text and "planned 08" not in text
    if page == "alerts/":
        assert "runs by intervals" in text
