"""Journeys in a city that has a map of its streets: walks along them, wheelchairs without stairs, what is preferred."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.kernel.people.actors import system
from cityhall.kernel.people.models import Person
from cityhall.kernel.people.permissions import grant
from cityhall.kernel.places import loading as places
from cityhall.services.transit import actions
from cityhall.web import basemap
from tests.engines.streets.plain import Plain, metres
from tests.feeds import tables, write_feed
from tests.streetmap import LOOKOUT, TERRACE, place_of, town

HARBOUR, SOUTH, DOCK = place_of("B4"), place_of("E1"), place_of("E3")
PEAK = (-51.15, -30.0)


def feed() -> dict[str, str]:
    """The small feed, and on the half hour: an express from the terrace to the peak, a bus from the square that is
    slower, one that goes all the way from the harbour, and a slow one from the harbour to the dock.
    """
    made = tables()
    made["stops.txt"] += f"terrace,Terrace,{TERRACE[1]},{TERRACE[0]},1\npeak,Peak,{PEAK[1]},{PEAK[0]},1\n"
    made["stops.txt"] += f"dock,Dock,{DOCK[1]},{DOCK[0]},1\n"
    for route, stops, leaves, takes in (
        ("3", ("terrace", "peak"), 15, 15),
        ("4", ("square", "peak"), 12, 33),
        ("5", ("harbour", "peak"), 0, 60),
        ("6", ("harbour", "dock"), 0, 30),
    ):
        made["routes.txt"] += f"R{route},{route},,3,,\n"
        for start in range(6 * 60 + leaves, 20 * 60, 30):
            made["trips.txt"] += f"R{route},daily,{route}-{start},,0,1\n"
            for number, (stop, minute) in enumerate(zip(stops, (start, start + takes), strict=True)):
                time = f"{minute // 60:02}:{minute % 60:02}:00"
                made["stop_times.txt"] += f"{route}-{start},{time},{time},{stop},{number}\n"
    return made


@pytest.fixture
def city(folder: Path, settings: Any) -> Path:
    settings.CITY = dataclasses.replace(settings.CITY, osm="town.osm")
    town().write(folder / "town.osm")
    write_feed(folder / "gtfs.zip", feed())
    places.load(lambda what, share: None)
    actions.load(lambda what, share: None)
    return folder


def ask(client: Client, origin: tuple[float, float], goal: tuple[float, float], **query: str) -> dict[str, Any]:
    asked = {"from": "{},{}".format(*origin), "to": "{},{}".format(*goal), "date": "2019-05-15", "time": "08:00"}
    answer = client.get("/api/transit/journeys", asked | query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def lines(journey: dict[str, Any]) -> list[str]:
    return [leg["line"] for leg in journey["legs"] if leg["mode"] != "walk"]


def test_a_walk_goes_along_the_streets(city: Path, client: Client) -> None:
    """Its line, its length, its time and what it says are those of the streets, corners included."""
    door = (-51.2285, -30.0251)
    body = ask(client, door, SOUTH)
    walk = body["journeys"][0]["legs"][0]
    assert walk["mode"] == "walk" and walk["to"]["name"] == "Harbour"
    plain = Plain(town(), "walk")
    part = plain.largest()
    seconds = plain.between(plain.nearest(door, part), plain.nearest(HARBOUR, part))
    assert walk["duration_s"] == pytest.approx(seconds, abs=2)
    line = [(lon, lat) for lon, lat in walk["geometry"]["coordinates"]]
    assert line[0] == door and line[-1] == HARBOUR and place_of("B5") in line
    length = sum(metres(a, b) for a, b in pairwise(line[1:]))
    assert walk["distance_m"] == pytest.approx(length, abs=2)
    assert [step["street"] for step in walk["steps"]] == ["6. Street", "Birch Avenue"]
    assert [step["turn"] for step in walk["steps"]] == ["depart", "left"]
    assert all(a["arrival"] <= b["departure"] for a, b in pairwise(body["journeys"][0]["legs"]))


def test_the_whole_way_on_foot_where_it_is_not_too_far(city: Path, client: Client) -> None:
    on_foot = ask(client, SOUTH, LOOKOUT)["walk"]["legs"][0]
    assert [step["street"] for step in on_foot["steps"]] == ["Sailors' Stairs"]
    rolling = ask(client, SOUTH, LOOKOUT, wheelchair="true")["walk"]["legs"][0]
    assert "Lookout Path" in {step["street"] for step in rolling["steps"]}
    assert "Sailors' Stairs" not in {step["street"] for step in rolling["steps"]}
    assert rolling["duration_s"] > 1.8 * on_foot["duration_s"]


def test_a_wheelchair_is_not_sent_up_stairs_between_two_buses(city: Path, client: Client) -> None:
    climbing = ask(client, HARBOUR, PEAK)["journeys"][0]
    assert lines(climbing) == ["1", "3"] and climbing["arrival"].startswith("2019-05-15T08:30")
    stairs = [leg for leg in climbing["legs"] if leg["mode"] == "walk" and leg["steps"]]
    assert [step["street"] for leg in stairs for step in leg["steps"]] == ["Terrace Stairs"]
    body = ask(client, HARBOUR, PEAK, wheelchair="true")
    assert lines(body["journeys"][0]) == ["1", "4"] and body["journeys"][0]["arrival"].startswith("2019-05-15T08:45")
    for journey in body["journeys"]:
        for leg in journey["legs"]:
            if leg["mode"] == "walk":
                assert not {step["street"] for step in leg["steps"]} & {"Terrace Stairs", "Sailors' Stairs", ""}
                # Who goes at a walker's pace is there when the next bus leaves.
                assert leg["duration_s"] >= leg["distance_m"] / 1.34 - 1


def test_transfers_of_the_feed_are_no_lift(city: Path, client: Client) -> None:
    """transfers.txt allows 300 s from the square to the terrace; that is up the stairs all the same."""
    made = feed()
    made["transfers.txt"] = "from_stop_id,to_stop_id,transfer_type,min_transfer_time\nsquare,terrace,2,300\n"
    write_feed(city / "gtfs.zip", made)
    actions.load(lambda what, share: None)
    assert lines(ask(client, HARBOUR, PEAK)["journeys"][0]) == ["1", "3"]
    assert lines(ask(client, HARBOUR, PEAK, wheelchair="true")["journeys"][0]) == ["1", "4"]


def test_what_is_preferred_comes_first(city: Path, client: Client) -> None:
    """By bus and on foot: quickest with a change, or slower without one."""
    fastest = ask(client, HARBOUR, PEAK)
    assert lines(fastest["journeys"][0]) == ["1", "3"]
    fewer = ask(client, HARBOUR, PEAK, prefer="fewer_transfers")
    assert lines(fewer["journeys"][0]) == ["5"] and fewer["journeys"][0]["transfers"] == 0
    changes = [journey["transfers"] for journey in fewer["journeys"]]
    assert changes == sorted(changes) and fastest["journeys"][0]["transfers"] == 1


@pytest.mark.parametrize("mode", [{}, {"mode": "arrive", "time": "08:35"}])
def test_less_walking_is_less_walking(city: Path, client: Client, mode: dict[str, str]) -> None:
    """Line 1 stops seven minutes on foot from the dock; line 6 goes there, slower than the whole way on foot is."""
    fastest, less = (ask(client, HARBOUR, DOCK, **mode, prefer=prefer) for prefer in ("fastest", "less_walking"))
    assert 1200 < fastest["walk"]["duration_s"] < 1400
    if not mode:
        assert lines(fastest["journeys"][0]) == ["1"] and 400 < fastest["journeys"][0]["walk_s"] < 440
    assert lines(less["journeys"][0]) == ["6"] and less["journeys"][0]["walk_s"] == 0
    walks = [journey["walk_s"] // 120 for journey in less["journeys"]]
    assert walks == sorted(walks)


def test_a_new_street_map_gives_new_walks(city: Path, client: Client) -> None:
    """The feed is the same: what was made of it and of the old streets is made anew."""
    made = town()
    made.ways = [way for way in made.ways if way.name != "Terrace Stairs"]
    made.write(city / "town.osm")
    places.load(lambda what, share: None)
    actions.load(lambda what, share: None)
    assert lines(ask(client, HARBOUR, PEAK)["journeys"][0]) == ["1", "4"]


def test_streets_squares_and_schools_are_found_by_name(city: Path, client: Client) -> None:
    def search(words: str, language: str = "en") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(
            "/api/places/search", {"q": words}, headers={"Accept-Language": language}
        ).json()
        return found

    (street,) = search("birch av")
    assert (street["name"], street["kind"]) == ("Birch Avenue", "street")
    assert street["lon"] == pytest.approx(HARBOUR[0]) and -30.05 <= street["lat"] <= -30.01
    assert search("terrace stairs")[0]["kind"] == "street"
    assert search("시립")[0]["kind"] == "library" and search("library", "es")[0]["name"] == "Biblioteca"
    assert search("old quarter")[0]["kind"] == "suburb"
    names = {place["name"] for word in ("private cut", "bench", "to be built") for place in search(word)}
    assert not names & {"Private Cut", "A bench", "To Be Built Cut"}
    here = client.get("/api/places/here", {"lon": -51.2302, "lat": -30.0299}).json()
    assert here["name"] == "Harbour Pier"


def test_the_planners_page_tells_the_walk(city: Path, client: Client) -> None:
    asked = {"from": "terrace stairs", "to": "hill road", "date": "2019-05-15", "time": "08:00"}
    page = client.get("/transit/", asked)
    text = page.content.decode()
    assert page.status_code == 200 and "Terrace Stairs" in text and "Hill" in text
    chosen = client.get("/transit/", {**asked, "prefer": "less_walking"}).content.decode()
    assert 'value="less_walking" data-option checked' in chosen


def test_the_city_has_its_own_base_map(city: Path, client: Client) -> None:
    plain = client.get("/map/style-light.json").json()
    assert plain["sources"] == {} and client.get("/map/basemap.pmtiles").status_code == 404
    basemap.load(lambda what, share: None)
    styles = {
        language: client.get("/map/style-light.json", headers={"Accept-Language": language})
        for language in ("en", "ko")
    }
    texts = {language: json.dumps(answer.json()) for language, answer in styles.items()}
    assert '"name:ko"' in texts["ko"] and '"name:ko"' not in texts["en"]
    assert "Accept-Language" in styles["ko"].headers["Vary"] and "Cookie" in styles["ko"].headers["Vary"]
    url = styles["en"].json()["sources"]["basemap"]["url"].removeprefix("pmtiles://http://testserver")
    answer = client.get(url, headers={"Range": "bytes=0-126"})
    assert answer.status_code == 206 and answer.content[:8] == b"PMTiles\x03"


def test_times_are_those_of_the_legs(city: Path, client: Client) -> None:
    for journey in ask(client, (-51.2285, -30.0251), PEAK)["journeys"]:
        legs = journey["legs"]
        assert legs[0]["departure"] == journey["departure"] and legs[-1]["arrival"] == journey["arrival"]
        walked = sum(leg["duration_s"] for leg in legs if leg["mode"] == "walk")
        assert journey["walk_s"] == walked
        lasted = datetime.fromisoformat(journey["arrival"]) - datetime.fromisoformat(journey["departure"])
        assert journey["duration_s"] == lasted.total_seconds() and journey["duration_s"] > walked


def test_a_detour_is_drawn_along_the_streets(city: Path, client: Client) -> None:
    person = Person.objects.create_user("dispatcher@example.org", "secret-enough-1")
    grant(system("test"), person, "transit.dispatcher")
    client.force_login(person)
    (from_lon, from_lat), (to_lon, to_lat) = HARBOUR, SOUTH
    asked = {"from_lon": from_lon, "from_lat": from_lat, "to_lon": to_lon, "to_lat": to_lat}
    way = client.get("/api/transit/streets/way", asked).json()
    assert way["along"] and len(way["points"]) > 2
    assert metres(way["points"][0], HARBOUR) < 60 and metres(way["points"][-1], SOUTH) < 60
