"""How fast and how far somebody goes on foot or in a wheelchair: said once, kept, and what the search goes by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cityhall.engines.timetable import Journey, Ride, Walk
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.privacy import export
from cityhall.services.transit.models import FollowedTrip, WalkingWish
from cityhall.services.transit.plan import SLACK_S, _paced
from cityhall.services.transit.riders.walking import LONGEST, PACES, Wish, read
from tests.services.transit.riders.conftest import DAY, shown
from tests.services.transit.riders.test_trips import ASKED

Clock = Callable[..., datetime]
# About 320 m west of the harbour.
AWAY = ASKED | {"from": "Pier", "from_lon": "-51.2325"}
KEEP = "/transit/walking/"


def walks(page: Any) -> list[float]:
    return [leg.duration_s for option in page.context["options"] for leg in option.itinerary.legs if leg.mode == "walk"]


def test_the_pace_is_kept_in_the_browser_and_every_walk_takes_as_long(clock: Clock, client: Client) -> None:
    clock(7, 40)
    usual = walks(client.get("/transit/", AWAY))
    answer = client.post(KEEP, {"pace": "slow", "longest": ""}, headers={"referer": "http://testserver/transit/?a=1"})
    assert answer["Location"] == "http://testserver/transit/?a=1"
    page = client.get("/transit/", AWAY)
    assert walks(page)[0] == pytest.approx(usual[0] * 1.33 / 0.83, abs=2)
    assert "slow (3 km/h)" in shown(page) and '<option value="slow" selected>' in shown(page)
    assert not WalkingWish.objects.exists()
    elsewhere = client.post(KEEP, {"pace": "slow"}, headers={"referer": "https://elsewhere.example/"})
    assert elsewhere["Location"] == "/transit/"


def test_the_longest_way_is_a_limit_of_the_search(clock: Clock, client: Client) -> None:
    clock(7, 40)
    assert walks(client.get("/transit/", AWAY))
    client.post(KEEP, {"pace": "", "longest": "200"})
    page = client.get("/transit/", AWAY)
    assert page.context["options"] == [] and page.context["walk"] is None
    assert "at most 200 m on foot at a time" in shown(page)


def test_in_the_account_where_somebody_is_signed_in(
    clock: Clock, client: Client, ana: Person, signed_in: Callable[[Person], Client]
) -> None:
    clock(7, 40)
    signed_in(ana).post(KEEP, {"pace": "gentle", "longest": "400"})
    other_device = signed_in(ana).get("/transit/", AWAY)
    assert "very slow (2 km/h), at most 400 m" in shown(other_device)
    assert "very slow (2 km/h), " not in shown(client.get("/transit/", AWAY))
    assert export(ana)["transit.WalkingWish"]["rows"][0]["longest_m"] == 400


def test_a_wheelchair_is_not_sent_at_walking_speed_and_not_far_unasked(clock: Clock, client: Client) -> None:
    clock(7, 40)
    page = client.get("/transit/", AWAY | {"wheelchair": "1"})
    assert "slow (3 km/h), at most 800 m" in shown(page)
    far = ASKED | {"from_lon": "-51.2000", "to_lon": "-51.2150", "to_lat": "-30.0300", "to": "Square"}
    assert client.get("/transit/", far).context["walk"] is not None
    assert client.get("/transit/", far | {"wheelchair": "1"}).context["walk"] is None


def test_what_is_known_for_a_wheelchair_is_said_and_what_is_not(clock: Clock, client: Client) -> None:
    clock(7, 40)
    text = shown(client.get("/transit/", ASKED | {"wheelchair": "1"}))
    assert "stops and vehicles take wheelchairs, by the timetable" in text
    assert "Slopes, kerbs" in text and "nothing is known of steps" in text
    assert "Slopes, kerbs" not in shown(client.get("/transit/", ASKED))


def test_another_way_on_is_for_the_same_pace(clock: Clock, client: Client) -> None:
    clock(7, 40)
    client.post(KEEP, {"pace": "slow", "longest": "800"})
    offer = client.get("/transit/", AWAY).context["options"][0].offer
    client.post("/transit/trips/", {"from": "a", "to": "b", "offer": offer})
    kept = FollowedTrip.objects.get()
    assert (kept.pace, kept.longest_m) == (0.83, 800)


def test_the_api_takes_pace_and_limit(clock: Clock, client: Client) -> None:
    ask = {"from": "-51.2325,-30.0300", "to": "-51.2150,-30.0450", "date": str(DAY), "time": "07:40"}
    usual = client.get("/api/transit/journeys", ask).json()["journeys"][0]["walk_s"]
    slow = client.get("/api/transit/journeys", ask | {"pace": "0.665"}).json()["journeys"][0]["walk_s"]
    assert slow == pytest.approx(2 * usual, abs=2)
    assert client.get("/api/transit/journeys", ask | {"longest": "100"}).json()["journeys"] == []
    assert client.get("/api/transit/journeys", ask | {"pace": "nan"}).status_code == 422


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_cookie_of_anybodys_making_is_a_choice_or_none(pace: str, longest: str) -> None:
    wish = read(pace, longest)
    assert wish.pace in {"", *PACES} and wish.longest_m in {None, *LONGEST}
    assert Wish(wish.pace, wish.longest_m).used(True).speed > 0


@given(st.integers(10, 600), st.integers(0, 1500), st.floats(0.8, 2.5))
def test_a_walk_between_rides_takes_its_time_or_the_ride_is_not_offered(usual: int, wait: int, slower: float) -> None:
    first = Ride(0, 0, 0, 1, 0, 100, 0, 1)
    walk = Walk(1, 2, 100, 100 + usual)
    second = replace(first, departure=100 + usual + SLACK_S + wait, arrival=9000)
    found = _paced(Journey(0, 9000, (first, walk, second)), slower)
    if found is None:
        assert usual * slower > usual + wait - 1
    else:
        took = found.legs[1].arrival - found.legs[1].departure
        assert took >= usual * slower - 1e-6 and found.legs[1].arrival + SLACK_S <= second.departure
