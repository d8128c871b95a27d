"""What leaves next: where somebody stands, in a stop's pop-up on the map, beside favourites."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.test import Client

from cityhall.kernel.people.actors import person_actor
from cityhall.kernel.people.models import Person
from cityhall.services.transit.riders import favourites
from cityhall.services.transit.riders.favourites import Wanted
from cityhall.web.layers import map_layers
from tests.services.transit.riders.conftest import OUT_8, Put, shown

Clock = Callable[..., datetime]
HERE = "-51.2152,-30.0300"
JOURNEY = "-51.230000,-30.030000;-51.150000,-30.030000"


def test_the_nearest_stops_with_their_next_departures_and_the_way_on_foot(
    clock: Clock, client: Client, bus: Put, predict: Any
) -> None:
    now = clock(8, 2)
    bus("7", now, trip=OUT_8, next_sequence=1, delay_s=240)
    predict(OUT_8, now, "7", 1, [(8, 10), (8, 16)])
    part = shown(client.get("/transit/near/", {"part": "1", "at": HERE}))
    assert "<html" not in part and "Market Square" in part and "min on foot" in part
    assert "7–9 min" in part and "by the timetable" in part
    assert "Hill</a>" not in part, "six kilometres are not near"
    assert "Market Square" in shown(client.get("/transit/near/", {"at": HERE}))


def test_where_nothing_is_near_that_is_said(clock: Clock, client: Client) -> None:
    clock(8, 2)
    assert "No stop within a quarter" in shown(client.get("/transit/near/", {"part": "1", "at": "-52.0,-31.0"}))
    assert client.get("/transit/near/", {"at": "nowhere"}).status_code == 422
    page = shown(client.get("/transit/near/"))
    assert "data-near-press" in page and "Near which place?" in page
    assert "Nothing found" in shown(client.get("/transit/near/", {"place": "qqqq"}))


def test_the_front_page_has_near_me_and_keeps_where_to(clock: Clock, client: Client) -> None:
    clock(8, 2)
    page = client.get("/").content.decode()
    assert "data-near-press" in page and "Where to?" in page


def test_a_stops_pop_up_shows_its_next_departures(clock: Clock, client: Client) -> None:
    clock(8, 2)
    (layer,) = (one for one in map_layers() if one["id"] == "transit/stops")
    address = layer["panel"].replace("{id}", "square")
    part = shown(client.get(f"{address}?part=1"))
    assert "Market Square" in part and "4 min" in part and "<html" not in part
    assert client.get(address)["Location"] == "/transit/stops/square/"
    assert client.get("/transit/stops/none/next/?part=1").status_code == 404


def test_favourites_show_their_next_departures(
    clock: Clock, ana: Person, signed_in: Callable[[Person], Client]
) -> None:
    clock(7, 50)
    for kind, reference in (("stop", "square"), ("journey", JOURNEY), ("line", "R1")):
        favourites.add(person_actor(ana), Wanted(kind, reference, "Home – Work"))
    page = signed_in(ana).get("/transit/favourites/")
    text = shown(page)
    assert "Leave in 10 min" in text and "08:00 – 08:12" in text, "the journey"
    assert "Hill</span>" in text and "16 min" in text, "the stop"
    parts = [part for _one, _address, part, _shown in page.context["favourites"]]
    assert parts[0] or parts[1]
    for part in filter(None, parts):
        assert "min" in shown(signed_in(ana).get(part.replace("&amp;", "&")))


def test_a_favourite_that_is_gone_leaves_the_others_their_departures(
    clock: Clock, ana: Person, signed_in: Callable[[Person], Client]
) -> None:
    clock(7, 50)
    favourites.add(person_actor(ana), Wanted("stop", "square"))
    favourites.add(person_actor(ana), Wanted("stop", "hill"))
    ana.transit_favourites.filter(reference="hill").update(reference="gone")
    text = shown(signed_in(ana).get("/transit/favourites/"))
    assert "There is no such stop" in text and "16 min" in text
    assert "A journey has two ends" in shown(signed_in(ana).get("/transit/next/", {"journey": "x"}))
