"""The day stands beside every time that is not today's, on pages and in messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from cityhall.kernel.notify.models import Notification
from cityhall.kernel.people.models import Person
from cityhall.services.transit import days
from cityhall.services.transit.riders import alarms
from cityhall.services.transit.templatetags.riders import intervals
from cityhall.web import when
from tests.services.transit.riders.conftest import DAY, at, shown
from tests.services.transit.riders.test_trips import ASKED

Clock = Callable[..., datetime]


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (-1, "09:44 yesterday"),
        (0, "09:44"),
        (1, "09:44 tomorrow"),
        (2, "09:44 on Friday"),
        (6, "09:44 on Tuesday"),
        (7, "09:44 on May 22"),
        (300, "09:44 on March 10, 2020"),
    ],
)
def test_the_day_beside_a_time(clock: Clock, ahead: int, said: str) -> None:
    clock(8, 0)
    assert when.when(days.clock(DAY + timedelta(days=ahead), 9 * 3600 + 44 * 60)) == said


@pytest.mark.parametrize(
    ("language", "said"), [("es", "09:44 del viernes"), ("pt", "09:44 de sexta-feira"), ("ko", "금요일 09:44")]
)
def test_in_every_language(clock: Clock, language: str, said: str) -> None:
    clock(8, 0)
    with translation.override(language):
        # Portuguese writes its weekdays with a capital in Django's own words.
        assert when.when(days.clock(DAY + timedelta(days=2), 9 * 3600 + 44 * 60)).lower() == said.lower()


def test_a_span_says_its_day_once_and_both_over_midnight(clock: Clock) -> None:
    clock(8, 0)
    assert when.span(at(9, 0), at(9, 30)) == "09:00 – 09:30"
    assert when.span(at(33, 0), at(33, 30)) == "09:00 – 09:30 tomorrow"
    assert when.span(at(23, 50), at(24, 10)) == "23:50 – 00:10 tomorrow"


@given(st.text(st.characters(exclude_characters="<>&'\""), max_size=5), st.integers(0, 99), st.integers(0, 99))
def test_an_interval_is_held_together_whatever_stands_around_it(text: str, low: int, high: int) -> None:
    said = str(intervals(f"{text} {low}–{high} min"))
    assert f'<bdi dir="ltr">{low}–{high}</bdi> min' in said
    assert "<b>" not in intervals("<b>")


def test_the_planner_says_which_day_its_journeys_are_of(clock: Clock, client: Client) -> None:
    clock(7, 50)
    today = shown(client.get("/transit/", ASKED))
    assert "journeys: today, Wednesday, May 15" in today and "08:00 – 08:22<" in today
    assert re.search(r"\d+ min on foot \(", today), "how long one walks"
    later = shown(client.get("/transit/", ASKED | {"date": str(DAY + timedelta(days=1))}))
    assert "tomorrow, Thursday, May 16" in later and "08:00 – 08:22 tomorrow" in later


def test_a_followed_trip_of_tomorrow_its_alarm_and_its_message_say_so(
    clock: Clock, ana: Person, signed_in: Callable[[Person], Client]
) -> None:
    clock(7, 50)
    browser = signed_in(ana)
    page = browser.get("/transit/", ASKED | {"date": str(DAY + timedelta(days=1))})
    offer = page.context["options"][0].offer
    secret = browser.post("/transit/trips/", {"from": "a", "to": "b", "offer": offer})["Location"].split("/")[3]
    trip = shown(browser.get(f"/transit/trips/{secret}/"))
    assert "Leave at 08:00 tomorrow" in trip and "Expected there at 08:22 tomorrow" in trip
    browser.post(f"/transit/trips/{secret}/alarm/")
    assert "Leave at 08:00 tomorrow" in shown(browser.get("/transit/alarms/"))
    assert "told to leave at about 08:00 tomorrow" in shown(browser.get(f"/transit/trips/{secret}/"))
    assert alarms.look(days.clock(DAY + timedelta(days=1), 8 * 3600 - 30)) == 1
    # A message is read on any day.
    assert "08:00 on May 16" in Notification.objects.get().body


def test_a_board_of_tomorrows_first_buses_says_so(clock: Clock, client: Client) -> None:
    clock(23, 40)
    part = shown(client.get("/transit/stops/square/?part=1"))
    assert "tomorrow" in part or "Nothing leaves" in part
    assert "May 16" in shown(client.get("/transit/stops/square/", {"date": "2019-05-16", "time": "07:00"}))
