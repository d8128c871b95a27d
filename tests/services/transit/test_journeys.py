"""Journeys by the API and by the page, over a feed that is years out of date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityhall.engines import groups, latches
from cityhall.services.transit import days

HARBOUR, HILL, SOUTH, NORTH = "-51.2300,-30.0300", "-51.1500,-30.0300", "-51.2150,-30.0450", "-51.2150,-30.0150"


@pytest.fixture
def ask(city: Path, client: Client) -> Any:
    def get(**query: str) -> Any:
        asked = {"from": HARBOUR, "to": SOUTH, "date": "2019-05-15", "time": "08:00"} | query
        return client.get("/api/transit/journeys", asked)

    return get


def test_from_door_to_door_with_a_change(ask: Any) -> None:
    body = ask().json()
    assert body["out_of_date"] is False
    best = body["journeys"][0]
    rides = [leg for leg in best["legs"] if leg["mode"] != "walk"]
    assert [leg["line"] for leg in rides] == ["1", "2"]
    assert best["departure"].startswith("2019-05-15T08:00") and best["departure"].endswith("-03:00")
    assert best["arrival"].startswith("2019-05-15T08:22")
    assert best["transfers"] == 1
    assert [stop["name"] for stop in rides[0]["stops"]] == ["Harbour", "Market Square"]
    assert rides[0]["geometry"]["coordinates"][0] == [-51.23, -30.03]


def test_to_be_there_by_a_time(ask: Any) -> None:
    best = ask(time="09:00", mode="arrive").json()["journeys"][0]
    assert best["arrival"] <= "2019-05-15T09:00"
    assert best["departure"].startswith("2019-05-15T08:30")


def test_no_wheelchair_is_sent_to_a_stop_it_cannot_use(ask: Any) -> None:
    assert ask(to=NORTH, **{"from": SOUTH}).json()["journeys"] == []
    body = ask(**{"from": NORTH, "to": SOUTH}).json()
    assert body["journeys"]
    assert ask(**{"from": NORTH, "to": SOUTH, "wheelchair": "true"}).json()["journeys"] == []


def test_a_feed_out_of_date_answers_for_a_usual_day_and_says_so(ask: Any) -> None:
    body = ask(date="2026-11-24").json()
    assert body["out_of_date"] is True
    assert body["asked_day"] == "2026-11-24"
    day = date.fromisoformat(body["day"])
    assert day.weekday() == 1 and date(2019, 4, 1) <= day <= date(2019, 6, 30)
    assert body["valid_to"] == "2019-06-30"
    assert body["journeys"]


def test_late_at_night_the_first_bus_of_the_morning_is_the_answer(ask: Any) -> None:
    best = ask(time="23:30", to=HILL).json()["journeys"][0]
    assert best["departure"].startswith("2019-05-16T06:00")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": HARBOUR}, "to"),
        ({"to": "0,0"}, "to"),
        ({"from": "nowhere"}, "from"),
        ({"to": ""}, "to"),
        ({"from": "999,0"}, "from"),
        ({"to": "1,2,3"}, "to"),
    ],
)
def test_what_cannot_be_answered_says_what_to_do(ask: Any, query: dict[str, str], field: str) -> None:
    answer = ask(**query)
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.json()["message"] and answer.json()["mend"]


def test_the_page_works_without_a_script_and_can_be_shared(city: Path, client: Client) -> None:
    from cityhall.kernel.places import loading

    loading.load_service_names(lambda what, share: None)
    page = client.get("/transit/", {"from": "harbour", "to": "south beach", "date": "2019-05-15", "time": "08:00"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "08:00" in text and "08:22" in text and "Market Square" in text
    part = client.get(page.request["PATH_INFO"], page.request["QUERY_STRING"] and {}, headers={"HX-Target": "results"})
    assert "<html" not in part.content.decode()


def test_before_anything_is_loaded_the_page_says_so(folder: Path, client: Client) -> None:
    page = client.get("/transit/")
    assert page.status_code == 200
    assert "No timetable has been loaded yet" in page.content.decode()
    assert client.get("/api/transit/journeys", {"from": HARBOUR, "to": HILL}).status_code == 503


def test_while_the_search_is_compiled_everything_else_is_there(
    city: Path, ask: Any, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(groups.FOLDER, str(tmp_path))
    latch = latches.Latch(tmp_path / groups.JOURNEYS)
    told = "Journeys are being got ready"
    refused = ask()
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert refused.json()["code"] == "getting_ready" and told in refused.json()["message"]
    there = {"from_lon": "-51.23", "from_lat": "-30.03", "to_lon": "-51.215", "to_lat": "-30.045"}
    page = client.get("/transit/", there)
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    # Without a script the page asks again by itself, with one only its answer does.
    text = page.content.decode()
    assert told in text and '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text
    part = client.get("/transit/", there, headers={"HX-Target": "results"})
    assert part.status_code == 200 and 'hx-trigger="load delay:5s"' in part.content.decode()
    front = client.get("/")
    assert front.status_code == 200 and told in front.content.decode()
    assert client.get("/transit/lines/").status_code == 200
    latch.open()
    assert ask().json()["journeys"]
    assert told not in client.get("/").content.decode()
    assert "http-equiv" not in client.get("/transit/", there).content.decode()


def test_stops_and_lines_have_pages(city: Path, client: Client) -> None:
    stop = client.get("/transit/stops/square/", {"date": "2019-05-15", "time": "08:00"}).content.decode()
    assert "Market Square" in stop and "08:06" in stop and "South Beach" in stop
    assert "Harbour" in client.get("/transit/lines/").content.decode()
    line = client.get("/transit/lines/R1/").content.decode()
    assert line.index("Harbour") < line.index("Market Square")
    for missing in ("/transit/stops/none/", "/transit/lines/none/", "/api/transit/stops/none"):
        assert client.get(missing).status_code == 404
    leaving = client.get("/api/transit/stops/square/departures?date=2019-05-15&time=08:00&limit=3").json()
    assert [departure["line"] for departure in leaving] == ["1", "1", "2"]


def test_the_feed_is_published_as_it_came(city: Path, client: Client) -> None:
    answer = client.get("/transit/gtfs.zip")
    assert b"".join(answer.streaming_content) == (city / "gtfs.zip").read_bytes()  # type: ignore[arg-type]
    assert client.get("/transit/gtfs.zip?file=2").status_code == 404


def test_seconds_of_a_day_on_which_the_clock_changes(settings: Any) -> None:
    """GTFS counts from noon minus twelve hours: where the clock goes forward, 08:00 is still 8 * 3600."""
    import dataclasses

    settings.CITY = dataclasses.replace(settings.CITY, timezone="Europe/Madrid")
    spring = date(2026, 3, 29)
    for hour in (4, 8, 20):
        moment = days.clock(spring, hour * 3600)
        assert (moment.hour, moment.date()) == (hour, spring)
        assert days.second_of(spring, moment.time()) == hour * 3600
