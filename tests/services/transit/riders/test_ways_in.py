"""Every page of a rider's own is led to, and when it is empty it says how to begin."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from cityhall.kernel.people.models import Person
from cityhall.services.transit.models import LeaveAlarm
from tests.services.transit.riders.conftest import shown
from tests.services.transit.riders.test_trips import follow

Clock = Callable[..., datetime]
SignIn = Callable[[Person], Client]


@pytest.mark.parametrize("page", ["/", "/transit/"])
@pytest.mark.parametrize("own", ["/transit/alarms/", "/transit/school/", "/transit/favourites/", "/transit/near/"])
def test_the_riders_own_pages_are_one_press_away(clock: Clock, client: Client, page: str, own: str) -> None:
    clock(8, 2)
    assert f'href="{own}"' in client.get(page).content.decode()


def test_a_parent_is_told_what_to_do(clock: Clock, client: Client, ana: Person, signed_in: SignIn) -> None:
    clock(8, 2)
    stranger = client.get("/transit/school/")
    assert stranger.status_code == 200 and "Give the school the e-mail address" in shown(stranger)
    assert "/login/" in shown(stranger)
    assert "Give the school this address: <strong>ana@example.org</strong>" in shown(
        signed_in(ana).get("/transit/school/")
    )


def test_an_alarm_is_two_presses_from_a_stop_and_one_from_a_followed_trip(
    clock: Clock, ana: Person, signed_in: SignIn
) -> None:
    clock(7, 50)
    browser = signed_in(ana)
    page = shown(browser.get("/transit/stops/square/"))
    bell = re.search(r'<details class="alarm">.*?</details>', page, re.S)
    assert bell and "<summary" in bell[0] and bell[0].count("<button") == 1
    assert 'href="/transit/alarms/"' in page
    trip = shown(browser.get(f"/transit/trips/{follow(browser)}/"))
    assert "Tell me when to leave" in trip and 'href="/transit/alarms/"' in trip
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', bell[0]))
    assert browser.post("/transit/alarms/new/", fields | {"walk": "2"})["Location"] == "/transit/alarms/"
    assert LeaveAlarm.objects.filter(person=ana).count() == 1


def test_without_an_alarm_the_page_says_how_to_set_one(
    clock: Clock, client: Client, ana: Person, signed_in: SignIn
) -> None:
    clock(8, 2)
    for browser in (client, signed_in(ana)):
        page = shown(browser.get("/transit/alarms/"))
        assert "press the bell beside a bus" in page and 'href="/transit/near/"' in page
    assert "Sign in" in shown(client.get("/transit/alarms/"))
