"""A stop by the timetable, whole days at once, as browsers keep it for when there is no network."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.test import Client
from django.urls import reverse

from cityhall.services.transit import days, queries
from cityhall.services.transit.riders.timetable import shown_day
from tests.services.transit.riders.conftest import DAY


def test_today_and_tomorrow_are_shown_whole_and_said_to_be_the_timetable(
    clock: Callable[..., datetime], client: Client
) -> None:
    clock(12, 0)
    answer = client.get(reverse("transit_stop_days", args=["harbour"]))
    page = answer.content.decode()
    assert "By the timetable" in page
    assert page.count('class="stack stop-day"') == 2
    # What left this morning is in it as well: the page is kept for another hour of the day.
    first = queries.departures(queries.find_stop("harbour"), DAY, 0)[0]
    assert first.at < days.now() and f"{first.at:%H:%M}" in page
    assert "no-store" not in answer.headers["Cache-Control"]


def test_each_departure_of_a_day_is_there_once(city: Path) -> None:
    stop = queries.find_stop("harbour")
    told = [time for way in shown_day(stop, DAY).ways for _hour, times in way.hours for time in times]
    wanted = [one.at for one in queries.departures(stop, DAY, 0, 10_000) if one.at.date() == DAY]
    assert sorted(told) == sorted(f"{at:%H:%M}" for at in wanted)
    for way in shown_day(stop, DAY + timedelta(days=1)).ways:
        assert all(time.startswith(hour) for hour, times in way.hours for time in times)


def test_pages_that_are_kept_may_be(clock: Callable[..., datetime], client: Client) -> None:
    clock(8, 0)
    for path in ("/transit/lines/", "/transit/lines/R1/", "/transit/stops/harbour/", "/transit/stops/harbour/days/"):
        answer = client.get(path)
        assert answer.status_code == 200 and "no-store" not in answer.headers.get("Cache-Control", ""), path
    assert re.search(r'<link rel="stylesheet" href="[^"]*transit', client.get("/transit/lines/").content.decode())
